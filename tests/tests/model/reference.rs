//! The reference: what a site knows, as plain data, and what each step makes of it.
//!
//! Written from docs/dual-control.md and the catalogue, not from the code: each rule stands once, in the order
//! in which it decides. Every line of the log is one transaction; after each, the power may go.

use std::collections::{BTreeMap, BTreeSet};

use super::clock::{Clocks, DAY, HOUR, Remembered, Trusted};
use super::kits::{Content, KITS, Kit};
use super::step::{NAMES, Name, Step};

const GENERATIONS_KEPT: usize = 3;
const PENDING_MAX: usize = 4;
const TIMESTAMP_DAYS: i64 = 45;
const ROOT_DAYS: i64 = 730;

/// Who approves what: how many for kits and policies, how many for the rest, who, and how long a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) kits: usize,
    pub(crate) rest: usize,
    pub(crate) people: &'static [Name],
    pub(crate) hours: i64,
}

pub(crate) const RULES: [Rules; super::step::POLICIES] = [
    Rules { kits: 0, rest: 0, people: &[], hours: 72 },
    Rules { kits: 1, rest: 1, people: &[0, 1, 2], hours: 72 },
    Rules { kits: 2, rest: 2, people: &[0, 1, 2, 3], hours: 72 },
    // Bob is gone.
    Rules { kits: 1, rest: 1, people: &[0, 2], hours: 24 },
    Rules { kits: 1, rest: 0, people: &[0, 1], hours: 72 },
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// `first`: nothing was pinned yet, so the root is approved too.
    Activate {
        kit: usize,
        first: bool,
    },
    ConfirmEmergency {
        generation: u64,
        kit: usize,
    },
    RollBack {
        to: u64,
        kit: usize,
    },
    Clock {
        wall: i64,
    },
    Policy {
        replaces: usize,
        to: usize,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) task: Task,
    pub(crate) by: Name,
    pub(crate) at: i64,
    pub(crate) until: i64,
    /// The number of the step that asked.
    pub(crate) nonce: u64,
    /// Who signed.
    pub(crate) signed: BTreeSet<Name>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Emergency {
    pub(crate) generation: u64,
    pub(crate) by: Name,
    pub(crate) at: i64,
    pub(crate) confirmed: bool,
}

/// An approval that somebody signed and kept.
#[derive(Clone, Copy, Debug)]
struct Signed {
    task: Task,
    nonce: u64,
    signer: Name,
    claimed: Name,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Held(u64),
    /// It was so already.
    Noop,
    Refused(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) clocks: Clocks,
    pub(crate) time: Remembered,
    /// The kit whose versions are the floors.
    pub(crate) floor: Option<usize>,
    pub(crate) generations: BTreeMap<u64, usize>,
    pub(crate) current: Option<u64>,
    pub(crate) previous: Option<u64>,
    pub(crate) pending: BTreeMap<u64, Waiting>,
    last_request: u64,
    pub(crate) policy: usize,
    pub(crate) emergency: Option<Emergency>,
    /// Result and code of each record.
    pub(crate) log: Vec<(&'static str, Option<String>)>,
    approvals: Vec<Signed>,
    /// What a power cut during the last step may leave, beside the end.
    pub(crate) milestones: Vec<Reference>,
}

type Verdict<T> = Result<T, String>;

fn refused<T>(code: &str) -> Verdict<T> {
    Err(code.to_owned())
}

impl Reference {
    pub(crate) fn new() -> Self {
        Self {
            clocks: Clocks { wall: HOUR, since_boot: 100, boot: 0 },
            time: Remembered::default(),
            floor: None,
            generations: BTreeMap::new(),
            current: None,
            previous: None,
            pending: BTreeMap::new(),
            last_request: 0,
            policy: 0,
            emergency: None,
            log: Vec::new(),
            approvals: Vec::new(),
            milestones: Vec::new(),
        }
    }

    fn milestone(&mut self) {
        let milestones = std::mem::take(&mut self.milestones);
        let now = self.clone();
        self.milestones = milestones;
        self.milestones.push(now);
    }

    fn write_down(&mut self, result: &'static str, code: Option<&str>) {
        self.log.push((result, code.map(str::to_owned)));
        self.milestone();
    }

    fn rules(&self) -> Rules {
        RULES[self.policy]
    }

    fn needed(&self, task: &Task) -> usize {
        match task {
            Task::Activate { .. } | Task::ConfirmEmergency { .. } | Task::Policy { .. } => self.rules().kits,
            Task::RollBack { .. } | Task::Clock { .. } => self.rules().rest,
        }
    }

    fn now(&self) -> i64 {
        self.time.judge(&self.clocks).0
    }

    fn next_number(&self) -> u64 {
        self.generations.keys().next_back().copied().unwrap_or(0).max(self.last_request) + 1
    }

    /// The number of the request that a step is about; one that nobody has when nothing waits.
    pub(crate) fn pick(&self, which: usize) -> u64 {
        let numbers: Vec<u64> = self.pending.keys().rev().copied().collect();
        if numbers.is_empty() { 999 } else { numbers[which % numbers.len()] }
    }

    pub(crate) fn pick_kit(&self, places: isize) -> usize {
        let floor = self.floor.map_or(-1, |floor| floor.cast_signed());
        usize::try_from(floor + places).unwrap_or(0).min(KITS.len() - 1)
    }

    pub(crate) fn pick_generation(&self, which: usize) -> Option<u64> {
        let numbers: Vec<u64> = self.generations.keys().rev().copied().collect();
        (!numbers.is_empty()).then(|| numbers[which % numbers.len()])
    }

    pub(crate) fn pick_approval(&self, which: usize) -> Option<usize> {
        let last = self.approvals.len().checked_sub(1)?;
        Some(last - which % self.approvals.len())
    }

    /// Step number `nonce` of the sequence.
    pub(crate) fn apply(&mut self, step: &Step, nonce: u64) -> Outcome {
        self.milestones.clear();
        self.milestone();
        let done = match step {
            Step::Import { kit, by } => self.import(self.pick_kit(*kit), *by, false, nonce),
            Step::Stage { kit, by } => self.import(self.pick_kit(*kit), *by, true, nonce),
            Step::Approve { which, signer, claimed } => self.approve(*which, *signer, *claimed),
            Step::Replay { which, approval } => self.replay(*which, *approval),
            Step::Withdraw { which, by } => self.withdraw(*which, *by),
            Step::CarryOut { which, by } => self.carry_out(*which, *by, None, nonce),
            Step::BreakGlass { which, by, at_console } => self.carry_out(*which, *by, Some(*at_console), nonce),
            Step::RollBack { to, by } => self.roll_back(*to, *by, nonce),
            Step::Policy { to, by } => self.ask(Task::Policy { replaces: self.policy, to: *to }, *by, nonce),
            Step::ConfirmClock { by } => self.ask(Task::Clock { wall: self.clocks.wall }, *by, nonce),
            Step::Pass { hours } => self.pass(*hours, hours * HOUR),
            Step::SetClock { hours } => self.pass(*hours, 0),
            Step::Reboot => {
                self.clocks = Clocks { since_boot: 10, boot: self.clocks.boot + 1, ..self.clocks };
                Ok(Outcome::Done)
            }
            Step::Restart | Step::PowerCut { .. } => Ok(Outcome::Done),
            Step::CutOff { step, .. } => return self.apply(step, nonce),
        };
        done.unwrap_or_else(Outcome::Refused)
    }

    fn pass(&mut self, wall_hours: i64, since_boot: i64) -> Verdict<Outcome> {
        self.clocks.wall += wall_hours * HOUR;
        self.clocks.since_boot += since_boot;
        Ok(Outcome::Done)
    }

    // Kits.

    fn import(&mut self, kit: usize, by: Name, hold: bool, nonce: u64) -> Verdict<Outcome> {
        self.forget_expired();
        let judged = self.judge_import(kit, by, hold, nonce);
        if let Err(code) = &judged {
            let is_fault_of_kit = !code.starts_with("E-CONTROL");
            self.write_down(if is_fault_of_kit { "rejected" } else { "failed" }, Some(code));
        }
        judged
    }

    fn judge_import(&mut self, place: usize, by: Name, hold: bool, nonce: u64) -> Verdict<Outcome> {
        let kit = &KITS[place];
        if self.rules().kits > 0 && !self.rules().people.contains(&by) {
            return refused("E-CONTROL-STRANGER");
        }
        self.verify(kit)?;
        let same = |other: usize| KITS[other].metadata == kit.metadata;
        let active = self.current.map(|current| self.generations[&current]);
        if self.floor.is_some_and(same) && active.is_some_and(same) {
            self.write_down("noop", None);
            return Ok(Outcome::Noop);
        }
        let is_held = hold || self.rules().kits > 0;
        let waits = |waiting: &Waiting| matches!(waiting.task, Task::Activate { kit, .. } if same(kit));
        if let Some((number, _)) = self.pending.iter().find(|(_, waiting)| is_held && waits(waiting)) {
            let number = *number;
            self.write_down("noop", None);
            return Ok(Outcome::Held(number));
        }
        if let Some(base) = kit.base
            && !self.generations.values().any(|held| KITS[*held].content == base)
        {
            return refused("E-INCOMPLETE");
        }
        if kit.is_wrong {
            return refused("E-SEM-ROOT");
        }
        if is_held {
            return self.hold(Task::Activate { kit: place, first: self.floor.is_none() }, by, nonce);
        }
        self.activate(self.next_number(), place);
        self.write_down("activated", None);
        self.forget_old();
        Ok(Outcome::Done)
    }

    /// Signatures, floors, time and gates, as of now.
    fn verify(&self, kit: &Kit) -> Verdict<()> {
        let (now, trusted) = self.time.judge(&self.clocks);
        let signed = kit.signed_days * DAY;
        if now >= ROOT_DAYS * DAY {
            return refused("E-EXPIRED");
        }
        if let Some(floor) = self.floor.map(|floor| &KITS[floor]) {
            if kit.version < floor.version {
                return refused("E-TS-ROLLBACK");
            }
            if kit.version == floor.version && kit.metadata != floor.metadata {
                return refused("E-TS-EQUIVOCATION");
            }
        }
        if now >= signed + TIMESTAMP_DAYS * DAY {
            return refused("E-TS-EXPIRED");
        }
        if kit.channel != "stable" {
            return refused("E-GATE-CHANNEL");
        }
        if trusted != Trusted::Behind && signed > now + 48 * HOUR {
            return refused("E-FUTURE");
        }
        Ok(())
    }

    /// Without its line in the log.
    fn activate(&mut self, number: u64, kit: usize) {
        let (now, _) = self.time.judge(&self.clocks);
        self.time.observe(&self.clocks);
        self.time.prove(KITS[kit].signed_days * DAY, now);
        self.floor = Some(kit);
        self.generations.insert(number, kit);
        self.point_at(number);
    }

    fn point_at(&mut self, number: u64) {
        if self.current != Some(number) {
            self.previous = self.current.or(self.previous);
            self.current = Some(number);
        }
    }

    fn forget_old(&mut self) {
        let pinned = [self.current, self.previous];
        let excess = self.generations.len().saturating_sub(GENERATIONS_KEPT);
        let free = self.generations.keys().filter(|number| !pinned.contains(&Some(**number)));
        let old: Vec<u64> = free.copied().take(excess).collect();
        self.generations.retain(|number, _| !old.contains(number));
    }

    // Dual control.

    fn hold(&mut self, task: Task, by: Name, nonce: u64) -> Verdict<Outcome> {
        if self.pending.len() >= PENDING_MAX {
            return refused("E-CONTROL-FULL");
        }
        let (number, now) = (self.next_number(), self.now());
        self.wait(number, task, by, now + self.rules().hours * HOUR, nonce);
        self.time.observe(&self.clocks);
        self.write_down("held", None);
        Ok(Outcome::Held(number))
    }

    fn wait(&mut self, number: u64, task: Task, by: Name, until: i64, nonce: u64) {
        let waiting = Waiting { task, by, at: self.now(), until, nonce, signed: BTreeSet::new() };
        self.pending.insert(number, waiting);
        self.last_request = number;
    }

    fn forget_expired(&mut self) {
        let now = self.now();
        let over: Vec<u64> =
            self.pending.iter().filter(|(_, waiting)| now >= waiting.until).map(|(number, _)| *number).collect();
        for number in over {
            self.pending.remove(&number);
            self.write_down("expired", None);
        }
    }

    fn roll_back(&mut self, to: Option<usize>, by: Name, nonce: u64) -> Verdict<Outcome> {
        let to = match to {
            Some(pick) => self.pick_generation(pick),
            None => self.previous,
        };
        let Some(to) = to else { return refused("E-STATE") };
        self.ask(Task::RollBack { to, kit: self.generations[&to] }, by, nonce)
    }

    fn ask(&mut self, task: Task, by: Name, nonce: u64) -> Verdict<Outcome> {
        if self.needed(&task) > 0 {
            if !self.rules().people.contains(&by) {
                return refused("E-CONTROL-STRANGER");
            }
            self.forget_expired();
            return self.hold(task, by, nonce);
        }
        self.change(task);
        self.write_down(
            match task {
                Task::Clock { .. } => "confirmed",
                Task::Policy { .. } => "changed",
                _ => "activated",
            },
            None,
        );
        Ok(Outcome::Done)
    }

    /// What is asked for comes true; kits apart.
    fn change(&mut self, task: Task) {
        match task {
            Task::RollBack { to, .. } => self.point_at(to),
            Task::Clock { .. } => self.time.confirm(&self.clocks),
            Task::Policy { to, .. } => self.policy = to,
            Task::ConfirmEmergency { .. } => {
                self.emergency = self.emergency.map(|mark| Emergency { confirmed: true, ..mark });
            }
            Task::Activate { .. } => {}
        }
    }

    fn approve(&mut self, which: usize, signer: Name, claimed: Name) -> Verdict<Outcome> {
        let number = self.pick(which);
        let Some(waiting) = self.pending.get(&number) else { return refused("E-CONTROL-UNKNOWN") };
        self.approvals.push(Signed { task: waiting.task, nonce: waiting.nonce, signer, claimed });
        self.hand_in(number, self.approvals[self.approvals.len() - 1])
    }

    fn replay(&mut self, which: usize, approval: usize) -> Verdict<Outcome> {
        let number = self.pick(which);
        let Some(place) = self.pick_approval(approval) else { return Ok(Outcome::Noop) };
        if !self.pending.contains_key(&number) {
            return refused("E-CONTROL-UNKNOWN");
        }
        self.hand_in(number, self.approvals[place])
    }

    fn hand_in(&mut self, number: u64, approval: Signed) -> Verdict<Outcome> {
        let waiting = &self.pending[&number];
        if let Err(code) = self.judge_approval(waiting, approval) {
            self.write_down("rejected", Some(&code));
            return Err(code);
        }
        let proves = approval.claimed == waiting.by;
        self.pending.get_mut(&number).expect("it waits").signed.insert(approval.claimed);
        self.write_down(if proves { "signed" } else { "approved" }, None);
        Ok(Outcome::Done)
    }

    fn judge_approval(&self, waiting: &Waiting, approval: Signed) -> Verdict<()> {
        let people = self.rules().people;
        if self.now() >= waiting.until {
            return refused("E-APPROVAL-EXPIRED");
        }
        if !people.contains(&approval.signer) {
            return refused("E-APPROVAL-SIG");
        }
        if !people.contains(&approval.claimed) {
            return refused("E-APPROVAL-PERSON");
        }
        if approval.signer != approval.claimed {
            return refused("E-APPROVAL-KEY");
        }
        if approval.task != waiting.task {
            return refused("E-APPROVAL-SUBJECT");
        }
        if approval.nonce != waiting.nonce {
            return refused("E-APPROVAL-REPLAY");
        }
        Ok(())
    }

    fn withdraw(&mut self, which: usize, by: Name) -> Verdict<Outcome> {
        let number = self.pick(which);
        let Some(waiting) = self.pending.get(&number) else { return refused("E-CONTROL-UNKNOWN") };
        if self.needed(&waiting.task) > 0 && !self.rules().people.contains(&by) {
            return refused("E-CONTROL-STRANGER");
        }
        if matches!(waiting.task, Task::ConfirmEmergency { .. }) {
            return refused("E-CONTROL-KIND");
        }
        self.pending.remove(&number);
        self.write_down("withdrawn", None);
        Ok(Outcome::Done)
    }

    fn carry_out(&mut self, which: usize, by: Name, break_glass: Option<bool>, nonce: u64) -> Verdict<Outcome> {
        let number = self.pick(which);
        let Some(waiting) = self.pending.get(&number).cloned() else { return refused("E-CONTROL-UNKNOWN") };
        let judged = self.judge_request(&waiting, by, break_glass);
        let emergency = match judged {
            Ok(emergency) => emergency,
            Err(code) => {
                let worthless = !code.starts_with("E-CONTROL") && code != "E-APPROVAL-MISSING";
                if worthless || code == "E-CONTROL-STALE" {
                    self.pending.remove(&number);
                }
                self.write_down("rejected", Some(&code));
                return Err(code);
            }
        };
        self.pending.remove(&number);
        if let Task::Activate { kit, .. } = waiting.task {
            let now = self.now();
            if emergency {
                let confirm = self.next_number();
                self.emergency = Some(Emergency { generation: number, by, at: now, confirmed: false });
                let task = Task::ConfirmEmergency { generation: number, kit };
                self.wait(confirm, task, by, now + 72 * HOUR, nonce);
            }
            self.activate(number, kit);
        } else {
            self.change(waiting.task);
        }
        self.write_down("activated", None);
        self.forget_old();
        Ok(Outcome::Done)
    }

    /// May it be carried out now? True when only because of an emergency.
    fn judge_request(&self, waiting: &Waiting, by: Name, break_glass: Option<bool>) -> Verdict<bool> {
        let (people, needed, now) = (self.rules().people, self.needed(&waiting.task), self.now());
        if needed > 0 && !people.contains(&by) {
            return refused("E-CONTROL-STRANGER");
        }
        if now >= waiting.until {
            return refused("E-APPROVAL-EXPIRED");
        }
        let counts = |name: &&Name| **name != waiting.by && people.contains(name);
        let is_proven = waiting.signed.contains(&waiting.by) && people.contains(&waiting.by);
        let is_approved = is_proven && waiting.signed.iter().filter(counts).count() >= needed;
        let emergency = needed > 0 && !is_approved;
        match break_glass {
            None if emergency => return refused("E-APPROVAL-MISSING"),
            Some(_) if emergency && !matches!(waiting.task, Task::Activate { .. }) => return refused("E-CONTROL-KIND"),
            Some(false) if emergency => return refused("E-CONTROL-PRESENCE"),
            Some(true) if emergency && self.emergency.is_some_and(|last| now - last.at < 24 * HOUR) => {
                return refused("E-CONTROL-REPEATED");
            }
            _ => {}
        }
        self.still_possible(waiting)?;
        Ok(emergency)
    }

    fn still_possible(&self, waiting: &Waiting) -> Verdict<()> {
        let possible = match waiting.task {
            Task::Activate { kit, .. } => return self.verify(&KITS[kit]),
            // Only of the last one; what came before it is not active any more.
            Task::ConfirmEmergency { generation, .. } => {
                self.emergency.is_some_and(|mark| mark.generation == generation)
            }
            Task::RollBack { to, .. } => self.generations.contains_key(&to),
            Task::Clock { wall } => {
                let (passed, asked) = (self.clocks.wall - wall, self.now() - waiting.at);
                passed >= 0 && (passed - asked).abs() <= HOUR
            }
            Task::Policy { replaces, .. } => replaces == self.policy,
        };
        if possible { Ok(()) } else { refused("E-CONTROL-STALE") }
    }

    /// What people have signed stays with them, and time goes on, whatever the site has lost.
    pub(crate) fn in_the_world_of(&self, other: &Self) -> Self {
        Self { approvals: other.approvals.clone(), clocks: other.clocks, milestones: Vec::new(), ..self.clone() }
    }

    /// What is served.
    pub(crate) fn content(&self) -> Option<Content> {
        self.current.map(|current| KITS[self.generations[&current]].content)
    }

    pub(crate) fn name(name: Name) -> &'static str {
        NAMES[name]
    }
}
