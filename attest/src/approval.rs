//! That a person agrees to one action: what an approver signs.
//!
//! The bytes are canonical JSON, short enough to be read before they are signed on another machine:
//! names in order, texts only. As with receipts, [`Approval::of`] reads only what is byte
//! for byte what [`Approval::to_bytes`] writes. Whether an approval counts is not decided here.

use std::collections::BTreeMap;

use domain::digest::Digest;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::dsse::VerifiedPayload;
use crate::error::AttestError;
use crate::keys;
use crate::limits::within;

/// Digests, a name and a reason.
const APPROVAL_BYTES_MAX: usize = 16 << 10;

/// What can wait for approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Making a staged kit active.
    Activate,
    /// Confirming a kit that one person activated in an emergency.
    ConfirmEmergency,
    /// Going back to an earlier generation.
    Rollback,
    /// Vouching for the wall clock.
    Clock,
    /// Changing who approves what.
    Policy,
}

impl Action {
    pub const ALL: [Self; 5] = [Self::Activate, Self::ConfirmEmergency, Self::Rollback, Self::Clock, Self::Policy];

    /// The word that stands in documents and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::ConfirmEmergency => "confirm-emergency",
            Self::Rollback => "rollback",
            Self::Clock => "clock",
            Self::Policy => "policy",
        }
    }
}

/// What an action is done to: names and values. All of them must be what the approver has signed.
pub type Subject = BTreeMap<String, String>;

/// The statement of one approver.
// The fields stand in the order of their names; a test holds us to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    pub action: Action,
    pub approver: String,
    pub expires: Timestamp,
    /// Chosen at random for each request, so that an approval of an earlier one is worth nothing.
    pub nonce: Digest,
    pub subject: Subject,
}

impl Approval {
    /// The bytes to sign.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an approval has a JSON form")
    }

    /// Reads what an approval key has signed.
    pub fn of(payload: &VerifiedPayload<keys::Approval>) -> Result<Self, AttestError> {
        Self::parse(payload.bytes())
    }

    /// Reads what somebody is asked to sign. Nobody has signed it yet.
    pub fn parse(bytes: &[u8]) -> Result<Self, AttestError> {
        within("bytes of the approval", bytes.len(), APPROVAL_BYTES_MAX)?;
        let approval: Self =
            serde_json::from_slice(bytes).map_err(|error| AttestError::Statement(error.to_string()))?;
        if approval.to_bytes() != bytes {
            return Err(AttestError::Statement("the bytes are not the canonical encoding of their content".to_owned()));
        }
        Ok(approval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsse;
    use crate::keys::SigningKey;
    use crate::limits::Limits;

    const CANONICAL: &str = "{\"action\":\"activate\",\"approver\":\"bob\",\"expires\":\"2026-11-27T00:00:00Z\",\
                             \"nonce\":\"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\",\
                             \"subject\":{\"kit\":\"a\",\"metadata\":\"b\"}}";

    fn approval() -> Approval {
        Approval {
            action: Action::Activate,
            approver: "bob".to_owned(),
            expires: Timestamp::parse_strict("2026-11-27T00:00:00Z").expect("a time"),
            nonce: Digest::of(b"foo"),
            subject: [("metadata".to_owned(), "b".to_owned()), ("kit".to_owned(), "a".to_owned())].into(),
        }
    }

    fn read(payload: &[u8]) -> Result<Approval, &'static str> {
        let key = SigningKey::<keys::Approval>::from_seed(&[7; 32]);
        let envelope = dsse::sign(payload, &[&key]);
        let payload = dsse::verify(&envelope, &Limits::default(), &[key.public()], 1).expect("signed");
        Approval::of(&payload).map_err(|error| error.code())
    }

    #[test]
    fn an_approval_is_canonical_json_with_its_names_in_order() {
        assert_eq!(String::from_utf8(approval().to_bytes()).expect("text"), CANONICAL);
        assert_eq!(read(CANONICAL.as_bytes()), Ok(approval()));
        let value: BTreeMap<String, serde_json::Value> = serde_json::from_str(CANONICAL).expect("JSON");
        assert_eq!(serde_json::to_string(&value).expect("JSON"), CANONICAL);
    }

    #[test]
    fn a_second_spelling_an_unknown_name_and_a_repeated_one_are_refused() {
        for other in [
            CANONICAL.replace(",\"nonce", ", \"nonce"),
            CANONICAL.replacen('{', "{\"a\":1,", 1),
            CANONICAL.replacen('{', "{\"action\":\"activate\",", 1),
            CANONICAL.replace("\"a\"", "\"\\u0061\""),
            CANONICAL.replace("{\"kit\":\"a\",\"metadata\":\"b\"}", "{\"metadata\":\"b\",\"kit\":\"a\"}"),
            CANONICAL.replace("activate", "anything"),
            CANONICAL.replace("T00:00:00Z", "T00:00:00+00:00"),
            String::new(),
        ] {
            assert_eq!(read(other.as_bytes()), Err("E-STATEMENT"), "{other}");
        }
    }

    #[test]
    fn every_action_has_the_word_that_its_json_has() {
        for action in Action::ALL {
            assert_eq!(serde_json::to_string(&action).expect("JSON"), format!("\"{}\"", action.as_str()));
        }
    }
}
