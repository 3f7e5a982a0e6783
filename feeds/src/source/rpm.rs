//! What the feeds of RPM distributions have in common: one build for each architecture, versions
//! with epochs, and statements that differ in nothing but the architecture.

use std::collections::{BTreeMap, BTreeSet};

use domain::advisory::{Affected, Interval, PackageKey, Status};
use domain::ecosystem::Ecosystem;
use domain::severity::Severity;
use domain::source::SourceId;

/// A statement about a package, on whatever architecture.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Statement {
    pub(super) ecosystem: Ecosystem,
    pub(super) name: String,
    pub(super) module: Option<String>,
    pub(super) status: Status,
    /// None when the status says it all.
    pub(super) interval: Option<Interval>,
    pub(super) severity: Option<Severity>,
    /// The record that says so.
    pub(super) record: String,
}

impl Statement {
    pub(super) fn new(
        ecosystem: Ecosystem,
        name: &str,
        status: Status,
        interval: Option<Interval>,
        record: &str,
    ) -> Self {
        let (name, record) = (name.to_owned(), record.to_owned());
        Self { ecosystem, name, module: None, status, interval, severity: None, record }
    }

    fn fix(&self) -> Option<&str> {
        self.interval.as_ref().and_then(Interval::fixed)
    }
}

#[derive(Default)]
struct Arches {
    named: BTreeSet<String>,
    /// Stated once without one: then it is of all.
    all: bool,
}

/// Statements that are being collected over the architectures.
#[derive(Default)]
pub(super) struct Statements {
    binaries: BTreeMap<Statement, Arches>,
    /// Of source packages, which carry the architecture `src`.
    sources: BTreeSet<Statement>,
}

impl Statements {
    pub(super) fn add(&mut self, statement: Statement, arch: Option<&str>) {
        match arch {
            Some("src" | "nosrc") => {
                self.sources.insert(statement);
            }
            Some(arch) => {
                self.binaries.entry(statement).or_default().named.insert(arch.to_owned());
            }
            None => self.binaries.entry(statement).or_default().all = true,
        }
    }

    /// For each of these architectures; for all when none is named.
    pub(super) fn add_for(&mut self, statement: Statement, arches: &BTreeSet<String>) {
        if arches.is_empty() {
            return self.add(statement, None);
        }
        arches.iter().for_each(|arch| self.add(statement.clone(), Some(arch)));
    }

    /// The statements of binaries alone; repositories list sources only beside them.
    pub(super) fn of_binaries(mut self, source: &SourceId) -> Vec<Affected> {
        self.sources.clear();
        self.all(source)
    }

    /// All statements. Of a source package only where no binary says the same: one that has the
    /// same fix in the same stream, or the same name where there is none.
    pub(super) fn all(self, source: &SourceId) -> Vec<Affected> {
        let said: BTreeSet<(&Ecosystem, Status, &str)> = self
            .binaries
            .keys()
            .map(|binary| (&binary.ecosystem, binary.status, binary.fix().unwrap_or(&binary.name)))
            .collect();
        let lone = |statement: &&Statement| {
            let of = statement.fix().unwrap_or(&statement.name);
            !said.contains(&(&statement.ecosystem, statement.status, of))
        };
        let sources = self.sources.iter().filter(lone).map(|statement| {
            let arches = BTreeSet::from(["src".to_owned()]);
            Affected { arches, ..affected(source, statement) }
        });
        let binaries = self.binaries.iter().map(|(statement, arches)| {
            let arches = if arches.all { BTreeSet::new() } else { arches.named.clone() };
            Affected { arches, ..affected(source, statement) }
        });
        binaries.chain(sources).collect()
    }
}

fn affected(source: &SourceId, statement: &Statement) -> Affected {
    let package = PackageKey::new(statement.ecosystem.clone(), &statement.name);
    let mut affected = Affected::new(source.clone(), statement.record.clone(), package);
    affected.status = statement.status;
    affected.ranges.extend(statement.interval.clone());
    affected.severity = statement.severity;
    affected.module.clone_from(&statement.module);
    affected
}

/// `epoch:version`, without an epoch of zero.
pub(super) fn with_epoch(epoch: Option<&str>, version: &str) -> String {
    match epoch.map(str::trim) {
        None | Some("" | "0" | "(none)") => version.to_owned(),
        Some(epoch) => format!("{epoch}:{version}"),
    }
}

/// A version with its epoch before it, which is left out when it is zero.
pub(super) fn evr(text: &str) -> String {
    match text.split_once(':') {
        Some((epoch, version)) => with_epoch(Some(epoch), version),
        None => text.to_owned(),
    }
}

/// A package as the name of its file tells: `delve-0:1.25.2-1.el10_1.aarch64.rpm`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Nevra<'t> {
    pub(super) name: &'t str,
    /// With its epoch, if that is not zero.
    pub(super) version: String,
    pub(super) arch: &'t str,
}

pub(super) fn nevra(text: &str) -> Option<Nevra<'_>> {
    let text = text.strip_suffix(".rpm").unwrap_or(text);
    let (label, arch) = text.rsplit_once('.')?;
    let (rest, release) = label.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let (epoch, version) = match version.split_once(':') {
        Some((epoch, version)) => (Some(epoch), version),
        None => (None, version),
    };
    let whole = [name, version, release, arch].iter().all(|part| !part.is_empty());
    whole.then(|| Nevra { name, version: with_epoch(epoch, &format!("{version}-{release}")), arch })
}

/// `nodejs:18` of a module label (`nodejs:18:8080020230718145204:63b34585`).
pub(super) fn module_stream(label: &str) -> Option<String> {
    let mut parts = label.split(':');
    let (name, stream) = (parts.next()?.trim(), parts.next()?.trim());
    (!name.is_empty() && !stream.is_empty()).then(|| format!("{name}:{stream}"))
}

/// The module stream in the title of an erratum (`Important: nodejs:18 security update`), of
/// which the feed does not say it elsewhere.
pub(super) fn stream_in_title(title: &str) -> Option<String> {
    let title = title.split_once(": ").map_or(title, |(_, rest)| rest);
    let word = title.split_ascii_whitespace().find(|word| word.contains(':') && !word.contains("//"))?;
    let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c));
    let (name, stream) = word.split_once(':')?;
    (plain(name) && plain(stream)).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Nevra, Statement, Statements, module_stream, nevra, stream_in_title};
    use domain::advisory::{Interval, Status};
    use domain::ecosystem::{Ecosystem, EcosystemKind};
    use domain::source::SourceId;

    #[test]
    fn the_name_of_a_file_tells_the_package() {
        let want = |name, version: &str, arch| Some(Nevra { name, version: version.to_owned(), arch });
        assert_eq!(nevra("delve-0:1.25.2-1.el10_1.aarch64.rpm"), want("delve", "1.25.2-1.el10_1", "aarch64"));
        assert_eq!(nevra("bind-libs-30:9.3.3-8.el5.i386"), want("bind-libs", "30:9.3.3-8.el5", "i386"));
        assert_eq!(nevra("libopenssl0_9_8-0.9.8j-0.66.1.i586"), want("libopenssl0_9_8", "0.9.8j-0.66.1", "i586"));
        for text in ["", "kernel", "a-b.c", "-1-1.x86_64", "a-1-.x"] {
            assert_eq!(nevra(text), None, "{text}");
        }
    }

    #[test]
    fn statements_join_over_architectures_and_a_source_speaks_where_no_binary_does() {
        let nine = || Ecosystem::release(EcosystemKind::RedHat, "enterprise_linux:9");
        let fixed = |name| Statement::new(nine(), name, Status::Affected, Some(Interval::below("1-2")), "RHSA-1");
        let open = |name| Statement::new(nine(), name, Status::WillNotFix, Some(Interval::all()), "CVE-1");
        let mut statements = Statements::default();
        for arch in ["x86_64", "aarch64", "src"] {
            statements.add(fixed("a"), Some(arch));
        }
        statements.add(open("b"), None);
        statements.add(open("b"), Some("src"));
        statements.add(open("c"), Some("src"));
        let got: Vec<_> = statements
            .all(&SourceId::new("redhat"))
            .into_iter()
            .map(|one| (one.package.name, one.arches.into_iter().collect::<Vec<_>>().join(" ")))
            .collect();
        let want = [("a", "aarch64 x86_64"), ("b", ""), ("c", "src")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(got, want);
    }

    #[test]
    fn module_streams_are_read_from_labels_and_titles() {
        assert_eq!(module_stream("container-tools:rhel8:8090:e7857ab1").as_deref(), Some("container-tools:rhel8"));
        assert_eq!(module_stream("firefox"), None);
        assert_eq!(stream_in_title("Important: nodejs:18 security update").as_deref(), Some("nodejs:18"));
        assert_eq!(stream_in_title("Moderate: openssl security update"), None);
        assert_eq!(stream_in_title("Low: see https://example.org: now"), None);
    }
}
