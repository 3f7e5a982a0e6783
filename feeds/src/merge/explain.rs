//! Why do these records make one advisory? The edges behind a cluster, for a person.

use domain::advisory::Record;
use domain::source::SourceId;

use super::cluster::Clustering;
use super::graph::Edge;
use super::join::join;
use super::rules::MergeRules;

/// The evidence for one cluster. All lists are sorted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Explanation {
    pub head: String,
    pub names: Vec<String>,
    /// The statements that hold the names together.
    pub edges: Vec<Edge>,
    /// Statements about these names that were not followed.
    pub dropped: Vec<Edge>,
    /// The records that speak for the vulnerability.
    pub direct: Vec<(SourceId, String)>,
    /// The records that list it among others.
    pub bundles: Vec<(SourceId, String)>,
}

/// Explains the clusters that `id` belongs to: one for a name, several for an erratum,
/// none for an id that no record carries or names.
pub fn explain(records: Vec<Record>, rules: &MergeRules, id: &str) -> Vec<Explanation> {
    let joined = join(records);
    let clustering = Clustering::of(&joined.records, rules);
    let mut explanations: Vec<Explanation> = clustering
        .clusters
        .iter()
        .filter(|cluster| cluster.names.contains(&id) || cluster.bundles.iter().any(|record| record.id == id))
        .map(|cluster| {
            let touches = |name: &str| cluster.names.contains(&name);
            let kept = clustering.graph.kept.iter().filter(|link| touches(link.from));
            let dropped = clustering.graph.dropped.iter().filter(|link| touches(link.from) || touches(link.to));
            Explanation {
                head: cluster.head.to_owned(),
                names: sorted(cluster.names.iter().map(|name| (*name).to_owned())),
                edges: sorted(kept.map(|link| link.edge())),
                dropped: sorted(dropped.map(|link| link.edge())),
                direct: sorted(cluster.direct.iter().map(|record| named(record))),
                bundles: sorted(cluster.bundles.iter().map(|record| named(record))),
            }
        })
        .collect();
    explanations.sort_unstable();
    explanations
}

fn named(record: &Record) -> (SourceId, String) {
    (record.source.clone(), record.id.clone())
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort_unstable();
    items
}
