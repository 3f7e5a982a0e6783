//! R: attacks on space, descriptors and transport.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ouk::limits::Limits;
use store::Store;
use store::disk::{Disk, DiskFile, DiskLock, OpenMode, RealDisk, Stat, StorageBackend};

use super::{Bench, Elsewhere, Letter, Open, attacks};

attacks! {
    r05_a_kit_that_would_fill_the_disk_is_refused_before_it_is_copied "R05" ["E-SPACE", "E-LIMIT"];
    r07_failed_imports_leave_nothing_open "R07" ["E-NAME", "E-DIGEST", "E-TS-SIG"];
    r09_names_of_targets_are_never_paths "R09" ["E-NAME", "accepted"];
}

pub(crate) const LETTER: Letter = Letter {
    cases: CASES,
    elsewhere: &[
        Elsewhere {
            id: "R04",
            tests: &[
                "tests/tests/transport.rs::r04_a_request_that_could_be_cut_apart_in_two_ways_is_refused",
                "tests/tests/transport.rs::r04_a_length_beside_chunks_ends_the_connection_behind_the_one_answer",
                "tests/tests/transport.rs::r04_chunks_that_are_no_chunks_are_refused",
                "tests/tests/transport.rs::r04_headers_without_end_are_cut_off",
                "tests/tests/transport.rs::r04_a_flood_over_http2_ends_its_own_connection_and_no_other",
            ],
        },
        Elsewhere {
            id: "R05",
            tests: &[
                "store/tests/store.rs::more_than_the_file_system_holds_is_refused_with_both_numbers",
                "tests/tests/refusals.rs::an_import_that_cannot_write_its_blobs_ends_and_the_next_one_succeeds",
            ],
        },
        Elsewhere {
            id: "R06",
            tests: &[
                "tests/tests/beside.rs::r06_a_scan_waits_for_no_step_of_an_import_and_uses_the_old_data_until_the_last",
                "tests/tests/beside.rs::r06_scans_are_answered_in_time_while_imports_keep_every_processor_busy",
            ],
        },
    ],
    open: &[
        Open {
            id: "R01",
            reason: "kits are not uploaded over HTTP yet; the listener's own limits are in appliance/src/http",
        },
        Open { id: "R02", reason: "kits are not uploaded over HTTP yet" },
        Open { id: "R03", reason: "kits are not uploaded over HTTP yet" },
        Open { id: "R08", reason: "no import API and no identity yet" },
    ],
};

/// A disk that says it has this much space.
#[derive(Debug)]
struct Nearly(u64);

impl Disk for Nearly {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        RealDisk.create_dir(path)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        RealDisk.open(path, mode)
    }

    fn open_database(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn StorageBackend>> {
        RealDisk.open_database(path, mode)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_file(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        RealDisk.list(path)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        RealDisk.stat(path)
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        RealDisk.try_lock(path)
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(self.0)
    }
}

fn r05_a_kit_that_would_fill_the_disk_is_refused_before_it_is_copied(bench: &mut Bench) {
    let mut draft = bench.draft();
    draft.put("os/zeros", &[0; 1 << 20]);
    let kit = draft.kit();
    assert!(kit.len() < 1 << 16, "a small kit of something large");
    let reserve = 32 << 20;
    for (what, free) in [
        ("nothing is left", 0),
        ("the reserve is left and no more", reserve),
        ("the kit fits and what is in it does not", reserve + kit.len() as u64),
    ] {
        bench.close();
        bench.store = Store::open_on(Arc::new(Nearly(free)), bench.state("")).expect("opens");
        bench.refuse(what, &kit, "E-SPACE");
    }
    bench.close();
    bench.store = Store::open(bench.state("")).expect("opens");
    bench.limits = Limits { kit_bytes_max: 1000, ..Limits::default() };
    bench.refuse("a kit over the limit", &kit, "E-LIMIT");
}

/// Descriptors of this process that lead into the bench.
fn open_files(bench: &Bench) -> usize {
    let root = bench.path("");
    let open = fs::read_dir("/proc/self/fd").expect("Linux").filter_map(Result::ok);
    open.filter(|entry| fs::read_link(entry.path()).is_ok_and(|target| target.starts_with(&root))).count()
}

fn r07_failed_imports_leave_nothing_open(bench: &mut Bench) {
    let mut unsigned = bench.draft();
    unsigned.sign_with("timestamp", vec![]);
    let mut swapped = bench.draft();
    *swapped.frames.values_mut().next().expect("one") = forge::compress(&forge::entry("blobs/x", b"x"));
    let kits = [
        (super::archive::with(bench, "META/../x", b"x"), "E-NAME"),
        (unsigned.kit(), "E-TS-SIG"),
        (swapped.kit(), "E-DIGEST"),
    ];
    kits.iter().for_each(|(kit, code)| bench.refuse("the first of its kind", kit, code));
    let before = open_files(bench);
    for round in 0..30 {
        kits.iter().for_each(|(kit, code)| bench.refuse(&format!("round {round}"), kit, code));
    }
    assert_eq!(open_files(bench), before, "descriptors");
    // Three refused kits are kept as evidence, however many there were.
    assert_eq!(fs::read_dir(bench.state("quarantine")).expect("there").count(), 6, "three kits and their notes");
}

fn r09_names_of_targets_are_never_paths(bench: &mut Bench) {
    let empty = domain::digest::Digest::of(b"");
    for path in ["../x", "/etc/passwd", "a//b", "os/..", "os/\u{202e}x", "os/a b", "", "C:\\x", "a/b/c/d/e"] {
        let mut draft = bench.draft();
        draft.target("targets", path, 0, &empty, serde_json::json!([]));
        bench.refuse(&format!("{path:?}"), &draft.kit(), "E-NAME");
    }
    let mut draft = bench.draft();
    draft.put("os/cas", b"a name that is one of ours");
    draft.put("os/state.redb", b"and another");
    bench.accept("names of our own files", &draft.kit());
    assert!(!bench.state("os").exists() && !bench.state("cas/os").exists());
}
