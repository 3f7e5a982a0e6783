//! A small data set that a site takes.

use std::collections::BTreeSet;
use std::convert::Infallible;

use domain::advisory::{Advisory, Affected, Interval, Member, PackageKey};
use domain::source::SourceId;
use feeds::dataset::{Dataset, MANIFEST_NAME, coverage};
use feeds::export::{ExportOptions, export};

use crate::now;

/// `count` advisories for crates, the same in every run.
pub fn advisories(count: usize) -> Vec<Advisory> {
    (0..count).map(|number| advisory(&format!("RUSTSEC-2020-{number:04}"), &format!("crate-{number}"))).collect()
}

fn advisory(id: &str, package: &str) -> Advisory {
    let source = SourceId::new("rustsec");
    let ecosystem = "crates.io".parse().expect("an ecosystem");
    let mut affected = Affected::new(source.clone(), id, PackageKey::new(ecosystem, package));
    affected.ranges.push(Interval::below("1.2.0"));
    Advisory {
        id: id.into(),
        aliases: Default::default(),
        related: Default::default(),
        title: None,
        description: None,
        published: None,
        modified: None,
        withdrawn: None,
        ratings: Vec::new(),
        cwes: Default::default(),
        references: Vec::new(),
        affected: vec![affected],
        members: vec![Member { source, id: id.into(), modified: None, withdrawn: None }],
    }
}

/// The targets of a data set: its segments and its manifest, as a kit names them.
pub fn dataset(advisories: Vec<Advisory>) -> Vec<(String, Vec<u8>)> {
    let declared = BTreeSet::from(["crates.io".parse().expect("an ecosystem")]);
    let coverage = coverage(&advisories, &declared);
    let dataset = Dataset { advisories, coverage, ..Dataset::default() };
    let options = ExportOptions { generated_at: Some(now()), ..ExportOptions::default() };
    let mut targets = Vec::new();
    let manifest = export::<Infallible>(&dataset, &options, &mut |segment, bytes| {
        targets.push((segment.name.clone(), bytes));
        Ok(())
    });
    targets.push((MANIFEST_NAME.to_owned(), manifest.expect("a data set").to_canonical_json()));
    targets
}
