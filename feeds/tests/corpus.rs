//! The parsers on whole feeds: how many records there are, which are rejected and why, and
//! whether the intervals judge as the reference evaluation of OSV does.

mod documents;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use documents::{open, read_file, shared};
use domain::advisory::Affected;
use domain::ecosystem::Ecosystem;
use domain::version::Scheme;
use feeds::ingest::Ingested;

/// Records and rejected ones of every source in a file.
fn tallies(ingested: &Ingested) -> Vec<(&str, u64, u64)> {
    ingested.tallies.iter().map(|(source, tally)| (source.as_str(), tally.records, tally.rejected)).collect()
}

#[test]
fn every_record_of_every_feed_is_taken_in() {
    let Some(data) = shared() else { return };
    // Counted from the archives by other means: files for the OSV archives, gems for RubySec,
    // distinct CVE ids per document for the trackers.
    let feeds: &[(&str, &str, u64)] = &[
        ("osv/PyPI-all.zip", "pypa", 2661),
        ("osv/almalinux8-9-osv.tar.zst", "alma", 5020),
        ("osv/bitnami-osv.tar.zst", "bitnami", 6570),
        ("osv/ghsa-repo-layout.tar.zst", "ghsa", 550),
        ("osv/go-osv.tar.zst", "go", 4291),
        ("osv/pypa.tar.zst", "pypa", 2661),
        ("osv/rustsec-osv.tar.zst", "rustsec", 1206),
        ("native/rubysec.tar.zst", "rubysec", 1234),
        ("kev/kev-2026-01-29.json.zst", "kev", 1501),
        ("kev/kev-2025-08-25.json", "kev", 1404),
        ("kev/kev-2025-08-25.csv.zst", "kev", 1404),
        ("epss/epss_scores-2026-01.csv.gz", "epss", 313_089),
        ("distro/alpine-secdb-json.tar.zst", "alpine", ALPINE),
        ("distro/alpine-secdb-v3.3-v3.10.tar.zst", "alpine", ALPINE),
        ("distro/wolfi-security-DERIVED.json.zst", "wolfi", WOLFI),
        ("distro/debian-tracker-DERIVED.json.zst", "debian", 14_321),
        // One of its 1222 definitions is marked as not applicable.
        ("distro/azurelinux-3.0-oval.xml.zst", "azure-linux", 1221),
        // Eight VEX documents, and 21 vulnerabilities in three errata.
        ("vex/redhat-csaf-vex.tar.zst", "redhat", 29),
        ("nvd/anchore-nvd-overrides.tar.zst", "anchore-nvd", 24_152),
        ("nvd/nvd-2.0-real.json.zst", "nvd", 193),
        ("deltas/rustsec-osv.T1.tar.zst", "rustsec", 1127),
    ];
    for (file, source, records) in feeds {
        let ingested = read_file(&data.join("feeds").join(file));
        assert_eq!(tallies(&ingested), [(*source, *records, 0)], "{file}");
        assert_eq!(ingested.problems, [], "{file}");
    }
}

const ALPINE: u64 = 9492;
const WOLFI: u64 = 1756;

#[test]
fn the_mixed_harvest_is_read_but_for_two_records_of_unknown_databases() {
    let Some(data) = shared() else { return };
    let ingested = read_file(&data.join("feeds/osv/osv-mixed-harvest.jsonl.zst"));
    assert_eq!(ingested.records.len(), 806);
    // Neither prefix is in the OSV schema: one is of a test, one of a predecessor of GSD.
    let rejected: Vec<_> = ingested.problems.iter().filter_map(|problem| problem.record.as_deref()).collect();
    assert_eq!(rejected, ["LINUX-123", "UVI-2021-1002351"]);
    let count =
        |wanted: &str| tallies(&ingested).iter().find(|(source, ..)| *source == wanted).map_or(0, |tally| tally.1);
    assert_eq!(["ghsa", "osv-cve", "pypa", "curl", "go", "ubuntu", "root"].map(count), [550, 55, 40, 27, 25, 23, 12]);
}

#[test]
fn formats_without_a_parser_are_counted_file_by_file() {
    let Some(data) = shared() else { return };
    let feeds: &[(&str, u64)] = &[
        ("nvd/nvd-1.1-real.json.zst", 1),
        ("native/friendsofphp.tar.zst", 1593),
        ("native/haskell.tar.zst", 40),
        ("distro/wolfi-advisories.tar.zst", 1027),
        ("vex/openvex-examples.tar.zst", 2),
    ];
    for (file, documents) in feeds {
        let ingested = read_file(&data.join("feeds").join(file));
        assert!(ingested.records.is_empty() && ingested.problems.is_empty(), "{file}");
        let counted: u64 = ingested.unsupported.values().map(|format| format.count).sum();
        assert_eq!(counted + ingested.not_data, *documents, "{file}");
    }
}

#[test]
fn every_record_of_the_cve_list_is_read_and_what_cisa_adds_counts_apart() {
    let Some(data) = shared() else { return };
    let ingested = read_file(&data.join("feeds/cve/cve5-vulnrichment-2023-2024.tar.zst"));
    // Counted by other means: 12,777 of CISA's containers hold a score, a CWE or a CPE of software. Of 20 none is
    // affected; the others say how urgent it is.
    assert_eq!(tallies(&ingested), [("cisa-adp", 12_757, 0), ("cve", 28_884, 0)]);
    assert_eq!(ingested.problems, []);
    assert_eq!(ingested.records.iter().filter(|record| record.withdrawn.is_some()).count(), 68, "the rejected ones");
    let notes: Vec<_> = ingested.notes.iter().map(|((_, reason), note)| (reason.as_str(), note.count)).collect();
    // Names of no product (`cpe:2.3:h:qualcomm:-:…`, and one name inside of another), versions that nobody can order, also beside
    // a CPE with a version, and what names a package or nothing; counted by other means.
    let [cpe, version] = ["CPE that cannot be read: ignored", "version that is a commit or free text: unevaluated"];
    let unknown = "software of which all versions are of unknown status: left out";
    let nameless = "affected software without a CPE: left out";
    let packaged = "software for which a package is named: left out";
    let of_cisa = [(cpe, 44), (unknown, 88), (version, 4061)];
    let of_the_list = [(cpe, 10), (nameless, 27_045), (packaged, 2315), (version, 264)];
    assert_eq!(notes, [&of_cisa[..], &of_the_list].concat());
}

#[test]
fn every_file_of_the_ubuntu_tracker_is_read() {
    let Some(data) = shared() else { return };
    let ingested = read_file(&data.join("feeds/distro/ubuntu-cve-tracker.tar.zst"));
    assert_eq!((tallies(&ingested), &ingested.problems[..]), (vec![("ubuntu", 37_760, 0)], &[][..]));
    assert!(ingested.unsupported.is_empty());
    let notes: Vec<_> = ingested.notes.iter().map(|((_, reason), note)| (reason.as_str(), note.count)).collect();
    let want = [("release that is not known: ignored", 8359), ("status that says nothing: ignored", 88)];
    assert_eq!(notes, want, "Ubuntu Touch and its like; \"released\" without a version");
}

#[test]
fn two_gem_advisories_call_every_version_safe() {
    let Some(data) = shared() else { return };
    // ckeditor (`< 5.1.2` unaffected, `>= 5.1.2` patched) and cron_parser (`< 1.0.12` and
    // `> 0.1.4` unaffected): the unions leave no version, so these are slips of the source.
    let ingested = read_file(&data.join("feeds/native/rubysec.tar.zst"));
    let empty: Vec<_> = ingested.records.iter().filter(|record| record.affected.is_empty()).collect();
    let ids: Vec<_> = empty.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids, ["CVE-2021-32808", "CVE-2019-15224"]);
    let note = ingested.notes.iter().find(|((_, reason), _)| reason == "no version is vulnerable");
    assert_eq!(note.map(|(_, note)| note.count), Some(2));
}

#[test]
fn two_readings_give_the_same_result() {
    let Some(data) = shared() else { return };
    let file = data.join("feeds/osv/rustsec-osv.tar.zst");
    assert_eq!(read_file(&file), read_file(&file));
}

/// Assertions by record and package.
type Index = HashMap<(String, String, String), Vec<Affected>>;

fn index(data: &Path, files: &[&str]) -> Index {
    let mut index = Index::new();
    for file in files {
        for record in read_file(&data.join("feeds").join(file)).records {
            for affected in record.affected {
                let package = affected.package.clone();
                index
                    .entry((record.id.clone(), package.ecosystem.to_string(), package.name))
                    .or_default()
                    .push(affected);
            }
        }
    }
    index
}

/// Is the version affected by any of the assertions? A bound that cannot be ordered decides nothing.
fn is_affected(scheme: Scheme, assertions: &[Affected], text: &str) -> bool {
    let version = scheme.parse(text).ok();
    assertions.iter().any(|affected| {
        let inside = |version| affected.ranges.iter().any(|range| range.contains(scheme, version).unwrap_or(false));
        affected.versions.contains(text) || version.as_ref().is_some_and(inside)
    })
}

struct Row {
    ecosystem: String,
    package: String,
    version: String,
    advisory: String,
    affected: bool,
}

fn oracle(data: &Path) -> Vec<Row> {
    let packed = open(&data.join("labels/match-oracle.csv.zst"));
    let text = String::from_utf8(zstd::decode_all(packed).expect("zstd")).expect("UTF-8");
    text.lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<_> = line.split(',').map(str::to_owned).collect();
            let [ecosystem, package, version, advisory, expected] = &fields[..] else { panic!("{line}") };
            let [ecosystem, package, version, advisory] = [ecosystem, package, version, advisory].map(Clone::clone);
            Row { ecosystem, package, version, advisory, affected: expected == "affected" }
        })
        .collect()
}

#[test]
fn the_intervals_judge_as_the_reference_evaluation_does() {
    let Some(data) = shared() else { return };
    let osv = ["pypa", "rustsec-osv", "go-osv", "almalinux8-9-osv", "ghsa-repo-layout"]
        .map(|name| format!("osv/{name}.tar.zst"));
    let index = index(&data, &osv.each_ref().map(String::as_str));
    let (mut agreed, mut disagreed) = (0, Vec::new());
    for row in oracle(&data).iter().filter(|row| !row.ecosystem.starts_with("Debian:")) {
        let ecosystem: Ecosystem = row.ecosystem.parse().expect("an ecosystem");
        let key = (row.advisory.clone(), ecosystem.to_string(), ecosystem.normalise_name(&row.package));
        let assertions = index.get(&key).expect("every advisory of the oracle speaks of its package");
        let got = is_affected(ecosystem.scheme(), assertions, &row.version);
        if got == row.affected {
            agreed += 1;
        } else {
            disagreed.push(format!(
                "{} {}@{} {}: oracle {}",
                row.advisory, row.package, row.version, row.ecosystem, row.affected
            ));
        }
    }
    assert_eq!(disagreed, [""; 0]);
    assert_eq!(agreed, 6078);
}

#[test]
fn the_debian_tracker_judges_as_the_fixed_versions_of_its_advisories_do() {
    let Some(data) = shared() else { return };
    let index = index(&data, &["distro/debian-tracker-DERIVED.json.zst"]);
    let cves = cves_by_advisory(&data);
    let mut outcome: BTreeMap<&str, u32> = BTreeMap::new();
    let mut disagreed = Vec::new();
    for row in oracle(&data).iter().filter(|row| row.ecosystem.starts_with("Debian:")) {
        let number = match row.ecosystem.as_str() {
            "Debian:jessie" => "Debian:8",
            "Debian:stretch" => "Debian:9",
            "Debian:buster" => "Debian:10",
            "Debian:bullseye" => "Debian:11",
            other => panic!("{other}"),
        };
        let named = cves.get(&row.advisory).map(Vec::as_slice).unwrap_or_default();
        let key = |cve: &String| (cve.clone(), number.to_owned(), row.package.clone());
        let assertions: Vec<_> = named.iter().filter_map(|cve| index.get(&key(cve))).flatten().cloned().collect();
        if assertions.is_empty() {
            *outcome.entry(if named.is_empty() { "names no CVE" } else { "not in this tracker" }).or_default() += 1;
        } else if is_affected(Scheme::Dpkg, &assertions, &row.version) == row.affected {
            *outcome.entry("agreed").or_default() += 1;
        } else {
            disagreed.push(format!("{} {} {}", row.advisory, row.package, row.version));
        }
    }
    // In each of these a later advisory fixes one of the CVEs again, in a higher version, and
    // the tracker knows: CVE-2022-3201 by DSA-5244-1, CVE-2017-12976 by DLA-1495-1,
    // CVE-2017-5753 and CVE-2018-3639 by DLA-1731-1.
    let again = [
        "DSA-5230-1 chromium 105.0.5195.125-1~deb11u1",
        "DSA-4010-1 git-annex 5.20141125+deb8u1",
        "DSA-4187-1 linux 3.16.56-1",
        "DLA-1529-1 linux 3.16.59-1",
    ];
    assert_eq!(disagreed, again);
    assert_eq!(outcome, BTreeMap::from([("agreed", 1063), ("names no CVE", 80), ("not in this tracker", 437)]));
}

/// The CVEs of each DSA and DLA, from the tracker's lists.
fn cves_by_advisory(data: &Path) -> HashMap<String, Vec<String>> {
    let packed = open(&data.join("feeds/distro/debian-security-tracker-lists.tar.zst"));
    let mut plain = zstd::Decoder::new(packed).expect("zstd");
    plain.window_log_max(27).expect("a window");
    let mut cves: HashMap<String, Vec<String>> = HashMap::new();
    for entry in tar::Archive::new(plain).entries().expect("tar") {
        let mut entry = entry.expect("tar");
        let path = entry.path().expect("a path").display().to_string();
        if !path.ends_with("DSA/list") && !path.ends_with("DLA/list") {
            continue;
        }
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).expect("tar");
        let mut advisory = String::new();
        for line in String::from_utf8_lossy(&bytes).lines() {
            if let Some(listed) = line.trim().strip_prefix('{').and_then(|line| line.strip_suffix('}')) {
                cves.entry(advisory.clone()).or_default().extend(listed.split_whitespace().map(str::to_owned));
            } else if line.starts_with('[') {
                advisory = line.split_whitespace().nth(3).unwrap_or_default().to_owned();
            }
        }
    }
    cves
}
