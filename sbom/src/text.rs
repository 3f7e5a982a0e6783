//! A text as a document gives it, which may be no text at all.

use std::borrow::Cow;

/// A field that ought to hold a string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Text<'a> {
    /// Absent or null.
    #[default]
    Missing,
    Given(Cow<'a, str>),
    /// Something else, named with its article: `a number`.
    Wrong(&'static str),
}

impl Text<'_> {
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Given(text) => Some(text),
            Self::Missing | Self::Wrong(_) => None,
        }
    }

    /// Without white space around; empty and SPDX's ways of saying "nothing" are nothing.
    pub(crate) fn meaningful(&self) -> Option<&str> {
        self.as_str().and_then(meaningful)
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::Given(Cow::Borrowed(text))
    }
}

pub(crate) fn meaningful(text: &str) -> Option<&str> {
    match text.trim() {
        "" | "NOASSERTION" | "NONE" | "(none)" => None,
        text => Some(text),
    }
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn spdx_words_for_nothing_are_nothing_but_free_text_stays() {
        for nothing in ["", "  ", "NOASSERTION", "NONE"] {
            assert_eq!(Text::from(nothing).meaningful(), None, "{nothing:?}");
        }
        assert_eq!(Text::from(" latest ").meaningful(), Some("latest"));
        assert_eq!(Text::Wrong("a number").meaningful(), None);
    }
}
