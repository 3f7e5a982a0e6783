//! Cuts the power at every moment of a workload, and looks at what the reboot makes of it.

use tests::simulation::{Image, Power, Random, SimDisk};

use crate::act::Act;
use crate::bench::{fill_log, open};
use crate::cut::{Tally, cut_everywhere};
use crate::state::{State, boot, check_files, check_legal, check_needed, check_swept};

/// One story.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// What was done before the story begins, long ago.
    pub(crate) history: &'static [Act],
    /// How many records the log has then, at least.
    pub(crate) log_size: u64,
    pub(crate) act: Act,
    /// Done after the reboot: the first repeats what was cut off, and all of them end well.
    pub(crate) repeat: &'static [Act],
}

impl Workload {
    pub(crate) fn start(&self) -> Image {
        let disk = SimDisk::new(&Image::empty());
        for act in self.history {
            let store = open(&disk).expect("a state");
            act.run_on(&store).unwrap_or_else(|error| panic!("{}: {act:?}: {error}", self.name));
        }
        if self.log_size > 0 {
            fill_log(&disk, self.log_size);
        }
        disk.image()
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

    /// Does it again until all is done (I10). Returns the state.
    pub(crate) fn converge(&self, disk: &SimDisk, state: &State, goal: Option<&State>) -> Result<State, String> {
        let mut records = state.receipts.len();
        for act in self.repeat {
            let store = open(disk).map_err(|error| error.to_string())?;
            records += usize::from(act.run_again(&store).map_err(|error| format!("{act:?} again: {error}"))?);
        }
        disk.mark();
        let image = disk.image();
        let end = boot(&SimDisk::new(&image))?;
        check_files(&image)?;
        check_needed(&image, &end)?;
        if self.repeat.iter().any(|act| act.sweeps()) {
            check_swept(&image, &end)?;
        }
        if end.receipts.len() != records || !end.receipts.starts_with(&state.receipts) {
            return Err("an action has no receipt, or more than one".to_owned());
        }
        match goal {
            Some(goal) if !end.is_as_good_as(goal) => Err(format!("the end is another: {end:?}\ninstead of {goal:?}")),
            _ => Ok(end),
        }
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
        cut_everywhere(self.name, power, count, &mut random, &mut tally, &mut |image, told, tally| {
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
            cut_everywhere(self.name, power, 12, random, &mut inner, &mut |image, told, _| {
                let result = boot(&SimDisk::new(image)).and_then(|found| check_legal(&found, state, end, told));
                failure =
                    std::mem::replace(&mut failure, Ok(())).and(result.map_err(|error| format!("again: {error}")));
                Ok(())
            });
        }
        tally.nested += inner.images;
        failure
    }
}
