//! Natural order for what has no scheme of its own: runs of digits as numbers, runs of letters
//! as words, everything else separates. Words lie before numbers, the end before both, and `~`
//! before the end, as most distributions agree. A `v` in front of the first number is none of it.

use std::cmp::Ordering;

use super::Order;
use super::digits::{Digits, split_digits, split_while};

#[derive(Clone, Debug)]
pub(super) struct Generic(Box<str>);

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    Tilde,
    End,
    Word(&'a str),
    Number(Digits<'a>),
}

impl Order for Generic {
    fn parse(text: &str) -> Option<Self> {
        let number = text.strip_prefix(['v', 'V']).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        text.bytes().any(|b| b.is_ascii_alphanumeric()).then(|| Self(number.unwrap_or(text).into()))
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.tokens().cmp(other.tokens())
    }
}

impl Generic {
    fn tokens(&self) -> impl Iterator<Item = Token<'_>> {
        let mut rest = Some(&*self.0);
        std::iter::from_fn(move || {
            let text = rest?.trim_start_matches(|c: char| !c.is_ascii_alphanumeric() && c != '~');
            let (token, after) = match text.as_bytes().first() {
                None => (Token::End, None),
                Some(b'~') => (Token::Tilde, Some(&text[1..])),
                Some(b'0'..=b'9') => {
                    let (digits, after) = split_digits(text);
                    (Token::Number(Digits::new(digits)), Some(after))
                }
                Some(_) => {
                    let (word, after) = split_while(text, |b| b.is_ascii_alphabetic());
                    (Token::Word(word), Some(after))
                }
            };
            rest = after;
            Some(token)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scheme;
    use std::cmp::Ordering;

    #[test]
    fn runs_are_compared_as_people_do() {
        let compare =
            |a: &str, b: &str| Scheme::Generic.parse(a).expect(a).compare(&Scheme::Generic.parse(b).expect(b));
        assert_eq!(compare("1.9", "1.10"), Ordering::Less);
        assert_eq!(compare("2021-05-05", "2021-11-01"), Ordering::Less);
        assert_eq!(compare("12", "12L"), Ordering::Less);
        assert_eq!(compare("1.0~rc1", "1.0"), Ordering::Less);
        assert_eq!(compare("1_2", "1.2"), Ordering::Equal);
        assert_eq!(compare("v1.2", "1.2"), Ordering::Equal);
        assert_eq!(compare("V2.0", "v1.5"), Ordering::Greater);
        assert_eq!(compare("vista", "1"), Ordering::Less, "a word, and no number behind a v");
    }
}
