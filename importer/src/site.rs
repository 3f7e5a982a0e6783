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
