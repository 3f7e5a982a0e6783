//! Reading a Trivy DB to its end.

use domain::time::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::bolt::{Bolt, Item, Limits, Source};
use super::{Metadata, TrivyDbError};

/// The descriptions of vulnerabilities. Trivy crashes without it.
const VULNERABILITIES: &str = "vulnerability";
/// Root buckets that hold no advisories.
const OTHERS: [&str; 3] = [VULNERABILITIES, "data-source", "Red Hat CPE"];
/// As much of a name as an error needs.
const SHOWN_CHARS: usize = 64;

/// What was counted in a Trivy DB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Platforms and ecosystems, by source.
    pub platforms: u64,
    /// What is said about a vulnerability in a package.
    pub advisories: u64,
    /// Descriptions.
    pub vulnerabilities: u64,
    pub bytes: u64,
}

/// Reads every page of the database and every value in it. `signed_at` is when the kit was signed.
pub fn check<S: Source>(
    database: S,
    limits: Limits,
    metadata: &Metadata,
    signed_at: Timestamp,
) -> Result<Contents, TrivyDbError> {
    metadata.check(signed_at)?;
    let mut contents = Contents { bytes: database.length(), ..Contents::default() };
    let bolt = Bolt::open(database, limits)?;
    let mut items = bolt.items()?;
    let mut has_vulnerabilities = false;
    let mut root = Vec::new();
    let mut depth = 0_usize;
    while let Some(item) = items.next()? {
        match item {
            Item::Bucket(name) => {
                if depth == 0 {
                    root = check_name(&[], name)?.to_owned().into_bytes();
                    has_vulnerabilities |= root == VULNERABILITIES.as_bytes();
                    contents.platforms += u64::from(!is_other(&root));
                } else if root == VULNERABILITIES.as_bytes() {
                    return Err(refuse(&root, name, "there is a bucket among the vulnerabilities"));
                } else {
                    check_name(&root, name)?;
                }
                depth += 1;
            }
            Item::Value { key, value } => {
                check_value(&root, key, value)?;
                if depth == 0 {
                    return Err(refuse(&[], key, "there is a value outside of all buckets"));
                }
                contents.vulnerabilities += u64::from(root == VULNERABILITIES.as_bytes());
                contents.advisories += u64::from(!is_other(&root));
            }
            Item::End => depth -= 1,
        }
    }
    match contents {
        _ if !has_vulnerabilities => Err(TrivyDbError::NoBucket(VULNERABILITIES)),
        Contents { vulnerabilities: 0, .. } => Err(TrivyDbError::Empty("vulnerabilities")),
        Contents { advisories: 0, .. } => Err(TrivyDbError::Empty("advisories")),
        contents => Ok(contents),
    }
}

fn is_other(root: &[u8]) -> bool {
    OTHERS.iter().any(|name| name.as_bytes() == root)
}

/// Names are shown to people and compared by other programs.
fn check_name<'a>(root: &[u8], name: &'a [u8]) -> Result<&'a str, TrivyDbError> {
    let text = std::str::from_utf8(name).map_err(|_| refuse(root, name, "a name is not UTF-8"))?;
    if text.chars().any(char::is_control) {
        return Err(refuse(root, name, "a name has control characters"));
    }
    Ok(text)
}

fn check_value(root: &[u8], key: &[u8], value: &[u8]) -> Result<(), TrivyDbError> {
    check_name(root, key)?;
    // Trivy passes over an empty value and so over the advisory.
    serde_json::from_slice::<IgnoredAny>(value).map(drop).map_err(|_| refuse(root, key, "the value is not JSON"))
}

fn refuse(root: &[u8], name: &[u8], problem: &'static str) -> TrivyDbError {
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(SHOWN_CHARS).collect::<String>();
    let place =
        if root.is_empty() { format!("{:?}", shown(name)) } else { format!("{:?}, {:?}", shown(root), shown(name)) };
    TrivyDbError::Item { place, problem }
}
