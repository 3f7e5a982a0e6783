//! C: faults of the machine. What the importer meets without a crash is here; power cuts are
//! simulated elsewhere.

use std::fs::File;

use super::{Bench, Elsewhere, Letter, Open, attacks};

attacks! {
    c07_a_medium_that_cannot_be_read_is_not_the_kits_fault "C07" ["E-IO-READ"];
    c18_a_state_of_a_newer_program_is_not_written "C18" ["E-STATE"];
}

pub(crate) const LETTER: Letter = Letter {
    cases: CASES,
    elsewhere: &[
        Elsewhere {
            id: "C01",
            tests: &["tests/tests/refusals.rs::a_kill_at_any_step_leaves_the_old_or_the_new_generation"],
        },
        Elsewhere {
            id: "C06",
            tests: &["tests/tests/refusals.rs::an_import_that_cannot_write_its_blobs_ends_and_the_next_one_succeeds"],
        },
        Elsewhere {
            id: "C08",
            tests: &["ouk/tests/kit/archive.rs::a_reader_that_fails_or_gives_single_bytes_is_handled"],
        },
        Elsewhere { id: "C10", tests: &["sandbox/tests/confinement/endings.rs::every_end"] },
        Elsewhere { id: "C11", tests: &["sandbox/tests/confinement/endings.rs::every_end"] },
        Elsewhere {
            id: "C14",
            tests: &[
                "store/tests/store.rs::a_blob_that_is_not_what_its_name_says_is_refused_and_replaced",
                "store/tests/store.rs::an_index_with_one_changed_byte_is_not_opened",
                "store/tests/store.rs::a_tampered_segment_is_found_when_an_advisory_is_read",
            ],
        },
    ],
    open: &[
        Open {
            id: "C01",
            reason: "killed at each reported step (tests/tests/refusals.rs); 40 points need the simulated disk",
        },
        Open { id: "C02", reason: "the simulated disk is built on another branch" },
        Open { id: "C03", reason: "the simulated disk is built on another branch" },
        Open { id: "C04", reason: "the simulated disk is built on another branch" },
        Open { id: "C05", reason: "the simulated disk is built on another branch" },
        Open {
            id: "C06",
            reason: "a full disk is tested at the blobs (R05); at every write it needs the simulated disk",
        },
        Open { id: "C09", reason: "no test remounts the file system read-only" },
        Open { id: "C12", reason: "checkpoints are built on another branch; there is no TPM counter" },
        Open { id: "C13", reason: "the simulated disk is built on another branch" },
        Open { id: "C15", reason: "a medium that hangs is not simulated; one that fails is C07" },
        Open { id: "C16", reason: "a cut database is M12; a locked one and a wrong version of redb are not tested" },
        Open { id: "C17", reason: "the appliance does not update itself yet" },
    ],
};

fn c07_a_medium_that_cannot_be_read_is_not_the_kits_fault(bench: &mut Bench) {
    // Reading this one at 0 is an I/O error, as of a failing medium.
    let failing = File::open("/proc/self/mem").expect("Linux");
    let error = bench.refuse_source("an I/O error", failing, "E-IO-READ");
    assert!(!error.is_rejection(), "nothing is held against the kit");
    assert!(bench.store.quarantined().expect("readable").is_empty());
}

fn c18_a_state_of_a_newer_program_is_not_written(bench: &mut Bench) {
    bench.close();
    let path = bench.state("state.redb");
    let whole = std::fs::read(&path).expect("there");
    // The schema is the one value of the table `meta`: its key stands before it.
    let mut newer = whole.clone();
    let key = b"schema";
    let places: Vec<usize> = newer
        .windows(10)
        .enumerate()
        .filter(|(_, window)| *window == [key.as_slice(), &2_u32.to_le_bytes()].concat())
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty(), "the schema was not found");
    places.into_iter().for_each(|at| newer[at + 6] = 3);
    std::fs::write(&path, &newer).expect("written");
    let error = store::Store::open(bench.state("")).err().expect("refused").to_string();
    assert!(error.contains("newer program"), "{error}");
    bench.note("schema 3", "E-STATE");
    std::fs::write(&path, &whole).expect("written");
    bench.store = store::Store::open(bench.state("")).expect("opens");
}
