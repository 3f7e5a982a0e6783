//! In-process cost of a scan: matching against parsing, on one document, in one run.
//!
//! `bench_match STATE_DIR SBOM... OUT` takes the packages of the SBOMs given, makes documents of
//! 100, 1,000 and 10,000 of them, and prints the median of each step and their ratio. The
//! document of 1,000 is left in OUT.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a measuring program")]

use std::time::{Duration, Instant};

use domain::component::{Component, ComponentKind, Inventory};
use domain::matching::evaluate;
use domain::time::Timestamp;
use sbom::cyclonedx::{OutputContext, write_cyclonedx};
use sbom::{Limits, read};
use store::Store;

const ROUNDS: usize = 15;

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let out = arguments.pop().expect("bench_match STATE_DIR SBOM... OUT");
    let mut arguments = arguments.into_iter();
    let state = arguments.next().expect("bench_match STATE_DIR SBOM... OUT");
    let store = Store::open(state).expect("a state directory");
    let generation = store.open_current().expect("an imported kit");
    let mut packages = Vec::new();
    for path in arguments {
        let document = std::fs::read(&path).expect("an SBOM");
        let inventory = read(&document, &Limits::default()).expect("a readable SBOM");
        packages.extend(
            inventory.components.iter().filter(|c| c.kind == ComponentKind::Package && c.purl.is_some()).cloned(),
        );
    }
    println!("{} packages with purls in the SBOMs given", packages.len());
    println!(
        "{:>10} {:>12} {:>12} {:>12} {:>9} {:>7}",
        "components", "bytes", "parse ms", "match ms", "findings", "ratio"
    );
    for count in [100, 1_000, 10_000] {
        let document = document(&packages, count);
        if count == 1_000 {
            std::fs::write(&out, &document).expect("written");
        }
        let inventory = read(&document, &Limits::default()).expect("what we write, we read");
        let parse = median(|| drop(read(&document, &Limits::default()).expect("readable")));
        let mut findings = 0;
        let matched = median(|| {
            let view = generation.view().expect("a view");
            findings = evaluate(&inventory, &view).expect("evaluated").findings.len();
        });
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        let (parse, matched) = (ms(parse), ms(matched));
        println!(
            "{count:>10} {:>12} {parse:>12.3} {matched:>12.3} {findings:>9} {:>7.2}",
            document.len(),
            matched / parse
        );
    }
}

/// A CycloneDX document of `count` packages, repeated under new references when there are fewer.
fn document(packages: &[Component], count: usize) -> Vec<u8> {
    let components = packages
        .iter()
        .cycle()
        .take(count)
        .enumerate()
        .map(|(number, package)| Component { reference: format!("ref-{number}"), ..package.clone() })
        .collect();
    let inventory = Inventory { components, ..Inventory::default() };
    let context = OutputContext {
        serial_number: "urn:uuid:00000000-0000-4000-8000-000000000000".into(),
        timestamp: Timestamp::UNIX_EPOCH,
        tool_version: "bench",
    };
    write_cyclonedx(&inventory, &[], &context)
}

fn median(mut work: impl FnMut()) -> Duration {
    work();
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}
