//! What may be on the disk after the power was cut.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::content::Content;
use super::disk::{Inode, Node, Op, SimDisk};
use super::random::Random;

/// A disk tears writes between sectors, never inside of one.
const SECTOR: usize = 512;

/// The whole content of a disk.
#[derive(Clone, Debug)]
pub struct Image {
    pub(super) names: BTreeMap<PathBuf, Node>,
    pub(super) files: Vec<Content>,
}

impl Image {
    /// A new file system: a root directory.
    pub fn empty() -> Self {
        Self { names: [(PathBuf::from("/"), Node::Directory)].into(), files: Vec::new() }
    }

    /// Equal for equal content.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (path, node) in &self.names {
            path.hash(&mut hasher);
            if let Node::File(file) = node {
                self.files[*file].hash_into(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// The paths of all files.
    pub fn paths(&self) -> Vec<&Path> {
        let files = self.names.iter().filter(|(_, node)| **node != Node::Directory);
        files.map(|(path, _)| path.as_path()).collect()
    }

    pub fn content(&self, path: &Path) -> Vec<u8> {
        let Some(Node::File(file)) = self.names.get(path) else { panic!("{} is no file", path.display()) };
        let content = &self.files[*file];
        let mut bytes = vec![0; usize::try_from(content.length()).expect("it fits into memory")];
        content.read(0, &mut bytes);
        bytes
    }
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: u64, bytes: Arc<[u8]> },
    Length(u64),
}

impl Change {
    fn apply(&self, content: &mut Content) {
        match self {
            Self::Write { offset, bytes } => content.write(*offset, bytes),
            Self::Length(length) => content.set_length(*length),
        }
    }
}

#[derive(Clone, Debug, Default)]
struct File {
    durable: Content,
    pending: Vec<Change>,
}

type NameChange = (PathBuf, Option<Node>);

/// A record of operations, and how far the replay is.
#[derive(Clone)]
pub struct Power {
    log: Arc<[Op]>,
    step: usize,
    marked: bool,
    files: Vec<File>,
    names: BTreeMap<PathBuf, Node>,
    pending: Vec<NameChange>,
    /// The names on a file system with an ordered journal, where any sync takes all names along.
    journal: BTreeMap<PathBuf, Node>,
    journal_pending: Vec<Vec<NameChange>>,
}

/// What became of one pending change of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Lost,
    Whole,
    /// The first half of its sectors.
    Head,
    /// Some sectors, by this seed.
    Torn(u64),
}

#[derive(Clone, Debug)]
enum Names {
    Some(Vec<bool>),
    Journal(usize),
}

/// One of the legal outcomes. Printed when a recovery fails.
#[derive(Clone, Debug)]
pub struct Choice {
    step: usize,
    names: Names,
    fates: BTreeMap<Inode, (Vec<Fate>, bool, Option<u64>)>,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after operation {}, names {:?}", self.step, self.names)?;
        for (file, (fates, reversed, length)) in &self.fates {
            write!(f, ", file {file}: {fates:?} reversed={reversed} length={length:?}")?;
        }
        Ok(())
    }
}

fn set(names: &mut BTreeMap<PathBuf, Node>, (path, node): &NameChange) {
    match node {
        Some(node) => names.insert(path.clone(), *node),
        None => names.remove(path),
    };
}

impl Power {
    /// The record of a disk that began as `start`.
    pub fn new(start: &Image, disk: &SimDisk) -> Self {
        let durable = |content: &Content| File { durable: content.clone(), pending: Vec::new() };
        Self {
            log: disk.log().into(),
            step: 0,
            marked: false,
            files: start.files.iter().map(durable).collect(),
            names: start.names.clone(),
            pending: Vec::new(),
            journal: start.names.clone(),
            journal_pending: Vec::new(),
        }
    }

    pub fn operations(&self) -> usize {
        self.log.len()
    }

    /// Was the program done by now, as far as anybody was told?
    pub fn marked(&self) -> bool {
        self.marked
    }

    /// Is most pending now, because the next operation is a barrier?
    pub fn before_barrier(&self) -> bool {
        let barrier = |op: &Op| matches!(op, Op::Sync { .. } | Op::SyncDirectory { .. } | Op::Mark);
        self.log.get(self.step).is_none_or(barrier)
    }

    /// Goes on by one operation; false at the end.
    pub fn advance(&mut self) -> bool {
        let log = Arc::clone(&self.log);
        let Some(op) = log.get(self.step) else { return false };
        self.step += 1;
        match op {
            Op::Name { path, node } => {
                if let Some(Node::File(file)) = node {
                    self.file(*file);
                }
                self.rename(vec![(path.clone(), *node)]);
            }
            Op::Rename { from, to, file } => {
                self.rename(vec![(to.clone(), Some(Node::File(*file))), (from.clone(), None)]);
            }
            Op::Write { file, offset, bytes } => {
                self.file(*file).pending.push(Change::Write { offset: *offset, bytes: Arc::clone(bytes) });
            }
            Op::Length { file, length } => self.file(*file).pending.push(Change::Length(*length)),
            Op::Sync { file } => {
                let file = self.file(*file);
                for change in std::mem::take(&mut file.pending) {
                    change.apply(&mut file.durable);
                }
                self.commit_journal();
            }
            Op::SyncDirectory { path } => {
                let inside = |change: &NameChange| change.0.parent() == Some(path);
                let (synced, pending) = std::mem::take(&mut self.pending).into_iter().partition(inside);
                let synced: Vec<NameChange> = synced;
                synced.iter().for_each(|change| set(&mut self.names, change));
                self.pending = pending;
                self.commit_journal();
            }
            Op::Lost { file } => self.file(*file).pending.clear(),
            Op::LostDirectory { path } => self.pending.retain(|change| change.0.parent() != Some(path)),
            Op::Mark => self.marked = true,
        }
        true
    }

    fn file(&mut self, file: Inode) -> &mut File {
        if self.files.len() <= file {
            self.files.resize(file + 1, File::default());
        }
        &mut self.files[file]
    }

    fn rename(&mut self, changes: Vec<NameChange>) {
        self.pending.extend(changes.iter().cloned());
        self.journal_pending.push(changes);
    }

    fn commit_journal(&mut self) {
        let pending = std::mem::take(&mut self.journal_pending);
        pending.iter().flatten().for_each(|change| set(&mut self.journal, change));
    }

    /// The legal outcomes of a power cut now: all of them when they are at most `count_max`, else
    /// the extreme ones and a sample.
    pub fn choices(&self, count_max: usize, random: &mut Random) -> Vec<Choice> {
        let counts: Vec<(Inode, usize)> =
            self.pending_files().map(|(file, state)| (file, state.pending.len())).collect();
        let writes: usize = counts.iter().map(|(_, count)| count).sum();
        // Two outcomes for a name, three for a change of content.
        let all = 3_usize
            .checked_pow(u32::try_from(writes).unwrap_or(u32::MAX))
            .and_then(|all| all.checked_mul(2_usize.checked_pow(u32::try_from(self.pending.len()).ok()?)?));
        if let Some(all) = all.filter(|all| *all <= count_max) {
            return (0..all).map(|number| self.numbered(number, &counts)).collect();
        }
        let mut choices: Vec<Choice> = [false, true]
            .into_iter()
            .flat_map(|names| [Fate::Lost, Fate::Whole].map(|fate| self.uniform(names, fate, &counts)))
            .take(count_max)
            .collect();
        choices.extend((choices.len()..count_max).map(|_| self.sampled(&counts, random)));
        choices
    }

    /// What a power cut leaves at worst: nothing that was not synced.
    pub fn nothing_pending(&self) -> Choice {
        self.uniform(false, Fate::Lost, &[])
    }

    fn pending_files(&self) -> impl Iterator<Item = (Inode, &File)> {
        self.files.iter().enumerate().filter(|(_, file)| !file.pending.is_empty())
    }

    fn uniform(&self, names: bool, fate: Fate, counts: &[(Inode, usize)]) -> Choice {
        let fates = counts.iter().map(|(file, count)| (*file, (vec![fate; *count], false, None)));
        Choice { step: self.step, names: Names::Some(vec![names; self.pending.len()]), fates: fates.collect() }
    }

    fn numbered(&self, mut number: usize, counts: &[(Inode, usize)]) -> Choice {
        let mut digit = |base: usize| {
            let digit = number % base;
            number /= base;
            digit
        };
        let names = (0..self.pending.len()).map(|_| digit(2) == 1).collect();
        let mut fate = || [Fate::Lost, Fate::Whole, Fate::Head][digit(3)];
        let fates = counts.iter().map(|(file, count)| (*file, ((0..*count).map(|_| fate()).collect(), false, None)));
        Choice { step: self.step, names: Names::Some(names), fates: fates.collect() }
    }

    fn sampled(&self, counts: &[(Inode, usize)], random: &mut Random) -> Choice {
        let names = match random.below(4) {
            0 => Names::Journal(random.below(self.journal_pending.len() + 1)),
            1 => Names::Some(vec![true; self.pending.len()]),
            _ => Names::Some(self.pending.iter().map(|_| random.one_in(2)).collect()),
        };
        let fates = counts.iter().map(|(file, count)| {
            let reversed = random.one_in(4);
            let length = random.one_in(4).then(|| self.some_length(*file, random));
            (*file, (some_fates(*count, random), reversed, length))
        });
        Choice { step: self.step, names, fates: fates.collect() }
    }

    /// One of the lengths that the file has had since its last sync.
    fn some_length(&self, file: Inode, random: &mut Random) -> u64 {
        let file = &self.files[file];
        let mut content = file.durable.clone();
        for change in &file.pending[..random.below(file.pending.len() + 1)] {
            change.apply(&mut content);
        }
        content.length()
    }

    /// Builds the disk of a choice.
    pub fn image(&self, choice: &Choice) -> Image {
        assert_eq!(choice.step, self.step, "the choice belongs to another moment");
        let mut names = match &choice.names {
            Names::Some(kept) => {
                let mut names = self.names.clone();
                let kept = self.pending.iter().zip(kept).filter(|(_, kept)| **kept);
                kept.for_each(|(change, _)| set(&mut names, change));
                names
            }
            Names::Journal(count) => {
                let mut names = self.journal.clone();
                self.journal_pending.iter().take(*count).flatten().for_each(|change| set(&mut names, change));
                names
            }
        };
        // What lies in a directory that was lost is lost.
        let mut reached = BTreeMap::new();
        while let Some((path, node)) = names.pop_first() {
            if path.parent().is_none_or(|parent| reached.get(parent) == Some(&Node::Directory)) {
                reached.insert(path, node);
            }
        }
        let mut files: Vec<Content> = self.files.iter().map(|file| file.durable.clone()).collect();
        for (file, (fates, reversed, length)) in &choice.fates {
            let changes = self.files[*file].pending.iter().zip(fates);
            let content = &mut files[*file];
            if *reversed {
                changes.rev().for_each(|(change, fate)| keep(content, change, *fate));
            } else {
                changes.for_each(|(change, fate)| keep(content, change, *fate));
            }
            if let Some(length) = length {
                content.set_length(*length);
            }
        }
        Image { names: reached, files }
    }
}

fn some_fates(count: usize, random: &mut Random) -> Vec<Fate> {
    let odd = random.below(count);
    match random.below(5) {
        // All but one, and one alone.
        0 => (0..count).map(|at| if at == odd { Fate::Lost } else { Fate::Whole }).collect(),
        1 => (0..count).map(|at| if at == odd { Fate::Whole } else { Fate::Lost }).collect(),
        // In order until the power went, the last one torn.
        2 => (0..count)
            .map(|at| match at.cmp(&odd) {
                std::cmp::Ordering::Less => Fate::Whole,
                std::cmp::Ordering::Equal => Fate::Torn(random.number()),
                std::cmp::Ordering::Greater => Fate::Lost,
            })
            .collect(),
        _ => (0..count)
            .map(|_| match random.below(4) {
                0 => Fate::Lost,
                1 => Fate::Torn(random.number()),
                _ => Fate::Whole,
            })
            .collect(),
    }
}

fn keep(content: &mut Content, change: &Change, fate: Fate) {
    let (offset, bytes) = match (change, fate) {
        (_, Fate::Lost) => return,
        (_, Fate::Whole) | (Change::Length(_), _) => return change.apply(content),
        (Change::Write { offset, bytes }, _) => (*offset, bytes),
    };
    let mut random = match fate {
        Fate::Torn(seed) => Some(Random::new(seed)),
        _ => None,
    };
    let end = offset + bytes.len() as u64;
    let mut at = offset;
    while at < end {
        // Sectors are those of the file, wherever the write begins.
        let next = ((at / SECTOR as u64 + 1) * SECTOR as u64).min(end);
        let kept = random.as_mut().map_or(at - offset < bytes.len() as u64 / 2, |random| random.one_in(2));
        if kept {
            let place = |at: u64| usize::try_from(at - offset).expect("inside of the write");
            content.write(at, &bytes[place(at)..place(next)]);
        }
        at = next;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use store::disk::{Disk, OpenMode};

    use super::*;

    /// Every content that `/f` may have, None when it is not there.
    fn outcomes(power: &Power) -> BTreeSet<Option<Vec<u8>>> {
        let choices = power.choices(1000, &mut Random::new(1));
        let images = choices.iter().map(|choice| power.image(choice));
        let path = Path::new("/f");
        images.map(|image| image.paths().contains(&path).then(|| image.content(path))).collect()
    }

    fn replayed(disk: &SimDisk) -> Power {
        let mut power = Power::new(&Image::empty(), disk);
        while power.advance() {}
        power
    }

    #[test]
    fn a_file_without_a_synced_directory_may_be_gone_whatever_was_synced_in_it() {
        let disk = SimDisk::new(&Image::empty());
        let file = disk.open(Path::new("/f"), OpenMode::Create).expect("open");
        file.write_at(b"x", 0).expect("written");
        assert_eq!(outcomes(&replayed(&disk)), [None, Some(vec![]), Some(b"x".to_vec())].into());
        file.sync_data().expect("synced");
        assert_eq!(outcomes(&replayed(&disk)), [None, Some(b"x".to_vec())].into());
        disk.sync_dir(Path::new("/")).expect("synced");
        assert_eq!(outcomes(&replayed(&disk)), [Some(b"x".to_vec())].into());
    }

    #[test]
    fn a_rename_without_a_sync_of_the_content_may_name_an_empty_file() {
        let disk = SimDisk::new(&Image::empty());
        let file = disk.open(Path::new("/t"), OpenMode::Create).expect("open");
        file.write_at(b"new", 0).expect("written");
        disk.rename(Path::new("/t"), Path::new("/f")).expect("renamed");
        disk.sync_dir(Path::new("/")).expect("synced");
        assert_eq!(outcomes(&replayed(&disk)), [Some(vec![]), Some(b"new".to_vec())].into());
    }

    #[test]
    fn writes_between_two_syncs_are_lost_applied_and_torn_independently() {
        let disk = SimDisk::new(&Image::empty());
        let file = disk.open(Path::new("/f"), OpenMode::Create).expect("open");
        file.write_at(&[0; 2048], 0).expect("written");
        file.sync_data().expect("synced");
        disk.sync_dir(Path::new("/")).expect("synced");
        file.write_at(&[1; 1024], 0).expect("written");
        file.write_at(&[2; 1024], 1024).expect("written");
        let sectors = |content: &Option<Vec<u8>>| -> Vec<u8> {
            content.as_ref().expect("there").chunks(512).map(|sector| sector[0]).collect()
        };
        let seen: BTreeSet<Vec<u8>> = outcomes(&replayed(&disk)).iter().map(sectors).collect();
        let wanted = [[0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 2, 2], [1, 0, 2, 0], [1, 1, 2, 2], [0, 0, 2, 0]];
        assert!(wanted.iter().all(|sectors| seen.contains(sectors.as_slice())), "{seen:?}");
        assert_eq!(seen.len(), 9);
    }

    #[test]
    fn what_a_failed_sync_should_have_written_never_is() {
        use super::super::{Fault, FaultKind};
        let disk = SimDisk::new(&Image::empty());
        let file = disk.open(Path::new("/f"), OpenMode::Create).expect("open");
        disk.sync_dir(Path::new("/")).expect("synced");
        file.write_at(b"x", 0).expect("written");
        disk.arm(Some(Fault { kind: FaultKind::Sync, at: 0, persistent: false }));
        file.sync_data().expect_err("it fails once");
        file.sync_data().expect("and never again");
        assert_eq!(outcomes(&replayed(&disk)), [Some(vec![])].into());
    }
}
