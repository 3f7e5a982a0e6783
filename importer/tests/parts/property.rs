//! D05: whatever comes in whatever order, it is the generation of the whole kit or none.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use importer::Outcome;
use proptest::prelude::*;

use crate::bench::{Kit, Site, identity, kit};

fn sample() -> &'static Kit {
    static KIT: OnceLock<Kit> = OnceLock::new();
    KIT.get_or_init(|| kit(3))
}

/// A file that somebody brings.
#[derive(Clone, Debug)]
enum Brought {
    /// A volume with these frames.
    Volume(BTreeSet<usize>),
    /// A copy that ends behind this many bytes of the blobs.
    Cut(prop::sample::Index),
    /// A copy with damage in these frames.
    Bent(BTreeSet<usize>),
}

impl Brought {
    /// Its bytes, and the frames that are sound in it.
    fn of(&self, kit: &Kit) -> (Vec<u8>, BTreeSet<usize>) {
        let all: BTreeSet<usize> = (0..kit.frames()).collect();
        match self {
            Self::Volume(frames) => (kit.volume(frames.iter().copied()), frames.clone()),
            Self::Cut(at) => {
                let end = kit.starts[0] + at.index(kit.starts[kit.frames()] - kit.starts[0]);
                let sound = all.into_iter().filter(|&frame| kit.starts[frame + 1] <= end).collect();
                (kit.bytes[..end].to_vec(), sound)
            }
            Self::Bent(frames) => {
                let mut bytes = kit.bytes.clone();
                frames.iter().for_each(|&frame| bytes[kit.starts[frame] + 20] ^= 1);
                (bytes, all.difference(frames).copied().collect())
            }
        }
    }
}

fn brought() -> impl Strategy<Value = Brought> {
    let frames = || prop::collection::btree_set(0..sample().frames(), 0..=sample().frames());
    prop_oneof![
        frames().prop_map(Brought::Volume),
        any::<prop::sample::Index>().prop_map(Brought::Cut),
        frames().prop_map(Brought::Bent),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Each run brings one file or several.
    #[test]
    fn d05_any_parts_in_any_order_give_the_generation_of_the_whole_kit(
        runs in prop::collection::vec(prop::collection::vec(brought(), 1..3), 1..6),
    ) {
        static WHOLE: OnceLock<store::GenerationRow> = OnceLock::new();
        let kit = sample();
        let whole = WHOLE.get_or_init(|| Site::new().active(&[&kit.bytes]));
        let site = Site::new();
        let mut here = BTreeSet::new();
        for run in runs {
            let files: Vec<_> = run.iter().map(|file| file.of(kit)).collect();
            let bytes: Vec<&[u8]> = files.iter().map(|(bytes, _)| bytes.as_slice()).collect();
            let imported = site.import(&bytes);
            let alone = files.len() == 1 && files[0].1.len() == kit.frames();
            if !(alone && files[0].0 != kit.bytes) {
                // (A file that has all frames and is no kit, such as one without its last bytes, is refused.)
                here.extend(files.iter().flat_map(|(_, sound)| sound).copied());
            }
            match imported.map(|imported| imported.outcome) {
                Ok(Outcome::Activated(row)) => {
                    prop_assert_eq!(here.len(), kit.frames(), "all frames have come");
                    prop_assert_eq!(identity(&row), identity(whole));
                    prop_assert_eq!(site.sets(), 0, "nothing waits any more");
                    return Ok(());
                }
                Ok(Outcome::Incomplete(incomplete)) => {
                    prop_assert_eq!(incomplete.set.kept_frames as usize, here.len());
                    prop_assert!(here.len() < kit.frames());
                }
                Ok(other) => prop_assert!(false, "{:?}", other),
                // Nothing has come at all, or nothing can be made better.
                Err(error) => prop_assert!(here.is_empty() || alone, "{}: {}", error.code(), error),
            }
            prop_assert!(site.store.current().expect("readable").is_none());
        }
        // Whatever is missing, one whole copy ends it.
        prop_assert_eq!(identity(&site.active(&[&kit.bytes])), identity(whole));
        prop_assert_eq!(site.sets(), 0);
    }
}
