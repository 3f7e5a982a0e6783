//! The real thing: store, importer and dual control on a simulated disk.

use std::sync::Arc;

use attest::approval::Action;
use attest::dsse;
use attest::keys::{self, SigningKey};
use domain::clock::Reading;
use domain::digest::Digest;
use forge::now;
use importer::control::{self, Acting, Asked, BreakGlass, Presence};
use importer::work::InProcess;
use importer::{ImportError, Imported, Means, Outcome as Came, Request, SealPolicy};
use ouk::limits::Limits;
use ouk::verify::Gates;
use store::{ControlPolicy, Person, Site, Store, Task};
use tests::simulation::{Image, Power, Random, SimDisk};

use super::clock::Clocks;
use super::kits::SHELF;
use super::reference::{Outcome, RULES, Reference};
use super::step::{Name, Step};

const STATE: &str = "/state";

pub(crate) struct World {
    /// What was on the disk when it was switched on.
    start: Image,
    disk: SimDisk,
    pub(crate) store: Store,
    /// The appliance: opened when the disk was, while others import.
    pub(crate) server: Store,
    site: Site,
    /// Approvals that were signed, of whatever.
    approvals: Vec<Vec<u8>>,
    /// A checkpoint of every length that was given out since the last look.
    pub(crate) checkpoints: Vec<String>,
}

/// The key that each person has for good.
fn key(name: Name) -> SigningKey<keys::Approval> {
    SigningKey::from_seed(Digest::of(Reference::name(name).as_bytes()).as_bytes())
}

pub(crate) fn policy(number: usize) -> ControlPolicy {
    let rules = RULES[number];
    let person =
        |name: &Name| Person { name: Reference::name(*name).to_owned(), keys: vec![key(*name).public().to_base64()] };
    let of = |actions: &[Action], needed: usize| -> Vec<(Action, u32)> {
        actions.iter().filter(|_| needed > 0).map(|action| (*action, needed as u32)).collect()
    };
    let needed =
        [of(&[Action::Activate, Action::Policy], rules.kits), of(&[Action::Rollback, Action::Clock], rules.rest)];
    ControlPolicy {
        needed: needed.into_iter().flatten().collect(),
        people: rules.people.iter().map(person).collect(),
        hours: rules.hours as u32,
    }
}

pub(crate) fn nonce(step: u64) -> Digest {
    Digest::of(&step.to_le_bytes())
}

fn reading(clocks: &Clocks) -> Reading {
    Reading {
        wall: now().plus_seconds(clocks.wall),
        since_boot_seconds: clocks.since_boot,
        boot_id: clocks.boot.to_string(),
    }
}

fn open(disk: &SimDisk) -> (Store, Store, Site) {
    let store = Store::open_on(Arc::new(disk.clone()), STATE).expect("the state opens");
    let mut seed = 0;
    let mut entropy = |bytes: &mut [u8]| {
        seed += 1;
        bytes.fill(seed);
        Ok(())
    };
    let site = store.site(&mut entropy).expect("the log is in order");
    (store, Store::open_on(Arc::new(disk.clone()), STATE).expect("the state opens"), site)
}

type Ended = Result<Outcome, ImportError>;

impl World {
    pub(crate) fn new() -> Self {
        Self::on(Image::empty())
    }

    fn on(start: Image) -> Self {
        let disk = SimDisk::new(&start);
        let (store, server, site) = open(&disk);
        Self { start, disk, store, server, site, approvals: Vec::new(), checkpoints: Vec::new() }
    }

    /// Does what the reference did, whose state of before chooses among what there is.
    pub(crate) fn apply(&mut self, step: &Step, nonce: u64, before: &Reference) -> Outcome {
        let clocks = before.clocks;
        let ended = match step {
            Step::Import { kit, by } => self.import(before.pick_kit(*kit), *by, &clocks, nonce, importer::import),
            Step::Stage { kit, by } => self.import(before.pick_kit(*kit), *by, &clocks, nonce, importer::stage),
            Step::Approve { which, signer, claimed } => {
                self.approve(before.pick(*which), *signer, *claimed, &clocks, nonce)
            }
            Step::Replay { which, approval } => self.replay(before, *which, *approval, nonce),
            Step::Withdraw { which, by } => self.acting(*by, &clocks, nonce, |store, acting| {
                control::withdraw(store, before.pick(*which), acting, None).map(|_| Outcome::Done)
            }),
            Step::CarryOut { which, by } => self.acting(*by, &clocks, nonce, |store, acting| {
                control::carry_out(store, before.pick(*which), acting, control::Waivers::default())
                    .map(|_| Outcome::Done)
            }),
            Step::BreakGlass { which, by, at_console } => {
                let presence = if *at_console { Presence::Console } else { Presence::Elsewhere };
                let glass = BreakGlass { reason: "exploited in the wild", presence };
                self.acting(*by, &clocks, nonce, |store, acting| {
                    control::carry_out(
                        store,
                        before.pick(*which),
                        acting,
                        control::Waivers { break_glass: Some(glass), ..Default::default() },
                    )
                    .map(|_| Outcome::Done)
                })
            }
            Step::RollBack { to, by } => {
                let to = to.and_then(|pick| before.pick_generation(pick));
                self.ask(*by, &clocks, nonce, |store| control::rollback(store, to))
            }
            Step::Policy { to, by } => self.ask(*by, &clocks, nonce, |store| {
                Ok(Task::Policy { replaces: store.control_policy()?.digest(), policy: policy(*to) })
            }),
            Step::ConfirmClock { by } => {
                self.ask(*by, &clocks, nonce, |_| Ok(Task::Clock { wall: reading(&clocks).wall }))
            }
            Step::Pass { .. } | Step::SetClock { .. } | Step::Reboot => Ok(Outcome::Done),
            Step::Restart => {
                (self.store, self.server, self.site) = open(&self.disk);
                Ok(Outcome::Done)
            }
            Step::PowerCut { seed } => {
                self.cut(0, *seed);
                Ok(Outcome::Done)
            }
            Step::CutOff { seed, step } => {
                let first = self.power().operations();
                let outcome = self.apply(step, nonce, before);
                self.cut(self.power().operations() - first, *seed);
                return outcome;
            }
        };
        ended.unwrap_or_else(|error| Outcome::Refused(error.code().to_owned()))
    }

    fn power(&self) -> Power {
        Power::new(&self.start, &self.disk)
    }

    /// The power goes at one of the last `operations`, or now, and the machine starts again.
    fn cut(&mut self, operations: usize, seed: u64) {
        let mut random = Random::new(seed);
        let mut power = self.power();
        let until = power.operations() - random.below(operations + 1);
        (0..until).for_each(|_| assert!(power.advance()));
        let choices = power.choices(8, &mut random);
        let image = power.image(&choices[random.below(choices.len())]);
        let approvals = std::mem::take(&mut self.approvals);
        *self = Self { approvals, ..Self::on(image) };
    }

    fn acting(&self, by: Name, clocks: &Clocks, step: u64, act: impl FnOnce(&Store, &Acting<'_>) -> Ended) -> Ended {
        act(
            &self.store,
            &Acting {
                site: &self.site,
                operator: Reference::name(by),
                engine: "model",
                appliance_version: "0.1.0",
                reading: &reading(clocks),
                limits: &Limits::default(),
                nonce: nonce(step),
            },
        )
    }

    fn ask(
        &self,
        by: Name,
        clocks: &Clocks,
        step: u64,
        task: impl FnOnce(&Store) -> Result<Task, ImportError>,
    ) -> Ended {
        self.acting(by, clocks, step, |store, acting| {
            Ok(match control::ask(store, task(store)?, acting, None)? {
                Asked::Done(..) => Outcome::Done,
                Asked::Held(row, _) => Outcome::Held(row.number),
            })
        })
    }

    fn approve(&mut self, number: u64, signer: Name, claimed: Name, clocks: &Clocks, step: u64) -> Ended {
        let row = self.store.pending_row(number)?;
        let statement = control::rules::statement(&row, Reference::name(claimed)).to_bytes();
        self.approvals.push(dsse::sign(&statement, &[&key(signer)]));
        self.hand_in(number, self.approvals.len() - 1, clocks, step)
    }

    fn replay(&self, before: &Reference, which: usize, approval: usize, step: u64) -> Ended {
        match before.pick_approval(approval) {
            Some(place) => self.hand_in(before.pick(which), place, &before.clocks, step),
            None => Ok(Outcome::Noop),
        }
    }

    fn hand_in(&self, number: u64, place: usize, clocks: &Clocks, step: u64) -> Ended {
        self.acting(0, clocks, step, |store, acting| {
            control::approve(store, number, &self.approvals[place], acting).map(|_| Outcome::Done)
        })
    }

    fn import(
        &self,
        kit: usize,
        by: Name,
        clocks: &Clocks,
        step: u64,
        make: fn(&Store, &Request<'_>, &Means<'_>) -> Result<Imported, ImportError>,
    ) -> Ended {
        let request = Request {
            kit: SHELF.open(kit),
            given_as: format!("{kit}.kit"),
            trust_root: Some(&SHELF.root),
            site_root: None,
            seal: None,
            seal_key: None,
            seal_policy: SealPolicy::Optional,
            expected: None,
            gates: Gates {
                product: "stella".to_owned(),
                channels: vec!["stable".to_owned()],
                appliance_version: "0.1.0".to_owned(),
                schema_max: feeds::dataset::DELTA_SCHEMA,
            },
            operator: Reference::name(by).to_owned(),
            engine: "model".to_owned(),
        };
        let (reading, limits) = (reading(clocks), Limits::default());
        let means = Means {
            site: &self.site,
            worker: &InProcess,
            reading: &reading,
            limits: &limits,
            nonce: nonce(step),
            progress: &|_| (),
        };
        Ok(match make(&self.store, &request, &means)?.outcome {
            Came::Activated(_) => Outcome::Done,
            Came::AlreadyCurrent(_) => Outcome::Noop,
            Came::Held(row) => Outcome::Held(row.number),
            Came::Incomplete(incomplete) => panic!("whole kits are handed in here: {incomplete}"),
        })
    }
}
