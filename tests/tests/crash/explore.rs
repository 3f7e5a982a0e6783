//! Cuts the power at every moment of a workload, and looks at what the reboot makes of it.

use std::collections::HashSet;

use tests::simulation::{Choice, Image, Power, Random, SimDisk};

use crate::bench::{BENCH, Kit, open, roll_back};
use crate::state::{State, boot, check_files, check_legal, check_swept};

/// What is done when the power goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Import(Kit),
    RollBack,
}

/// One story.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// Imported before the story begins, and what is done after that.
    pub(crate) history: &'static [Kit],
    pub(crate) rolled_back: bool,
    pub(crate) act: Act,
    /// Imported after the reboot: the first repeats what was cut off, the last must become active.
    pub(crate) repeat: &'static [Kit],
}

/// How much was tried.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) operations: usize,
    pub(crate) outcomes: usize,
    pub(crate) images: usize,
    pub(crate) nested: usize,
}

impl Act {
    /// Ends well or with an error, and tells so before the state is closed.
    pub(crate) fn run(self, disk: &SimDisk) -> Result<(), String> {
        let store = open(disk).map_err(|error| error.to_string())?;
        let result = match self {
            Self::Import(kit) => BENCH.import(&store, kit).map(drop).map_err(|error| error.to_string()),
            Self::RollBack => roll_back(&store).map(drop).map_err(|error| error.to_string()),
        };
        disk.mark();
        result
    }

    pub(crate) fn must_succeed(self) -> bool {
        !matches!(self, Self::Import(Kit::Damaged))
    }
}

impl Workload {
    pub(crate) fn start(&self) -> Image {
        let image = BENCH.site_with(self.history);
        if self.rolled_back {
            let disk = SimDisk::new(&image);
            roll_back(&open(&disk).expect("a state")).expect("rolled back");
            return disk.image();
        }
        image
    }

    /// The disk on which the act was recorded, and the states before and after it.
    pub(crate) fn record(&self, start: &Image) -> (SimDisk, State, State) {
        let before = boot(&SimDisk::new(start)).expect("a whole state");
        let disk = SimDisk::new(start);
        assert_eq!(self.act.run(&disk).is_ok(), self.act.must_succeed(), "{}", self.name);
        let after = boot(&SimDisk::new(&disk.image())).expect("a whole state");
        assert_ne!(before, after, "{}: at least a receipt is new", self.name);
        (disk, before, after)
    }

    /// Imports again until the last kit is active (I10). Returns the state and the disk.
    pub(crate) fn converge(&self, disk: &SimDisk, state: &State, goal: Option<&State>) -> Result<State, String> {
        for kit in self.repeat {
            let store = open(disk).map_err(|error| error.to_string())?;
            let result = BENCH.import(&store, *kit);
            match (kit, result) {
                (Kit::Version(_) | Kit::Delta, Err(error)) => return Err(format!("importing {kit:?} again: {error}")),
                (Kit::Damaged, Ok(_)) => return Err("a damaged kit was accepted".to_owned()),
                _ => {}
            }
        }
        disk.mark();
        let image = disk.image();
        let end = boot(&SimDisk::new(&image))?;
        check_files(&image)?;
        check_swept(&image, &end)?;
        if end.receipts.len() != state.receipts.len() + self.repeat.len() || !end.receipts.starts_with(&state.receipts)
        {
            return Err("an import has no receipt, or more than one".to_owned());
        }
        let active = |state: &State| state.active().map(|row| (row.kit_version, row.content_root, row.metadata_digest));
        if let Some(goal) = goal.filter(|goal| active(goal) != active(&end) || goal.trust != end.trust) {
            return Err(format!("the end is another: {:?} instead of {:?}", active(&end), active(goal)));
        }
        Ok(end)
    }

    /// Tries about `count` images.
    pub(crate) fn explore(&self, count: usize, seed: u64) -> Tally {
        let start = self.start();
        let (disk, before, after) = self.record(&start);
        let goal = self.converge(&SimDisk::new(&disk.image()), &after, None).expect("it converges");
        let mut tally = Tally::default();
        let mut random = Random::new(seed);
        let power = Power::new(&start, &disk);
        let mut nested_random = Random::new(seed ^ 1);
        self.cut_everywhere(power, count, &mut random, &mut tally, &mut |image, told, tally| {
            let disk = SimDisk::new(image);
            let state = boot(&disk)?;
            check_files(image)?;
            check_legal(&state, &before, &after, told)?;
            // The reboot has changed the disk, as reboots do; a third of the images goes on.
            if nested_random.one_in(3) {
                return Ok(());
            }
            let end = self.converge(&disk, &state, Some(&goal))?;
            let mut power = Power::new(image, &disk);
            while power.advance() {}
            let lasting = boot(&SimDisk::new(&power.image(&power.nothing_pending())))?;
            check_legal(&lasting, &end, &end, true)?;
            if nested_random.one_in(20) {
                self.cut_the_recovery(image, &disk, (&state, &end), &mut nested_random, tally)?;
            }
            Ok(())
        });
        tally
    }

    /// The power goes again while the import is repeated.
    fn cut_the_recovery(
        &self,
        image: &Image,
        disk: &SimDisk,
        (state, end): (&State, &State),
        random: &mut Random,
        tally: &mut Tally,
    ) -> Result<(), String> {
        let mut inner = Tally::default();
        let power = Power::new(image, disk);
        let mut failure = Ok(());
        // Of several repeats only the first state and the last are known.
        if self.repeat.len() == 1 {
            self.cut_everywhere(power, 12, random, &mut inner, &mut |image, told, _| {
                let result = boot(&SimDisk::new(image)).and_then(|found| check_legal(&found, state, end, told));
                failure =
                    std::mem::replace(&mut failure, Ok(())).and(result.map_err(|error| format!("again: {error}")));
                Ok(())
            });
        }
        tally.nested += inner.images;
        failure
    }

    /// Calls `check` with the images of a power cut at each moment, as many as `count` allows.
    fn cut_everywhere(
        &self,
        power: Power,
        count: usize,
        random: &mut Random,
        tally: &mut Tally,
        check: &mut dyn FnMut(&Image, bool, &mut Tally) -> Result<(), String>,
    ) {
        let mut barriers = 0;
        let mut counting = power.clone();
        while counting.advance() {
            barriers += usize::from(counting.before_barrier());
        }
        let operations = power.operations();
        // Before a barrier most is pending, and all earlier outcomes are still possible there.
        let at_barrier = (count * 3 / 4).div_ceil(barriers.max(1)).max(4);
        let elsewhere_one_in = operations.div_ceil((count / 4).max(1)).max(1);
        let mut seen = HashSet::new();
        tally.operations += operations;
        let mut power = power;
        while power.advance() {
            let choices = if power.before_barrier() {
                power.choices(at_barrier, random)
            } else if random.one_in(elsewhere_one_in) {
                power.choices(2, random)
            } else {
                continue;
            };
            for choice in choices {
                tally.outcomes += 1;
                let image = power.image(&choice);
                if seen.insert((image.fingerprint(), power.marked())) {
                    tally.images += 1;
                    if let Err(error) = check(&image, power.marked(), tally) {
                        self.fail(&choice, &error);
                    }
                }
            }
        }
    }

    fn fail(&self, choice: &Choice, error: &str) -> ! {
        panic!("{}: {error}\n  power cut {choice}", self.name)
    }
}
