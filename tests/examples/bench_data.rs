//! Data sets for measuring, made of a real one.
//!
//! `bench_data multiply N DATASET OUT` writes one with N times the records: each copy has names of its own for
//! its advisories, aliases, CVEs and packages, so that nothing becomes smaller than it would be in real data.
//! `bench_data change DATASET OUT` changes one record in a hundred of each kind, and deletes one in a thousand.

#![expect(clippy::print_stdout, reason = "a measuring program")]

use std::path::{Path, PathBuf};

use domain::advisory::{Advisory, PackageKey};
use domain::exploitation::{Epss, KnownExploited};
use domain::root::ContentRoot;
use domain::vex::CarriedVex;
use feeds::dataset::{
    Counts, Cut, Cutter, Limits, Line, MANIFEST_NAME, Manifest, Row, SEGMENT_BYTES_MAX, SegmentKind, lines,
};

const USAGE: &str = "bench_data multiply N DATASET OUT | bench_data change DATASET OUT";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["multiply", times, dataset, out] => {
            let times: usize = times.parse().expect("a number");
            write(Path::new(dataset), Path::new(out), |kind, line, put| {
                for copy in 0..times {
                    let (key, line) = copied(kind, line.raw, copy);
                    put(&key, &line);
                }
            });
        }
        ["change", dataset, out] => {
            let mut number = 0_u32;
            write(Path::new(dataset), Path::new(out), |kind, line, put| {
                number += 1;
                match (number % 100, number % 1000) {
                    (7, 7) => {}
                    (7, _) => put(line.key, &changed(kind, line.raw)),
                    _ => put(line.key, line.raw),
                }
            });
        }
        _ => panic!("{USAGE}"),
    }
}

/// A data set under construction.
struct Output {
    root: PathBuf,
    content: ContentRoot,
    segments: Vec<feeds::dataset::Segment>,
    counts: Counts,
}

impl Output {
    fn put(&mut self, (segment, bytes): Cut) {
        let path = self.root.join(&segment.name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("written");
        let count = match segment.kind {
            SegmentKind::Advisory => &mut self.counts.advisories,
            SegmentKind::Kev => &mut self.counts.kev,
            SegmentKind::Epss => &mut self.counts.epss,
            SegmentKind::Vex => &mut self.counts.vex,
        };
        *count += segment.records;
        self.segments.push(segment);
    }
}

/// Writes what `make` puts for each line. It must put lines in order.
fn write(dataset: &Path, out: &Path, mut make: impl FnMut(SegmentKind, Line<'_>, &mut dyn FnMut(&str, &[u8]))) {
    let bytes = std::fs::read(dataset.join(MANIFEST_NAME)).expect("a data set");
    let manifest = Manifest::parse(&bytes, bytes.len()).expect("a manifest");
    let (content, counts) = (ContentRoot::new(), Counts::default());
    let mut output = Output { root: out.to_owned(), content, segments: Vec::new(), counts };
    for kind in SegmentKind::ALL {
        let mut cutter = Cutter::new(kind, SegmentKind::segment_name, SEGMENT_BYTES_MAX);
        let mut last = String::new();
        for segment in manifest.segments.iter().filter(|segment| segment.kind == kind) {
            let bytes = std::fs::read(dataset.join(&segment.name)).expect("a segment");
            for line in lines(kind, &bytes, Limits::default()) {
                make(kind, line.expect("a line"), &mut |key, line| {
                    assert!(last.as_str() < key, "{key} does not follow {last}");
                    key.clone_into(&mut last);
                    output.content.add(kind.as_str(), key, line);
                    cutter.push(key, line).into_iter().for_each(|cut| output.put(cut));
                });
            }
        }
        cutter.cut().into_iter().for_each(|cut| output.put(cut));
    }
    let Output { root, content, segments, counts } = output;
    let length: u64 = segments.iter().map(|segment| segment.length).sum();
    println!("{} advisories, {} EPSS facts, {} MB", counts.advisories, counts.epss, length / 1_000_000);
    let manifest = Manifest { content_root: content.finish(), segments, counts, ..manifest };
    std::fs::write(root.join(MANIFEST_NAME), manifest.to_canonical_json()).expect("written");
}

/// The name of a copy. `!` sorts before whatever else may follow a name.
fn renamed(name: &str, copy: usize) -> String {
    if copy == 0 { name.to_owned() } else { format!("{name}!{copy:03}") }
}

fn copied(kind: SegmentKind, raw: &[u8], copy: usize) -> (String, Vec<u8>) {
    match kind {
        SegmentKind::Advisory => {
            let mut advisory = Advisory::parse(raw).expect("an advisory");
            advisory.id = renamed(&advisory.id, copy);
            advisory.aliases = advisory.aliases.iter().map(|name| renamed(name, copy)).collect();
            advisory.members.iter_mut().for_each(|member| member.id = renamed(&member.id, copy));
            for affected in &mut advisory.affected {
                let name = renamed(&affected.package.name, copy);
                affected.package = PackageKey { name, ..affected.package.clone() };
            }
            (advisory.id.clone(), advisory.to_line())
        }
        SegmentKind::Kev => {
            let fact = KnownExploited::parse(raw).expect("an entry");
            let fact = KnownExploited { cve: renamed(&fact.cve, copy), ..fact };
            (fact.cve.clone(), fact.to_line())
        }
        SegmentKind::Epss => {
            let fact = Epss::parse(raw).expect("a fact");
            let fact = Epss { cve: renamed(&fact.cve, copy), ..fact };
            (fact.cve.clone(), fact.to_line())
        }
        SegmentKind::Vex => {
            let carried = CarriedVex::parse(raw).expect("a document");
            let carried = CarriedVex { name: renamed(&carried.name, copy), ..carried };
            (carried.name.clone(), carried.to_line())
        }
    }
}

fn changed(kind: SegmentKind, raw: &[u8]) -> Vec<u8> {
    match kind {
        SegmentKind::Advisory => {
            let mut advisory = Advisory::parse(raw).expect("an advisory");
            advisory.cwes.insert("CWE-0".to_owned());
            advisory.affected.truncate(advisory.affected.len().div_ceil(2));
            advisory.to_line()
        }
        SegmentKind::Kev => {
            let fact = KnownExploited::parse(raw).expect("an entry");
            KnownExploited { date_added: fact.date_added.plus_days(1), ..fact }.to_line()
        }
        SegmentKind::Epss => {
            let fact = Epss::parse(raw).expect("a fact");
            Epss { probability_e5: fact.probability_e5 + 1, ..fact }.to_line()
        }
        SegmentKind::Vex => {
            let carried = CarriedVex::parse(raw).expect("a document");
            CarriedVex { document: carried.document + " ", ..carried }.to_line()
        }
    }
}
