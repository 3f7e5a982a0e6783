//! The Ubuntu CVE tracker's own files, one for each CVE: fields at the left margin, a line for each
//! release and source package.
//!
//! ```text
//! Candidate: CVE-2023-4863
//! Priority: medium
//! jammy_libwebp: released (1.2.2-2ubuntu0.22.04.2)
//! esm-infra/bionic_libwebp: released (0.6.1-2ubuntu0.18.04.2+esm1)
//! ```
//!
//! "DNE" says that a release does not have the package, which is no statement about a version.

use domain::advisory::{Affected, Interval, PackageKey, Record, Reference, Status};
use domain::ecosystem::Ecosystem;
use domain::matching::ubuntu_release;
use domain::severity::Severity;
use domain::source::SourceId;
use domain::time::Timestamp;

use super::ratings;
use super::shape::{Shape, has};
use crate::ingest::Ingested;

/// Releases that are of no system: what upstream did, what is being developed, and products that
/// are not made of Debian packages.
const NO_RELEASE: [&str; 5] = ["upstream", "devel", "product", "snap", "ubuntu-core"];

pub(super) fn is_text(shape: &Shape) -> bool {
    shape.yaml_keys().is_some_and(|keys| has(keys, &["Candidate"]) || has(keys, &["PublicDateAtUSN"]))
}

pub(super) fn read(document: &str, bytes: &[u8], into: &mut Ingested) {
    let source = SourceId::new("ubuntu");
    let Ok(text) = std::str::from_utf8(bytes) else {
        return into.reject(Some(source), document, None, "the text is not UTF-8".to_owned());
    };
    let fields = fields(text);
    let value = |name: &str| fields.iter().find(|field| field.name == name).map(|field| field.value.trim());
    let Some(id) = value("Candidate").filter(|id| !id.is_empty()) else {
        return into.reject(Some(source), document, None, "record without a Candidate".to_owned());
    };
    into.leave_undated(&source);
    let mut record = Record { fragment: true, ..Record::new(source.clone(), id) };
    let mut reader = Reader { source: &source, id, into };
    record.published = value("PublicDate").and_then(|text| reader.date(text));
    record.description = value("Description").filter(|text| !text.is_empty()).map(str::to_owned);
    record.references = value("References").into_iter().flat_map(links).collect();
    let levels = Levels(&fields);
    let level = levels.of("Priority").unwrap_or_default();
    record.ratings.extend(ratings::word(&source, level.as_str()).ok().flatten());
    for field in fields.iter().filter(|field| field.name.contains('_')) {
        record.affected.extend(reader.statement(field, &levels));
    }
    into.accept(record);
}

/// `name: value`, with the lines that follow indented.
struct Field<'t> {
    name: &'t str,
    value: String,
}

fn fields(text: &str) -> Vec<Field<'_>> {
    let mut fields: Vec<Field<'_>> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with([' ', '\t']) {
            if let Some(last) = fields.last_mut() {
                last.value.push('\n');
                last.value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push(Field { name: name.trim(), value: value.trim().to_owned() });
        }
    }
    fields
}

fn links(value: &str) -> Vec<Reference> {
    let urls = value.lines().map(str::trim).filter(|line| line.starts_with("http"));
    urls.map(|url| Reference { kind: "WEB".to_owned(), url: url.to_owned() }).collect()
}

/// `Priority`, `Priority_<package>` and `Priority_<package>/<release>`.
struct Levels<'f>(&'f [Field<'f>]);

impl Levels<'_> {
    fn of(&self, name: &str) -> Option<Severity> {
        // What follows on further lines is the reason.
        let word = self.0.iter().find(|field| field.name == name)?.value.split_ascii_whitespace().next()?;
        word.parse().ok().filter(|level| *level != Severity::Unknown)
    }

    /// The level of a package in a release, where it is not that of the record.
    fn own(&self, package: &str, release: &str) -> Option<Severity> {
        let release = release.rsplit('/').next().unwrap_or(release);
        let names = [
            format!("Priority_{package}_{release}"),
            format!("Priority_{package}/{release}"),
            format!("Priority_{package}"),
        ];
        names.iter().find_map(|name| self.of(name))
    }
}

struct Reader<'a> {
    source: &'a SourceId,
    id: &'a str,
    into: &'a mut Ingested,
}

impl Reader<'_> {
    fn statement(&mut self, field: &Field<'_>, levels: &Levels<'_>) -> Option<Affected> {
        let (release, package) = field.name.split_once('_')?;
        let about = ["Patches", "Tags", "Priority", "Assigned-to", "Discovered-by", "Notes", "Bugs", "CVSS"];
        if about.contains(&release) || package.is_empty() || NO_RELEASE.iter().any(|none| release.contains(none)) {
            return None;
        }
        let (word, remark) = parts(&field.value);
        if word == "DNE" {
            return None;
        }
        let Some(ecosystem) = ecosystem(release) else {
            self.note("release that is not known: ignored", || release.to_owned());
            return None;
        };
        let Some((status, interval)) = verdict(word, remark) else {
            self.note("status that says nothing: ignored", || format!("{} {}", field.name, field.value));
            return None;
        };
        let mut affected = Affected::new(self.source.clone(), self.id, PackageKey::new(ecosystem, package));
        affected.status = status;
        affected.ranges.extend(interval);
        affected.severity = levels.own(package, release);
        Some(affected)
    }

    fn date(&mut self, text: &str) -> Option<Timestamp> {
        let text = text.trim_end_matches(" UTC");
        let read = Timestamp::parse_lenient(text);
        if text != "unknown" && read.is_err() {
            self.note("date that cannot be read: ignored", || text.to_owned());
        }
        read.ok()
    }

    fn note(&mut self, reason: &str, example: impl FnOnce() -> String) {
        let id = self.id;
        self.into.note(self.source, reason, || format!("{id}: {}", example().chars().take(80).collect::<String>()));
    }
}

/// `released (1.2-3)`: the word, and what stands in parentheses or brackets.
fn parts(value: &str) -> (&str, &str) {
    let value = value.lines().next().unwrap_or_default().trim();
    let at = value.find(['(', '[']).unwrap_or(value.len());
    let (word, remark) = value.split_at(at);
    (word.trim(), remark.trim_matches(|c: char| "()[] ".contains(c)))
}

/// The release that a line is of: `jammy`, `trusty/esm`, `esm-apps/focal`. Other services (FIPS,
/// real-time, ROS) build packages of their own, which nothing tells from the others in an SBOM.
fn ecosystem(release: &str) -> Option<Ecosystem> {
    match release.split_once('/') {
        None => ubuntu_release(release, false),
        Some(("esm-infra" | "esm-apps" | "esm-infra-legacy" | "esm-apps-legacy", name)) => ubuntu_release(name, true),
        Some((name, "esm")) => ubuntu_release(name, true),
        Some(_) => None,
    }
    // A number is no name of a release here.
    .filter(|_| release.contains(|c: char| c.is_ascii_alphabetic()))
}

fn verdict(word: &str, remark: &str) -> Option<(Status, Option<Interval>)> {
    let open = |status| Some((status, Some(Interval::all())));
    match word {
        "released" => {
            let version = remark.split([',', ' ']).next().filter(|version| !version.is_empty())?;
            Some((Status::Affected, Some(Interval::below(version))))
        }
        "needed" | "pending" | "active" | "in-progress" => open(Status::Affected),
        "needs-triage" => open(Status::UnderInvestigation),
        "deferred" => open(Status::FixDeferred),
        "ignored" if is_over(remark) => open(Status::EndOfLife),
        "ignored" => open(Status::WillNotFix),
        "not-affected" => Some((Status::NotAffected, None)),
        _ => None,
    }
}

/// `end of standard support, was needed`, `reached end-of-life`.
fn is_over(remark: &str) -> bool {
    let remark = remark.to_ascii_lowercase().replace('-', " ");
    ["end of life", "end of standard support", "end of support", "out of support", "esm support"]
        .iter()
        .any(|words| remark.contains(words))
}

#[cfg(test)]
mod tests {
    use super::{Interval, Status, ecosystem, parts, verdict};

    #[test]
    fn statuses_are_those_of_the_tracker() {
        let read = |text: &str| {
            let (word, remark) = parts(text);
            verdict(word, remark)
        };
        let all = || Some(Interval::all());
        assert_eq!(read("released (1:4.14-1.2)"), Some((Status::Affected, Some(Interval::below("1:4.14-1.2")))));
        assert_eq!(read("released"), None, "fixed, but nobody says in which version");
        assert_eq!(read("needed"), Some((Status::Affected, all())));
        assert_eq!(read("pending (1.2-3)"), Some((Status::Affected, all())), "built, not yet published");
        assert_eq!(read("needs-triage"), Some((Status::UnderInvestigation, all())));
        assert_eq!(read("deferred [2019-01-01]"), Some((Status::FixDeferred, all())));
        assert_eq!(read("ignored (end of standard support, was needed)"), Some((Status::EndOfLife, all())));
        assert_eq!(read("ignored (reached end-of-life)"), Some((Status::EndOfLife, all())));
        assert_eq!(read("ignored (too intrusive)"), Some((Status::WillNotFix, all())));
        assert_eq!(read("not-affected (code not present)"), Some((Status::NotAffected, None)));
        assert_eq!(read("perhaps"), None);
    }

    #[test]
    fn extended_maintenance_is_apart() {
        let of = |release| ecosystem(release).map(|ecosystem| ecosystem.to_string());
        assert_eq!(of("jammy").as_deref(), Some("Ubuntu:22.04:LTS"));
        assert_eq!(of("trusty/esm").as_deref(), Some("Ubuntu:Pro:14.04:LTS"));
        assert_eq!(of("esm-apps/focal").as_deref(), Some("Ubuntu:Pro:20.04:LTS"));
        for other in ["fips-updates/focal", "ros-esm/kinetic", "vivid/ubuntu-core", "22.04"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
