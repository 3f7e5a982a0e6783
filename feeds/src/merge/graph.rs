//! Which ids name the same vulnerability.
//!
//! Vertices are ids, edges come from `aliases` alone, and the groups are found with
//! union-find. Edges are followed from the most trusted source to the least, and one that
//! would put two live CVEs into a group is dropped: so what is dropped is always the
//! least trusted link of the chain. (Cutting a finished group afterwards would need a
//! minimum cut and would say no more about which source is wrong.) The list of edges
//! stays, so that a group can be explained and an edge vetoed.

use std::collections::HashMap;
use std::fmt;

use domain::advisory::Record;
use domain::source::SourceId;

use super::conflict::Conflict;
use super::names::{IdClass, is_cve};
use super::rules::{MergeRules, Role};

/// A statement that two ids are the same vulnerability.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The record that says so.
    pub from: String,
    pub to: String,
    pub source: SourceId,
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} (says {})", self.from, self.to, self.source)
    }
}

/// The ids and their groups. Numbers are handed out in order of arrival and never shown.
pub(super) struct AliasGraph<'r> {
    numbers: HashMap<&'r str, usize>,
    names: Vec<&'r str>,
    parents: Vec<usize>,
    /// By root: the one live CVE of the group.
    cves: Vec<Option<usize>>,
    pub(super) kept: Vec<Link<'r>>,
    pub(super) dropped: Vec<Link<'r>>,
}

/// An [`Edge`] that borrows; its order is the order in which edges are followed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link<'r> {
    role: Role,
    class: IdClass,
    pub(super) from: &'r str,
    pub(super) to: &'r str,
    source: &'r SourceId,
}

impl<'r> Link<'r> {
    pub(super) fn edge(&self) -> Edge {
        Edge { from: self.from.into(), to: self.to.into(), source: self.source.clone() }
    }
}

impl<'r> AliasGraph<'r> {
    pub(super) fn new() -> Self {
        Self {
            numbers: HashMap::new(),
            names: Vec::new(),
            parents: Vec::new(),
            cves: Vec::new(),
            kept: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// The number of `name`, which is added when it is new. `live` is asked only then.
    pub(super) fn add(&mut self, name: &'r str, live: impl FnOnce(&str) -> bool) -> usize {
        let Self { numbers, names, parents, cves, .. } = self;
        *numbers.entry(name).or_insert_with(|| {
            let number = names.len();
            names.push(name);
            parents.push(number);
            cves.push((is_cve(name) && live(name)).then_some(number));
            number
        })
    }

    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.numbers.get(name).copied()
    }

    /// Follows the aliases that the `givers` state and reports what it could not follow.
    pub(super) fn follow<'s>(
        &mut self,
        givers: impl Iterator<Item = (&'r Record, &'s [&'r str])>,
        rules: &MergeRules,
        live: impl Fn(&str) -> bool,
    ) -> Vec<Conflict>
    where
        'r: 's,
    {
        let mut conflicts = Vec::new();
        for link in self.links(givers, rules, &live) {
            match self.unite(&link) {
                Ok(()) => self.kept.push(link),
                Err(cves) => {
                    conflicts.push(Conflict::TwoCves { edge: link.edge(), cves });
                    self.dropped.push(link);
                }
            }
        }
        conflicts.extend(self.take_apart_large_groups(rules));
        conflicts
    }

    fn links<'s>(
        &mut self,
        givers: impl Iterator<Item = (&'r Record, &'s [&'r str])>,
        rules: &MergeRules,
        live: &impl Fn(&str) -> bool,
    ) -> Vec<Link<'r>>
    where
        'r: 's,
    {
        let mut links = Vec::new();
        for (record, aliases) in givers {
            let role = rules.role(&record.source, &record.id);
            for to in aliases.iter().copied() {
                let class = IdClass::of(to);
                let link = Link { role, class, from: &record.id, to, source: &record.source };
                if rules.refuses(&record.id, to) {
                    self.dropped.push(link);
                } else if to != record.id {
                    self.add(to, live);
                    links.push(link);
                }
            }
        }
        links.sort_unstable();
        links
    }

    /// Unites the two groups of a link, unless each has a live CVE of its own.
    fn unite(&mut self, link: &Link<'_>) -> Result<(), [String; 2]> {
        let (Some(from), Some(to)) = (self.number(link.from), self.number(link.to)) else {
            return Ok(());
        };
        let (from, to) = (self.root(from), self.root(to));
        if from == to {
            return Ok(());
        }
        if let (Some(one), Some(other)) = (self.cves[from], self.cves[to]) {
            let mut cves = [self.names[one].to_owned(), self.names[other].to_owned()];
            cves.sort_unstable();
            return Err(cves);
        }
        self.parents[to] = from;
        self.cves[from] = self.cves[from].or(self.cves[to]);
        Ok(())
    }

    /// The representative of a group.
    pub(super) fn root(&mut self, number: usize) -> usize {
        let mut at = number;
        while self.parents[at] != at {
            // Path halving keeps later look-ups short without a second pass.
            self.parents[at] = self.parents[self.parents[at]];
            at = self.parents[at];
        }
        at
    }

    /// How many ids there are; their numbers are below this.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The names of each group, at the number of its representative.
    pub(super) fn groups(&mut self) -> Vec<Vec<&'r str>> {
        let mut groups = vec![Vec::new(); self.names.len()];
        for number in 0..self.names.len() {
            groups[self.root(number)].push(self.names[number]);
        }
        groups
    }

    fn take_apart_large_groups(&mut self, rules: &MergeRules) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        for names in self.groups() {
            if names.len() <= rules.group_max {
                continue;
            }
            let head = names.iter().min_by_key(|name| (IdClass::of(name), **name)).copied().unwrap_or_default();
            conflicts.push(Conflict::GroupTooLarge { head: head.to_owned(), names: names.len() });
            for number in names.iter().filter_map(|name| self.number(name)).collect::<Vec<_>>() {
                self.parents[number] = number;
            }
        }
        if !conflicts.is_empty() {
            self.drop_broken_links();
        }
        conflicts
    }

    /// Moves the links whose ends are no longer in one group to the dropped ones.
    fn drop_broken_links(&mut self) {
        for link in std::mem::take(&mut self.kept) {
            let ends = [link.from, link.to].map(|name| self.number(name).map(|number| self.root(number)));
            if ends[0] == ends[1] {
                self.kept.push(link);
            } else {
                self.dropped.push(link);
            }
        }
    }
}
