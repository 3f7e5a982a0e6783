//! C04: a sector or a page of any file that the state rests on is torn, long after it was written. What was lost
//! is noticed, or it was nothing that anybody reads: no question gets another answer than before.

use std::fs;
use std::path::{Path, PathBuf};

use store::{Generation, Store, StoreError};
use tests::Site;

/// What a disk and a file system write as one.
const SIZES: [usize; 2] = [512, 4096];

/// A state after two imports, in a directory that is copied for each tear.
fn site() -> Site {
    let site = Site::new();
    site.vendor();
    for version in ["1", "2"] {
        let kit = format!("{version}.kit");
        site.kit(&kit, "dataset", version);
        assert_eq!(site.import(&kit).code, 0);
    }
    site
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// The digest of all advisories, and how many of what there are.
fn records(store: &Store, generation: &Generation) -> Result<String, StoreError> {
    let mut lines = domain::digest::Hasher::new();
    generation.view()?.advisory_lines::<StoreError>(store.blobs(), &mut |key, line| {
        lines.update(key.as_bytes());
        lines.update(line);
        Ok(())
    })?;
    Ok(format!("{} {:?}", lines.finish(), generation.count()?))
}

fn active_records(state: &Path) -> Result<String, StoreError> {
    let store = Store::open(state)?;
    records(&store, &store.open_current()?)
}

/// Everything that a site is asked for, as text; or that something is wrong.
fn answers(state: &Path) -> Result<String, String> {
    fn text(error: impl std::fmt::Display) -> String {
        error.to_string()
    }
    let store = Store::open(state).map_err(text)?;
    let mut said = format!("{:?} {:?}", store.trust().map_err(text)?, store.current().map_err(text)?);
    for row in store.generations().map_err(text)? {
        // Every blob of it, byte by byte.
        store.check_intact(&row).map_err(text)?;
        let generation = store.open_generation(row.number).map_err(text)?;
        said += &format!("{row:?} {}", records(&store, &generation).map_err(text)?);
    }
    let logbook = store.logbook().map_err(text)?.ok_or("the log is gone")?;
    logbook.verify(None).map_err(text)?;
    said += &logbook.checkpoint().map_err(text)?;
    for receipt in store.receipts(usize::MAX).map_err(text)? {
        said += &format!("{:?}", receipt.import(logbook.identity()).map_err(text)?);
    }
    Ok(said)
}

/// The first, the middle and the last block of a file.
fn places(length: usize, size: usize) -> Vec<usize> {
    let blocks = length.div_ceil(size);
    let mut places: Vec<usize> = [0, blocks / 2, blocks.saturating_sub(1)].map(|block| block * size).into();
    places.dedup();
    places
}

#[test]
fn c04_a_torn_write_inside_of_any_file_is_noticed_or_changes_nothing() {
    let site = site();
    let state = site.state();
    let whole = answers(&state).expect("nothing is wrong yet");
    assert_eq!(answers(&state).as_ref(), Ok(&whole), "the same question has the same answer");
    let (mut noticed, mut tears) = (std::collections::BTreeMap::<String, u32>::new(), 0);
    for file in files(&state) {
        let name = file.strip_prefix(&state).expect("below").to_owned();
        let kind = name.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
        // Kits to be passed on are hashed by whoever passes them on; keys, locks and stored SBOMs are others' matter.
        if !["cas", "generations", "log", "state.redb"].contains(&kind.as_str()) {
            continue;
        }
        let good = fs::read(&file).expect("a file");
        for size in SIZES {
            for at in places(good.len(), size) {
                let mut torn = good.clone();
                let end = (at + size).min(torn.len());
                torn[at..end].fill(0);
                if torn == good {
                    continue;
                }
                tears += 1;
                fs::write(&file, &torn).expect("torn");
                let found = answers(&state);
                // Opening a database mends it where it can, which is not this test's next case.
                fs::write(&file, &good).expect("whole again");
                match found {
                    Err(_) => *noticed.entry(kind.clone()).or_default() += 1,
                    Ok(answer) => assert_eq!(answer, whole, "{} at {at}", name.display()),
                }
            }
        }
        assert_eq!(answers(&state).as_ref(), Ok(&whole), "{}", name.display());
    }
    assert!(tears > 40, "{tears}");
    for kind in ["cas", "generations", "log", "state.redb"] {
        assert!(noticed.get(kind).is_some_and(|count| *count > 1), "{kind}: {noticed:?}");
    }
}

#[test]
fn c04_a_torn_blob_or_index_is_repaired_by_the_kit_that_it_came_with() {
    let site = site();
    let state = site.state();
    let whole = active_records(&state).expect("nothing is wrong yet");
    for folder in ["cas", "generations"] {
        let largest =
            files(&state.join(folder)).into_iter().max_by_key(|file| fs::metadata(file).expect("there").len());
        let file = largest.expect("a file");
        let mut torn = fs::read(&file).expect("a file");
        let middle = torn.len() / 2 / 512 * 512;
        // What an old sector held; zeros may be what belongs there.
        torn[middle..middle + 512].iter_mut().for_each(|byte| *byte = !*byte);
        fs::write(&file, &torn).expect("torn");
        assert!(answers(&state).is_err(), "{folder}");
        let ran = site.import("2.kit");
        assert_eq!(ran.code, 0, "{folder}: {}", ran.stderr);
        assert_eq!(active_records(&state).expect("whole again"), whole, "the same records as before the tear");
        if folder == "cas" {
            answers(&state).expect("all of it is whole");
        } else {
            // The torn index is that of the generation before now, which nobody can go back to.
            let ran = site.run(&["kit", "rollback"]);
            assert!(ran.code != 0 && ran.stderr.contains("damaged"), "{}", ran.stderr);
        }
        assert_eq!(site.run(&["scan", "--fail-on", "never", "--on-unevaluated", "ignore", &sbom()]).code, 0);
    }
}

#[test]
fn a_kit_that_is_held_can_replace_data_that_are_damaged() {
    let site = Site::new();
    site.vendor();
    site.kit("1.kit", "dataset", "1");
    assert_eq!(site.import("1.kit").code, 0);
    let index = files(&site.state().join("generations")).pop().expect("an index");
    let mut torn = fs::read(&index).expect("a file");
    torn[8192..8704].iter_mut().for_each(|byte| *byte = !*byte);
    fs::write(&index, &torn).expect("torn");
    site.dataset("smaller", &["rustsec.jsonl"]);
    site.kit("2.kit", "smaller", "2");
    let held = site.import("2.kit");
    assert_eq!(held.code, 9, "{}{}", held.stdout, held.stderr);
    assert!(held.stdout.contains("warning: what it changes cannot be shown"), "{}", held.stdout);
    site.ok(&["kit", "activate", "2", "--accept-loss", "the old data are damaged"]);
    assert_eq!(site.run(&["scan", "--fail-on", "never", "--on-unevaluated", "ignore", &sbom()]).code, 0);
}

fn sbom() -> String {
    tests::repository().join("tests/data/demo/app.cdx.json").display().to_string()
}
