//! C: faults of the machine. What the importer meets without a crash is here; power cuts are
//! simulated elsewhere.

use std::fs::File;

use super::{Bench, Elsewhere, Letter, Open, attacks};

attacks! {
    c15_a_stick_that_is_pulled_loses_nothing_that_was_read "C15" ["RES", "accepted"];
    c07_a_medium_that_cannot_be_read_is_not_the_kits_fault "C07" ["E-IO-READ"];
    c18_a_state_of_a_newer_program_is_not_written "C18" ["E-STATE"];
}

pub(crate) const LETTER: Letter = Letter {
    cases: CASES,
    elsewhere: &[
        Elsewhere {
            id: "C01",
            tests: &[
                "tests/tests/refusals.rs::a_kill_at_any_step_leaves_the_old_or_the_new_generation",
                "tests/tests/crash/main.rs::c01_a_kill_at_any_operation_of_an_import_leaves_the_old_or_the_new_generation",
                "tests/tests/crash/main.rs::c01_a_kill_at_any_operation_while_a_kit_is_staged_leaves_it_waiting_or_not_there",
                "tests/tests/crash/main.rs::c01_a_kill_at_any_operation_of_an_approval_leaves_it_counted_or_not_made",
                "tests/tests/crash/main.rs::c01_a_kill_at_any_operation_while_a_held_kit_is_activated_leaves_it_waiting_or_active",
            ],
        },
        Elsewhere {
            id: "C02",
            tests: &[
                "tests/tests/crash/main.rs::a_power_cut_in_the_first_import_leaves_nothing_or_all",
                "tests/tests/crash/main.rs::a_power_cut_in_an_import_leaves_the_old_or_the_new_generation",
            ],
        },
        Elsewhere {
            id: "C03",
            tests: &[
                "tests/tests/crash/main.rs::a_power_cut_in_the_first_import_leaves_nothing_or_all",
                "tests/tests/crash/main.rs::a_power_cut_in_an_import_leaves_the_old_or_the_new_generation",
            ],
        },
        Elsewhere {
            id: "C04",
            tests: &[
                "tests/tests/torn.rs::c04_a_torn_write_inside_of_any_file_is_noticed_or_changes_nothing",
                "tests/tests/torn.rs::c04_a_torn_blob_or_index_is_repaired_by_the_kit_that_it_came_with",
                "tests/tests/crash/main.rs::a_power_cut_in_the_first_import_leaves_nothing_or_all",
                "tests/tests/crash/main.rs::a_power_cut_in_an_import_leaves_the_old_or_the_new_generation",
            ],
        },
        Elsewhere {
            id: "C05",
            tests: &[
                "tests/tests/crash/main.rs::a_power_cut_in_the_first_import_leaves_nothing_or_all",
                "tests/tests/crash/main.rs::a_power_cut_in_an_import_leaves_the_old_or_the_new_generation",
            ],
        },
        Elsewhere {
            id: "C06",
            tests: &[
                "tests/tests/refusals.rs::an_import_that_cannot_write_its_blobs_ends_and_the_next_one_succeeds",
                "tests/tests/crash/main.rs::a_fault_of_any_operation_of_an_import_leaves_the_data_served",
                "tests/tests/crash/main.rs::a_kit_that_would_fill_the_disk_is_refused_before_it_is_copied",
            ],
        },
        Elsewhere {
            id: "C09",
            tests: &[
                "tests/tests/crash/main.rs::c09_a_file_system_that_turns_read_only_at_any_operation_refuses_the_import_as_such_and_serves_on",
            ],
        },
        Elsewhere {
            id: "C12",
            tests: &[
                "store/tests/audit.rs::a_checkpoint_that_cannot_be_published_is_reported_stops_the_next_action_and_is_made_good_once",
                "tests/tests/audit.rs::the_appliance_makes_good_at_its_start_what_a_crash_has_left_unsigned",
            ],
        },
        Elsewhere {
            id: "C13",
            tests: &[
                "tests/tests/crash/main.rs::a_power_cut_in_the_first_import_leaves_nothing_or_all",
                "tests/tests/crash/main.rs::a_power_cut_while_the_oldest_generation_goes_leaves_all_others",
                "tests/tests/crash/main.rs::c13_a_power_cut_while_a_tile_of_the_log_is_filled_leaves_every_record_once",
                "tests/tests/crash/main.rs::c13_a_power_cut_after_a_tile_of_the_log_was_filled_leaves_every_record_once",
                "tests/tests/crash/main.rs::c13_a_power_cut_while_the_token_key_is_rotated_leaves_the_old_key_or_the_new_one",
                "tests/tests/crash/main.rs::c13_a_power_cut_while_the_token_key_is_rotated_again_leaves_the_old_key_or_the_new_one",
                "tests/tests/crash/main.rs::c13_a_fault_while_the_token_key_is_rotated_leaves_a_site_that_has_its_key",
                "store/tests/audit.rs::keys_that_a_crash_has_left_before_the_first_commit_are_taken",
            ],
        },
        Elsewhere {
            id: "C16",
            tests: &[
                "tests/tests/unopened.rs::c16_a_state_that_another_program_has_locked_is_left_alone",
                "tests/tests/unopened.rs::c16_a_state_with_a_damaged_header_is_left_alone",
                "tests/tests/unopened.rs::c16_a_state_in_a_format_of_another_version_is_left_alone",
                "tests/tests/unopened.rs::c16_a_file_of_something_else_is_no_state",
            ],
        },
        Elsewhere {
            id: "C15",
            tests: &[
                "tests/tests/worker.rs::c15_a_worker_that_hangs_is_stopped_when_its_time_is_over",
                "ouk/tests/kit/volume.rs::a_medium_that_fails_keeps_what_was_read_before",
                "store/tests/sets.rs::c15_a_medium_that_is_pulled_gives_what_was_read_of_it",
                "importer/tests/parts/pulled.rs::c15_a_medium_that_fails_while_it_is_read_is_resumed_with_another",
            ],
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
                "store/tests/store.rs::an_index_with_one_changed_byte_never_says_anything_else",
                "store/tests/store.rs::a_tampered_segment_is_found_when_an_advisory_is_read",
            ],
        },
    ],
    open: &[
        Open {
            id: "C15",
            reason: "a worker that hangs is stopped; a medium that hangs in the kernel is not simulated",
        },
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

fn c15_a_stick_that_is_pulled_loses_nothing_that_was_read(bench: &mut Bench) {
    // What a copy by hand leaves of it is a shorter file.
    let kit = bench.draft().kit();
    let cut = kit.len() - 200;
    let incomplete = bench.resume("pulled near the end", &kit[..cut]);
    assert!(incomplete.files[0].ending == importer::Ending::Cut && incomplete.files[0].frames > 0);
    let again = bench.resume("pulled at the same place", &kit[..cut]);
    assert_eq!((again.files[0].new, again.set.row.volumes.len()), (0, 1));
    bench.accept("another copy", &kit);
    assert!(bench.store.sets().expect("readable").is_empty(), "the set ends with its kit");
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
