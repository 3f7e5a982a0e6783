//! VEX documents of a kit: read in the worker, under the limits of every reader, before the kit can become active.

use std::sync::{Mutex, PoisonError};

use domain::vex::CarriedVex;
use feeds::dataset::{Row, VEX_LINE_BYTES_MAX};
use policy::vex::Limits;

use crate::error::ImportError;

/// What a document says may take twenty times its bytes while it is read, and the worker's memory is bounded: the threads take
/// turns.
static TURN: Mutex<()> = Mutex::new(());

/// A document that every scan will be able to read. Statements that cannot be used are no reason to refuse a kit: they leave
/// findings standing.
pub(super) fn parse(path: &str, line: &[u8]) -> Result<CarriedVex, ImportError> {
    if line.len() > VEX_LINE_BYTES_MAX {
        let message = format!("a VEX document is longer than {VEX_LINE_BYTES_MAX} bytes as a line");
        return Err(ImportError::semantic(path, message));
    }
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let carried = CarriedVex::parse_canonical(line).map_err(|error| ImportError::semantic(path, error))?;
    match policy::vex::read_carried(&carried, &Limits::default()) {
        Ok(_) => Ok(carried),
        Err(error) => Err(ImportError::semantic(path, format!("VEX document {:?}: {error}", carried.name))),
    }
}
