//! Receipts: what was decided about a kit, by whose request, and why. One for refusals too.
//!
//! The account is filled while the import goes on, and written down where it ends. What the store makes
//! of it is a record of the audit log, a signed in-toto statement of ours and, when the kit was
//! judged, a signed SLSA verification summary that other tools read.

use std::collections::BTreeMap;

use attest::statement::{
    Clock, ClockState, OukImport, Reference, Resource, VerificationResult, VerificationSummary, Verifier,
};
use domain::clock::{self, Reading, TimeFloor};
use domain::digest::Digest;
use store::audit::{Entry, Event, Receipt, Subject};
use store::{Floor, GenerationRow, Site, VolumeRow};

use crate::entitlements::Ruling;
use crate::prepare::Verified;

/// The level of our own that a summary states.
const LEVEL: &str = "STELLA_OUK_V1";

/// What is known so far.
pub(crate) struct Account {
    pub(crate) import: OukImport,
    verifier: Verifier,
    /// The root that decides, before any other is reached through it.
    policy: Option<Reference>,
    inputs: Vec<Reference>,
    /// What is to be said of the files, whatever comes of the kit.
    noted: Vec<String>,
}

/// By whom, with what, and when.
pub(crate) struct Circumstances<'a> {
    pub(crate) site: &'a Site,
    pub(crate) time: &'a TimeFloor,
    pub(crate) reading: &'a Reading,
    pub(crate) operator: &'a str,
    /// Program and version.
    pub(crate) engine: &'a str,
}

impl Account {
    pub(crate) fn new(action: &str, given_as: &str, by: &Circumstances<'_>) -> Self {
        let present = by.time.judge(by.reading);
        let state = match present.state {
            clock::ClockState::Ok => ClockState::Ok,
            clock::ClockState::Behind => ClockState::Behind,
            clock::ClockState::Ahead => ClockState::Ahead,
        };
        let import = OukImport {
            action: action.to_owned(),
            approvals: Vec::new(),
            at: by.reading.wall,
            bytes: 0,
            clock: Clock { floor: by.time.floor(by.reading), now: present.at, state },
            code: None,
            content_root: None,
            engine: by.engine.to_owned(),
            entitlements: None,
            floors_after: BTreeMap::new(),
            floors_before: BTreeMap::new(),
            generation: None,
            given_as: given_as.to_owned(),
            kit_sha256: None,
            kit_version: None,
            log_index: None,
            metadata_digest: None,
            operator: by.operator.to_owned(),
            reason: None,
            result: String::new(),
            site: by.site.id().to_owned(),
            volumes: Vec::new(),
            warnings: Vec::new(),
        };
        let (program, version) = by.engine.split_once(' ').unwrap_or((by.engine, "unknown"));
        let version = [(program.to_owned(), version.to_owned())].into();
        Self {
            import,
            verifier: Verifier { id: by.site.urn(), version },
            policy: None,
            inputs: Vec::new(),
            noted: Vec::new(),
        }
    }

    pub(crate) fn judged_by(&mut self, root: Option<Digest>) {
        self.policy = root.map(|root| Reference::new("urn:stella:trust-root", root));
    }

    pub(crate) fn describe(&mut self, verified: &Verified) {
        self.import.kit_version = Some(verified.kit.kit_version());
        self.import.warnings = [self.noted.as_slice(), verified.kit.warnings()].concat();
        self.import.metadata_digest = Some(verified.kit.metadata_digest());
        self.import.floors_before = versions(&verified.trust.floors);
        let files = verified.metadata.files();
        self.inputs = files.iter().map(|(name, bytes)| Reference::new(name, Digest::of(bytes))).collect();
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        self.import.warnings.clone()
    }

    /// What the kit's tokens came to.
    pub(crate) fn rule(&mut self, ruling: &Ruling) {
        self.import.entitlements = Some(ruling.told.clone());
        self.import.warnings.extend_from_slice(&ruling.warnings);
    }

    /// The files that a kit came in, when it did not come in one.
    pub(crate) fn came_in(&mut self, volumes: &[VolumeRow], warnings: Vec<String>) {
        self.noted = warnings;
        let resource = |volume: &VolumeRow| Resource::new(base_name(&volume.given_as), volume.sha256);
        self.import.volumes = volumes.iter().map(resource).collect();
    }

    /// The floors stay: a rollback opens no door for older kits.
    pub(crate) fn rolls_back_to(&mut self, row: &GenerationRow, floors: &[Floor]) {
        self.import.kit_sha256 = Some(row.kit_sha256);
        self.import.kit_version = Some(row.kit_version);
        self.import.metadata_digest = Some(row.metadata_digest);
        self.import.content_root = Some(row.content_root);
        self.import.generation = Some(row.number);
        self.import.floors_before = versions(floors);
        self.import.floors_after.clone_from(&self.import.floors_before);
    }

    /// What is to be written down.
    pub(crate) fn entry(&self) -> Entry {
        let event = self.event();
        let name = base_name(&self.import.given_as);
        // Of a kit that could not be read there is no digest: the receipt is then about none, or about
        // what has come of it.
        let subject = match self.import.kit_sha256 {
            Some(sha256) => vec![Resource::new(name, sha256)],
            None => self.import.volumes.clone(),
        };
        let summary = self.summary();
        Entry { event, receipt: Some(Receipt { subject, import: self.import.clone(), summary }) }
    }

    fn event(&self) -> Event {
        let import = &self.import;
        let details = [
            ("generation", import.generation.map(|number| number.to_string())),
            ("given_as", Some(import.given_as.clone()).filter(|name| !name.is_empty())),
            ("kit_version", import.kit_version.map(|version| version.to_string())),
            ("reason", import.reason.clone()),
            ("volumes", Some(import.volumes.len()).filter(|&count| count > 0).map(|count| count.to_string())),
        ];
        let named = |name: &str, sha256: Option<Digest>| sha256.map(|sha256| Subject { name: name.to_owned(), sha256 });
        Event {
            at: import.at,
            action: import.action.clone(),
            actor: import.operator.clone(),
            result: import.result.clone(),
            code: import.code.clone(),
            subjects: named("kit", import.kit_sha256)
                .into_iter()
                .chain(named("content-root", import.content_root))
                .collect(),
            details: details.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?))).collect(),
        }
    }

    /// A kit that was judged is summed up; an import that failed for reasons of ours judged nothing.
    fn summary(&self) -> Option<VerificationSummary> {
        let import = &self.import;
        let (verification_result, level) = match (import.action.as_str(), import.result.as_str()) {
            ("import", "activated" | "noop") => (VerificationResult::Passed, LEVEL),
            ("import", "rejected") => (VerificationResult::Failed, "FAILED"),
            _ => return None,
        };
        Some(VerificationSummary {
            input_attestations: self.inputs.clone(),
            policy: self.policy.clone()?,
            resource_uri: format!("urn:stella:kit:sha256:{}", import.kit_sha256?),
            slsa_version: "1.0".to_owned(),
            time_verified: import.clock.now,
            verification_result,
            verified_levels: vec![level.to_owned()],
            verifier: self.verifier.clone(),
        })
    }
}

fn base_name(given_as: &str) -> &str {
    given_as.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("kit")
}

/// Floors as a receipt tells them.
pub(crate) fn versions(floors: &[Floor]) -> BTreeMap<String, u64> {
    floors.iter().map(|floor| (floor.role.clone(), floor.version)).collect()
}
