//! The import survives a power cut at any moment and a fault of any operation.
//!
//! The real importer runs on a simulated disk; every image that a power cut may leave is booted,
//! checked and imported into again. How many are tried is an argument, and so is the seed:
//! `make crash COUNT=20000 SEED=7`.

mod act;
mod bench;
mod cut;
mod explore;
mod kill;
mod parts;
mod sboms;
mod state;
mod sweep;
mod together;
mod workloads;

use std::path::{Path, PathBuf};

use bench::Kit::Version;
use explore::Workload;
use tests::simulation::{Fault, FaultKind, SimDisk};
use workloads::WORKLOADS;

/// A number from the environment, which `make crash` sets.
fn argument(name: &str, default: usize) -> usize {
    std::env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

fn explore(workload: &Workload) {
    let (count, seed) = (argument("STELLA_CRASH_COUNT", 200), argument("STELLA_CRASH_SEED", 1));
    let tally = workload.explore(count, seed as u64);
    #[expect(clippy::print_stdout, reason = "the figures are the result")]
    {
        println!(
            "{}: {} operations, {} outcomes of a power cut, {} distinct images and {} of a second power cut (seed {seed}): \
             all recovered",
            workload.name, tally.operations, tally.outcomes, tally.images, tally.nested
        );
    }
}

fn sweep(workload: &Workload) {
    // 1 of 23 by default: 23 has no factor in common with the steps of a protocol.
    let (stride, seed) = (argument("STELLA_CRASH_STRIDE", 23), argument("STELLA_CRASH_SEED", 1));
    let tally = workload.sweep(None, seed % stride, stride);
    assert!(!tally.is_empty(), "no operation was failed");
    #[expect(clippy::print_stdout, reason = "the figures are the result")]
    {
        let count: usize = tally.values().sum();
        println!("{}: {count} operations failed, {tally:?}: all recovered", workload.name);
    }
}

macro_rules! power_cuts {
    ($($name:ident: $number:literal,)*) => {
        $(#[test]
        fn $name() {
            explore(&WORKLOADS[$number]);
        })*

        #[test]
        fn every_workload_is_explored() {
            assert_eq!([$($number),*].len(), WORKLOADS.len());
        }
    };
}

power_cuts! {
    a_power_cut_in_the_first_import_leaves_nothing_or_all: 0,
    a_power_cut_in_an_import_leaves_the_old_or_the_new_generation: 1,
    a_power_cut_while_the_oldest_generation_goes_leaves_all_others: 2,
    a_power_cut_in_a_refused_import_leaves_the_old_generation_and_one_receipt_or_none: 3,
    a_power_cut_in_a_rollback_leaves_either_generation_active: 4,
    a_power_cut_in_an_import_of_the_active_kit_changes_nothing: 5,
    a_power_cut_in_an_import_after_a_rollback_leaves_either_generation_active: 6,
    a_power_cut_in_the_import_of_a_delta_leaves_the_base_or_the_result: 7,
    a_power_cut_while_a_kit_is_staged_leaves_it_waiting_or_not_there: 8,
    a_power_cut_while_a_kit_is_held_leaves_it_waiting_or_not_there: 9,
    a_power_cut_in_an_approval_leaves_it_counted_or_not_made: 10,
    a_power_cut_while_a_held_kit_is_activated_leaves_it_waiting_with_its_approvals_or_active: 11,
    a_power_cut_while_a_held_kit_makes_the_oldest_generation_go_leaves_all_others: 12,
    a_power_cut_in_a_withdrawal_leaves_the_request_with_its_approvals_or_none: 13,
    a_power_cut_in_an_emergency_leaves_the_kit_waiting_or_active_with_its_alarm: 14,
    a_power_cut_while_a_rollback_is_asked_for_leaves_it_waiting_or_not: 15,
    a_power_cut_while_a_held_rollback_is_carried_out_leaves_either_generation_active: 16,
    a_power_cut_while_the_policy_is_changed_leaves_the_old_or_the_new_one: 17,
    a_power_cut_while_a_change_of_the_policy_is_asked_for_leaves_it_waiting_or_not: 18,
    c13_a_power_cut_while_a_tile_of_the_log_is_filled_leaves_every_record_once: 19,
    c13_a_power_cut_after_a_tile_of_the_log_was_filled_leaves_every_record_once: 20,
    c13_a_power_cut_while_the_token_key_is_rotated_leaves_the_old_key_or_the_new_one: 21,
    c13_a_power_cut_while_the_token_key_is_rotated_again_leaves_the_old_key_or_the_new_one: 22,
}

#[test]
fn a_kit_that_would_fill_the_disk_is_refused_before_it_is_copied() {
    let start = bench::BENCH.site_with(&[Version(1)]);
    let disk = SimDisk::new(&start);
    let before = state::boot(&disk).expect("a whole state");
    // A reserve of 32 MiB for receipts and reports, and some bytes.
    disk.set_free_bytes((32 << 20) + 1000);
    let error = bench::BENCH.import(&bench::open(&disk).expect("a state"), Version(2)).expect_err("refused");
    assert_eq!(error.code(), "E-SPACE");
    let after = state::boot(&disk).expect("a whole state");
    assert_eq!((after.current, after.receipts.len()), (before.current, before.receipts.len() + 1));
    let (image, data) = (disk.image(), |path: &&Path| !path.starts_with(Path::new(bench::STATE).join("log")));
    let files = |image: &tests::simulation::Image| -> Vec<PathBuf> {
        image.paths().into_iter().filter(data).map(Path::to_owned).collect()
    };
    assert_eq!(files(&image), files(&start), "nothing but the log has grown");
}

#[test]
fn whoever_only_asks_neither_writes_nor_waits_for_the_disk() {
    let disk = SimDisk::new(&bench::BENCH.site_with(&[Version(1)]));
    disk.arm(Some(Fault { kind: FaultKind::ReadOnly, at: 0, persistent: true }));
    let store = bench::open(&disk).expect("a state");
    assert!(store.trust().expect("readable").is_some());
    let ecosystems = store.open_current().expect("a generation").ecosystems().clone();
    assert!(ecosystems.contains_key("crates.io"), "{ecosystems:?}");
    assert_eq!(disk.hits(), 0, "something was written, or synced");
    let error = bench::BENCH.import(&store, Version(2)).expect_err("no kit can be taken");
    assert_eq!(error.code(), "E-ROFS");
}

#[test]
fn a_fault_of_any_operation_of_the_first_import_is_recovered_from() {
    sweep(&WORKLOADS[0]);
}

#[test]
fn a_fault_of_any_operation_of_an_import_leaves_the_data_served() {
    sweep(&WORKLOADS[1]);
}

#[test]
fn a_fault_of_any_operation_of_the_import_of_a_delta_leaves_the_data_served() {
    sweep(&WORKLOADS[7]);
}

#[test]
fn a_fault_of_any_operation_of_a_refused_import_leaves_the_data_served() {
    sweep(&WORKLOADS[3]);
}

#[test]
fn a_fault_of_any_operation_of_a_rollback_leaves_the_data_served() {
    sweep(&WORKLOADS[4]);
}

macro_rules! faults {
    ($($name:ident: $number:literal,)*) => {
        $(#[test]
        fn $name() {
            sweep(&WORKLOADS[$number]);
        })*
    };
}

faults! {
    a_fault_while_a_kit_is_staged_leaves_the_data_served: 8,
    a_fault_in_an_approval_leaves_the_data_served: 10,
    a_fault_while_a_held_kit_is_activated_leaves_the_data_served: 11,
    a_fault_in_a_withdrawal_leaves_the_data_served: 13,
    a_fault_in_an_emergency_leaves_the_data_served: 14,
    a_fault_while_a_rollback_is_asked_for_leaves_the_data_served: 15,
    a_fault_while_a_held_rollback_is_carried_out_leaves_the_data_served: 16,
    a_fault_while_the_policy_is_changed_leaves_the_data_served: 17,
    a_fault_while_a_tile_of_the_log_is_filled_leaves_the_data_served: 19,
    c13_a_fault_while_the_token_key_is_rotated_leaves_a_site_that_has_its_key: 21,
}

fn stored_sboms_outlast_power_cuts(number: usize) {
    let (count, seed) = (argument("STELLA_CRASH_COUNT", 200), argument("STELLA_CRASH_SEED", 1));
    let (name, tally) = sboms::explore(number, count, seed as u64);
    #[expect(clippy::print_stdout, reason = "the figures are the result")]
    {
        println!(
            "{name}: {} operations, {} outcomes of a power cut, {} distinct images (seed {seed}): all recovered",
            tally.operations, tally.outcomes, tally.images
        );
    }
}

#[test]
fn a_power_cut_at_the_first_look_at_stored_sboms_leaves_a_file_that_opens() {
    stored_sboms_outlast_power_cuts(0);
}

#[test]
fn a_power_cut_while_sboms_are_stored_leaves_all_of_them_or_none() {
    stored_sboms_outlast_power_cuts(1);
}

#[test]
fn a_power_cut_while_a_stored_sbom_is_judged_anew_leaves_the_old_policy_or_the_new_one() {
    stored_sboms_outlast_power_cuts(2);
}

#[test]
fn a_power_cut_while_a_stored_sbom_is_removed_leaves_all_of_it_or_nothing() {
    stored_sboms_outlast_power_cuts(3);
}

#[test]
fn a_fault_of_any_operation_on_stored_sboms_loses_none_and_stops_no_appliance() {
    let (stride, seed) = (argument("STELLA_CRASH_STRIDE", 7), argument("STELLA_CRASH_SEED", 1));
    for number in 0..4 {
        let (name, count) = sboms::sweep(number, seed % stride, stride);
        assert!(count > 0, "{name}: no operation was failed");
        #[expect(clippy::print_stdout, reason = "the figures are the result")]
        {
            println!("{name}: {count} operations failed: all recovered");
        }
    }
}

/// One in so many, unless a number is given: with `make crash` all of them. Which ones, the seed says.
fn stride(default: usize) -> (usize, usize) {
    let stride = argument("STELLA_CRASH_STRIDE", default);
    (argument("STELLA_CRASH_SEED", 1) % stride, stride)
}

#[test]
fn k08_a_scan_beside_two_imports_serves_one_generation_whole_in_every_order() {
    together::a_reader_beside_two_imports(stride(61));
}

#[test]
fn k08_a_scan_that_holds_its_generation_misses_no_file_in_any_order_of_an_import_that_sweeps() {
    together::a_held_generation_beside_an_import_that_sweeps(stride(61));
}

#[test]
fn k04_two_approvals_count_in_every_order() {
    together::two_approvals(stride(61));
}

#[test]
fn k04_of_an_approval_and_a_withdrawal_one_comes_first_in_every_order() {
    together::an_approval_and_a_withdrawal(stride(61));
}

#[test]
fn k04_of_an_activation_and_a_withdrawal_exactly_one_happens_in_every_order() {
    together::an_activation_and_a_withdrawal(stride(61));
}

#[test]
fn k03_an_export_beside_an_activation_is_the_log_of_one_moment_in_every_order() {
    together::an_export_beside_an_activation(stride(61));
}

/// About forty places in an import, and all of them with `make crash`.
fn kill_everywhere(workload: usize, default: usize) {
    kill::kill_everywhere(workload, stride(default));
}

#[test]
fn c01_a_kill_at_any_operation_of_an_import_leaves_the_old_or_the_new_generation() {
    kill_everywhere(1, 4);
}

#[test]
fn c01_a_kill_at_any_operation_while_a_kit_is_staged_leaves_it_waiting_or_not_there() {
    kill_everywhere(8, 5);
}

#[test]
fn c01_a_kill_at_any_operation_of_an_approval_leaves_it_counted_or_not_made() {
    kill_everywhere(10, 3);
}

#[test]
fn c01_a_kill_at_any_operation_while_a_held_kit_is_activated_leaves_it_waiting_or_active() {
    kill_everywhere(11, 4);
}

#[test]
fn c09_a_file_system_that_turns_read_only_at_any_operation_refuses_the_import_as_such_and_serves_on() {
    let (first, stride) = stride(5);
    let tally = WORKLOADS[1].sweep(Some(FaultKind::ReadOnly), first, stride);
    assert!(tally.values().sum::<usize>() > 20, "{tally:?}");
}
