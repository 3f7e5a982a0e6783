//! What may happen at a site, and how often it does in a sequence.

use proptest::collection::vec;
use proptest::prelude::*;

/// Mallory is in no policy.
pub(crate) const NAMES: [&str; 5] = ["alice", "bob", "carol", "dave", "mallory"];

/// A place in [`NAMES`].
pub(crate) type Name = usize;
/// Chooses among what waits, or among the generations or approvals that there are, counted from the newest: the rest
/// of a division, so that a sequence means something also when a step was taken out of it.
pub(crate) type Pick = usize;

/// How many places behind the kit that set the floors; before the first one, behind none.
pub(crate) type KitPick = isize;

fn kit() -> impl Strategy<Value = KitPick> {
    prop_oneof![1 => -3..1_isize, 6 => 1..4_isize, 1 => 4..9_isize]
}

/// An action of somebody, or of the world.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Import {
        kit: KitPick,
        by: Name,
    },
    Stage {
        kit: KitPick,
        by: Name,
    },
    /// Signs with the key of `signer` as `claimed`.
    Approve {
        which: Pick,
        signer: Name,
        claimed: Name,
    },
    /// Hands in an approval that was made before, of whatever it was.
    Replay {
        which: Pick,
        approval: Pick,
    },
    Withdraw {
        which: Pick,
        by: Name,
    },
    CarryOut {
        which: Pick,
        by: Name,
    },
    BreakGlass {
        which: Pick,
        by: Name,
        at_console: bool,
    },
    /// To the generation before, or to one that is kept.
    RollBack {
        to: Option<Pick>,
        by: Name,
    },
    Policy {
        to: usize,
        by: Name,
    },
    ConfirmClock {
        by: Name,
    },
    Pass {
        hours: i64,
    },
    /// Somebody sets the wall clock. The clock that counts since boot goes on.
    SetClock {
        hours: i64,
    },
    /// The machine starts again; the clock that counts since boot begins anew.
    Reboot,
    /// The program starts again.
    Restart,
    PowerCut {
        seed: u64,
    },
    /// The power goes at any moment of the step.
    CutOff {
        seed: u64,
        step: Box<Step>,
    },
}

fn action() -> impl Strategy<Value = Step> {
    let (by, which) = (0..NAMES.len(), 0..4_usize);
    // Mostly somebody who may.
    let by = prop_oneof![3 => 0..2_usize, 1 => by];
    let mine = by.clone().prop_flat_map(|signer| (Just(signer), prop_oneof![6 => Just(signer), 1 => 0..5_usize]));
    prop_oneof![
        8 => (kit(), by.clone()).prop_map(|(kit, by)| Step::Import { kit, by }),
        6 => (kit(), by.clone()).prop_map(|(kit, by)| Step::Stage { kit, by }),
        12 => (which.clone(), mine).prop_map(|(which, (signer, claimed))| Step::Approve { which, signer, claimed }),
        2 => (which.clone(), 0..8_usize).prop_map(|(which, approval)| Step::Replay { which, approval }),
        2 => (which.clone(), by.clone()).prop_map(|(which, by)| Step::Withdraw { which, by }),
        8 => (which.clone(), by.clone()).prop_map(|(which, by)| Step::CarryOut { which, by }),
        3 => (which, by.clone(), prop::bool::weighted(0.8))
            .prop_map(|(which, by, at_console)| Step::BreakGlass { which, by, at_console }),
        4 => (prop::option::of(0..4_usize), by.clone()).prop_map(|(to, by)| Step::RollBack { to, by }),
        3 => (0..POLICIES, by.clone()).prop_map(|(to, by)| Step::Policy { to, by }),
        1 => by.prop_map(|by| Step::ConfirmClock { by }),
    ]
}

/// How many policies there are to choose from.
pub(crate) const POLICIES: usize = 5;

fn step() -> impl Strategy<Value = Step> {
    let world = prop_oneof![
        6 => prop::sample::select(vec![1, 1, 25, 25, 25, 49, 73, 24 * 12, 24 * 50]).prop_map(|hours| Step::Pass { hours }),
        1 => prop::sample::select(vec![-24 * 400, -30, -2, 30, 24 * 500]).prop_map(|hours| Step::SetClock { hours }),
        1 => Just(Step::Reboot),
        1 => Just(Step::Restart),
        2 => any::<u64>().prop_map(|seed| Step::PowerCut { seed }),
    ];
    let torn = (any::<u64>(), action()).prop_map(|(seed, step)| Step::CutOff { seed, step: Box::new(step) });
    prop_oneof![10 => action(), 2 => world, 1 => torn]
}

/// Asks, signs, and does it: what people who mean it do, with now and then something in between or left out.
fn request() -> impl Strategy<Value = Vec<Step>> {
    let ask = prop_oneof![
        4 => (kit(), 0..2_usize).prop_map(|(kit, by)| Step::Import { kit, by }),
        4 => (kit(), 0..2_usize).prop_map(|(kit, by)| Step::Stage { kit, by }),
        3 => (prop::option::of(0..4_usize), 0..2_usize).prop_map(|(to, by)| Step::RollBack { to, by }),
        2 => (0..POLICIES, 0..2_usize).prop_map(|(to, by)| Step::Policy { to, by }),
        1 => (0..2_usize).prop_map(|by| Step::ConfirmClock { by }),
    ];
    let sign = |signer| Step::Approve { which: 0, signer, claimed: signer };
    let carry_out = prop_oneof![
        4 => (0..2_usize).prop_map(|by| Step::CarryOut { which: 0, by }),
        2 => (0..2_usize).prop_map(|by| Step::BreakGlass { which: 0, by, at_console: true }),
    ];
    let signed = prop_oneof![3 => Just(vec![0, 1, 2]), 1 => Just(vec![0, 1]), 2 => Just(Vec::new())];
    let then = (signed, prop::option::weighted(0.3, step()), prop::option::weighted(0.9, carry_out));
    (ask, then).prop_map(move |(ask, (signed, between, carry_out))| {
        let signed = signed.into_iter().map(sign);
        std::iter::once(ask).chain(signed).chain(between).chain(carry_out).collect()
    })
}

/// A few months, and back again.
fn imports() -> impl Strategy<Value = Vec<Step>> {
    let import = (1..3_isize).prop_map(|kit| Step::Import { kit, by: 0 });
    (vec(import, 1..4), 0..4_usize)
        .prop_map(|(months, to)| months.into_iter().chain([Step::RollBack { to: Some(to), by: 0 }]).collect())
}

/// Sequences that find a site with a policy, or one that knows nothing yet.
pub(crate) fn sequences() -> impl Strategy<Value = Vec<Step>> {
    let first = prop_oneof![
        1 => Just(Vec::new()),
        3 => (1..3_isize, 1..POLICIES).prop_map(|(kit, to)| vec![Step::Import { kit, by: 0 }, Step::Policy { to, by: 0 }]),
    ];
    let some = prop_oneof![6 => step().prop_map(|step| vec![step]), 4 => request(), 1 => imports()];
    (first, vec(some, 8..18)).prop_map(|(first, rest)| first.into_iter().chain(rest.into_iter().flatten()).collect())
}
