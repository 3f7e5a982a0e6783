//! The word of a site that passed the kit on, when the operator wants it beside the vendor's.

use ouk::limits::Limits;
use ouk::site::{Endorsement, Judged, SiteMetadata, check_site_root, judge};
use ouk::verify::{TrustState, VerifiedKit};
use store::{SiteTrustRow, StoreError};

use crate::error::ImportError;
use crate::request::SiteWord;
use crate::trust;
use crate::work::Check;

/// The site that must vouch for this kit: the one that was pinned before, or the one that is pinned now.
pub(crate) fn remembered(
    pinned: Option<SiteTrustRow>,
    given: Option<&[u8]>,
    limits: &Limits,
) -> Result<Option<SiteTrustRow>, ImportError> {
    match (pinned, given) {
        (Some(row), Some(root)) if row.factory_root != root && row.root != root => {
            Err(StoreError::TrustRootPinned.into())
        }
        (Some(row), _) => Ok(Some(row)),
        (None, Some(root)) => {
            check_site_root(root, limits).map_err(ImportError::SiteRoot)?;
            Ok(Some(SiteTrustRow { factory_root: root.to_vec(), root: root.to_vec(), floors: Vec::new() }))
        }
        (None, None) => Ok(None),
    }
}

/// What the site says, and what is to be remembered of it once the kit is active.
pub(crate) fn after(
    pinned: Option<SiteTrustRow>,
    travels: Option<&SiteMetadata>,
    kit: &VerifiedKit,
    check: &Check,
) -> Result<(Option<SiteTrustRow>, SiteWord), ImportError> {
    let trust = pinned.as_ref().map(|row| TrustState { root: row.root.clone(), floors: trust::floors(&row.floors) });
    let judged = judge(travels, Endorsement::from(trust.as_ref()), kit, check.present, &check.limits)?;
    Ok(match (pinned, judged) {
        (Some(row), Judged::Endorsed(site)) => {
            let floors = trust::floor_rows(site.floors());
            let row = SiteTrustRow { factory_root: row.factory_root, root: site.root().to_vec(), floors };
            (Some(row), SiteWord::Verified { publication: site.version() })
        }
        (pinned, Judged::NotEvaluated) => (pinned, SiteWord::NotEvaluated),
        (pinned, _) => (pinned, SiteWord::Absent),
    })
}

/// What is remembered of the site once a kit that waited becomes active; None when what was verified then is not the
/// newest any more. A root or a floor that came since must neither fall nor be left out.
pub(crate) fn still_newest(known: Option<SiteTrustRow>, staged: Option<&SiteTrustRow>) -> Option<Option<SiteTrustRow>> {
    match (known, staged) {
        (None, staged) => Some(staged.cloned()),
        (Some(_), None) => None,
        (Some(known), Some(staged)) => {
            let reached = |floor: &store::Floor| {
                let mut same = staged.floors.iter().filter(|other| other.role == floor.role);
                same.any(|other| other.version > floor.version || other == floor)
            };
            let newest = known.factory_root == staged.factory_root && known.floors.iter().all(reached);
            newest.then(|| Some(staged.clone()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::digest::Digest;

    fn row(root: &str, version: u64, content: &str) -> SiteTrustRow {
        let floor = store::Floor { role: "targets".to_owned(), version, sha256: Digest::of(content.as_bytes()) };
        SiteTrustRow { factory_root: root.into(), root: root.into(), floors: vec![floor] }
    }

    #[test]
    fn a_kit_that_waited_keeps_the_site_that_it_was_staged_under_and_never_lowers_what_came_since() {
        let two = row("a", 2, "two");
        assert_eq!(still_newest(None, None), Some(None));
        assert_eq!(still_newest(None, Some(&two)), Some(Some(two.clone())), "the root that was pinned with it stays");
        assert_eq!(still_newest(Some(two.clone()), Some(&two)), Some(Some(two.clone())));
        assert_eq!(still_newest(Some(row("a", 1, "one")), Some(&two)), Some(Some(two.clone())));
        assert_eq!(still_newest(Some(row("a", 3, "three")), Some(&two)), None, "a newer word");
        assert_eq!(still_newest(Some(row("a", 2, "other")), Some(&two)), None, "the same version with other content");
        assert_eq!(still_newest(Some(row("b", 1, "one")), Some(&two)), None, "another site");
        assert_eq!(still_newest(Some(two), None), None, "a site that was pinned since");
    }
}
