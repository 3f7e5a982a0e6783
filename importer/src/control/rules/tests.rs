//! Each rule with what it lets through and what it does not.

use attest::keys::{Log, SigningKey};
use domain::digest::Digest;
use store::{ApprovalRow, Person, Task};

use super::*;

const HOUR: i64 = 3600;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + hours * HOUR)
}

fn key(seed: u8) -> SigningKey<keys::Approval> {
    SigningKey::from_seed(&[seed; 32])
}

fn person(name: &str, seeds: &[u8]) -> Person {
    Person { name: name.to_owned(), keys: seeds.iter().map(|seed| key(*seed).public().to_base64()).collect() }
}

/// Alice has key 1, Bob 2 and 3, Carol 4, Dave 5.
fn policy(needed: u32) -> ControlPolicy {
    ControlPolicy {
        needed: [Action::Activate, Action::Rollback, Action::Clock, Action::Policy]
            .map(|action| (action, needed))
            .into(),
        people: vec![person("alice", &[1]), person("bob", &[2, 3]), person("carol", &[4]), person("dave", &[5])],
        hours: 72,
    }
}

/// Alice asks to go back to generation 1.
fn request() -> PendingRow {
    PendingRow {
        number: 7,
        task: Task::Rollback { to: 1, metadata_digest: Digest::of(b"one") },
        requested_by: "alice".to_owned(),
        requested_at: at(0),
        expires_at: at(72),
        nonce: Digest::of(b"nonce"),
        approvals: Vec::new(),
    }
}

fn signed(row: &PendingRow, name: &str, seed: u8) -> ApprovalRow {
    let envelope = dsse::sign(&statement(row, name).to_bytes(), &[&key(seed)]);
    ApprovalRow { person: name.to_owned(), envelope: String::from_utf8(envelope).expect("JSON") }
}

/// The request with signatures of these people, each by the key with this seed.
fn approved(by: &[(&str, u8)]) -> PendingRow {
    let mut row = request();
    row.approvals = by.iter().map(|(name, seed)| signed(&row, name, *seed)).collect();
    row
}

fn code(policy: &ControlPolicy, row: &PendingRow, approval: &ApprovalRow) -> Result<Standing, &'static str> {
    judge(policy, row, approval.envelope.as_bytes(), at(1)).map(|(_, standing)| standing).map_err(|void| void.code())
}

#[test]
fn an_approval_of_another_person_counts_and_that_of_the_requester_only_proves_who_asked() {
    let row = request();
    assert_eq!(code(&policy(1), &row, &signed(&row, "bob", 2)), Ok(Standing::Approver));
    assert_eq!(code(&policy(1), &row, &signed(&row, "bob", 3)), Ok(Standing::Approver), "any key of Bob's");
    assert_eq!(code(&policy(1), &row, &signed(&row, "alice", 1)), Ok(Standing::Requester));
}

#[test]
fn exactly_the_sets_of_signers_with_enough_other_people_suffice() {
    // Every subset of the four people, for every number of approvals: the rule, written a second way.
    let people = [("alice", 1), ("bob", 2), ("carol", 4), ("dave", 5)];
    for needed in 0..=3 {
        for set in 0_u32..16 {
            let signers: Vec<_> = (0..4).filter(|bit| set >> bit & 1 == 1).map(|bit| people[bit]).collect();
            let tally = tally(&policy(needed), &approved(&signers), at(1));
            let others = (set >> 1).count_ones();
            let want = needed == 0 || (set & 1 == 1 && others >= needed);
            assert_eq!(tally.suffices(), want, "{needed} of {signers:?}");
            assert_eq!(tally.approvers.len() as u32, others);
            assert_eq!(tally.is_requester_proven, set & 1 == 1);
        }
    }
}

#[test]
fn o01_the_uploader_never_counts_under_any_number_of_keys_or_signatures() {
    let mut policy = policy(1);
    policy.people[0].keys.push(key(9).public().to_base64());
    let tally = tally(&policy, &approved(&[("alice", 1), ("alice", 9), ("alice", 1)]), at(1));
    assert!(tally.is_requester_proven && tally.approvers.is_empty() && !tally.suffices());
}

#[test]
fn o01_two_keys_of_one_person_are_one_person() {
    let tally = tally(&policy(2), &approved(&[("alice", 1), ("bob", 2), ("bob", 3), ("bob", 2)]), at(1));
    assert_eq!(tally.approvers, ["bob".to_owned()].into());
    assert!(!tally.suffices());
}

#[test]
fn o01_a_request_under_a_borrowed_name_never_suffices() {
    // Bob asks under Alice's name and approves as himself: nobody proves that Alice asked.
    let tally = tally(&policy(1), &approved(&[("bob", 2)]), at(1));
    assert_eq!(tally.approvers.len(), 1);
    assert!(!tally.suffices());
}

#[test]
fn nobody_signs_in_the_name_of_another() {
    let row = request();
    assert_eq!(code(&policy(1), &row, &signed(&row, "carol", 2)), Err("E-APPROVAL-KEY"));
    // One envelope with two signatures speaks for the one whom it names.
    let both = dsse::sign(&statement(&row, "carol").to_bytes(), &[&key(2), &key(4)]);
    let both = ApprovalRow { person: "carol".to_owned(), envelope: String::from_utf8(both).expect("JSON") };
    assert_eq!(code(&policy(1), &row, &both), Ok(Standing::Approver));
    let mut twice = row.clone();
    twice.approvals = vec![both.clone(), both, signed(&row, "alice", 1)];
    assert_eq!(tally(&policy(2), &twice, at(1)).approvers, ["carol".to_owned()].into());
}

#[test]
fn o01_who_is_removed_or_loses_the_key_no_longer_counts() {
    let row = approved(&[("alice", 1), ("bob", 2), ("carol", 4)]);
    assert!(tally(&policy(2), &row, at(1)).suffices());
    for removed in ["alice", "bob", "carol"] {
        let mut policy = policy(2);
        policy.people.retain(|person| person.name != removed);
        let tally = tally(&policy, &row, at(1));
        assert!(!tally.suffices(), "{removed}");
        // The keys of who is removed are no keys of the site any more.
        assert_eq!((tally.void[0].0.as_str(), tally.void[0].1.code()), (removed, "E-APPROVAL-SIG"));
    }
    let mut rotated = policy(2);
    rotated.people[1] = person("bob", &[3]);
    assert!(!tally(&rotated, &row, at(1)).suffices());
    let mut given_away = policy(2);
    given_away.people[1] = person("bob", &[3]);
    given_away.people[3] = person("dave", &[2]);
    assert_eq!(code(&given_away, &row, &row.approvals[1]), Err("E-APPROVAL-KEY"), "Dave has Bob's old key");
    let mut renamed = policy(2);
    renamed.people[1] = person("robert", &[2]);
    assert_eq!(code(&renamed, &row, &row.approvals[1]), Err("E-APPROVAL-PERSON"));
}

#[test]
fn a_stricter_policy_applies_to_what_waits_already() {
    let row = approved(&[("alice", 1), ("bob", 2)]);
    assert!(tally(&policy(1), &row, at(1)).suffices());
    assert!(!tally(&policy(2), &row, at(1)).suffices());
    assert!(tally(&ControlPolicy::default(), &row, at(1)).suffices(), "and a laxer one, too");
}

#[test]
fn o01_o02_i7_an_approval_is_good_for_one_request_and_everything_in_it() {
    let row = request();
    let approval = signed(&row, "bob", 2);
    let changed = |change: &dyn Fn(&mut PendingRow)| {
        let mut other = row.clone();
        change(&mut other);
        code(&policy(1), &other, &approval)
    };
    assert_eq!(changed(&|_| ()), Ok(Standing::Approver));
    assert_eq!(changed(&|row| row.nonce = Digest::of(b"again")), Err("E-APPROVAL-REPLAY"));
    assert_eq!(changed(&|row| row.expires_at = at(73)), Err("E-APPROVAL-SUBJECT"), "the end cannot be moved");
    assert_eq!(changed(&|row| row.task = Task::Clock { wall: at(0) }), Err("E-APPROVAL-SUBJECT"));
    let to_other = Task::Rollback { to: 2, metadata_digest: Digest::of(b"one") };
    assert_eq!(changed(&|row| row.task = to_other.clone()), Err("E-APPROVAL-SUBJECT"));
    let swapped = Task::Rollback { to: 1, metadata_digest: Digest::of(b"two") };
    assert_eq!(changed(&|row| row.task = swapped.clone()), Err("E-APPROVAL-SUBJECT"), "another content, same number");
    // Who asked is no part of it: a change of that changes whether the approver counts, nothing else.
    assert_eq!(changed(&|row| row.requested_by = "bob".to_owned()), Ok(Standing::Requester));
}

#[test]
fn an_approval_ends_with_its_request() {
    let row = approved(&[("alice", 1), ("bob", 2)]);
    let before = Timestamp::from_unix(at(72).unix() - 1);
    assert!(tally(&policy(1), &row, before).suffices());
    let ended = tally(&policy(1), &row, at(72));
    assert!(!ended.suffices());
    assert!(ended.void.iter().all(|(_, void)| *void == Void::Expired(at(72))));
    assert_eq!(ended.void.len(), 2);
}

#[test]
fn what_is_no_approval_is_void() {
    let row = request();
    let text = |envelope: Vec<u8>| ApprovalRow {
        person: "bob".to_owned(),
        envelope: String::from_utf8(envelope).expect("JSON"),
    };
    let bytes = statement(&row, "bob").to_bytes();
    let stranger = text(dsse::sign(&bytes, &[&key(77)]));
    assert_eq!(code(&policy(1), &row, &stranger), Err("E-APPROVAL-SIG"));
    assert_eq!(code(&policy(1), &row, &text(dsse::sign::<keys::Approval>(&bytes, &[]))), Err("E-APPROVAL-SIG"));
    assert_eq!(code(&policy(1), &row, &text(b"{}".to_vec())), Err("E-APPROVAL-SIG"));
    assert_eq!(code(&policy(1), &row, &text(Vec::new())), Err("E-APPROVAL-SIG"));
    assert_eq!(code(&policy(1), &row, &text(dsse::sign(b"{}", &[&key(2)]))), Err("E-APPROVAL-FORM"));
    // The same key file under another purpose signs another type of payload.
    let receipt = SigningKey::<keys::Receipt>::from_seed(&[2; 32]);
    assert_eq!(code(&policy(1), &row, &text(dsse::sign(&bytes, &[&receipt]))), Err("E-APPROVAL-SIG"));
    assert_eq!(code(&ControlPolicy::default(), &row, &signed(&row, "bob", 2)), Err("E-APPROVAL-SIG"));
}

#[test]
fn a_policy_that_would_lock_the_site_or_count_a_person_twice_is_refused() {
    let refused = |change: &dyn Fn(&mut ControlPolicy)| {
        let mut policy = policy(2);
        change(&mut policy);
        check_policy(&policy).is_err()
    };
    assert!(!refused(&|_| ()));
    assert!(check_policy(&ControlPolicy::default()).is_ok());
    assert!(!refused(&|policy| policy.people.truncate(3)));
    assert!(refused(&|policy| policy.people.truncate(2)), "two approvals beside the one who asks need three people");
    assert!(refused(&|policy| policy.needed = [(Action::Activate, 1)].into()), "the policy itself is the way round");
    assert!(refused(&|policy| *policy.needed.entry(Action::Policy).or_default() = 1));
    assert!(refused(&|policy| policy.people[1].name = "alice".into()));
    assert!(refused(&|policy| policy.people[1].keys = policy.people[0].keys.clone()), "one key, two people");
    assert!(refused(&|policy| policy.people[1].keys.push(key(2).public().to_base64())));
    assert!(refused(&|policy| policy.people[1].keys.clear()));
    for name in ["", "Bob", "bob ", "b\u{f6}b", "bob\n", &"b".repeat(65)] {
        assert!(refused(&|policy| policy.people[1].name = name.to_owned()), "{name:?}");
    }
    for key in ["", "AAAA", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] {
        assert!(refused(&|policy| policy.people[1].keys = vec![key.to_owned()]), "{key:?} is no key, or a weak one");
    }
    assert!(refused(&|policy| policy.hours = 0) && refused(&|policy| policy.hours = 721));
}

#[test]
fn every_policy_has_its_own_digest() {
    let digests: BTreeSet<_> =
        [policy(1), policy(2), ControlPolicy::default()].iter().map(ControlPolicy::digest).collect();
    assert_eq!(digests.len(), 3);
}

#[test]
fn the_owner_of_a_key_is_found() {
    assert_eq!(owner(&policy(1), &key(3).public()), Some("bob"));
    assert_eq!(owner(&policy(1), &key(77).public()), None);
    // A key of another purpose does not even have the type; its id differs in no way, its use does.
    assert_eq!(SigningKey::<Log>::from_seed(&[3; 32]).public().id(), key(3).public().id());
}

fn mark(hours: i64) -> EmergencyRow {
    EmergencyRow {
        generation: 2,
        kit_sha256: Digest::of(b"kit"),
        by: "alice".to_owned(),
        at: at(hours),
        reason: "fire".to_owned(),
        confirm_by: Timestamp::from_unix(at(hours).unix() + CONFIRM_SECONDS),
        confirmed: false,
    }
}

#[test]
fn o03_one_person_may_do_without_the_others_once_in_a_day() {
    assert_eq!(may_break_glass(None, at(0)), Ok(()));
    let last = mark(0);
    assert_eq!(may_break_glass(Some(&last), at(23)), Err(last.clone()));
    assert_eq!(may_break_glass(Some(&last), at(24)), Ok(()));
    // Whether it was confirmed makes no difference, and time that seems to run back helps nobody.
    let confirmed = EmergencyRow { confirmed: true, ..last.clone() };
    assert!(may_break_glass(Some(&confirmed), at(23)).is_err());
    assert!(may_break_glass(Some(&last), at(-500)).is_err());
}

#[test]
fn o03_the_alarm_lasts_until_others_confirm_or_another_generation_is_active() {
    let now = |hours| alarm(Some(mark(0)), Some(2), at(hours));
    assert_eq!(now(71), Some(Alarm::Unconfirmed(mark(0))));
    assert_eq!(now(72), Some(Alarm::Overdue(mark(0))));
    assert_eq!(now(7200), Some(Alarm::Overdue(mark(0))));
    assert_eq!(alarm(Some(EmergencyRow { confirmed: true, ..mark(0) }), Some(2), at(1)), None);
    assert_eq!(alarm(Some(mark(0)), Some(3), at(1)), None);
    assert_eq!(alarm(None, Some(2), at(1)), None);
}
