//! Chooses the fields of an advisory from the records of its cluster.
//!
//! Direct members speak for the vulnerability; a bundle is asked only for what no direct
//! member gives. A withdrawn member has no say while another direct member stands, but
//! stays in the list of members. Ratings and assertions are not elected: all are kept,
//! each with its source, because which of them counts depends on the package at hand.

use std::collections::BTreeSet;

use domain::advisory::{Advisory, Affected, Member, Record, Reference, Sourced};
use domain::severity::Rating;
use domain::time::Timestamp;

use super::cluster::Cluster;
use super::join::sort_assertions;
use super::references;
use super::rules::{MergeRules, Role};

/// 1990-01-01T00:00:00Z. Earlier dates of publication are placeholders.
const FIRST_CREDIBLE: i64 = 631_152_000;

/// A longer first sentence makes no title.
const TITLE_CHARS_MAX: usize = 160;

pub(super) fn elect(cluster: &Cluster<'_>, rules: &MergeRules) -> Advisory {
    let panel = Panel::of(cluster);
    let members = || cluster.direct.iter().chain(&cluster.bundles).copied();
    Advisory {
        id: cluster.head.to_owned(),
        aliases: cluster.names.iter().filter(|name| **name != cluster.head).map(|name| (*name).to_owned()).collect(),
        related: related(cluster, &panel),
        title: panel.first(|tier| title(tier, rules)),
        description: panel.first(|tier| text(tier, rules, Role::description_order, |record| &record.description)),
        published: panel.first(published),
        modified: members().filter_map(|record| record.modified).max(),
        withdrawn: panel.withdrawn,
        ratings: ratings(&panel),
        cwes: panel.first(cwes).unwrap_or_default(),
        references: panel.first(|tier| links(tier, &cluster.names)).unwrap_or_default(),
        affected: affected(cluster),
        members: listed(members()),
    }
}

/// Who is asked, and in which order.
struct Panel<'r> {
    speakers: Vec<&'r Record>,
    /// Asked when no speaker answers.
    bundles: Vec<&'r Record>,
    withdrawn: Option<Timestamp>,
}

impl<'r> Panel<'r> {
    fn of(cluster: &Cluster<'r>) -> Self {
        let live = |records: &[&'r Record]| -> Vec<&'r Record> {
            records.iter().copied().filter(|record| record.withdrawn.is_none()).collect()
        };
        let primary = if cluster.direct.is_empty() { &cluster.bundles } else { &cluster.direct };
        let mut panel = Self { speakers: live(primary), bundles: live(&cluster.bundles), withdrawn: None };
        if panel.speakers.is_empty() {
            // All are withdrawn: they still say what it was that is withdrawn.
            panel.speakers.clone_from(primary);
            panel.withdrawn = primary.iter().filter_map(|record| record.withdrawn).max();
        }
        panel
    }

    fn first<T>(&self, elect: impl Fn(&[&'r Record]) -> Option<T>) -> Option<T> {
        elect(&self.speakers).or_else(|| elect(&self.bundles))
    }
}

fn title(records: &[&Record], rules: &MergeRules) -> Option<Sourced<String>> {
    text(records, rules, Role::title_order, |record| &record.title).or_else(|| {
        let description = text(records, rules, Role::description_order, |record| &record.description)?;
        let value = first_sentence(&description.value)?;
        Some(Sourced { value, ..description })
    })
}

/// The field of the record that comes first by role, then by id and source.
fn text(
    records: &[&Record],
    rules: &MergeRules,
    order: impl Fn(Role) -> u8,
    field: impl Fn(&Record) -> &Option<String>,
) -> Option<Sourced<String>> {
    let candidates = records.iter().filter_map(|record| {
        let value = field(record).as_deref().map(str::trim).filter(|value| !value.is_empty())?;
        Some((order(rules.role(&record.source, &record.id)), &record.id, &record.source, value))
    });
    let (_, id, source, value) = candidates.min()?;
    Some(Sourced { value: value.to_owned(), source: source.clone(), record: id.clone() })
}

/// The first sentence of a text that may be Markdown; headings are skipped.
fn first_sentence(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let sentence = line.find(". ").map_or(line, |end| &line[..end]);
    let sentence = sentence.trim_end_matches('.');
    Some(match sentence.char_indices().nth(TITLE_CHARS_MAX) {
        None => sentence.to_owned(),
        Some((end, _)) => format!("{}…", sentence[..end].trim_end()),
    })
}

fn published(records: &[&Record]) -> Option<Timestamp> {
    let dates = records.iter().filter_map(|record| record.published);
    dates.filter(|at| at.unix() >= FIRST_CREDIBLE).min()
}

fn cwes(records: &[&Record]) -> Option<BTreeSet<String>> {
    let mut cwes: BTreeSet<String> = records.iter().flat_map(|record| &record.cwes).cloned().collect();
    let says_nothing = |cwe: &str| cwe.starts_with("NVD-CWE-");
    if cwes.iter().any(|cwe| !says_nothing(cwe)) {
        cwes.retain(|cwe| !says_nothing(cwe));
    }
    (!cwes.is_empty()).then_some(cwes)
}

/// The links of the records. Of an erratum about several vulnerabilities only its own page
/// and what names this one are taken, or each of 140 CVEs would list the links of all.
fn links(records: &[&Record], names: &[&str]) -> Option<Vec<Reference>> {
    let links = records.iter().flat_map(|record| {
        let alone = record.upstream.len() <= 1;
        let is_about_this = move |link: &&Reference| {
            alone || link.kind == "ADVISORY" || names.iter().any(|name| link.url.contains(name))
        };
        record.references.iter().filter(is_about_this)
    });
    let links = references::unite(links);
    (!links.is_empty()).then_some(links)
}

/// What sources call related, and the aliases that were not followed: they stay visible.
fn related(cluster: &Cluster<'_>, panel: &Panel<'_>) -> BTreeSet<String> {
    let names: BTreeSet<&str> = cluster.names.iter().copied().collect();
    let stated = if cluster.direct.is_empty() { &panel.speakers } else { &cluster.direct };
    let aliases = cluster.direct.iter().chain(&cluster.bundles).flat_map(|record| &record.aliases);
    let related = stated.iter().flat_map(|record| &record.related).chain(aliases);
    related.filter(|name| !names.contains(name.as_str())).cloned().collect()
}

fn ratings(panel: &Panel<'_>) -> Vec<Rating> {
    let raters = panel.speakers.iter().chain(&panel.bundles);
    let mut ratings: Vec<Rating> = raters.flat_map(|record| &record.ratings).cloned().collect();
    ratings.sort_unstable();
    ratings.dedup();
    ratings
}

fn affected(cluster: &Cluster<'_>) -> Vec<Affected> {
    let live = cluster.direct.iter().chain(&cluster.bundles).filter(|record| record.withdrawn.is_none());
    let mut affected: Vec<Affected> = live.flat_map(|record| &record.affected).cloned().collect();
    sort_assertions(&mut affected);
    affected
}

fn listed<'r>(records: impl Iterator<Item = &'r Record>) -> Vec<Member> {
    let mut members: Vec<Member> = records
        .map(|record| Member {
            source: record.source.clone(),
            id: record.id.clone(),
            modified: record.modified,
            withdrawn: record.withdrawn,
        })
        .collect();
    members.sort_unstable();
    members
}

#[cfg(test)]
mod tests {
    use super::first_sentence;

    #[test]
    fn the_first_sentence_skips_headings_and_ends_at_a_full_stop() {
        assert_eq!(first_sentence("### Impact\n\nA 1.2.3 overflow. More.").as_deref(), Some("A 1.2.3 overflow"));
        assert_eq!(first_sentence("One line.").as_deref(), Some("One line"));
        assert_eq!(first_sentence("# Only a heading"), None);
        let long = first_sentence(&"ü".repeat(500)).expect("a title");
        assert_eq!(long.chars().count(), 161);
    }
}
