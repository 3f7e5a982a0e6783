//! A data set out of a generation, segment by segment, as the vendor signed it.
//!
//! After deltas no blob holds the whole any more: the segments are built again from the records,
//! and each must come out with the digest that the manifest states for it.

use anyhow::{Result, bail};
use feeds::dataset::{Cut, Line, Manifest, Segment, SegmentKind};
use feeds::delta::{DeltaError, Rebuild};
use store::{Blobs, Generation, StoreError};

/// Takes a segment that is whole and right.
pub(crate) type Sink<'a> = &'a dyn Fn(&Segment, &[u8]) -> Result<()>;

/// Why a line could not be passed on.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Segment(DeltaError<std::convert::Infallible>),
    #[error("{0:#}")]
    Sink(anyhow::Error),
}

/// Gives all segments of the generation's data set to `write`.
pub(crate) fn segments(generation: &Generation, blobs: &Blobs, manifest: &Manifest, write: Sink<'_>) -> Result<()> {
    let view = generation.view()?;
    for kind in SegmentKind::ALL {
        let mut rebuild = Rebuild::new(kind, &manifest.segments);
        let mut take = |key: &str, raw: &[u8]| match rebuild.push(Line { key, raw }).map_err(Refused::Segment)? {
            Some(cut) => pass(&cut, write),
            None => Ok(()),
        };
        let passed = match kind {
            SegmentKind::Advisory => view.advisory_lines(blobs, &mut take),
            SegmentKind::Kev => view.known_exploited_lines(blobs, &mut take),
            SegmentKind::Epss => view.epss_lines(&mut take),
            SegmentKind::Vex => view.vex_lines(blobs, &mut take),
        };
        if let Err(error) = passed.and_then(|()| rebuild.finish().map_err(Refused::Segment)) {
            bail!("the {kind} records are not those that were signed: {error}");
        }
    }
    Ok(())
}

fn pass((segment, bytes): &Cut, write: Sink<'_>) -> Result<(), Refused> {
    write(segment, bytes).map_err(Refused::Sink)
}
