//! Which versions of the two specifications are read, and how a stranger is treated.
//!
//! Both specifications only add fields in minor versions, so a newer minor version is read
//! with a warning instead of being refused: the air-gapped reader is always older than the tool.

use crate::SbomError;
use crate::error::excerpt;
use crate::text::Text;

/// One family of documents.
pub(crate) struct Specification {
    pub(crate) name: &'static str,
    /// What stands before the number: `SPDX-2.3`.
    prefix: &'static str,
    major: u32,
    oldest: u32,
    newest: u32,
    range: &'static str,
}

pub(crate) const CYCLONEDX: Specification =
    Specification { name: "CycloneDX", prefix: "", major: 1, oldest: 2, newest: 7, range: "CycloneDX 1.2 to 1.7" };

pub(crate) const SPDX: Specification =
    Specification { name: "SPDX", prefix: "SPDX-", major: 2, oldest: 2, newest: 3, range: "SPDX 2.2 and 2.3" };

impl Specification {
    /// The number to report and, where a reader must know about it, a warning.
    pub(crate) fn judge(&self, stated: &Text<'_>) -> Result<(String, Option<String>), SbomError> {
        let stated = match stated {
            Text::Given(text) if !text.trim().is_empty() => text.trim(),
            Text::Wrong(found) => return Ok((String::new(), Some(self.unstated(&format!("its version is {found}"))))),
            Text::Missing | Text::Given(_) => return Ok((String::new(), Some(self.unstated("it states no version")))),
        };
        let number = stated.strip_prefix(self.prefix).unwrap_or(stated);
        let minor = self.minor(number).ok_or_else(|| SbomError::Version {
            format: self.name,
            version: excerpt(stated),
            range: self.range,
        })?;
        Ok((number.to_owned(), self.warning(number, minor)))
    }

    /// The second number, when the first one is right. A third one (`2.2.1`) changes nothing.
    fn minor(&self, number: &str) -> Option<u32> {
        let mut parts = number.split('.').map(|part| part.parse::<u32>().ok());
        let major = parts.next()??;
        let minor = parts.next()??;
        (major == self.major).then_some(minor)
    }

    fn warning(&self, number: &str, minor: u32) -> Option<String> {
        let age = match minor {
            _ if minor < self.oldest => "older",
            _ if minor > self.newest => "newer",
            _ => return None,
        };
        Some(format!(
            "{} {number} is {age} than this program knows ({}): read as far as understood",
            self.name, self.range
        ))
    }

    fn unstated(&self, what: &str) -> String {
        format!("{what}: read as {} {}.{}", self.name, self.major, self.newest)
    }
}

#[cfg(test)]
mod tests {
    use super::{CYCLONEDX, SPDX};
    use crate::text::Text;

    #[test]
    fn known_versions_are_read_without_a_warning() {
        for minor in 2..=7 {
            let stated = format!("1.{minor}");
            assert_eq!(CYCLONEDX.judge(&Text::from(stated.as_str())), Ok((stated.clone(), None)));
        }
        assert_eq!(SPDX.judge(&Text::from("SPDX-2.3")), Ok(("2.3".into(), None)));
    }

    #[test]
    fn other_minor_versions_are_read_with_a_warning() {
        for (specification, stated) in [(CYCLONEDX, "1.8"), (CYCLONEDX, "1.1"), (SPDX, "SPDX-2.4"), (SPDX, "SPDX-2.1")]
        {
            let (_, warning) = specification.judge(&Text::from(stated)).expect(stated);
            assert!(warning.expect(stated).contains("read as far as understood"));
        }
    }

    #[test]
    fn other_major_versions_and_free_text_are_refused() {
        for (specification, stated) in [(CYCLONEDX, "2.0"), (SPDX, "SPDX-3.0"), (SPDX, "SPDX-1.2"), (CYCLONEDX, "new")]
        {
            assert!(specification.judge(&Text::from(stated)).is_err(), "{stated}");
        }
    }

    #[test]
    fn a_missing_version_is_said_and_not_fatal() {
        for stated in [Text::Missing, Text::from(" "), Text::Wrong("a number")] {
            let (version, warning) = CYCLONEDX.judge(&stated).expect("read");
            assert_eq!(version, "");
            assert!(warning.is_some());
        }
    }
}
