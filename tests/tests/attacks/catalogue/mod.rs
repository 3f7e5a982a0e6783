//! All cases, one file per letter of the catalogue.

mod bench;
mod programs;

mod archive;
mod audit;
mod concurrency;
mod crash;
mod delta;
mod named;
mod operators;
mod payload;
mod resources;
mod signatures;
mod state;
mod time;
mod tokens;
mod withdrawn;
mod zstd;

use std::collections::BTreeSet;

pub(crate) use bench::Bench;
pub(crate) use named::PUBLISHED;

/// An attack and what must come of it.
pub(crate) struct Case {
    /// Its id in the catalogue (`docs/threats.md`); a published one is called by its number.
    pub(crate) id: &'static str,
    /// The test's name, which says what must hold.
    pub(crate) name: &'static str,
    /// Every word that has to occur, and no other may: a code for a refusal, or a word of [`Got`].
    pub(crate) expected: &'static [&'static str],
    pub(crate) run: fn(&mut Bench),
}

/// What came of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Got {
    /// The variant of the attack.
    pub(crate) what: String,
    /// The code of a refusal, or `accepted`, `HELD`, `IGN`, `WARN`, `RES`, `OLD`, `NEW`.
    pub(crate) word: String,
}

/// An id whose case runs elsewhere, because it needs no importer.
pub(crate) struct Elsewhere {
    pub(crate) id: &'static str,
    /// `file::test`.
    pub(crate) tests: &'static [&'static str],
}

/// An id without a case yet.
pub(crate) struct Open {
    pub(crate) id: &'static str,
    pub(crate) reason: &'static str,
}

/// What one file of the catalogue holds.
pub(crate) struct Letter {
    pub(crate) cases: &'static [Case],
    pub(crate) elsewhere: &'static [Elsewhere],
    pub(crate) open: &'static [Open],
}

/// Makes a test of each case, and the list of them for the table.
macro_rules! attacks {
    ($($name:ident $id:literal $expected:expr;)*) => {
        pub(crate) const CASES: &[crate::catalogue::Case] = &[$(crate::catalogue::Case {
            id: $id,
            name: stringify!($name),
            expected: &$expected,
            run: $name,
        }),*];

        $(#[cfg(test)]
        mod $name {
            #[test]
            fn holds() {
                let case = super::CASES.iter().find(|case| case.name == stringify!($name));
                crate::catalogue::check(case.expect("in the list"));
            }
        })*
    };
}
pub(crate) use attacks;

/// The catalogue.
pub(crate) const LETTERS: &[Letter] = &[
    archive::LETTER,
    zstd::LETTER,
    signatures::LETTER,
    state::LETTER,
    time::LETTER,
    crash::LETTER,
    concurrency::LETTER,
    resources::LETTER,
    tokens::LETTER,
    withdrawn::LETTER,
    delta::LETTER,
    payload::LETTER,
    audit::LETTER,
    operators::LETTER,
    named::LETTER,
];

/// How many ids each letter has.
pub(crate) const IDS: [(char, usize); 13] = [
    ('A', 32),
    ('Z', 10),
    ('S', 19),
    ('M', 17),
    ('T', 8),
    ('C', 18),
    ('K', 8),
    ('R', 9),
    ('J', 15),
    ('D', 5),
    ('P', 5),
    ('L', 4),
    ('O', 4),
];

pub(crate) fn ids() -> impl Iterator<Item = String> {
    IDS.into_iter().flat_map(|(letter, count)| (1..=count).map(move |number| format!("{letter}{number:02}")))
}

pub(crate) fn cases() -> impl Iterator<Item = &'static Case> {
    LETTERS.iter().flat_map(|letter| letter.cases)
}

/// Runs a case on a bench of its own and returns what it got. Panics at the first thing that does not hold.
pub(crate) fn run(case: &Case) -> Vec<Got> {
    let mut bench = Bench::new();
    (case.run)(&mut bench);
    bench.finish()
}

/// Runs a case and holds what it got against what it must get.
pub(crate) fn check(case: &Case) -> Vec<Got> {
    let got = run(case);
    let words: BTreeSet<&str> = got.iter().map(|got| got.word.as_str()).collect();
    let expected: BTreeSet<&str> = case.expected.iter().copied().collect();
    assert_eq!(words, expected, "{} {}: {got:#?}", case.id, case.name);
    got
}
