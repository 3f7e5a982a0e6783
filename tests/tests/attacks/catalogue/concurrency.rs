//! K: two of everything at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use importer::Progress;
use store::Store;

use super::bench::HELD;
use super::{Bench, Elsewhere, Letter, Open, attacks};

attacks! {
    k01_one_import_at_a_time "K01" ["E-BUSY", "accepted"];
    k02_a_scan_sees_one_generation_while_imports_activate_others "K02" ["accepted"];
    k05_an_import_that_ends_at_any_stage_leaves_the_old_or_the_new "K05" ["OLD", "NEW"];
    k07_a_reader_keeps_its_generation_through_the_sweep "K07" ["accepted"];
}

pub(crate) const LETTER: Letter = Letter {
    cases: CASES,
    elsewhere: &[
        Elsewhere {
            id: "K04",
            tests: &[
                "importer/tests/control/main.rs::k04_of_an_activation_and_a_withdrawal_in_the_same_second_exactly_one_happens",
                "importer/tests/control/main.rs::k04_of_an_approval_and_a_withdrawal_in_the_same_second_one_comes_first",
                "importer/tests/control/main.rs::k04_two_approvers_in_the_same_second_both_count",
                "tests/tests/crash/main.rs::k04_two_approvals_count_in_every_order",
                "tests/tests/crash/main.rs::k04_of_an_approval_and_a_withdrawal_one_comes_first_in_every_order",
                "tests/tests/crash/main.rs::k04_of_an_activation_and_a_withdrawal_exactly_one_happens_in_every_order",
                "store/tests/pending.rs::k04_a_request_is_not_carried_out_on_the_ground_of_an_older_policy_or_of_an_older_row",
            ],
        },
        Elsewhere {
            id: "K03",
            tests: &[
                "tests/tests/crash/main.rs::k03_an_export_beside_an_activation_is_the_log_of_one_moment_in_every_order",
            ],
        },
        Elsewhere {
            id: "K08",
            tests: &[
                "tests/tests/crash/main.rs::k08_a_scan_beside_two_imports_serves_one_generation_whole_in_every_order",
                "tests/tests/crash/main.rs::k08_a_scan_that_holds_its_generation_misses_no_file_in_any_order_of_an_import_that_sweeps",
            ],
        },
        Elsewhere { id: "K01", tests: &["store/tests/store.rs::two_imports_do_not_run_at_once"] },
        Elsewhere {
            id: "K02",
            tests: &["store/tests/store.rs::a_second_handle_sees_the_flip_while_the_first_keeps_its_generation"],
        },
        Elsewhere {
            id: "K05",
            tests: &["tests/tests/refusals.rs::a_kill_at_any_step_leaves_the_old_or_the_new_generation"],
        },
    ],
    open: &[Open { id: "K06", reason: "there is no queue outside of the process; to be tested when there is one" }],
};

fn k01_one_import_at_a_time(bench: &mut Bench) {
    let kit = bench.draft().kit();
    let held = bench.store.lock_import().expect("free");
    bench.turn_away("while another import of this process runs", &kit, "E-BUSY");
    drop(held);
    let other = Store::open(bench.state("")).expect("a second handle, as the command line has one");
    let held = other.lock_import().expect("free");
    bench.turn_away("while another handle's import runs", &kit, "E-BUSY");
    drop(held);
    bench.accept("when the other has ended", &kit);
}

fn k02_a_scan_sees_one_generation_while_imports_activate_others(bench: &mut Bench) {
    const SCANS: usize = 1000;
    let generation = bench.store.open_current().expect("active");
    let (done, scans) = (AtomicBool::new(false), AtomicUsize::new(0));
    let blobs = Store::open(bench.state("")).expect("a second handle");
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                // Kit 5 has one record; every later one has more.
                while !done.load(Ordering::Relaxed) || scans.load(Ordering::Relaxed) < SCANS {
                    let view = generation.view().expect("a view");
                    assert_eq!(view.resolve("RUSTSEC-2020-0000").expect("read"), ["RUSTSEC-2020-0000"]);
                    assert!(view.resolve("RUSTSEC-2020-0001").expect("read").is_empty(), "a record of another kit");
                    let record = view.advisory("RUSTSEC-2020-0000", blobs.blobs()).expect("read");
                    assert_eq!(record.expect("is there").id, "RUSTSEC-2020-0000");
                    scans.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for version in HELD + 1..HELD + 3 {
            let kit = bench.draft_of(version, 4).kit();
            bench.accept(&format!("kit {version}"), &kit);
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(scans.load(Ordering::Relaxed) >= SCANS);
}

/// The stages that an import reports, in their order; copying and loading more than once.
fn stages(bench: &mut Bench) -> usize {
    static REPORTED: AtomicUsize = AtomicUsize::new(0);
    REPORTED.store(0, Ordering::Relaxed);
    bench.progress = Box::new(|_| {
        REPORTED.fetch_add(1, Ordering::Relaxed);
    });
    let kit = bench.draft().kit();
    let source = bench.medium(&kit);
    bench.import_changing(source).unwrap_or_else(|error| panic!("{error}"));
    REPORTED.load(Ordering::Relaxed)
}

fn k05_an_import_that_ends_at_any_stage_leaves_the_old_or_the_new(bench: &mut Bench) {
    let count = stages(&mut Bench::new());
    assert!(count >= 7, "only {count} stages are reported");
    for stage in 0..count {
        let reported = AtomicUsize::new(0);
        bench.progress = Box::new(move |_: Progress| {
            assert!(reported.fetch_add(1, Ordering::Relaxed) != stage, "the operator ends it here");
        });
        let before = bench.store.current().expect("readable");
        let kit = bench.draft_of(HELD + 1 + stage as u64, 2).kit();
        let source = bench.medium(&kit);
        let ended = catch_unwind(AssertUnwindSafe(|| bench.import_changing(source)));
        bench.check_serves(&format!("ended at stage {stage}"));
        let after = bench.store.current().expect("readable");
        let word = if after == before { "OLD" } else { "NEW" };
        // The last report comes when the kit is active; a panic of a worker's thread is a refusal.
        assert!(word == "OLD" || stage + 1 == count, "stage {stage} of {count}");
        assert!(!matches!(ended, Ok(Ok(_))), "stage {stage}: it was to end");
        bench.note(&format!("stage {stage}"), word);
    }
}

fn k07_a_reader_keeps_its_generation_through_the_sweep(bench: &mut Bench) {
    let old = bench.store.open_current().expect("active");
    for version in HELD + 1..HELD + 6 {
        let kit = bench.draft_of(version, version as usize).kit();
        bench.accept(&format!("kit {version}"), &kit);
    }
    assert!(bench.store.open_generation(old.row().number).is_err(), "generation 1 is forgotten by now");
    let view = old.view().expect("and still open here");
    assert_eq!(view.resolve("RUSTSEC-2020-0000").expect("read"), ["RUSTSEC-2020-0000"]);
    assert!(view.resolve("RUSTSEC-2020-0002").expect("read").is_empty());
}
