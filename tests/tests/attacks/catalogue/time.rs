//! T: attacks by the clock, and on it.

use domain::clock::{ClockState, Reading};
use domain::time::Timestamp;
use forge::now;

use super::bench::HELD;
use super::{Bench, Elsewhere, Letter, attacks};

attacks! {
    t01_a_clock_at_1970_stops_no_import "T01" ["accepted"];
    t02_a_clock_that_goes_back_revives_nothing_and_refuses_nothing "T02" ["accepted", "E-TS-EXPIRED"];
    t03_a_clock_far_ahead_is_not_remembered "T03" ["accepted"];
    t04_a_kit_of_the_future_is_refused_when_the_clock_can_tell "T04" ["E-FUTURE", "accepted"];
    t05_a_kit_moves_the_floor_by_one_step_at_most "T05" ["E-SCHEMA", "E-TS-EXPIRED", "WARN", "accepted"];
    t06_times_have_one_spelling "T06" ["E-SCHEMA", "accepted"];
    t07_time_asleep_counts "T07" ["E-TS-EXPIRED"];
}

pub(crate) const LETTER: Letter = Letter {
    cases: CASES,
    elsewhere: &[
        Elsewhere {
            id: "T08",
            tests: &[
                "domain/src/clock.rs::t08_an_operators_word_makes_a_far_clock_believed_and_the_floor_stays_monotone",
                "importer/tests/control/main.rs::t08_the_clock_is_confirmed_by_two_people_and_never_moves_back",
                "importer/tests/control/main.rs::t08_a_clock_that_was_set_after_it_was_vouched_for_is_not_confirmed",
            ],
        },
        Elsewhere {
            id: "T03",
            tests: &[
                "domain/src/clock.rs::t03_a_clock_that_creeps_ahead_cannot_push_the_floor_beyond_one_step_from_what_is_proven",
            ],
        },
        Elsewhere {
            id: "T07",
            tests: &[
                "domain/src/clock.rs::t07_time_since_boot_continues_the_floor_when_the_wall_clock_stands_still_or_goes_back",
            ],
        },
    ],
    open: &[],
};

fn wall(bench: &mut Bench, wall: Timestamp) {
    bench.reading = Reading { wall, ..bench.reading.clone() };
}

/// A later start of the machine.
fn reboot(bench: &mut Bench, at: Timestamp) {
    bench.reading = Reading { wall: at, since_boot_seconds: 10, boot_id: format!("{}+", bench.reading.boot_id) };
}

fn t01_a_clock_at_1970_stops_no_import(bench: &mut Bench) {
    reboot(bench, Timestamp::UNIX_EPOCH);
    let kit = bench.draft().kit();
    let imported = bench.accept("at 1970", &kit);
    assert_eq!(imported.clock, ClockState::Behind);
    let time = bench.store.time().expect("readable").expect("remembered");
    assert!(time.observed >= now(), "the floor did not follow the clock back");
    wall(bench, now());
}

fn t02_a_clock_that_goes_back_revives_nothing_and_refuses_nothing(bench: &mut Bench) {
    for (version, seconds, state) in [
        (HELD + 1, -1, ClockState::Ok),
        (HELD + 2, -3600, ClockState::Ok),
        (HELD + 3, -3601, ClockState::Behind),
        (HELD + 4, -2 * 365 * 86_400, ClockState::Behind),
    ] {
        wall(bench, now().plus_seconds(seconds));
        let kit = bench.draft_of(version, 2).kit();
        assert_eq!(bench.accept(&format!("{seconds} s"), &kit).clock, state);
    }
    // The site has lived through 50 days; going back revives no kit that expired in them.
    wall(bench, now().plus_days(40));
    let kit = bench.draft_of(HELD + 5, 2).kit();
    bench.accept("40 days later", &kit);
    wall(bench, now());
    let mut old = bench.draft_of(HELD + 6, 2);
    old.role("timestamp")["expires"] = now().plus_days(30).to_string().into();
    bench.refuse("back at the old time, a kit that expired after 30 days", &old.kit(), "E-TS-EXPIRED");
}

fn t03_a_clock_far_ahead_is_not_remembered(bench: &mut Bench) {
    wall(bench, now().plus_days(3650));
    let kit = bench.draft().kit();
    assert_eq!(bench.accept("ten years ahead", &kit).clock, ClockState::Ahead);
    wall(bench, now().plus_seconds(60));
    let kit = bench.draft_of(HELD + 2, 2).kit();
    assert_eq!(bench.accept("set right", &kit).clock, ClockState::Ok);
}

/// The good kit, signed at another time.
fn signed_at(bench: &Bench, version: u64, at: Timestamp, expires_days: i64) -> Vec<u8> {
    let mut draft = bench.draft_of(version, 2);
    draft.role("targets")["ouk"]["signed_at"] = at.to_string().into();
    for role in ["targets", "feeds", "trivydb", "entitlements", "snapshot", "timestamp"] {
        draft.role(role)["expires"] = at.plus_days(expires_days).to_string().into();
    }
    draft.kit()
}

fn t04_a_kit_of_the_future_is_refused_when_the_clock_can_tell(bench: &mut Bench) {
    let kit = signed_at(bench, HELD + 1, now().plus_seconds(48 * 3600 + 1), 45);
    bench.refuse("more than two days ahead", &kit, "E-FUTURE");
    let kit = signed_at(bench, HELD + 1, now().plus_seconds(48 * 3600), 45);
    bench.accept("two days ahead", &kit);
    wall(bench, Timestamp::UNIX_EPOCH);
    let kit = signed_at(bench, HELD + 2, now().plus_days(10), 45);
    let imported = bench.accept("ten days ahead of a clock that is known to be behind", &kit);
    assert_eq!(imported.clock, ClockState::Behind);
    wall(bench, now().plus_days(10));
}

fn t05_a_kit_moves_the_floor_by_one_step_at_most(bench: &mut Bench) {
    let late = signed_at(bench, HELD + 1, now().plus_days(10), 0);
    bench.refuse("signed when it expires", &late, "E-SCHEMA");
    // Only a clock that is behind lets a kit of the future in at all.
    wall(bench, Timestamp::UNIX_EPOCH);
    let mut far = bench.draft();
    far.role("targets")["ouk"]["signed_at"] = now().plus_days(600).to_string().into();
    far.role("targets")["expires"] = now().plus_days(700).to_string().into();
    let source = bench.medium(&far.kit());
    bench.import_changing(source).unwrap_or_else(|error| panic!("{error}"));
    let receipt = bench.receipts().pop().expect("one");
    assert!(receipt.warnings.iter().any(|warning| warning.contains("too far ahead")), "{:?}", receipt.warnings);
    bench.note("signed 600 days ahead", "WARN");
    let time = bench.store.time().expect("readable").expect("remembered");
    assert_eq!(time.proven, now().plus_days(400), "one step and not more");
    wall(bench, now());
    let honest = bench.draft_of(HELD + 2, 2).kit();
    bench.refuse("the site is 400 days ahead of itself", &honest, "E-TS-EXPIRED");
    // The way out is the vendor's: a kit that expires later.
    let kit = signed_at(bench, HELD + 2, now().plus_days(401), 100);
    bench.accept("a kit that expires later", &kit);
    bench.ends_here = Some("this site's floor is 400 days ahead, by a threshold of stolen keys");
}

fn t06_times_have_one_spelling(bench: &mut Bench) {
    for expires in [
        "2027-01-01T00:00:00.5Z",
        "2027-01-01T00:00:00+00:00",
        "2027-01-01 00:00:00Z",
        "2027-01-01",
        "2027-06-30T23:59:60Z",
        "2027-01-01T00:00:00z",
        "+002027-01-01T00:00:00Z",
        "2027-02-30T00:00:00Z",
        "",
        "never",
    ] {
        for role in ["timestamp", "targets"] {
            let mut draft = bench.draft();
            draft.role(role)["expires"] = expires.into();
            bench.refuse(&format!("{role} {expires:?}"), &draft.kit(), "E-SCHEMA");
        }
    }
    for (version, expires) in [(6, "2038-01-19T03:14:08Z"), (7, "2106-02-07T06:28:16Z"), (8, "9999-12-30T21:59:59Z")] {
        let mut draft = bench.draft_of(version, 2);
        draft.role("timestamp")["expires"] = expires.into();
        bench.accept(expires, &draft.kit());
    }
}

fn t07_time_asleep_counts(bench: &mut Bench) {
    // 46 days pass in this boot, most of them asleep; the wall clock shows nothing of them.
    bench.reading.since_boot_seconds += 46 * 86_400;
    let kit = bench.draft().kit();
    bench.refuse("the wall clock stood still", &kit, "E-TS-EXPIRED");
    wall(bench, now().plus_days(-100));
    bench.refuse("the wall clock went back", &kit, "E-TS-EXPIRED");
    bench.reading.since_boot_seconds -= 46 * 86_400;
    wall(bench, now());
}
