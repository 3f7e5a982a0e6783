//! Ubuntu: advisories per release by source package and source version, and apart from them those
//! of Ubuntu Pro (extended security maintenance), whose fixes only subscribers get.
//!
//! Pro is looked up when the system says that it has it, or the package itself is a build of Pro;
//! else a fix that nobody offers this system would be shown as the way out.

use super::{Asked, Compared, Named, Rules, one};
use crate::ecosystem::{Ecosystem, EcosystemKind};
use crate::finding::Unevaluated;
use crate::matching::plan::Lookup;

pub(super) const RULES: Rules =
    Rules { ids: &["ubuntu"], ecosystem, named: Named::Source, compared: Compared::Source, plan };

/// Codenames and release numbers, from the list of releases in Ubuntu's wiki.
const RELEASES: &[(&str, &str)] = &[
    ("dapper", "6.06"),
    ("edgy", "6.10"),
    ("feisty", "7.04"),
    ("gutsy", "7.10"),
    ("hardy", "8.04"),
    ("intrepid", "8.10"),
    ("jaunty", "9.04"),
    ("karmic", "9.10"),
    ("lucid", "10.04"),
    ("maverick", "10.10"),
    ("natty", "11.04"),
    ("oneiric", "11.10"),
    ("precise", "12.04"),
    ("quantal", "12.10"),
    ("raring", "13.04"),
    ("saucy", "13.10"),
    ("trusty", "14.04"),
    ("utopic", "14.10"),
    ("vivid", "15.04"),
    ("wily", "15.10"),
    ("xenial", "16.04"),
    ("yakkety", "16.10"),
    ("zesty", "17.04"),
    ("artful", "17.10"),
    ("bionic", "18.04"),
    ("cosmic", "18.10"),
    ("disco", "19.04"),
    ("eoan", "19.10"),
    ("focal", "20.04"),
    ("groovy", "20.10"),
    ("hirsute", "21.04"),
    ("impish", "21.10"),
    ("jammy", "22.04"),
    ("kinetic", "22.10"),
    ("lunar", "23.04"),
    ("mantic", "23.10"),
    ("noble", "24.04"),
    ("oracular", "24.10"),
    ("plucky", "25.04"),
    ("questing", "25.10"),
    ("resolute", "26.04"),
];

/// Marks of extended maintenance in the names of releases and in versions of packages.
const PRO: [&str; 4] = ["-esm", "+esm", "~esm", "/esm"];

/// The ecosystem of a release (`22.04`, `jammy`), or of Ubuntu Pro for it, under OSV's names.
pub fn ubuntu_release(text: &str, pro: bool) -> Option<Ecosystem> {
    let text = text.trim();
    let (_, number) = RELEASES.iter().find(|(name, number)| *name == text || is_release(text, number))?;
    let (year, month) = number.split_once('.')?;
    // Long-term support: April of even years, and 6.06.
    let even = year.parse::<u8>().is_ok_and(|year| year % 2 == 0);
    let lts = if month == "06" || (month == "04" && even) { ":LTS" } else { "" };
    let pro = if pro { "Pro:" } else { "" };
    Some(Ecosystem::release(EcosystemKind::Ubuntu, format!("{pro}{number}{lts}")))
}

/// `22.04.3` is of release `22.04`.
fn is_release(text: &str, number: &str) -> bool {
    text.strip_prefix(number).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn ecosystem(version: Option<&str>) -> Option<Ecosystem> {
    ubuntu_release(&plain(version?), false)
}

/// The release without the marks of Pro: `22.04-ESM`, `esm-infra/jammy`, `trusty/esm`.
fn plain(version: &str) -> String {
    let version = version.to_ascii_lowercase();
    let version = version.strip_suffix("/esm").unwrap_or(&version);
    let version = version.rsplit('/').next().unwrap_or(version);
    version.split(['-', '+']).next().unwrap_or(version).to_owned()
}

fn plan(asked: &Asked<'_>) -> Result<Vec<Lookup>, Unevaluated> {
    let base = one(asked)?;
    let stated = asked.distribution.version.as_deref().unwrap_or_default().to_ascii_lowercase();
    let system = PRO.iter().any(|mark| stated.contains(mark)) || stated.starts_with("esm-");
    let package = base.first().is_some_and(|lookup| PRO.iter().any(|mark| lookup.version.contains(mark)));
    let basis = match (system, package) {
        (true, _) => "Ubuntu Pro, which the document states",
        (false, true) => "Ubuntu Pro, of which the package is a build",
        (false, false) => return Ok(base),
    };
    let pro = ubuntu_release(&plain(&stated), true).ok_or(Unevaluated::UnknownDistribution)?;
    let mut lookups = base.clone();
    lookups.extend(base.into_iter().map(|mut lookup| {
        lookup.package.ecosystem = pro.clone();
        lookup.basis = Some(basis.to_owned());
        lookup
    }));
    Ok(lookups)
}

#[cfg(test)]
mod tests {
    use super::{ecosystem, ubuntu_release};

    #[test]
    fn releases_have_the_names_that_osv_gives_them() {
        let release = |text, pro| ubuntu_release(text, pro).map(|release| release.to_string());
        assert_eq!(release("jammy", false).as_deref(), Some("Ubuntu:22.04:LTS"));
        assert_eq!(release("22.04.3", false).as_deref(), Some("Ubuntu:22.04:LTS"));
        assert_eq!(release("24.10", false).as_deref(), Some("Ubuntu:24.10"));
        assert_eq!(release("23.04", false).as_deref(), Some("Ubuntu:23.04"));
        assert_eq!(release("xenial", true).as_deref(), Some("Ubuntu:Pro:16.04:LTS"));
        assert_eq!(release("devel", false), None);
        for text in ["22.04-ESM", "22.04+esm", "esm-infra/jammy", "jammy/esm"] {
            assert_eq!(ecosystem(Some(text)).map(|e| e.to_string()).as_deref(), Some("Ubuntu:22.04:LTS"), "{text}");
        }
    }
}
