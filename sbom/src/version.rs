//! Which versions of the specifications are read, and how a stranger is treated.
//!
//! They only add fields in minor versions, so a newer minor version is read with a warning
//! instead of being refused: the air-gapped reader is always older than the tool.

use crate::SbomError;
use crate::error::excerpt;
use crate::text::Text;

/// One family of documents.
pub(crate) struct Specification {
    pub(crate) name: &'static str,
    /// What stands before the number: `SPDX-2.3`.
    prefix: &'static str,
    /// Major and minor number of the first and the last version that is known.
    oldest: (u32, u32),
    newest: (u32, u32),
    majors: Majors,
    /// How a document without a version is read.
    assumed: &'static str,
    range: &'static str,
}

/// Whether another major version is another format.
enum Majors {
    Refused,
    Read,
}

pub(crate) const CYCLONEDX: Specification = Specification {
    name: "CycloneDX",
    prefix: "",
    oldest: (1, 2),
    newest: (1, 7),
    majors: Majors::Refused,
    assumed: "CycloneDX 1.7",
    range: "CycloneDX 1.2 to 1.7",
};

pub(crate) const SPDX: Specification = Specification {
    name: "SPDX",
    prefix: "SPDX-",
    oldest: (2, 2),
    newest: (2, 3),
    majors: Majors::Refused,
    assumed: "SPDX 2.3",
    range: SPDX_RANGE,
};

const SPDX_RANGE: &str = "SPDX 2.2, 2.3 and 3.0";

/// In JSON-LD, with another structure than SPDX 2.
pub(crate) const SPDX3: Specification = Specification {
    name: "SPDX",
    prefix: "SPDX-",
    oldest: (3, 0),
    newest: (3, 0),
    majors: Majors::Refused,
    assumed: "SPDX 3.0",
    range: SPDX_RANGE,
};

/// Syft's own. A new major version comes every few months, for what one kind of package has beside
/// name, version and purl, so that it deserves a warning and no more.
pub(crate) const SYFT: Specification = Specification {
    name: "Syft",
    prefix: "",
    oldest: (1, 0),
    newest: (16, u32::MAX),
    majors: Majors::Read,
    assumed: "Syft JSON 16",
    range: "Syft JSON 1 to 16",
};

impl Specification {
    /// The number to report and, where a reader must know about it, a warning.
    pub(crate) fn judge(&self, stated: &Text<'_>) -> Result<(String, Option<String>), SbomError> {
        let stated = match stated {
            Text::Given(text) if !text.trim().is_empty() => text.trim(),
            Text::Wrong(found) => return Ok((String::new(), Some(self.unstated(&format!("its version is {found}"))))),
            Text::Missing | Text::Given(_) => return Ok((String::new(), Some(self.unstated("it states no version")))),
        };
        let number = stated.strip_prefix(self.prefix).unwrap_or(stated);
        let version = self.parse(number).ok_or_else(|| SbomError::Version {
            format: self.name,
            version: excerpt(stated),
            range: self.range,
        })?;
        Ok((number.to_owned(), self.warning(number, version)))
    }

    /// The first two numbers, when the first one is right. A third one (`2.2.1`) changes nothing.
    fn parse(&self, number: &str) -> Option<(u32, u32)> {
        let mut parts = number.split('.').map(|part| part.parse::<u32>().ok());
        let version = (parts.next()??, parts.next()??);
        match self.majors {
            Majors::Refused if version.0 != self.newest.0 => None,
            Majors::Refused | Majors::Read => Some(version),
        }
    }

    fn warning(&self, number: &str, version: (u32, u32)) -> Option<String> {
        let age = match version {
            _ if version < self.oldest => "older",
            _ if version > self.newest => "newer",
            _ => return None,
        };
        Some(format!(
            "{} {number} is {age} than this program knows ({}): read as far as understood",
            self.name, self.range
        ))
    }

    fn unstated(&self, what: &str) -> String {
        format!("{what}: read as {}", self.assumed)
    }
}

#[cfg(test)]
mod tests {
    use super::{CYCLONEDX, SPDX, SYFT};
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
    fn a_newer_major_version_of_syft_is_read_with_a_warning() {
        for known in ["1.0.1", "11.0.1", "16.0.18", "16.99.0"] {
            assert_eq!(SYFT.judge(&Text::from(known)), Ok((known.into(), None)));
        }
        let (version, warning) = SYFT.judge(&Text::from("17.0.0")).expect("read");
        assert_eq!(version, "17.0.0");
        assert!(warning.expect("a warning").contains("17.0.0 is newer"));
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
