//! Who counts, and what voids an approval. Pure: rows and a time in, a judgement out.
//!
//! An approval counts when a person of the *present* policy, with a key that is theirs at present,
//! has signed this very request: action, subject, nonce and end. People are counted, not keys
//! and not signatures, and never the person who asked. That person must have signed too: a name that is
//! only typed could be anybody's, also that of the one approver who is then approving alone.

use std::collections::BTreeSet;

use attest::approval::{Action, Approval};
use attest::dsse;
use attest::keys::{self, VerifyingKey};
use attest::statement::ApprovalMade;
use attest::{AttestError, Limits};
use domain::digest::Digest;
use domain::time::Timestamp;
use store::{ControlPolicy, EmergencyRow, PendingRow};

/// A name is typed, compared and printed: one spelling, nothing that a terminal acts upon.
const NAME_BYTES_MAX: usize = 64;
const PEOPLE_MAX: usize = 64;
const KEYS_MAX: usize = 8;
/// Nobody remembers what a request that is older was about.
const HOURS_MAX: u32 = 720;
/// One person may do without the others once in this time.
pub(crate) const EMERGENCY_SECONDS: i64 = 24 * 3600;
/// Within this time others should have confirmed it.
pub(crate) const CONFIRM_SECONDS: i64 = 72 * 3600;

/// What makes an approval worthless.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Void {
    #[error("no approver of this site signed it: {0}")]
    Signature(#[source] AttestError),
    #[error("it is no approval: {0}")]
    Statement(#[source] AttestError),
    #[error("{0:?} is no person of the control policy")]
    Person(String),
    #[error("it speaks for {0:?}, but none of that person's keys signed it")]
    Key(String),
    #[error("it approves {found}, and this request is about {wanted}")]
    Action { found: &'static str, wanted: &'static str },
    #[error("its {0} is not that of this request")]
    Subject(String),
    #[error("it was made for another request about the same")]
    Nonce,
    #[error("it names {found} as the end of the request, which is {wanted}")]
    End { found: Timestamp, wanted: Timestamp },
    #[error("the request ended at {0}")]
    Expired(Timestamp),
}

impl Void {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Signature(_) => "E-APPROVAL-SIG",
            Self::Statement(_) => "E-APPROVAL-FORM",
            Self::Person(_) => "E-APPROVAL-PERSON",
            Self::Key(_) => "E-APPROVAL-KEY",
            Self::Action { .. } | Self::Subject(_) | Self::End { .. } => "E-APPROVAL-SUBJECT",
            Self::Nonce => "E-APPROVAL-REPLAY",
            Self::Expired(_) => "E-APPROVAL-EXPIRED",
        }
    }

    pub fn advice(&self) -> &'static str {
        match self {
            Self::Signature(_) | Self::Key(_) => {
                "sign with the key that `stella admin approver list` shows for the person; if it was signed so, \
                 treat it as forged"
            }
            Self::Statement(_) => "sign what `stella kit approve N --request --as NAME` prints, byte for byte",
            Self::Person(_) => "ask the site to add the person with `stella admin approver add`",
            Self::Action { .. } | Self::Subject(_) | Self::Nonce | Self::End { .. } => {
                "it was made for something else: look at `stella kit pending`, then approve what waits now"
            }
            Self::Expired(_) => "withdraw the request and ask again",
        }
    }
}

/// What a valid signature is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is somebody else's: it counts.
    Approver,
    /// It proves who asked, and counts for nothing else.
    Requester,
}

/// How a request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    pub needed: u32,
    pub approvers: BTreeSet<String>,
    /// Is it proven who asked?
    pub is_requester_proven: bool,
    /// What was kept and counts no more, by the person it was kept for.
    pub void: Vec<(String, Void)>,
}

impl Tally {
    pub fn suffices(&self) -> bool {
        self.needed == 0 || (self.is_requester_proven && self.approvers.len() >= self.needed as usize)
    }
}

/// What `approver` has to sign.
pub fn statement(row: &PendingRow, approver: &str) -> Approval {
    Approval {
        action: row.task.action(),
        approver: approver.to_owned(),
        expires: row.expires_at,
        nonce: row.nonce,
        subject: row.task.subject(),
    }
}

/// Judges one envelope: whose it is, and what it is worth.
pub fn judge(
    policy: &ControlPolicy,
    row: &PendingRow,
    envelope: &[u8],
    now: Timestamp,
) -> Result<(String, Standing), Void> {
    if now >= row.expires_at {
        return Err(Void::Expired(row.expires_at));
    }
    let keys: Vec<_> = policy.people.iter().flat_map(keys_of).collect();
    let payload = dsse::verify(envelope, &Limits::default(), &keys, 1).map_err(Void::Signature)?;
    let found = Approval::of(&payload).map_err(Void::Statement)?;
    let name = &found.approver;
    let person = policy.person(name).ok_or_else(|| Void::Person(name.clone()))?;
    if !keys_of(person).any(|key| payload.signers().contains(&key.id())) {
        return Err(Void::Key(name.clone()));
    }
    require_same(&found, &statement(row, name))?;
    let standing = if *name == row.requested_by { Standing::Requester } else { Standing::Approver };
    Ok((name.clone(), standing))
}

/// An approval as a receipt tells of it: whose, by which key, in which envelope. Only of one that was judged.
pub fn made(policy: &ControlPolicy, person: &str, envelope: &[u8]) -> Option<ApprovalMade> {
    let keys: Vec<_> = policy.person(person).into_iter().flat_map(keys_of).collect();
    let payload = dsse::verify(envelope, &Limits::default(), &keys, 1).ok()?;
    let key = *payload.signers().iter().next()?;
    Some(ApprovalMade { by: person.to_owned(), envelope: Digest::of(envelope), key })
}

/// Names the first difference, the one that says most first.
fn require_same(found: &Approval, wanted: &Approval) -> Result<(), Void> {
    if found.action != wanted.action {
        return Err(Void::Action { found: found.action.as_str(), wanted: wanted.action.as_str() });
    }
    let names = found.subject.keys().chain(wanted.subject.keys());
    if let Some(name) = names.into_iter().find(|name| found.subject.get(*name) != wanted.subject.get(*name)) {
        return Err(Void::Subject(name.escape_debug().to_string()));
    }
    if found.nonce != wanted.nonce {
        return Err(Void::Nonce);
    }
    if found.expires != wanted.expires {
        return Err(Void::End { found: found.expires, wanted: wanted.expires });
    }
    Ok(())
}

/// Judges all that was kept of a request, under the policy and at the time given.
pub fn tally(policy: &ControlPolicy, row: &PendingRow, now: Timestamp) -> Tally {
    let mut tally = Tally {
        needed: policy.needed(row.task.action()),
        approvers: BTreeSet::new(),
        is_requester_proven: false,
        void: Vec::new(),
    };
    for approval in &row.approvals {
        match judge(policy, row, approval.envelope.as_bytes(), now) {
            Ok((_, Standing::Requester)) => tally.is_requester_proven = true,
            Ok((person, Standing::Approver)) => drop(tally.approvers.insert(person)),
            Err(void) => tally.void.push((approval.person.clone(), void)),
        }
    }
    tally
}

/// The keys of a person. A policy with a key that cannot be read is never stored.
fn keys_of(person: &store::Person) -> impl Iterator<Item = VerifyingKey<keys::Approval>> + '_ {
    person.keys.iter().filter_map(|key| VerifyingKey::parse(key).ok())
}

/// Whose key is this?
pub fn owner<'a>(policy: &'a ControlPolicy, key: &VerifyingKey<keys::Approval>) -> Option<&'a str> {
    policy.people.iter().find(|person| keys_of(person).any(|other| other == *key)).map(|person| person.name.as_str())
}

/// Can a site live with this policy? Otherwise says why it cannot.
pub fn check_policy(policy: &ControlPolicy) -> Result<(), String> {
    let mut names = BTreeSet::new();
    let mut keys = BTreeSet::new();
    if policy.people.len() > PEOPLE_MAX {
        return Err(format!("it names more than {PEOPLE_MAX} people"));
    }
    for person in &policy.people {
        let name = &person.name;
        let spelled = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-@".contains(&byte);
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(spelled) {
            return Err(format!("{name:?} is no name: use a to z, 0 to 9 and . _ - @"));
        }
        if !names.insert(name) {
            return Err(format!("{name} is named twice"));
        }
        if person.keys.is_empty() || person.keys.len() > KEYS_MAX {
            return Err(format!("{name} needs one to {KEYS_MAX} keys"));
        }
        for key in &person.keys {
            let key = VerifyingKey::<keys::Approval>::parse(key).map_err(|error| format!("{name}: {error}"))?;
            // One key under two names would be one person who counts twice.
            if !keys.insert(key.id()) {
                return Err(format!("a key of {name} is given twice"));
            }
        }
    }
    let most = policy.needed.values().copied().max().unwrap_or_default();
    if policy.needed(Action::Policy) < most {
        return Err(
            "a change of the policy needs as many approvals as anything else, or it would be the way round".to_owned()
        );
    }
    if most > 0 && policy.people.len() <= most as usize {
        return Err(format!(
            "{most} approvals beside the one who asks need {} people, and there are {}",
            most + 1,
            policy.people.len()
        ));
    }
    if policy.hours == 0 || policy.hours > HOURS_MAX {
        return Err(format!("a request waits for 1 to {HOURS_MAX} hours"));
    }
    Ok(())
}

/// May one person do without the others now? Otherwise the last time that it was done.
pub(crate) fn may_break_glass(last: Option<&EmergencyRow>, now: Timestamp) -> Result<(), EmergencyRow> {
    match last {
        Some(last) if now.seconds_since(last.at) < EMERGENCY_SECONDS => Err(last.clone()),
        _ => Ok(()),
    }
}

/// What an emergency activation means for people who look at the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// Others have not confirmed it yet.
    Unconfirmed(EmergencyRow),
    /// Others should have confirmed it by now. Only another generation ends this.
    Overdue(EmergencyRow),
}

/// The alarm, as long as what one person made active alone is active.
pub fn alarm(last: Option<EmergencyRow>, current: Option<u64>, now: Timestamp) -> Option<Alarm> {
    let last = last.filter(|last| !last.confirmed && current == Some(last.generation))?;
    Some(if now < last.confirm_by { Alarm::Unconfirmed(last) } else { Alarm::Overdue(last) })
}

#[cfg(test)]
mod tests;
