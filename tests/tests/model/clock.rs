//! The reference's own account of time: what is remembered, and what a reading is worth.
//! Seconds since the program was made.

pub(crate) const HOUR: i64 = 3600;
pub(crate) const DAY: i64 = 24 * HOUR;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clocks {
    pub(crate) wall: i64,
    pub(crate) since_boot: i64,
    pub(crate) boot: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) proven: i64,
    pub(crate) observed: i64,
    pub(crate) confirmed: i64,
    /// The present at a moment of a boot.
    pub(crate) anchor: Option<(i64, i64, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trusted {
    Yes,
    Behind,
    Ahead,
}

impl Remembered {
    /// Not earlier than this is it now (kit-trust 2.7: it never moves back).
    pub(crate) fn floor(&self, clocks: &Clocks) -> i64 {
        let known = self.proven.max(self.observed).max(self.confirmed);
        match self.anchor {
            Some((at, since_boot, boot)) if boot == clocks.boot => known.max(at + clocks.since_boot - since_boot),
            _ => known,
        }
    }

    pub(crate) fn judge(&self, clocks: &Clocks) -> (i64, Trusted) {
        let floor = self.floor(clocks);
        if clocks.wall > floor.max(self.proven.max(self.confirmed) + 400 * DAY) {
            (floor, Trusted::Ahead)
        } else if clocks.wall < floor - HOUR {
            (floor, Trusted::Behind)
        } else {
            (floor.max(clocks.wall), Trusted::Yes)
        }
    }

    pub(crate) fn observe(&mut self, clocks: &Clocks) {
        let (at, _) = self.judge(clocks);
        self.observed = self.observed.max(at);
        self.anchor = Some((at, clocks.since_boot, clocks.boot));
    }

    /// A signature moves it by 400 days at most.
    pub(crate) fn prove(&mut self, signed: i64, at: i64) {
        self.proven = self.proven.max(signed.min(at + 400 * DAY));
    }

    pub(crate) fn confirm(&mut self, clocks: &Clocks) {
        self.confirmed = self.confirmed.max(clocks.wall);
        self.observe(clocks);
    }
}
