//! What a receipt says: in-toto statements with one of two predicates.
//!
//! The bytes are RFC 8785 JSON: compact, names in order, no number but whole ones below 2^53.
//! [`Statement::of`] reads only what is byte for byte what [`Statement::to_bytes`] writes, so a
//! repeated name, an unknown one or a second spelling is refused without a rule for each.

use std::collections::BTreeMap;

use domain::digest::Digest;
use domain::time::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::dsse::VerifiedPayload;
use crate::error::AttestError;
use crate::keys::Receipt;
use crate::text::shown;

/// A kind of statement.
pub trait Predicate: Serialize + DeserializeOwned {
    /// Its URI.
    const TYPE: &'static str;
}

// In each structure the fields stand in the order of their JSON names; a test holds us to it.

/// An in-toto statement: a predicate about files that are named by digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement<T> {
    #[serde(rename = "_type")]
    kind: Kind,
    predicate: T,
    predicate_type: String,
    subject: Vec<Resource>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    #[serde(rename = "https://in-toto.io/Statement/v1")]
    V1,
}

/// A file by name and digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    pub digest: Sha256,
    pub name: String,
}

/// A document by place and digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    pub digest: Sha256,
    pub uri: String,
}

/// in-toto's set of digests, of which we write one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sha256 {
    pub sha256: Digest,
}

impl Resource {
    pub fn new(name: &str, sha256: Digest) -> Self {
        Self { digest: Sha256 { sha256 }, name: name.to_owned() }
    }
}

impl Reference {
    pub fn new(uri: &str, sha256: Digest) -> Self {
        Self { digest: Sha256 { sha256 }, uri: uri.to_owned() }
    }
}

impl<T: Predicate> Statement<T> {
    pub fn new(subject: Vec<Resource>, predicate: T) -> Self {
        Self { kind: Kind::V1, predicate, predicate_type: T::TYPE.to_owned(), subject }
    }

    pub fn subject(&self) -> &[Resource] {
        &self.subject
    }

    pub fn predicate(&self) -> &T {
        &self.predicate
    }

    /// The bytes to sign.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a statement has a JSON form")
    }

    /// Reads a statement that a receipt key signed.
    pub fn of(payload: &VerifiedPayload<Receipt>) -> Result<Self, AttestError> {
        let refuse = |error: serde_json::Error| AttestError::Statement(error.to_string());
        let found = predicate_type(payload)?;
        if found != T::TYPE {
            return Err(AttestError::Statement(format!("its predicate is {}", shown(&found))));
        }
        let statement: Self = serde_json::from_slice(payload.bytes()).map_err(refuse)?;
        if statement.to_bytes() != payload.bytes() {
            return Err(AttestError::Statement("the bytes are not the canonical encoding of their content".to_owned()));
        }
        Ok(statement)
    }
}

/// Which predicate a verified statement carries: the value to choose a type for [`Statement::of`] by.
pub fn predicate_type(payload: &VerifiedPayload<Receipt>) -> Result<String, AttestError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Head {
        predicate_type: String,
    }
    let head: Result<Head, _> = serde_json::from_slice(payload.bytes());
    head.map(|head| head.predicate_type).map_err(|error| AttestError::Statement(error.to_string()))
}

/// The SLSA verification summary, version 1: "this site checked that kit under this policy".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerificationSummary {
    pub input_attestations: Vec<Reference>,
    pub policy: Reference,
    pub resource_uri: String,
    pub slsa_version: String,
    pub time_verified: Timestamp,
    pub verification_result: VerificationResult,
    /// Levels of our own; names that begin with `SLSA_` belong to the specification.
    pub verified_levels: Vec<String>,
    pub verifier: Verifier,
}

impl Predicate for VerificationSummary {
    const TYPE: &'static str = "https://slsa.dev/verification_summary/v1";
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum VerificationResult {
    Failed,
    Passed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verifier {
    pub id: String,
    /// Program to version.
    pub version: BTreeMap<String, String>,
}

/// What an import did to this site, or why it did nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OukImport {
    /// `import`, `rollback`.
    pub action: String,
    pub approvals: Vec<ApprovalMade>,
    pub at: Timestamp,
    /// Bytes read from the medium.
    pub bytes: u64,
    pub clock: Clock,
    /// The stable code of the refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_root: Option<Digest>,
    /// Program and version.
    pub engine: String,
    /// What the tokens and the revocation list of the kit came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entitlements: Option<Entitlements>,
    /// Role to version.
    pub floors_after: BTreeMap<String, u64>,
    pub floors_before: BTreeMap<String, u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// The name under which the operator gave the kit. Nobody vouches for it.
    pub given_as: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kit_sha256: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kit_version: Option<u64>,
    /// Where the audit log tells of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_index: Option<u64>,
    /// The SHA-256 of the kit's signed targets: what an approval is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_digest: Option<Digest>,
    pub operator: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `activated`, `noop`, `rejected`, `failed`.
    pub result: String,
    pub site: String,
    /// The files that the kit came in.
    pub volumes: Vec<Resource>,
    /// What a person should know of a kit although it was taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Predicate for OukImport {
    const TYPE: &'static str = "https://stella-ops.org/attestations/ouk-import/v1";
}

/// Tokens and revocations. Ids only of what is withdrawn; a token never stands in a receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitlements {
    /// Vendor tokens that are for other sites.
    pub elsewhere: u64,
    /// Site tokens that are no longer good.
    pub ended: u64,
    /// Site tokens that were minted.
    pub minted: u64,
    /// Vendor tokens that were not taken. The warnings say why.
    pub refused: u64,
    /// The serial of the revocation list that is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocations_serial: Option<u64>,
    /// Generations that can never be active again.
    pub withdrawn_generations: Vec<u64>,
}

/// By which time expiry was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// The time before which it cannot be.
    pub floor: Timestamp,
    pub now: Timestamp,
    pub state: ClockState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockState {
    Ahead,
    Behind,
    Ok,
}

/// A person's approval that the action rested on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalMade {
    pub by: String,
    /// The digest of the approval's envelope.
    pub envelope: Digest,
    /// The id of the approval key.
    pub key: Digest,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;
    use crate::dsse::{sign, verify};
    use crate::keys::SigningKey;

    fn at() -> Timestamp {
        Timestamp::parse_strict("2026-11-24T06:00:00Z").expect("a time")
    }

    fn import() -> Statement<OukImport> {
        let kit = Digest::of(b"kit");
        let predicate = OukImport {
            action: "import".to_owned(),
            approvals: vec![ApprovalMade { by: "ada".to_owned(), envelope: Digest::of(b"e"), key: Digest::of(b"k") }],
            at: at(),
            bytes: 3,
            clock: Clock { floor: at(), now: at(), state: ClockState::Ok },
            code: Some("E-X".to_owned()),
            content_root: Some(kit),
            engine: "stella 0.1.0".to_owned(),
            entitlements: Some(Entitlements { minted: 2, revocations_serial: Some(3), ..Entitlements::default() }),
            floors_after: [("targets".to_owned(), 8), ("root".to_owned(), 1)].into(),
            floors_before: BTreeMap::new(),
            generation: Some(4),
            given_as: "kit\n\u{1b}\u{202e}\"|=.zst".to_owned(),
            kit_sha256: Some(kit),
            kit_version: Some(8),
            log_index: Some(17),
            metadata_digest: Some(kit),
            operator: "ada".to_owned(),
            reason: Some("none".to_owned()),
            result: "activated".to_owned(),
            site: "lab".to_owned(),
            volumes: vec![Resource::new("kit.tar.zst", kit)],
            warnings: vec!["clock".to_owned()],
        };
        Statement::new(vec![Resource::new("kit.tar.zst", kit)], predicate)
    }

    fn summary() -> Statement<VerificationSummary> {
        let kit = Digest::of(b"kit");
        let predicate = VerificationSummary {
            input_attestations: vec![Reference::new("META/7.targets.json", kit)],
            policy: Reference::new("META/1.root.json", kit),
            resource_uri: "urn:stella:kit:8".to_owned(),
            slsa_version: "1.0".to_owned(),
            time_verified: at(),
            verification_result: VerificationResult::Passed,
            verified_levels: vec!["STELLA_OUK_V1".to_owned()],
            verifier: Verifier {
                id: "urn:stella:site:lab".to_owned(),
                version: [("stella".to_owned(), "0.1.0".to_owned())].into(),
            },
        };
        Statement::new(vec![Resource::new("kit.tar.zst", kit)], predicate)
    }

    fn verified(bytes: &[u8]) -> VerifiedPayload<Receipt> {
        let key = SigningKey::<Receipt>::from_seed(&[1; 32]);
        verify(&sign(bytes, &[&key]), &Limits::default(), &[key.public()], 1).expect("a receipt")
    }

    /// Every object of the text, as a reader that keeps the order of names sees it.
    fn names_are_sorted(bytes: &[u8]) -> bool {
        let value: serde_json::Value = serde_json::from_slice(bytes).expect("JSON");
        let mut sorted = Vec::new();
        write_sorted(&value, &mut sorted);
        sorted == bytes
    }

    fn write_sorted(value: &serde_json::Value, out: &mut Vec<u8>) {
        match value {
            serde_json::Value::Object(map) => {
                let names: std::collections::BTreeSet<_> = map.keys().collect();
                for (at, name) in names.into_iter().enumerate() {
                    out.extend(if at == 0 { &b"{"[..] } else { b"," });
                    serde_json::to_writer(&mut *out, name).expect("a name");
                    out.push(b':');
                    write_sorted(&map[name], out);
                }
                out.extend(if map.is_empty() { &b"{}"[..] } else { b"}" });
            }
            serde_json::Value::Array(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    out.extend(if at == 0 { &b""[..] } else { b"," });
                    write_sorted(item, out);
                }
                out.push(b']');
            }
            other => serde_json::to_writer(out, other).expect("a value"),
        }
    }

    #[test]
    fn statements_are_canonical() {
        assert!(names_are_sorted(&import().to_bytes()));
        assert!(names_are_sorted(&summary().to_bytes()));
        assert!(!names_are_sorted(b"{\"b\":1,\"a\":2}"));
    }

    #[test]
    fn a_summary_has_the_names_of_the_slsa_specification() {
        let kit = format!("\"digest\":{{\"sha256\":\"{}\"}}", Digest::of(b"kit"));
        let want = "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{\
                    \"inputAttestations\":[{DIGEST,\"uri\":\"META/7.targets.json\"}],\
                    \"policy\":{DIGEST,\"uri\":\"META/1.root.json\"},\
                    \"resourceUri\":\"urn:stella:kit:8\",\"slsaVersion\":\"1.0\",\
                    \"timeVerified\":\"2026-11-24T06:00:00Z\",\"verificationResult\":\"PASSED\",\
                    \"verifiedLevels\":[\"STELLA_OUK_V1\"],\
                    \"verifier\":{\"id\":\"urn:stella:site:lab\",\"version\":{\"stella\":\"0.1.0\"}}},\
                    \"predicateType\":\"https://slsa.dev/verification_summary/v1\",\
                    \"subject\":[{DIGEST,\"name\":\"kit.tar.zst\"}]}";
        assert_eq!(String::from_utf8(summary().to_bytes()).as_deref(), Ok(want.replace("DIGEST", &kit).as_str()));
    }

    #[test]
    fn a_signed_statement_comes_back_as_it_was() {
        let payload = verified(&import().to_bytes());
        assert_eq!(predicate_type(&payload).as_deref(), Ok(OukImport::TYPE));
        assert_eq!(Statement::of(&payload), Ok(import()));
        assert_eq!(Statement::of(&verified(&summary().to_bytes())), Ok(summary()));
    }

    #[test]
    fn control_characters_are_escaped() {
        // L04: what an operator typed as a name stays inside of its string.
        let text = String::from_utf8(import().to_bytes()).expect("text");
        assert!(text.contains("\"given_as\":\"kit\\n\\u001b\u{202e}\\\"|=.zst\""), "{text}");
        assert!(!text.contains('\n'));
    }

    #[test]
    fn what_is_signed_but_not_canonical_is_refused() {
        let good = String::from_utf8(import().to_bytes()).expect("text");
        let cases = [
            good.replacen("\"action\":\"import\"", "\"action\":\"import\",\"action\":\"import\"", 1),
            good.replacen("\"action\":\"import\"", "\"action\":\"import\",\"x\":1", 1),
            good.replacen("\"action\":\"import\"", "\"action\":\"\\u0069mport\"", 1),
            good.replacen("\"code\":\"E-X\"", "\"code\":null", 1),
            good.replacen("\"bytes\":3", "\"bytes\":3.0", 1),
            good.replacen("06:00:00Z", "06:00:00+00:00", 1),
            good.replacen("Statement/v1", "Statement/v0.1", 1),
            good.replacen(OukImport::TYPE, VerificationSummary::TYPE, 1),
            format!("{good}\n"),
            String::new(),
        ];
        for case in cases {
            let read = Statement::<OukImport>::of(&verified(case.as_bytes())).map_err(|error| error.code());
            assert_eq!(read, Err("E-STATEMENT"), "{case}");
        }
    }
}
