//! The import survives a power cut at any moment and a fault of any operation.
//!
//! The real importer runs on a simulated disk; every image that a power cut may leave is booted,
//! checked and imported into again. How many are tried is an argument, and so is the seed:
//! `make crash COUNT=20000 SEED=7`.

mod bench;
mod explore;
mod state;
mod sweep;

use std::path::{Path, PathBuf};

use bench::Kit::{Damaged, Delta, Version};
use explore::{Act, Workload};
use tests::simulation::SimDisk;

const WORKLOADS: [Workload; 8] = [
    Workload {
        name: "the first import",
        history: &[],
        rolled_back: false,
        act: Act::Import(Version(1)),
        repeat: &[Version(1)],
    },
    Workload {
        name: "an import over another generation",
        history: &[Version(1)],
        rolled_back: false,
        act: Act::Import(Version(2)),
        repeat: &[Version(2)],
    },
    Workload {
        name: "an import that makes the oldest generation go",
        history: &[Version(1), Version(2), Version(3)],
        rolled_back: false,
        act: Act::Import(Version(4)),
        repeat: &[Version(4)],
    },
    Workload {
        name: "a refused import",
        history: &[Version(1)],
        rolled_back: false,
        act: Act::Import(Damaged),
        repeat: &[Damaged, Version(2)],
    },
    Workload {
        name: "a rollback",
        history: &[Version(1), Version(2)],
        rolled_back: false,
        act: Act::RollBack,
        repeat: &[Version(2)],
    },
    Workload {
        name: "an import of what is active already",
        history: &[Version(1), Version(2)],
        rolled_back: false,
        act: Act::Import(Version(2)),
        repeat: &[Version(2)],
    },
    Workload {
        name: "an import after a rollback",
        history: &[Version(1), Version(2)],
        rolled_back: true,
        act: Act::Import(Version(2)),
        repeat: &[Version(2)],
    },
    Workload {
        name: "a delta over its base",
        history: &[Version(1)],
        rolled_back: false,
        act: Act::Import(Delta),
        repeat: &[Delta],
    },
];

/// A number from the environment, which `make crash` sets.
fn argument(name: &str, default: usize) -> usize {
    std::env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

fn explore(workload: &Workload) {
    let (count, seed) = (argument("STELLA_CRASH_COUNT", 300), argument("STELLA_CRASH_SEED", 1));
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
    let tally = workload.sweep(seed % stride, stride);
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
