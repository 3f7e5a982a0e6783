//! The images that a power cut may leave at every moment of a record.

use std::collections::HashSet;

use tests::simulation::{Choice, Image, Power, Random};

/// How much was tried.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) operations: usize,
    pub(crate) outcomes: usize,
    pub(crate) images: usize,
    pub(crate) nested: usize,
}

/// Calls `check` with the images of a power cut at each moment, as many as `count` allows.
pub(crate) fn cut_everywhere(
    name: &str,
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
                    fail(name, &choice, &error);
                }
            }
        }
    }
}

fn fail(name: &str, choice: &Choice, error: &str) -> ! {
    panic!("{name}: {error}\n  power cut {choice}")
}
