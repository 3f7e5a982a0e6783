//! Seats every record at the vulnerabilities it speaks of.
//!
//! A record without `upstream` is a *direct* member of the one cluster its id is in. A
//! record with `upstream` (an erratum, a distribution's view of a CVE) is a *bundle*: it
//! equals none of the vulnerabilities it lists, so it links nothing and is seated as a
//! guest in the cluster of each. The same is true of a record that names several CVEs as
//! its aliases, as some RustSec and Go advisories do: following these aliases would make
//! one vulnerability of many, and dropping all but one would lose the others' packages.

use std::collections::{BTreeSet, HashMap, HashSet};

use domain::advisory::Record;

use super::conflict::Conflict;
use super::graph::AliasGraph;
use super::names::{IdClass, cve_inside, is_cve};
use super::rules::{MergeRules, Role};

/// One vulnerability: its names and the records that speak of it.
pub(super) struct Cluster<'r> {
    pub(super) head: &'r str,
    /// All names, the head among them.
    pub(super) names: Vec<&'r str>,
    pub(super) direct: Vec<&'r Record>,
    pub(super) bundles: Vec<&'r Record>,
}

pub(super) struct Clustering<'r> {
    /// In no particular order.
    pub(super) clusters: Vec<Cluster<'r>>,
    pub(super) graph: AliasGraph<'r>,
    pub(super) conflicts: Vec<Conflict>,
}

/// How a record takes part.
enum Stance<'r> {
    /// It stands under its own id, and these are aliases of it.
    Direct(Vec<&'r str>),
    /// It is about these vulnerabilities.
    Bundle(Vec<&'r str>),
}

impl<'r> Clustering<'r> {
    /// Clusters records of which no two have the same source and id.
    pub(super) fn of(records: &'r [Record], rules: &MergeRules) -> Self {
        let rejected = rejected_cves(records, rules);
        let live = |id: &str| !rejected.contains(id);
        let mut conflicts = Vec::new();
        let stances: Vec<Stance<'r>> =
            records.iter().map(|record| Stance::of(record, rules, &live, &mut conflicts)).collect();

        let mut graph = AliasGraph::new();
        let direct = records.iter().zip(&stances).filter_map(|(record, stance)| match stance {
            Stance::Direct(aliases) => Some((record, aliases.as_slice())),
            Stance::Bundle(_) => None,
        });
        for (record, _) in direct.clone() {
            graph.add(&record.id, live);
        }
        conflicts.extend(graph.follow(direct, rules, live));

        let bundles = Bundles::of(records, &stances);
        let seats = bundles.seats(&mut graph, live);
        let clusters = seat(records, &stances, &seats, &mut graph, live);
        Self { clusters, graph, conflicts }
    }
}

/// The CVEs that are rejected according to the most trusted source that has a record of them.
fn rejected_cves<'r>(records: &'r [Record], rules: &MergeRules) -> HashSet<&'r str> {
    let mut words: HashMap<&str, (Role, bool)> = HashMap::new();
    for record in records.iter().filter(|record| is_cve(&record.id)) {
        // At equal trust `false` is less, so one live record keeps the CVE live.
        let word = (rules.role(&record.source, &record.id), record.withdrawn.is_some());
        let best = words.entry(&record.id).or_insert(word);
        *best = word.min(*best);
    }
    words.into_iter().filter(|(_, (_, rejected))| *rejected).map(|(id, _)| id).collect()
}

impl<'r> Stance<'r> {
    fn of(record: &'r Record, rules: &MergeRules, live: &impl Fn(&str) -> bool, conflicts: &mut Vec<Conflict>) -> Self {
        let live_cves = || record.aliases.iter().filter(|alias| is_cve(alias) && live(alias));
        if !record.upstream.is_empty() {
            return Self::Bundle(record.upstream.iter().chain(live_cves()).map(String::as_str).collect());
        }
        if record.withdrawn.is_some() {
            return Self::Direct(Vec::new());
        }
        let cves: Vec<&str> = live_cves().map(String::as_str).collect();
        if cves.len() > 1 && !is_cve(&record.id) {
            conflicts.push(Conflict::SeveralCves {
                source: record.source.clone(),
                record: record.id.clone(),
                cves: cves.iter().map(|cve| (*cve).to_owned()).collect(),
            });
            return Self::Bundle(cves);
        }
        if record.aliases.len() <= rules.aliases_max || rules.many_aliases_allowed.contains(&record.id) {
            return Self::Direct(record.aliases.iter().map(String::as_str).collect());
        }
        // The one CVE in a list is still what the record is about.
        let followed = cves.first().copied().filter(|_| !is_cve(&record.id));
        conflicts.push(Conflict::TooManyAliases {
            source: record.source.clone(),
            record: record.id.clone(),
            aliases: record.aliases.len(),
            followed: followed.map(str::to_owned),
        });
        Self::Direct(followed.into_iter().collect())
    }
}

/// The bundles among the records, by position and by id.
struct Bundles<'r, 's> {
    list: Vec<(usize, &'r Record, &'s [&'r str])>,
    by_id: HashMap<&'r str, Vec<&'s [&'r str]>>,
}

impl<'r, 's> Bundles<'r, 's> {
    fn of(records: &'r [Record], stances: &'s [Stance<'r>]) -> Self {
        let mut list = Vec::new();
        let mut by_id: HashMap<&str, Vec<&[&str]>> = HashMap::new();
        for (at, (record, stance)) in records.iter().zip(stances).enumerate() {
            if let Stance::Bundle(contents) = stance {
                list.push((at, record, contents.as_slice()));
                by_id.entry(&record.id).or_default().push(contents);
            }
        }
        Self { list, by_id }
    }

    /// By bundle: its position and the numbers of the names it is seated at. A
    /// vulnerability that nobody else knows gets its name here.
    fn seats(&self, graph: &mut AliasGraph<'r>, live: impl Fn(&str) -> bool) -> Vec<(usize, BTreeSet<usize>)> {
        // What counts as known is settled before the first seat, so that the order of the
        // bundles does not matter.
        let known = graph.len();
        let mut seats = Vec::with_capacity(self.list.len());
        for (at, record, contents) in &self.list {
            let is_known = |name: &str| graph.number(name).is_some_and(|number| number < known);
            let own = std::iter::once(record.id.as_str()).chain(record.aliases.iter().map(String::as_str));
            let todo: Vec<&str> = own.filter(|name| is_known(name)).chain(contents.iter().copied()).collect();
            let mut names = self.resolve(todo, is_known);
            if names.is_empty() {
                // It is only about bundles that are about it: it stands for itself.
                names.insert(record.id.as_str());
            }
            seats.push((*at, names.into_iter().map(|name| graph.add(name, &live)).collect()));
        }
        seats
    }

    /// Follows `upstream` through other bundles (USN to UBUNTU-CVE to CVE) to its ends.
    fn resolve(&self, mut todo: Vec<&'r str>, is_known: impl Fn(&str) -> bool) -> BTreeSet<&'r str> {
        let mut seen = HashSet::new();
        let mut ends = BTreeSet::new();
        while let Some(name) = todo.pop() {
            if !seen.insert(name) {
                continue;
            }
            let through = self.by_id.get(name);
            if is_known(name) {
                ends.insert(name);
            } else if through.is_none() {
                // A notice may name a record that is not in the set, but whose name says it all.
                ends.insert(cve_inside(name).unwrap_or(name));
            }
            todo.extend(through.into_iter().flatten().copied().flatten());
        }
        ends
    }
}

fn seat<'r>(
    records: &'r [Record],
    stances: &[Stance<'r>],
    seats: &[(usize, BTreeSet<usize>)],
    graph: &mut AliasGraph<'r>,
    live: impl Fn(&str) -> bool,
) -> Vec<Cluster<'r>> {
    let mut direct: Vec<Vec<&Record>> = vec![Vec::new(); graph.len()];
    let mut bundles = direct.clone();
    for (record, stance) in records.iter().zip(stances) {
        if let (Stance::Direct(_), Some(number)) = (stance, graph.number(&record.id)) {
            direct[graph.root(number)].push(record);
        }
    }
    for (at, numbers) in seats {
        let roots: BTreeSet<usize> = numbers.iter().map(|number| graph.root(*number)).collect();
        for root in roots {
            bundles[root].push(&records[*at]);
        }
    }
    let groups = graph.groups().into_iter().zip(direct).zip(bundles);
    groups
        .filter(|((_, direct), bundles)| !direct.is_empty() || !bundles.is_empty())
        .filter_map(|((names, direct), bundles)| {
            // A rejected CVE is no head while a live one is there.
            let head = names.iter().min_by_key(|name| (IdClass::of(name), is_cve(name) && !live(name), **name))?;
            Some(Cluster { head, names, direct, bundles })
        })
        .collect()
}
