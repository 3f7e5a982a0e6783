//! Power cuts while a kit comes in parts.

use std::collections::HashSet;

use importer::{Imported, Outcome};
use tests::simulation::{Image, Power, Random, SimDisk};

use crate::argument;
use crate::bench::{BENCH, Kit, open};
use crate::state::{boot, check_files, check_swept};

/// Frames that are kept of the kit.
fn kept(disk: &SimDisk) -> Result<u64, String> {
    let sets = open(disk).and_then(|store| store.sets()).map_err(|error| error.to_string())?;
    Ok(sets.iter().map(|set| set.kept_frames).sum())
}

fn import(disk: &SimDisk, kit: Kit) -> Result<Imported, String> {
    let store = open(disk).map_err(|error| error.to_string())?;
    BENCH.import(&store, kit).map_err(|error| format!("{kit:?}: {error}"))
}

/// Brings both copies (again): then the kit is active, and nothing of its parts is left.
fn complete(disk: &SimDisk) -> Result<(), String> {
    for part in [Kit::Cut, Kit::Bent] {
        import(disk, part)?;
    }
    let image = disk.image();
    let end = boot(&SimDisk::new(&image))?;
    check_files(&image)?;
    check_swept(&image, &end)?;
    match end.active() {
        Some(row) if row.kit_version == 2 && kept(disk)? == 0 => Ok(()),
        other => Err(format!("{} frames are left, and active is {other:?}", kept(disk)?)),
    }
}

/// Calls `check` with images of a power cut at every barrier.
fn cut_everywhere(start: &Image, disk: &SimDisk, check: &dyn Fn(&SimDisk, bool) -> Result<(), String>) {
    let (count, seed) = (argument("STELLA_CRASH_COUNT", 300), argument("STELLA_CRASH_SEED", 1));
    let mut random = Random::new(seed as u64);
    let (mut power, mut barriers) = (Power::new(start, disk), 0);
    let mut counting = power.clone();
    while counting.advance() {
        barriers += usize::from(counting.before_barrier());
    }
    let each = count.div_ceil(barriers.max(1)).max(4);
    let mut seen = HashSet::new();
    while power.advance() {
        if !power.before_barrier() && !power.marked() {
            continue;
        }
        for choice in power.choices(each, &mut random) {
            let image = power.image(&choice);
            if seen.insert((image.fingerprint(), power.marked())) {
                let disk = SimDisk::new(&image);
                let checked = boot(&disk).and_then(|_| check_files(&image)).and_then(|()| check(&disk, power.marked()));
                checked.unwrap_or_else(|error| panic!("{error}\n  power cut {choice}"));
            }
        }
    }
    assert!(seen.len() > 20, "only {} images", seen.len());
}

#[test]
fn a_power_cut_while_a_volume_comes_loses_no_frame_that_was_reported() {
    let start = BENCH.site_with(&[Kit::Version(1)]);
    let disk = SimDisk::new(&start);
    let Outcome::Incomplete(reported) = import(&disk, Kit::Cut).expect("kept").outcome else { panic!("incomplete") };
    disk.mark();
    assert!(reported.set.kept_frames > 0 && reported.set.missing_frames() > 0);
    cut_everywhere(&start, &disk, &|disk, told| {
        let found = kept(disk)?;
        if told && found != reported.set.kept_frames {
            return Err(format!("{found} frames of {} that were reported", reported.set.kept_frames));
        }
        complete(disk)
    });
}

#[test]
fn a_power_cut_while_the_last_part_comes_leaves_the_parts_or_the_kit() {
    let start = BENCH.site_with(&[Kit::Version(1)]);
    let disk = SimDisk::new(&start);
    import(&disk, Kit::Cut).expect("kept");
    let (start, before) = (disk.image(), kept(&disk).expect("readable"));
    let disk = SimDisk::new(&start);
    assert!(matches!(import(&disk, Kit::Bent).expect("whole").outcome, Outcome::Activated(_)));
    disk.mark();
    cut_everywhere(&start, &disk, &|disk, told| {
        let active = boot(disk)?.active().map(|row| row.kit_version);
        match active {
            Some(2) => {}
            Some(1) if told => return Err("what was reported as done is undone".to_owned()),
            Some(1) if kept(disk)? >= before => {}
            other => return Err(format!("version {other:?} is active, and {} frames are kept", kept(disk)?)),
        }
        complete(disk)
    });
}
