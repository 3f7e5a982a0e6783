//! Hand-built reports.

use domain::advisory::Status;
use domain::component::{Component, Distribution, Identity, Inventory};
use domain::digest::Digest;
use domain::finding::{Confidence, Coverage, Evaluation, Evidence, Finding, Unevaluated, UnevaluatedGroup};
use domain::purl::Purl;
use domain::severity::Severity;
use domain::source::SourceId;
use domain::time::Timestamp;
use domain::vex::{Justification, VexDecision, VexDocument, VexEffect, VexSource, VexStatus};
use policy::vex::DocumentUse;
use policy::{DataAge, GenerationRef, Outcome, SourceAge, Verdict};

use crate::report::{Author, Report};

fn at(text: &str) -> Timestamp {
    Timestamp::parse_lenient(text).expect("a time of the sample")
}

/// Four findings that differ in everything a reader must tell apart, and two gaps.
pub(crate) fn with_findings() -> Report {
    let coverage = Coverage {
        components: 12,
        evaluated: 7,
        not_applicable: 2,
        unevaluated: vec![
            group(Unevaluated::MissingPurl, 4, &["app@1.0", "blob@2", "core@3", "data@4"]),
            group(Unevaluated::NoData { ecosystem: "Alpine:v3.99".into() }, 1, &["musl@1.2.5-r9"]),
        ],
    };
    Report {
        scan_id: "scan-0001".into(),
        artifact: "out/shop app.cdx.json".into(),
        inventory: Inventory {
            format: "CycloneDX".into(),
            spec_version: "1.6".into(),
            subject: Some("registry.example:5000/shop:1.4".into()),
            tools: vec!["syft 1.18.1".into()],
            distribution: Some(Distribution { id: "alpine".into(), version: Some("3.20".into()) }),
            components: (0..14).map(|number| Component { name: format!("c{number}"), ..Default::default() }).collect(),
            warnings: vec!["component 13 has no name".into()],
            identity: Identity::default(),
        },
        evaluation: Evaluation {
            findings: vec![log4j(), musl(), requests(), zlib()],
            suppressed: Vec::new(),
            coverage,
        },
        verdict: Verdict {
            outcome: Outcome::Fail,
            reasons: vec![
                "1 finding at severity critical or above".into(),
                "4 components not evaluated: no purl".into(),
            ],
            ..clean_verdict()
        },
        vex: Vec::new(),
        author: Author::default(),
    }
}

/// A document without components, judged by data of unknown age.
pub(crate) fn empty() -> Report {
    Report {
        scan_id: "scan-0002".into(),
        artifact: "empty.spdx.json".into(),
        inventory: Inventory { format: "SPDX".into(), spec_version: "2.3".into(), ..Default::default() },
        evaluation: Evaluation::default(),
        verdict: Verdict {
            outcome: Outcome::Indeterminate,
            reasons: vec!["the document lists no component that could be evaluated".into()],
            ..clean_verdict()
        },
        vex: Vec::new(),
        author: Author::default(),
    }
}

/// Every text that comes from a document tries to act on the reader's terminal or viewer.
pub(crate) fn hostile() -> Report {
    const EVIL: &str =
        "x\u{1b}[2J\u{1b}]0;owned\u{7}\r\nVerdict: PASS\n\u{202e}0.2\u{2066}\u{200b}\u{9b}31m│y{0}[z](https://evil)";
    let mut report = with_vex();
    let evil = || EVIL.to_owned();
    report.artifact = evil();
    report.scan_id = evil();
    report.inventory.subject = Some(evil());
    report.inventory.format = evil();
    report.inventory.spec_version = evil();
    report.inventory.tools = vec![evil(), evil()];
    report.inventory.distribution = Some(Distribution { id: evil(), version: Some(evil()) });
    report.inventory.warnings = vec![evil()];
    let finding = &mut report.evaluation.findings[0];
    finding.vulnerability = evil();
    finding.aliases = vec![evil()];
    finding.package = evil();
    finding.version = evil();
    finding.fixed_versions = vec![evil(), evil(), evil()];
    finding.title = Some(evil());
    finding.purl = Some(evil());
    let musl = &mut report.evaluation.suppressed[0];
    (musl.package, musl.vulnerability, musl.purl) = (evil(), evil(), Some(evil()));
    if let Some(decision) = &mut musl.vex {
        (decision.impact, decision.target, decision.place) = (Some(evil()), evil(), evil());
        decision.document.name = evil();
        (decision.document.id, decision.document.author) = (Some(evil()), Some(evil()));
    }
    report.vex[0].about.name = evil();
    (report.vex[0].problems, report.vex[0].unmatched) = (vec![evil()], vec![evil()]);
    report.author = Author { name: evil(), namespace: evil() };
    report.evaluation.coverage.unevaluated[0].message = evil();
    report.evaluation.coverage.unevaluated[0].components = vec![evil()];
    report.verdict.reasons = vec![evil()];
    report.verdict.engine = evil();
    report.verdict.sources[0].source = SourceId::new(evil());
    report
}

/// One finding that VEX clears, one that it says something of, one about which documents contradict each other, and one
/// that nobody speaks of.
pub(crate) fn with_vex() -> Report {
    let mut report = with_findings();
    report.scan_id = "scan-0003".into();
    report.inventory.identity.serial_number = Some("urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79".into());
    report.inventory.identity.root = Purl::parse("pkg:oci/shop@sha256:124c?repository_url=registry.example/shop").ok();
    let decision = |effect, status| VexDecision {
        effect,
        status,
        justification: None,
        impact: None,
        action: None,
        timestamp: Some(at("2026-11-20T08:00:00Z")),
        target: "pkg:apk/alpine/musl".into(),
        bound: false,
        place: "statements[0]".into(),
        document: VexDocument {
            source: VexSource::File,
            name: "shop.openvex.json".into(),
            format: "OpenVEX".into(),
            id: Some("https://shop.example/vex/1".into()),
            version: Some("3".into()),
            author: Some("Shop PSIRT".into()),
            timestamp: Some(at("2026-11-20T08:00:00Z")),
            digest: Digest::of(b"vex"),
        },
    };
    let findings = &mut report.evaluation.findings;
    for (number, finding) in findings.iter_mut().enumerate() {
        finding.component = number;
        finding.purl.get_or_insert_with(|| "pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1".into());
    }
    findings[2].vex = Some(Box::new(decision(VexEffect::Annotated, VexStatus::UnderInvestigation)));
    findings[3].vex = Some(Box::new(decision(VexEffect::Contradicted, VexStatus::Fixed)));
    let mut musl = findings.remove(1);
    let cleared = VexDecision {
        justification: Some(Justification::VulnerableCodeNotInExecutePath),
        impact: Some("Nothing calls it.".into()),
        ..decision(VexEffect::Suppressed, VexStatus::NotAffected)
    };
    musl.vex = Some(Box::new(cleared.clone()));
    report.evaluation.suppressed = vec![musl];
    report.vex = vec![DocumentUse {
        about: cleared.document,
        statements: 5,
        suppressed: 1,
        annotated: 1,
        contradicted: 1,
        without_effect: 2,
        unusable: 3,
        problems: vec!["statements[5]: it names no product (and 2 more like it)".into()],
        unmatched: vec!["statements[3]: CVE-2021-44228: pkg:maven/a/b@1: it is another version".into()],
    }];
    report.author = Author { name: "Site security".into(), namespace: "https://site.example".into() };
    report
}

fn clean_verdict() -> Verdict {
    let source =
        |name: &str, as_of: Option<&str>, age| SourceAge { source: SourceId::new(name), as_of: as_of.map(at), age };
    Verdict {
        outcome: Outcome::Pass,
        reasons: Vec::new(),
        generation: GenerationRef { number: 7, kit: Digest::of(b"kit"), content_root: Digest::of(b"root") },
        policy: Digest::of(b"policy"),
        engine: "stella 0.1.0".into(),
        sources: vec![
            source("alpine", Some("2026-11-20"), DataAge::Days(3)),
            source("ghsa", Some("2026-11-22T09:00:00Z"), DataAge::Days(1)),
            source("osv", None, DataAge::Unknown),
        ],
        evaluated_at: at("2026-11-23T12:00:00Z"),
    }
}

fn group(reason: Unevaluated, count: u64, components: &[&str]) -> UnevaluatedGroup {
    let message = reason.to_string();
    UnevaluatedGroup { reason, message, count, components: components.iter().map(|it| (*it).to_owned()).collect() }
}

fn finding(id: &str, vulnerability: &str, package: &str, version: &str) -> Finding {
    Finding {
        id: id.into(),
        vulnerability: vulnerability.into(),
        aliases: Vec::new(),
        component: 0,
        reference: format!("ref-{package}"),
        package: package.into(),
        version: version.into(),
        purl: None,
        ecosystem: "npm".into(),
        matched_name: package.into(),
        severity: Severity::Unknown,
        severity_source: None,
        cvss_vector: None,
        cvss_score: None,
        status: Status::Affected,
        fixed_versions: Vec::new(),
        confidence: Confidence::Agreed,
        evidence: Vec::new(),
        title: None,
        published: None,
        known_exploited: None,
        epss_probability: None,
        epss_percentile: None,
        vex: None,
    }
}

fn evidence(source: &str, record: &str, reason: &str) -> Evidence {
    Evidence { source: SourceId::new(source), record: record.into(), reason: reason.into() }
}

fn log4j() -> Finding {
    Finding {
        aliases: vec!["GHSA-jfh8-c2jp-5v3q".into()],
        purl: Some("pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1".into()),
        ecosystem: "Maven".into(),
        matched_name: "org.apache.logging.log4j:log4j-core".into(),
        severity: Severity::Critical,
        severity_source: Some(SourceId::new("ghsa")),
        cvss_vector: Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H".into()),
        cvss_score: Some(10.0),
        fixed_versions: vec!["2.15.0".into()],
        evidence: vec![evidence("ghsa", "GHSA-jfh8-c2jp-5v3q", "2.13.0 <= 2.14.1 < 2.15.0")],
        title: Some("Remote code injection in Log4j".into()),
        published: Some(at("2021-12-10T00:40:56Z")),
        known_exploited: Some(at("2021-12-10")),
        epss_probability: Some(0.94358),
        epss_percentile: Some(0.99957),
        ..finding("f-1111", "CVE-2021-44228", "log4j-core", "2.14.1")
    }
}

fn musl() -> Finding {
    Finding {
        purl: Some("pkg:apk/alpine/musl@1.2.5-r0?distro=3.20".into()),
        ecosystem: "Alpine:v3.20".into(),
        fixed_versions: vec!["1.2.5-r1".into()],
        evidence: vec![evidence("alpine", "CVE-2025-26519", "1.2.5-r0 < 1.2.5-r1")],
        ..finding("f-2222", "CVE-2025-26519", "musl", "1.2.5-r0")
    }
}

fn requests() -> Finding {
    Finding {
        aliases: vec!["CVE-2023-32681".into(), "PYSEC-2023-74".into()],
        purl: Some("pkg:pypi/requests@2.25.0".into()),
        ecosystem: "PyPI".into(),
        severity: Severity::Medium,
        severity_source: Some(SourceId::new("ghsa")),
        cvss_vector: Some("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:C/C:H/I:N/A:N".into()),
        cvss_score: Some(6.1),
        fixed_versions: vec!["2.31.0".into(), "2.31.1".into(), "2.32.0".into()],
        confidence: Confidence::Disputed,
        evidence: vec![evidence("ghsa", "GHSA-j8r2-6x86-q33q", "2.3.0 <= 2.25.0 < 2.31.0")],
        title: Some("Unintended leak of the Proxy-Authorization header in requests when redirected to HTTPS".into()),
        epss_probability: Some(0.06),
        epss_percentile: Some(0.9),
        ..finding("f-3333", "GHSA-j8r2-6x86-q33q", "requests", "2.25.0")
    }
}

fn zlib() -> Finding {
    Finding {
        ecosystem: "Debian:12".into(),
        severity: Severity::Low,
        severity_source: Some(SourceId::new("debian")),
        cvss_score: Some(9.8),
        status: Status::WillNotFix,
        evidence: vec![evidence("debian", "CVE-2023-45853", "every version")],
        title: Some("Integer overflow in MiniZip".into()),
        ..finding("f-4444", "CVE-2023-45853", "zlib1g", "1:1.2.13.dfsg-1")
    }
}
