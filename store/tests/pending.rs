//! The promises of rows that wait for approval: nothing changes on the ground of what is no longer so.

use attest::approval::Action;
use domain::clock::TimeFloor;
use domain::digest::Digest;
use domain::time::Timestamp;
use store::audit::{Entry, Event};
use store::{ApprovalRow, ControlPolicy, Effect, PendingRow, Person, Site, Store, StoreError, Task};

fn new_store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path().join("state")).expect("a store");
    (directory, store)
}

fn site(store: &Store) -> Site {
    let mut next = 0;
    let mut entropy = |bytes: &mut [u8]| {
        next += 1;
        bytes.fill(next);
        Ok(())
    };
    store.site(&mut entropy).expect("a site")
}

fn entry() -> Entry {
    Entry::from(Event {
        at: Timestamp::UNIX_EPOCH,
        action: "test".to_owned(),
        actor: "alice".to_owned(),
        result: "done".to_owned(),
        code: None,
        subjects: Vec::new(),
        details: Default::default(),
    })
}

fn time(seconds: i64) -> TimeFloor {
    TimeFloor::new(Timestamp::from_unix(seconds))
}

/// A request to vouch for the clock, held by the store.
fn held(store: &Store) -> PendingRow {
    let lock = store.lock_import().expect("free");
    let number = store.next_generation().expect("a number");
    let row = PendingRow {
        number,
        task: Task::Clock { wall: Timestamp::from_unix(500) },
        requested_by: "alice".to_owned(),
        requested_at: Timestamp::from_unix(500),
        expires_at: Timestamp::from_unix(900),
        nonce: Digest::of(&number.to_le_bytes()),
        approvals: Vec::new(),
    };
    let logged = store.hold(&lock, &row, &time(500), &site(store), &entry()).expect("held");
    assert!(logged.unpublished.is_none());
    row
}

fn approval(person: &str, envelope: &str) -> ApprovalRow {
    ApprovalRow { person: person.to_owned(), envelope: envelope.to_owned() }
}

fn stricter() -> ControlPolicy {
    let people = vec![Person { name: "bob".to_owned(), keys: Vec::new() }];
    ControlPolicy { needed: [(Action::Clock, 1)].into(), people, hours: 1 }
}

#[test]
fn a_state_that_never_knew_of_approval_asks_for_none() {
    let (_directory, store) = new_store();
    assert_eq!(store.control_policy().expect("readable"), ControlPolicy::default());
    assert_eq!(store.pending().expect("readable"), []);
    assert_eq!(store.emergency().expect("readable"), None);
    assert!(matches!(store.pending_row(1), Err(StoreError::UnknownPending(1))));
    assert_eq!(store.next_generation().expect("a number"), 1);
}

#[test]
fn k04_a_request_is_not_carried_out_on_the_ground_of_an_older_policy_or_of_an_older_row() {
    let (_directory, store) = new_store();
    let (row, policy) = (held(&store), store.control_policy().expect("readable"));
    let confirmed = time(900);
    let resolve = |row: &PendingRow, policy: &ControlPolicy| {
        store.resolve(row, policy, &Effect::Clock(&confirmed), &site(&store), &entry())
    };
    let logged = |store: &Store| store.logbook().expect("readable").expect("a log").head().size;
    let before = logged(&store);
    assert!(matches!(resolve(&row, &stricter()), Err(StoreError::PendingChanged(1))));
    let (approved, _) = store.add_approval(&row, approval("bob", "one"), &site(&store), &entry()).expect("kept");
    assert!(matches!(resolve(&row, &policy), Err(StoreError::PendingChanged(1))));
    assert_eq!(store.time().expect("readable"), Some(time(500)), "a refused step changes nothing");
    assert_eq!(logged(&store), before + 1, "and writes nothing: the one record is of the approval");
    let _logged = resolve(&approved, &policy).expect("carried out");
    assert_eq!(store.time().expect("readable"), Some(confirmed.clone()));
    assert!(matches!(resolve(&approved, &policy), Err(StoreError::UnknownPending(1))), "once");
}

#[test]
fn a_later_approval_of_a_person_replaces_the_earlier_one_and_one_for_another_request_is_refused() {
    let (_directory, store) = new_store();
    let row = held(&store);
    let _kept = store.add_approval(&row, approval("bob", "one"), &site(&store), &entry()).expect("kept");
    let _kept = store.add_approval(&row, approval("carol", "two"), &site(&store), &entry()).expect("kept");
    let (row, _) = store.add_approval(&row, approval("bob", "three"), &site(&store), &entry()).expect("kept");
    assert_eq!(row.approvals, [approval("carol", "two"), approval("bob", "three")]);
    let other = PendingRow { nonce: Digest::of(b"other"), ..row };
    assert!(matches!(
        store.add_approval(&other, approval("bob", "four"), &site(&store), &entry()),
        Err(StoreError::PendingChanged(1))
    ));
}

#[test]
fn a_number_is_never_given_twice_and_the_fifth_request_finds_no_place() {
    let (_directory, store) = new_store();
    let first = held(&store);
    let policy = ControlPolicy::default();
    let _logged = store.resolve(&first, &policy, &Effect::Nothing, &site(&store), &entry()).expect("withdrawn");
    let numbers: Vec<u64> = (0..4).map(|_| held(&store).number).collect();
    assert_eq!(numbers, [2, 3, 4, 5]);
    let lock = store.lock_import().expect("free");
    let fifth = PendingRow { number: store.next_generation().expect("a number"), ..first };
    assert!(matches!(store.hold(&lock, &fifth, &time(1), &site(&store), &entry()), Err(StoreError::PendingFull(4))));
}

#[test]
fn a_policy_is_replaced_only_where_it_is_the_one_that_was_read() {
    let (_directory, store) = new_store();
    let _logged =
        store.replace_policy(&ControlPolicy::default(), &stricter(), &site(&store), &entry()).expect("replaced");
    let again = store.replace_policy(&ControlPolicy::default(), &ControlPolicy::default(), &site(&store), &entry());
    assert!(matches!(again, Err(StoreError::PolicyChanged)));
    assert_eq!(store.control_policy().expect("readable"), stricter());
}
