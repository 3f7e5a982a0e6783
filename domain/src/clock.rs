//! What time it is, for a machine that has nobody to ask.
//!
//! A wall clock that went back would revive what has expired; one that ran ahead and was
//! believed would make every later kit look expired, for good. So expiry is judged by a
//! floor that only moves forward, and a wall clock moves it only within a bound that
//! signed data sets.
//!
//! ```text
//!            floor - 1 h      floor                       proven + 400 d
//!   BEHIND ------|---- OK: floor ---|---- OK: wall ---------------|---- AHEAD: floor
//! ```

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A clock that is behind the floor by less than this is merely set a little wrong.
const BEHIND_SECONDS: i64 = 3600;
/// How far beyond what is proven a wall clock is believed, and how far one signature can move the floor.
const STEP_DAYS_MAX: i64 = 400;

/// What the machine's clocks say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub wall: Timestamp,
    /// Since the machine started, suspended time included.
    pub since_boot_seconds: i64,
    /// Another at every start of the machine.
    pub boot_id: String,
}

/// What is remembered of time. Each part only moves forward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeFloor {
    /// The latest time that signed data has proved.
    pub proven: Timestamp,
    /// The latest present that was acted upon.
    pub observed: Timestamp,
    /// The latest time that an operator has vouched for.
    pub confirmed: Timestamp,
    /// Where the present was at a moment of a known boot: the clock that counts since boot
    /// cannot be set, so within that boot it continues the floor.
    pub anchor: Option<Anchor>,
}

/// A present and the moment of a boot that it was observed at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    pub at: Timestamp,
    pub since_boot_seconds: i64,
    pub boot_id: String,
}

/// How far the wall clock can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockState {
    Ok,
    /// The wall clock lies before what is known to have passed.
    Behind,
    /// The wall clock lies so far ahead that nobody believes it without an operator's word.
    Ahead,
}

/// A time to judge by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    /// Not before this is it now. Expiry is judged by it.
    pub at: Timestamp,
    pub state: ClockState,
}

impl TimeFloor {
    /// Nothing but the program's own age is known. `build_epoch` is when it was made.
    pub fn new(build_epoch: Timestamp) -> Self {
        Self { proven: build_epoch, observed: build_epoch, confirmed: build_epoch, anchor: None }
    }

    /// The earliest that it can be now.
    pub fn floor(&self, reading: &Reading) -> Timestamp {
        let known = self.proven.max(self.observed).max(self.confirmed);
        match &self.anchor {
            Some(anchor) if anchor.boot_id == reading.boot_id => {
                let passed = reading.since_boot_seconds.saturating_sub(anchor.since_boot_seconds);
                known.max(anchor.at.plus_seconds(passed.max(0)))
            }
            _ => known,
        }
    }

    /// Judges a reading.
    pub fn judge(&self, reading: &Reading) -> Present {
        let floor = self.floor(reading);
        // Not the observed time: a clock that is wrong by a little less than the bound, again and
        // again, would push it ahead without end.
        let believed_until = self.proven.max(self.confirmed).plus_days(STEP_DAYS_MAX);
        if reading.wall > believed_until.max(floor) {
            Present { at: floor, state: ClockState::Ahead }
        } else if floor.seconds_since(reading.wall) > BEHIND_SECONDS {
            Present { at: floor, state: ClockState::Behind }
        } else {
            Present { at: reading.wall.max(floor), state: ClockState::Ok }
        }
    }

    /// Remembers the present, so that it is not lived through twice.
    pub fn observe(&mut self, reading: &Reading) -> Present {
        let present = self.judge(reading);
        self.observed = self.observed.max(present.at);
        self.anchor = Some(Anchor {
            at: present.at,
            since_boot_seconds: reading.since_boot_seconds,
            boot_id: reading.boot_id.clone(),
        });
        present
    }

    /// Takes over what signed data proves, but never more than a step beyond the floor: a
    /// stolen key must not be able to push the floor to the end of time. Says whether
    /// all of it was believed.
    pub fn prove(&mut self, signed_at: Timestamp, floor: Timestamp) -> bool {
        let believed = signed_at.min(floor.plus_days(STEP_DAYS_MAX));
        self.proven = self.proven.max(believed);
        believed == signed_at
    }

    /// An operator vouches for the wall clock.
    pub fn confirm(&mut self, reading: &Reading) {
        self.confirmed = self.confirmed.max(reading.wall);
        self.observe(reading);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_lenient(text).expect("a date")
    }

    fn wall(text: &str) -> Reading {
        Reading { wall: at(text), since_boot_seconds: 100, boot_id: "one".to_owned() }
    }

    fn floor() -> TimeFloor {
        let mut floor = TimeFloor::new(at("2026-01-01"));
        floor.observe(&wall("2026-06-01"));
        floor
    }

    #[test]
    fn t01_a_clock_at_1970_is_behind_and_the_floor_is_used() {
        let mut reading = wall("1970-01-01");
        reading.boot_id = "two".to_owned();
        assert_eq!(floor().judge(&reading), Present { at: at("2026-06-01"), state: ClockState::Behind });
    }

    #[test]
    fn t02_a_step_back_of_less_than_an_hour_refuses_nothing_and_more_is_reported() {
        for (text, state) in [
            ("2026-05-31T23:59:59Z", ClockState::Ok),
            ("2026-05-31T23:00:00Z", ClockState::Ok),
            ("2026-05-31T22:59:59Z", ClockState::Behind),
            ("2024-06-01", ClockState::Behind),
        ] {
            assert_eq!(floor().judge(&wall(text)), Present { at: at("2026-06-01"), state }, "{text}");
        }
    }

    #[test]
    fn t03_a_clock_ten_years_ahead_is_not_remembered_and_poisons_nothing() {
        let mut floor = floor();
        let mut reading = wall("2036-06-01");
        reading.since_boot_seconds = 160;
        let ahead = floor.observe(&reading);
        assert_eq!(ahead, Present { at: at("2026-06-01T00:01:00Z"), state: ClockState::Ahead });
        assert_eq!(floor.judge(&wall("2026-06-02")), Present { at: at("2026-06-02"), state: ClockState::Ok });
    }

    #[test]
    fn t03_a_clock_that_creeps_ahead_cannot_push_the_floor_beyond_one_step_from_what_is_proven() {
        let mut floor = floor();
        for days in 0..4000 {
            floor.observe(&Reading {
                wall: at("2026-06-01").plus_days(days),
                since_boot_seconds: 100,
                boot_id: "one".into(),
            });
        }
        assert_eq!(floor.observed, at("2026-01-01").plus_days(STEP_DAYS_MAX));
    }

    #[test]
    fn t05_a_signature_moves_the_floor_by_one_step_at_most() {
        let mut floor = floor();
        assert!(floor.prove(at("2026-07-01"), at("2026-06-01")));
        assert_eq!(floor.proven, at("2026-07-01"));
        assert!(!floor.prove(at("2099-01-01"), at("2026-07-01")));
        assert_eq!(floor.proven, at("2026-07-01").plus_days(STEP_DAYS_MAX));
        assert!(floor.prove(at("2026-01-01"), at("2026-07-01")), "an older kit moves nothing back");
        assert_eq!(floor.proven, at("2026-07-01").plus_days(STEP_DAYS_MAX));
    }

    #[test]
    fn t07_time_since_boot_continues_the_floor_when_the_wall_clock_stands_still_or_goes_back() {
        let floor = floor();
        let mut reading = wall("2020-01-01");
        reading.since_boot_seconds = 100 + 86_400;
        assert_eq!(floor.judge(&reading).at, at("2026-06-02"));
        reading.boot_id = "two".to_owned();
        assert_eq!(floor.judge(&reading).at, at("2026-06-01"), "another boot proves nothing");
    }

    #[test]
    fn t08_an_operators_word_makes_a_far_clock_believed_and_the_floor_stays_monotone() {
        let mut floor = floor();
        floor.confirm(&wall("2030-01-01"));
        assert_eq!(floor.judge(&wall("2030-01-02")), Present { at: at("2030-01-02"), state: ClockState::Ok });
        floor.confirm(&wall("2020-01-01"));
        assert_eq!(floor.floor(&wall("2020-01-01")), at("2030-01-01"), "a word for an earlier time moves nothing back");
    }

    fn step() -> impl Strategy<Value = (u8, i64, i64, u8)> {
        (0_u8..4, 1_700_000_000_i64..5_000_000_000, 0_i64..1_000_000, 0_u8..3)
    }

    proptest! {
        // I12: whatever the clocks do, the floor never decreases within a boot, nor what is stored across boots.
        #[test]
        fn the_floor_never_decreases(steps in proptest::collection::vec(step(), 1..40)) {
            let mut floor = TimeFloor::new(at("2026-01-01"));
            let mut stored = at("2026-01-01");
            for (action, wall, since_boot_seconds, boot) in steps {
                let reading =
                    Reading { wall: Timestamp::from_unix(wall), since_boot_seconds, boot_id: boot.to_string() };
                let before = floor.floor(&reading);
                match action {
                    0 => { floor.observe(&reading); }
                    1 => { floor.prove(Timestamp::from_unix(wall), before); }
                    2 => floor.confirm(&reading),
                    _ => { floor.judge(&reading); }
                }
                prop_assert!(floor.floor(&reading) >= before);
                let now_stored = floor.proven.max(floor.observed).max(floor.confirmed);
                prop_assert!(now_stored >= stored);
                stored = now_stored;
            }
        }
    }
}
