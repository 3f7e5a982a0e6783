//! From fuzz input to instructions.

use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};

use super::content::Content;
use super::shape::Shape;
use super::signed::Signed;

const BENDS_MAX: usize = 6;

/// How to make a kit.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) version: u64,
    /// By how many days the clock is ahead of the signing.
    pub(crate) wall_days: i64,
    /// Is the manifest made to fit the segments again? Then what is wrong with them is not found by a digest.
    pub(crate) settle: bool,
    pub(crate) bends: Vec<Bend>,
}

/// One thing that no honest builder does.
#[derive(Arbitrary, Debug)]
pub(crate) enum Bend {
    Content(Content),
    Signed(Signed),
    Shape(Shape),
}

impl Plan {
    /// Never fails: what the input does not say is nothing.
    pub(crate) fn decode(data: &[u8]) -> Self {
        let mut input = Unstructured::new(data);
        let mut byte = || u8::arbitrary(&mut input).unwrap_or_default();
        let version = [6, 7, 5, 4][usize::from(byte() % 4)];
        let wall_days = [0, 1, 30, 50, 70, 400, 4000][usize::from(byte() % 7)];
        let settle = byte() % 4 != 3;
        let mut bends = Vec::new();
        while !input.is_empty() && bends.len() < BENDS_MAX {
            let Ok(bend) = Bend::arbitrary(&mut input) else { break };
            bends.push(bend);
        }
        Self { version, wall_days, settle, bends }
    }

    pub(crate) fn contents(&self) -> impl Iterator<Item = &Content> {
        self.bends.iter().filter_map(|bend| if let Bend::Content(content) = bend { Some(content) } else { None })
    }

    pub(crate) fn signed(&self) -> impl Iterator<Item = &Signed> {
        self.bends.iter().filter_map(|bend| if let Bend::Signed(signed) = bend { Some(signed) } else { None })
    }

    pub(crate) fn shapes(&self) -> impl Iterator<Item = &Shape> {
        self.bends.iter().filter_map(|bend| if let Bend::Shape(shape) = bend { Some(shape) } else { None })
    }
}
