//! C15: a stick that is pulled while it is read.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use importer::Ending;

use crate::bench::{Site, kit};

/// A file that gives these bytes, and then fails: a connection that was reset, because its other end went
/// away without having read.
fn failing_behind(bytes: &[u8]) -> File {
    let (mut near, mut far) = UnixStream::pair().expect("a pair");
    near.write_all(b"unread").expect("written");
    far.write_all(bytes).expect("small enough");
    drop(far);
    File::from(OwnedFd::from(near))
}

#[test]
fn c15_a_medium_that_fails_while_it_is_read_is_resumed_with_another() {
    let (site, kit) = (Site::new(), kit(3));
    let read = kit.starts[4] + 10;
    let imported = site.take(vec![failing_behind(&kit.bytes[..read])]).expect("kept");
    let importer::Outcome::Incomplete(incomplete) = imported.outcome else { panic!("{:?}", imported.outcome) };
    assert_eq!((incomplete.set.kept_frames, incomplete.files[0].ending), (4, Ending::Cut));
    assert!(incomplete.files[0].warnings()[0].contains("reset"), "{:?}", incomplete.files[0].warnings());
    // The other half from another one.
    let row = site.active(&[&kit.volume(4..kit.frames())]);
    assert_eq!(row.kit_sha256, domain::digest::Digest::of(&kit.bytes));
}

#[test]
fn a_medium_that_fails_before_there_is_anything_is_not_the_kits_fault() {
    let (site, kit) = (Site::new(), kit(3));
    for read in [0, 100, kit.starts[0], kit.starts[1] - 1] {
        let error = site.take(vec![failing_behind(&kit.bytes[..read])]).expect_err("nothing to keep");
        assert_eq!((error.code(), error.is_rejection()), ("E-IO-READ", false), "{read} bytes: {error}");
        assert_eq!(site.sets(), 0);
    }
    assert!(site.store.quarantined().expect("readable").is_empty());
}

#[test]
fn a_medium_that_fails_behind_the_last_frame_was_read_far_enough() {
    let (site, kit) = (Site::new(), kit(3));
    let read = kit.bytes.len() - 3;
    let imported = site.take(vec![failing_behind(&kit.bytes[..read])]).expect("whole");
    assert!(matches!(imported.outcome, importer::Outcome::Activated(_)), "{:?}", imported.outcome);
    assert!(imported.warnings[0].contains("could not be read on"), "{:?}", imported.warnings);
}
