//! Dual control against a real store and real kits: catalogue O01 to O04, K04, M15, T08, and the
//! invariant I7, that an approval is bound to what it approves.
#![expect(clippy::disallowed_methods, reason = "tests write and damage files")]

mod bench;
mod entitlements;

use std::fs;

use bench::{Site, code, hours, kit, policy};
use domain::clock::Reading;
use domain::digest::Digest;
use importer::control::rules::{self, Alarm, alarm};
use importer::control::{self, Asked, Done, Presence};
use importer::{Outcome, stage};
use store::{ControlPolicy, GenerationRow, Store, Task};

#[test]
fn a_kit_that_waits_is_neither_served_nor_remembered_until_enough_others_approve() {
    let site = Site::controlled(2);
    let before = site.decisive();
    let number = site.held(2, "alice", 2).number;
    assert_eq!(site.decisive(), before);
    assert_eq!(code(site.activate(number, "alice", 3)), "E-APPROVAL-MISSING");
    site.approve(number, "bob", 3).expect("approved");
    assert_eq!(code(site.activate(number, "bob", 3)), "E-APPROVAL-MISSING");
    assert_eq!(site.decisive(), before);
    site.approve(number, "carol", 4).expect("approved");
    let done = site.activate(number, "bob", 5).expect("activated");
    assert!(matches!(&done, Done::Activated { emergency: None, generation, .. } if generation.number == number));
    assert_eq!(site.store.current().expect("readable"), Some(number));
    assert_eq!(site.numbers(), Vec::<u64>::new());
    assert_eq!(site.last_approvers(), ["bob", "carol"]);
    assert_eq!(site.last_receipt().floors_after["targets"], 2);
    site.store.open_current().expect("it is served");
}

#[test]
fn without_a_policy_an_import_activates_at_once_and_a_staged_kit_needs_only_somebody_who_activates_it() {
    let site = Site::new();
    let row = site.staged(1, "anybody", 1);
    assert_eq!(site.store.current().expect("readable"), None);
    assert_eq!(site.store.trust().expect("readable"), None, "the root is pinned by the activation");
    site.activate(row.number, "anybody", 2).expect("activated");
    assert!(site.store.trust().expect("readable").is_some());
    assert!(matches!(site.hand_in(2, "anybody", 3).expect("imported").outcome, Outcome::Activated(_)));
    assert_eq!(site.store.current().expect("readable"), Some(2));
}

#[test]
fn p03_under_dual_control_the_loss_is_approved_with_the_kit_and_no_other_one() {
    let site = Site::controlled(1);
    let approved = |row: store::PendingRow, at: i64| {
        site.approve(row.number, "bob", at).expect("approved");
        row.number
    };
    let forty = approved(site.held(40, "alice", 2), 2);
    site.activate(forty, "alice", 3).expect("more than before");
    let row = site.held(99, "alice", 4);
    assert_eq!(row.concerns().first().map(String::as_str), Some("advisories: 40 before, 1 now"));
    let statement = String::from_utf8(rules::statement(&row, "bob").to_bytes()).expect("text");
    assert!(statement.contains("advisories: 40 before, 1 now"), "who approves it signs for it: {statement}");
    site.activate(approved(row, 5), "alice", 6).expect("the loss was approved with it");
    assert_eq!(site.last_receipt().warnings.first().map(String::as_str), Some("advisories: 40 before, 1 now"));
    // Approved when nothing was missing, and carried out when something is.
    let small = approved(site.held(199, "alice", 7), 7);
    let large = approved(site.held(240, "alice", 8), 8);
    assert_eq!(site.numbers(), [small, large]);
    let task = control::rollback(&site.store, Some(forty)).expect("possible");
    let back = approved(site.asked(task, "alice", 9), 9);
    site.activate(back, "alice", 10).expect("rolled back");
    assert_eq!(code(site.activate(small, "alice", 11)), "E-CONTROL-STALE");
    assert_eq!(site.numbers(), [large], "it has to be staged, and approved, again");
}

#[test]
fn o01_the_uploader_and_the_uploaders_second_signature_approve_nothing() {
    let site = Site::controlled(1);
    let number = site.held(2, "alice", 2).number;
    let approved = site.approve(number, "alice", 2).expect("kept as the proof of who asked");
    assert_eq!(approved.standing, control::rules::Standing::Requester);
    assert_eq!(code(site.activate(number, "alice", 2)), "E-APPROVAL-MISSING");
    // Asking under Bob's name and approving as Alice lacks Bob's signature.
    let site = Site::controlled(1);
    let imported = site.hand_in(2, "bob", 2).expect("verified");
    let Outcome::Held(row) = imported.outcome else { panic!("it waits") };
    site.approve(row.number, "alice", 2).expect("counts");
    assert_eq!(code(site.activate(row.number, "alice", 2)), "E-APPROVAL-MISSING");
}

#[test]
fn o01_an_approval_replayed_to_another_kit_or_to_the_same_kit_again_is_void() {
    let site = Site::controlled(1);
    let two = site.held(2, "alice", 2).number;
    let three = site.held(3, "alice", 2).number;
    let approval = site.envelope(two, "bob");
    assert_eq!(code(site.hand_in_approval(three, &approval, 2)), "E-APPROVAL-SUBJECT");
    assert_eq!(site.last_receipt().code.as_deref(), Some("E-APPROVAL-SUBJECT"));
    let _logged =
        site.acting("alice", 2, |acting| control::withdraw(&site.store, two, acting, None)).expect("withdrawn");
    let again = site.held(2, "alice", 2).number;
    assert_eq!(code(site.hand_in_approval(again, &approval, 2)), "E-APPROVAL-REPLAY");
    assert_eq!(code(site.activate(again, "alice", 2)), "E-APPROVAL-MISSING");
}

#[test]
fn o01_an_approver_who_is_removed_afterwards_does_not_count() {
    let site = Site::controlled(1);
    let number = site.held(2, "alice", 2).number;
    site.approve(number, "bob", 2).expect("approved");
    let mut without_bob = policy(1);
    without_bob.people.retain(|person| person.name != "bob");
    site.replace_policy(&policy(1), &without_bob);
    assert_eq!(code(site.activate(number, "alice", 3)), "E-APPROVAL-MISSING");
    site.approve(number, "carol", 3).expect("approved");
    site.activate(number, "alice", 3).expect("activated");
}

#[test]
fn o02_i7_a_staged_kit_whose_bytes_were_exchanged_is_never_activated() {
    for part in ["cas", "generations"] {
        let site = Site::controlled(1);
        let before = site.decisive();
        let row = site.held(2, "alice", 2);
        site.approve(row.number, "bob", 2).expect("approved");
        let staged = row.staged().expect("a kit");
        let hex = staged.metadata_frame.to_string();
        let path = match part {
            "cas" => site.state().join("cas/sha256").join(&hex[..2]).join(&hex),
            _ => site.store.generation_path(row.number),
        };
        // The metadata frame of another, correctly signed kit; the index of the active generation.
        let other = match part {
            "cas" => kit(3),
            _ => fs::read(site.store.generation_path(1)).expect("an index"),
        };
        fs::write(&path, other).expect("exchanged");
        assert_eq!(code(site.activate(row.number, "alice", 3)), "E-CONTROL-DAMAGED", "{part}");
        assert_eq!(site.decisive(), before, "{part}");
        assert_eq!(site.numbers(), Vec::<u64>::new(), "what is damaged waits no longer");
        assert_eq!(site.last_receipt().code.as_deref(), Some("E-CONTROL-DAMAGED"));
    }
}

#[test]
fn a_kit_that_another_one_has_overtaken_is_refused_as_a_rollback_and_removed() {
    let site = Site::controlled(1);
    let (two, three) = (site.held(2, "alice", 2).number, site.held(3, "alice", 2).number);
    for number in [two, three] {
        site.approve(number, "bob", 2).expect("approved");
    }
    site.activate(three, "alice", 3).expect("activated");
    let before = site.decisive();
    assert_eq!(code(site.activate(two, "alice", 3)), "E-TS-ROLLBACK");
    assert_eq!(site.decisive(), before);
    assert_eq!(site.numbers(), Vec::<u64>::new());
    assert_eq!(site.indexes(), 2, "the index of the refused kit is gone");
    assert_eq!(code(site.activate(two, "alice", 3)), "E-CONTROL-UNKNOWN");
}

#[test]
fn a_kit_whose_signatures_expire_while_it_waits_is_refused() {
    let site = Site::new();
    let patient = ControlPolicy { hours: 720, ..policy(1) };
    site.hand_in(1, "root", 1).expect("imported");
    site.replace_policy(&ControlPolicy::default(), &patient);
    // The timestamp role signs for 45 days. Handed in on day 40, approved, and activated on day 46.
    let number = site.held(2, "alice", 40 * 24).number;
    site.approve(number, "bob", 41 * 24).expect("approved");
    let refused = code(site.activate(number, "alice", 46 * 24));
    assert!(refused.ends_with("EXPIRED"), "{refused}");
    assert_eq!(site.store.current().expect("readable"), Some(1));
    assert_eq!(site.numbers(), Vec::<u64>::new());
}

#[test]
fn a_request_ends_after_72_hours_even_when_the_clock_is_set_back() {
    let site = Site::controlled(1);
    let number = site.held(2, "alice", 2).number;
    site.approve(number, "bob", 73).expect("an hour before the end");
    // Three days of uptime count, whatever the wall clock says.
    let mut reading = hours(2 + 72);
    reading.wall = hours(2).wall;
    let refused = site
        .at(&reading, "alice", |acting| control::carry_out(&site.store, number, acting, control::Waivers::default()));
    assert_eq!(code(refused), "E-APPROVAL-EXPIRED");
    assert_eq!(site.numbers(), Vec::<u64>::new());
    let forgotten = site.held(2, "alice", 80).number;
    site.hand_in(3, "alice", 80 + 72).expect("verified");
    assert!(!site.numbers().contains(&forgotten), "the next import forgets what has ended");
}

#[test]
fn what_waits_is_kept_by_the_sweep_and_what_is_withdrawn_is_not() {
    let site = Site::controlled(1);
    let two = site.held(2, "alice", 2);
    let three = site.held(3, "alice", 3).number;
    let staged = two.staged().expect("a kit");
    assert!(site.store.is_intact(staged) && site.store.open_staged(staged).is_ok(), "an import sweeps");
    assert_eq!(site.indexes(), 3);
    for number in [two.number, three] {
        let withdrawn = site.acting("bob", 4, |acting| control::withdraw(&site.store, number, acting, Some("old")));
        let _logged = withdrawn.expect("withdrawn");
    }
    assert_eq!(site.indexes(), 1);
    assert!(!site.store.is_intact(staged), "its blobs are gone");
    assert_eq!(site.held(2, "alice", 5).number, three + 1, "no number is given twice");
}

#[test]
fn four_requests_wait_at_most_and_the_same_kit_waits_once() {
    let site = Site::controlled(1);
    for version in 2..=5 {
        site.held(version, "alice", 2);
    }
    assert_eq!(code(site.hand_in(6, "alice", 2)), "E-CONTROL-FULL");
    assert_eq!(site.indexes(), 5, "what was not held is swept");
    let again = site.hand_in(5, "bob", 2).expect("verified").outcome;
    assert!(matches!(&again, Outcome::Held(row) if row.requested_by == "alice"), "asking again is not asking anew");
    assert_eq!(site.numbers().len(), 4);
}

#[test]
fn o04_who_is_nobody_in_the_policy_neither_asks_nor_acts() {
    let site = Site::controlled(1);
    let before = site.decisive();
    assert_eq!(code(site.hand_in(2, "mallory", 2)), "E-CONTROL-STRANGER");
    assert_eq!(site.last_receipt().code.as_deref(), Some("E-CONTROL-STRANGER"));
    let number = site.held(2, "alice", 2).number;
    site.approve(number, "bob", 2).expect("approved");
    assert_eq!(code(site.activate(number, "mallory", 2)), "E-CONTROL-STRANGER");
    let withdrawn = site.acting("mallory", 2, |acting| control::withdraw(&site.store, number, acting, None));
    assert_eq!(code(withdrawn), "E-CONTROL-STRANGER");
    let asked = site
        .acting("mallory", 2, |acting| control::ask(&site.store, Task::Clock { wall: hours(2).wall }, acting, None));
    assert_eq!(code(asked), "E-CONTROL-STRANGER");
    assert_eq!(site.decisive(), before);
    assert_eq!(site.numbers(), [number]);
}

#[test]
fn m15_a_kit_with_another_digest_than_the_operator_expects_is_not_staged() {
    let site = Site::controlled(1);
    let other = Digest::of(&kit(3));
    assert_eq!(code(site.hand_in_as(2, "alice", 2, Some(other), stage)), "E-EXPECT");
    assert_eq!(site.numbers(), Vec::<u64>::new());
    assert_eq!(site.indexes(), 1);
}

#[test]
fn o03_doing_without_approval_needs_the_console_and_is_possible_once_in_a_day() {
    let site = Site::controlled(2);
    let before = site.decisive();
    let number = site.held(2, "alice", 2).number;
    assert_eq!(code(site.break_glass(number, "alice", 3, Presence::Elsewhere)), "E-CONTROL-PRESENCE");
    assert_eq!(code(site.break_glass(number, "mallory", 3, Presence::Console)), "E-CONTROL-STRANGER");
    assert_eq!(site.last_receipt().code.as_deref(), Some("E-CONTROL-STRANGER"), "each try is written down");
    assert_eq!(site.decisive(), before);
    let done = site.break_glass(number, "alice", 3, Presence::Console).expect("activated");
    assert!(matches!(done, Done::Activated { emergency: Some(_), .. }));
    assert_eq!((site.last_receipt().action.as_str(), site.last_approvers().len()), ("break-glass", 0));
    let raised = || {
        let store = &site.store;
        alarm(store.emergency().expect("readable"), store.current().expect("readable"), hours(4).wall)
    };
    assert!(matches!(raised(), Some(Alarm::Unconfirmed(mark)) if mark.by == "alice"));

    let three = site.held(3, "bob", 4).number;
    assert_eq!(code(site.break_glass(three, "bob", 26, Presence::Console)), "E-CONTROL-REPEATED");
    assert_eq!(site.store.current().expect("readable"), Some(number));

    let confirmation = site.numbers().into_iter().find(|waiting| *waiting != three).expect("it waits");
    for name in ["alice", "bob", "carol"] {
        assert!(raised().is_some());
        site.approve(confirmation, name, 4).expect("signed");
    }
    assert!(matches!(site.activate(confirmation, "bob", 4), Ok(Done::EmergencyConfirmed(_))));
    assert_eq!(raised(), None);
    site.break_glass(three, "bob", 27, Presence::Console).expect("24 hours later");
}

#[test]
fn o03_confirming_an_older_emergency_late_neither_hides_the_newer_one_nor_opens_the_way_for_a_third() {
    let site = Site::controlled(1);
    let two = site.held(2, "alice", 2).number;
    site.break_glass(two, "alice", 2, Presence::Console).expect("activated");
    let older = site.numbers()[0];
    let three = site.held(3, "alice", 27).number;
    site.break_glass(three, "alice", 27, Presence::Console).expect("a day later");
    let _approved = ["alice", "bob"].map(|name| site.approve(older, name, 28).expect("signed"));
    let mark = site.store.emergency().expect("readable");
    assert_eq!(code(site.activate(older, "bob", 28)), "E-CONTROL-STALE");
    assert_eq!(site.store.emergency().expect("readable"), mark, "the alarm is that of the kit that is active");
    let four = site.held(4, "alice", 28).number;
    assert_eq!(code(site.break_glass(four, "alice", 28, Presence::Console)), "E-CONTROL-REPEATED");
}

#[test]
fn o03_an_emergency_is_for_kits_and_cannot_be_withdrawn() {
    let site = Site::controlled(1);
    let number = site.asked(Task::Clock { wall: hours(2).wall }, "alice", 2).number;
    assert_eq!(code(site.break_glass(number, "alice", 2, Presence::Console)), "E-CONTROL-KIND");
    let kit = site.held(2, "alice", 2).number;
    site.break_glass(kit, "alice", 2, Presence::Console).expect("activated");
    let confirmation = *site.numbers().last().expect("it waits");
    let withdrawn = site.acting("alice", 2, |acting| control::withdraw(&site.store, confirmation, acting, None));
    assert_eq!(code(withdrawn), "E-CONTROL-KIND");
}

#[test]
fn t08_the_clock_is_confirmed_by_two_people_and_never_moves_back() {
    let site = Site::controlled(1);
    // The machine runs for hours, and its wall clock is two years ahead of all that is proven: not believed.
    let far = 2 * 365 * 24;
    let ahead = |at: i64| Reading { wall: hours(far + at).wall, ..hours(at) };
    let floor = |at: i64| importer::time(&site.store).expect("readable").floor(&hours(at));
    let number = {
        let task = Task::Clock { wall: ahead(2).wall };
        let asked = site.at(&ahead(2), "alice", |acting| control::ask(&site.store, task, acting, None));
        let Ok(Asked::Held(row, _)) = asked else { panic!("it waits: {asked:?}") };
        row.number
    };
    let activate = |at: i64| {
        site.at(&ahead(at), "alice", |acting| {
            control::carry_out(&site.store, number, acting, control::Waivers::default()).map(|(done, _)| done)
        })
    };
    assert_eq!(code(activate(2)), "E-APPROVAL-MISSING");
    for name in ["alice", "bob"] {
        let envelope = site.envelope(number, name);
        site.at(&ahead(3), name, |acting| control::approve(&site.store, number, &envelope, acting)).expect("signed");
    }
    assert_eq!(floor(4), hours(4).wall, "nothing has moved yet");
    assert!(matches!(activate(5), Ok(Done::ClockConfirmed(_))));
    assert_eq!(floor(5), ahead(5).wall);
    assert_eq!(site.last_approvers(), ["bob"]);
    // An earlier time that two people vouch for changes nothing: the floor only moves forward.
    let back = site.asked(Task::Clock { wall: hours(6).wall }, "alice", 6);
    site.approve(back.number, "bob", 6).expect("approved");
    site.activate(back.number, "bob", 6).expect("confirmed");
    assert!(floor(6) >= ahead(6).wall);
}

#[test]
fn t08_a_clock_that_was_set_after_it_was_vouched_for_is_not_confirmed() {
    let site = Site::controlled(1);
    let number = site.asked(Task::Clock { wall: hours(2).wall }, "alice", 2).number;
    site.approve(number, "bob", 2).expect("approved");
    let mut reading = hours(3);
    reading.wall = hours(3 + 500 * 24).wall;
    let refused = site
        .at(&reading, "alice", |acting| control::carry_out(&site.store, number, acting, control::Waivers::default()));
    assert_eq!(code(refused), "E-CONTROL-STALE");
    assert_eq!(site.numbers(), Vec::<u64>::new());
}

#[test]
fn a_rollback_waits_and_leaves_the_floors_where_they_are() {
    let site = Site::controlled(0);
    site.hand_in(2, "root", 2).expect("imported");
    site.replace_policy(&policy(0), &policy(1));
    let (_, floors, _) = site.decisive();
    let one = site.store.open_generation(1).expect("kept");
    let task = Task::Rollback { to: 1, metadata_digest: one.row().metadata_digest };
    let number = site.asked(task, "alice", 3).number;
    assert_eq!(site.store.current().expect("readable"), Some(2));
    site.approve(number, "bob", 3).expect("approved");
    assert_eq!(site.activate(number, "alice", 3).expect("done"), Done::RolledBack(1));
    let (current, after, _) = site.decisive();
    assert_eq!((current, after), (Some(1), floors));
    assert_receipt_of_rollback(&site, one.row());
}

#[test]
fn a_rollback_to_what_was_forgotten_while_it_waited_is_refused_and_waits_no_longer() {
    let site = Site::controlled(0);
    site.hand_in(2, "root", 2).expect("imported");
    site.replace_policy(&policy(0), &policy(1));
    let metadata_digest = site.store.open_generation(1).expect("kept").row().metadata_digest;
    let number = site.asked(Task::Rollback { to: 1, metadata_digest }, "alice", 3).number;
    site.approve(number, "bob", 3).expect("approved");
    site.replace_policy(&policy(1), &policy(0));
    for version in [3, 4] {
        site.hand_in(version, "root", 4).expect("imported");
    }
    assert!(site.store.open_generation(1).is_err(), "three others are kept");
    assert_eq!(code(site.activate(number, "alice", 5)), "E-CONTROL-STALE");
    assert!(site.numbers().is_empty());
}

#[test]
fn a_rollback_that_nobody_must_approve_tells_the_same() {
    let site = Site::controlled(0);
    site.hand_in(2, "root", 2).expect("imported");
    let one = site.store.open_generation(1).expect("kept");
    let task = Task::Rollback { to: 1, metadata_digest: one.row().metadata_digest };
    site.acting("alice", 3, |acting| control::ask(&site.store, task, acting, None)).expect("done");
    assert_receipt_of_rollback(&site, one.row());
}

/// It names the kit that is active again, and the floors, which stay.
fn assert_receipt_of_rollback(site: &Site, to: &GenerationRow) {
    let receipt = site.last_receipt();
    assert_eq!((receipt.generation, receipt.kit_version), (Some(to.number), Some(to.kit_version)));
    assert_eq!((receipt.kit_sha256, receipt.content_root), (Some(to.kit_sha256), Some(to.content_root)));
    assert_eq!(receipt.floors_after["targets"], 2);
    assert_eq!(receipt.floors_before, receipt.floors_after);
}

#[test]
fn a_policy_changes_only_by_itself() {
    let site = Site::controlled(1);
    let change = |new: ControlPolicy| Task::Policy { replaces: policy(1).digest(), policy: new };
    let off = site.asked(change(policy(0)), "alice", 2).number;
    let more = site.asked(change(policy(2)), "bob", 2).number;
    assert_eq!(code(site.activate(off, "alice", 2)), "E-APPROVAL-MISSING");
    site.approve(more, "carol", 2).expect("approved");
    assert!(matches!(site.activate(more, "bob", 2), Ok(Done::PolicyChanged(_))));
    // The other request was made for the policy of before: it would undo what nobody who approved it saw.
    for name in ["bob", "carol"] {
        site.approve(off, name, 2).expect("approved");
    }
    assert_eq!(code(site.activate(off, "alice", 2)), "E-CONTROL-STALE");
    assert_eq!(site.store.control_policy().expect("readable"), policy(2));
    let lonely = ControlPolicy { people: policy(1).people[..1].to_vec(), ..policy(1) };
    let task = Task::Policy { replaces: policy(2).digest(), policy: lonely };
    let asked = site.acting("alice", 2, |acting| control::ask(&site.store, task, acting, None));
    assert_eq!(code(asked), "E-CONTROL-POLICY", "a policy that nobody could satisfy is not even asked for");
}

#[test]
fn k04_two_approvers_in_the_same_second_both_count() {
    for _ in 0..8 {
        let site = Site::controlled(2);
        let number = site.held(2, "alice", 2).number;
        for result in together(&site, [number, number], ["bob", "carol"]) {
            result.expect("approved");
        }
        assert_eq!(site.store.pending_row(number).expect("it waits").approvals.len(), 3);
        site.activate(number, "alice", 2).expect("activated");
    }
}

#[test]
fn k04_of_an_approval_and_a_withdrawal_in_the_same_second_one_comes_first() {
    for _ in 0..8 {
        let site = Site::controlled(1);
        let number = site.held(2, "alice", 2).number;
        let (store, envelope) = (site.reopen(), site.envelope(number, "bob"));
        let approved = std::thread::scope(|scope| {
            let approving =
                scope.spawn(|| act(&store, |store, acting| control::approve(store, number, &envelope, acting)));
            let _logged =
                act(&site.store, |store, acting| control::withdraw(store, number, acting, None)).expect("withdrawn");
            approving.join().expect("it ends")
        });
        if let Err(error) = approved {
            assert_eq!(error.code(), "E-CONTROL-UNKNOWN");
        }
        assert_eq!(site.numbers(), Vec::<u64>::new(), "whoever was first, it is withdrawn");
        assert_eq!(site.store.current().expect("readable"), Some(1));
    }
}

#[test]
fn k04_of_an_activation_and_a_withdrawal_in_the_same_second_exactly_one_happens() {
    for _ in 0..8 {
        let site = Site::controlled(1);
        let number = site.held(2, "alice", 2).number;
        site.approve(number, "bob", 2).expect("approved");
        let store = site.reopen();
        let (activated, withdrawn) = std::thread::scope(|scope| {
            let activating = scope.spawn(|| {
                act(&store, |store, acting| control::carry_out(store, number, acting, control::Waivers::default()))
            });
            let withdrawn = act(&site.store, |store, acting| control::withdraw(store, number, acting, None));
            (activating.join().expect("it ends"), withdrawn)
        });
        let current = site.store.current().expect("readable");
        assert_eq!(current, Some(if activated.is_ok() { number } else { 1 }));
        assert!(activated.is_ok() != withdrawn.is_ok(), "{activated:?} {withdrawn:?}");
        for error in [activated.err(), withdrawn.err()].into_iter().flatten() {
            assert!(["E-BUSY", "E-CONTROL-UNKNOWN", "E-CONTROL-CHANGED"].contains(&error.code()), "{error}");
        }
        site.store.open_current().expect("what is active is whole");
    }
}

fn act<T>(store: &Store, run: impl FnOnce(&Store, &control::Acting<'_>) -> T) -> T {
    let acting = control::Acting {
        site: &bench::site(store),
        operator: "alice",
        engine: "test",
        appliance_version: "0.1.0",
        reading: &hours(2),
        limits: &ouk::limits::Limits::default(),
        nonce: Digest::of(b"unused"),
    };
    run(store, &acting)
}

/// Two people approve at the same time, each through a handle of their own.
fn together(site: &Site, numbers: [u64; 2], names: [&str; 2]) -> [Result<control::Approved, importer::ImportError>; 2] {
    let stores = [site.reopen(), site.reopen()];
    let envelopes = [0, 1].map(|index| site.envelope(numbers[index], names[index]));
    std::thread::scope(|scope| {
        let approving = [0, 1].map(|index| {
            let (store, envelope) = (&stores[index], &envelopes[index]);
            scope.spawn(move || act(store, |store, acting| control::approve(store, numbers[index], envelope, acting)))
        });
        approving.map(|handle| handle.join().expect("it ends"))
    })
}
