//! `updateinfo.xml`, which repositories of RPMs carry: Amazon Linux, Rocky Linux, AlmaLinux, Fedora.
//!
//! The id of an update says whose it is. One update stands in the repository of each architecture,
//! so records are fragments. A document is read as its bytes come, and half of one counts as none.

use std::collections::BTreeSet;
use std::io::{self, Read};

use domain::advisory::{Interval, Lower, Record, Reference, Status, Upper};
use domain::ecosystem::{Ecosystem, EcosystemKind};
use domain::severity::Severity;
use domain::source::SourceId;
use domain::time::Timestamp;

use super::ratings;
use super::rpm::{Statement, Statements, module_stream, stream_in_title, with_epoch};
use super::shape::Shape;
use super::xml::{Element, Xml, XmlError};
use crate::ingest::Ingested;

pub(super) fn is_xml(shape: &Shape) -> bool {
    matches!(shape, Shape::Xml { root } if root == "updates")
}

pub(super) fn read_xml(document: &str, bytes: &mut dyn Read, into: &mut Ingested) -> io::Result<()> {
    let mut read = Ingested::new();
    match read_updates(document, &mut Xml::new(bytes), &mut read) {
        Ok(()) => into.absorb(read),
        Err(XmlError::Read(error)) => return Err(error),
        Err(XmlError::Malformed(reason)) => {
            into.reject(None, document, None, format!("the whole document is left out: {reason}"));
        }
    }
    Ok(())
}

fn read_updates(document: &str, xml: &mut Xml<&mut dyn Read>, into: &mut Ingested) -> Result<(), XmlError> {
    xml.root()?;
    while let Some(child) = xml.child()? {
        if child.name == "update" {
            let update = Update::read(&child, xml)?;
            update.convert(document, into);
        } else {
            xml.skip()?;
        }
    }
    Ok(())
}

#[derive(Default)]
struct Update {
    kind: Option<String>,
    id: String,
    title: String,
    severity: String,
    description: String,
    /// What names the release: the update, and its collections of packages.
    releases: Vec<String>,
    issued: Option<String>,
    updated: Option<String>,
    references: Vec<Link>,
    packages: Vec<Package>,
    /// Packages without a name, a version or a release.
    unusable: u64,
}

struct Link {
    id: Option<String>,
    title: Option<String>,
    url: Option<String>,
}

struct Package {
    name: String,
    version: String,
    /// The version alone, without epoch and release.
    upstream: String,
    arch: Option<String>,
    /// As the collection has it.
    module: Option<String>,
}

impl Update {
    fn read(update: &Element, xml: &mut Xml<&mut dyn Read>) -> Result<Self, XmlError> {
        let mut read = Self { kind: update.attribute("type").map(str::to_owned), ..Self::default() };
        while let Some(child) = xml.child()? {
            match child.name.as_str() {
                "id" => read.id = xml.text()?,
                "title" => read.title = xml.text()?,
                "severity" => read.severity = xml.text()?,
                "description" => read.description = xml.text()?,
                "release" => read.releases.insert(0, xml.text()?),
                "issued" => (read.issued, ()) = (child.attribute("date").map(str::to_owned), xml.skip()?),
                "updated" => (read.updated, ()) = (child.attribute("date").map(str::to_owned), xml.skip()?),
                "references" => read.read_references(xml)?,
                "pkglist" => read.read_collections(xml)?,
                _ => xml.skip()?,
            }
        }
        Ok(read)
    }

    fn read_references(&mut self, xml: &mut Xml<&mut dyn Read>) -> Result<(), XmlError> {
        while let Some(child) = xml.child()? {
            let [id, title, url] = ["id", "title", "href"].map(|name| child.attribute(name).map(str::to_owned));
            self.references.push(Link { id, title, url });
            xml.skip()?;
        }
        Ok(())
    }

    fn read_collections(&mut self, xml: &mut Xml<&mut dyn Read>) -> Result<(), XmlError> {
        while let Some(collection) = xml.child()? {
            self.releases.extend(collection.attribute("short").map(str::to_owned));
            let mut module = None;
            while let Some(child) = xml.child()? {
                match child.name.as_str() {
                    "module" => {
                        let part = |name| child.attribute(name).unwrap_or_default();
                        module = module_stream(&format!("{}:{}", part("name"), part("stream")));
                    }
                    "package" => match Package::of(&child, module.clone()) {
                        Some(package) => self.packages.push(package),
                        None => self.unusable += 1,
                    },
                    _ => {}
                }
                xml.skip()?;
            }
        }
        Ok(())
    }

    fn convert(self, document: &str, into: &mut Ingested) {
        let Some(origin) = Origin::of(&self) else {
            let reason = "the id is of no distribution whose updates are read".to_owned();
            return into.reject(None, document, Some(&self.id).filter(|id| !id.is_empty()).map(String::as_str), reason);
        };
        let source = SourceId::new(origin.source);
        let upstream = self.cves();
        if upstream.is_empty() && self.kind.as_deref() != Some("security") {
            return into.note(&source, "update that is of no vulnerability: left out", || self.id.clone());
        }
        let Some(ecosystem) = origin.ecosystem else {
            let reason = "neither the update nor its packages name a release".to_owned();
            return into.reject(Some(source), document, Some(&self.id), reason);
        };
        for _ in 0..self.unusable {
            into.note(&source, "package without a name, a version or a release: ignored", || self.id.clone());
        }
        if self.packages.is_empty() {
            into.note(&source, "update without packages", || self.id.clone());
        }
        let mut date = |text: &Option<String>| {
            let text = text.as_deref()?;
            let read =
                Timestamp::parse_lenient(text).or_else(|_| Timestamp::parse_lenient(text.get(..10).unwrap_or(text)));
            if read.is_err() {
                into.note(&source, "date that cannot be read: ignored", || format!("{}: {text}", self.id));
            }
            read.ok()
        };
        let mut record = Record { fragment: true, upstream, ..Record::new(source.clone(), &self.id) };
        record.published = date(&self.issued);
        record.modified = date(&self.updated).or(record.published);
        record.title = Some(self.title.clone()).filter(|title| !title.is_empty());
        record.description = Some(self.description.clone()).filter(|text| !text.is_empty());
        record.ratings.extend(ratings::word(&source, &self.severity).ok().flatten());
        let links = self.references.iter().filter_map(|link| link.url.clone());
        record.references = links.map(|url| Reference { kind: "WEB".to_owned(), url }).collect();
        record.affected = self.statements(&ecosystem).of_binaries(&source);
        into.accept(record);
    }

    /// The vulnerabilities: references to CVEs, or, in Fedora, the titles of bugs.
    fn cves(&self) -> BTreeSet<String> {
        let texts = self.references.iter().flat_map(|link| [&link.id, &link.title]).flatten();
        let mut found: BTreeSet<String> = texts.flat_map(|text| cves(text)).collect();
        if found.is_empty() {
            found.extend(cves(&self.title).chain(cves(&self.description)));
        }
        found
    }

    fn statements(&self, ecosystem: &Ecosystem) -> Statements {
        let severity = self.severity.parse::<Severity>().ok().filter(|level| *level != Severity::Unknown);
        let kernel = kernel_line(&self.id);
        let in_title = stream_in_title(&self.title);
        let mut statements = Statements::default();
        for package in &self.packages {
            let modular = package.version.contains(".module");
            let module = package.module.clone().or_else(|| in_title.clone().filter(|_| modular));
            let lower = kernel.filter(|line| package.upstream.starts_with(line));
            let lower = lower.map_or(Lower::Start, |line| Lower::Introduced(line.to_owned()));
            let interval = Interval { lower, upper: Upper::Fixed(package.version.clone()) };
            let statement =
                Statement::new(ecosystem.clone(), &package.name, Status::Affected, Some(interval), &self.id);
            statements.add(Statement { module, severity, ..statement }, package.arch.as_deref());
        }
        statements
    }
}

impl Package {
    fn of(package: &Element, module: Option<String>) -> Option<Self> {
        let upstream = package.attribute("version")?.to_owned();
        let label = format!("{upstream}-{}", package.attribute("release")?);
        Some(Self {
            name: package.attribute("name")?.to_owned(),
            version: with_epoch(package.attribute("epoch"), &label),
            upstream,
            arch: package.attribute("arch").map(str::to_owned),
            module,
        })
    }
}

/// Whose update it is, and of which release.
struct Origin {
    source: &'static str,
    ecosystem: Option<Ecosystem>,
}

impl Origin {
    fn of(update: &Update) -> Option<Self> {
        let prefix = update.id.split('-').next()?;
        let (source, kind) = match prefix {
            "RLSA" | "RLBA" | "RLEA" | "RXSA" => ("rocky", EcosystemKind::RockyLinux),
            "ALSA" | "ALBA" | "ALEA" => ("alma", EcosystemKind::AlmaLinux),
            "FEDORA" if !update.id.starts_with("FEDORA-EPEL") => ("fedora", EcosystemKind::Fedora),
            _ => {
                let release = amazon_release(prefix)?;
                let ecosystem = Some(Ecosystem::release(EcosystemKind::Amazon, release));
                return Some(Self { source: "amazon", ecosystem });
            }
        };
        let named = update.releases.iter().find_map(|text| number_in(text));
        let release = named.or_else(|| update.packages.iter().find_map(|one| dist_tag(&one.version)));
        Some(Self { source, ecosystem: release.map(|release| Ecosystem::release(kind, release)) })
    }
}

/// `ALAS` is of Amazon Linux 1, `ALAS2` and its extras (`ALAS2KERNEL`) of 2, `ALAS2023` of 2023.
fn amazon_release(prefix: &str) -> Option<&'static str> {
    let rest = prefix.strip_prefix("ALAS")?;
    ["2023", "2022", "2"]
        .into_iter()
        .find(|release| rest.starts_with(release))
        .or_else(|| rest.is_empty().then_some("1"))
}

/// Amazon Linux 2 has several kernels under one name; an update of an extra is of its line only.
fn kernel_line(id: &str) -> Option<&str> {
    id.strip_prefix("ALAS2KERNEL-")?.split('-').next().filter(|line| line.contains('.'))
}

/// The first number: of `Rocky Linux 9`, `Fedora 38`, `rocky-linux-9-x86-64-baseos-rpms`. AlmaLinux
/// writes `0` for every release.
fn number_in(text: &str) -> Option<String> {
    text.contains(|c: char| c.is_ascii_alphabetic()).then_some(())?;
    let digits = text.split(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty())?;
    Some(digits.to_owned())
}

/// The release of the distribution in that of a package: `8.el9_0`, `2.fc38`.
fn dist_tag(version: &str) -> Option<String> {
    let tag = [".el", ".fc", "+el", "_el"].iter().find_map(|mark| version.split(mark).nth(1))?;
    let digits: String = tag.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

/// CVE ids anywhere in a text.
fn cves(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.filter(|word| is_cve(word)).map(str::to_owned)
}

fn is_cve(word: &str) -> bool {
    let digits = |text: &str, least| text.len() >= least && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = word.strip_prefix("CVE-").and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(year, number)| digits(year, 4) && digits(number, 4))
}

#[cfg(test)]
mod tests {
    use super::{amazon_release, cves, dist_tag, kernel_line, number_in};

    #[test]
    fn ids_and_texts_tell_the_release() {
        let amazon = |prefix| amazon_release(prefix);
        assert_eq!(
            ["ALAS", "ALAS2", "ALAS2KERNEL", "ALAS2023NVIDIA", "ALAS2022"].map(amazon),
            [Some("1"), Some("2"), Some("2"), Some("2023"), Some("2022")]
        );
        assert_eq!(amazon("ALASX"), None);
        assert_eq!(kernel_line("ALAS2KERNEL-5.15-2022-001"), Some("5.15"));
        assert_eq!(kernel_line("ALAS2-2018-939"), None);
        assert_eq!(number_in("rocky-linux-9-x86-64-baseos-rpms").as_deref(), Some("9"));
        assert_eq!(number_in("0"), None);
        assert_eq!(dist_tag("5.2.5-8.el9_0").as_deref(), Some("9"));
        assert_eq!(dist_tag("10.5.16-2.module+el9.1.0+13358").as_deref(), Some("9"));
    }

    #[test]
    fn cve_ids_are_found_in_words() {
        let found: Vec<_> = cves("2142861 – CVE-2022-3734 redis: x (CVE-2022-45061, CVE-1) [fedora-38]").collect();
        assert_eq!(found, ["CVE-2022-3734", "CVE-2022-45061"]);
    }
}
