//! An OVAL document as far as it is read here, and its parts by id.
//!
//! Definitions come first and refer to tests, tests to objects and states that come last. So all
//! of a document is kept until its end, without what is not needed: texts that recur are kept
//! once, and what is kept is counted as it takes up memory, up to a limit.

use std::collections::HashMap;
use std::rc::Rc;

/// The limit is reached.
#[derive(Debug)]
pub(super) struct TooMuch;

/// What things take up beside their texts, at most: tables are grown to twice their size, and pieces of the heap have heads.
mod cost {
    pub(super) const WORD: usize = 128;
    pub(super) const STRING: usize = 48;
    pub(super) const DEFINITION: usize = 768;
    pub(super) const REFERENCE: usize = 256;
    pub(super) const CRITERIA: usize = 96;
    pub(super) const TEST: usize = 160;
    pub(super) const STATE_OF_TEST: usize = 16;
    pub(super) const OBJECT: usize = 32;
    pub(super) const STATE: usize = 96;
}

/// A text that is kept once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Word(u32);

#[derive(Default)]
pub(super) struct Words {
    numbers: HashMap<Rc<str>, Word>,
    texts: Vec<Rc<str>>,
}

impl Words {
    pub(super) fn text(&self, word: Word) -> &str {
        self.texts.get(word.0 as usize).map_or("", |text| text)
    }
}

#[derive(Default)]
pub(super) struct Oval {
    pub(super) words: Words,
    pub(super) definitions: Vec<Definition>,
    tests: HashMap<Word, Test>,
    /// Names of packages, by object; None for an object that is no package.
    objects: HashMap<Word, Option<Word>>,
    states: HashMap<Word, State>,
    /// Bytes that may still be taken up.
    left: usize,
}

#[derive(Default)]
pub(super) struct Definition {
    pub(super) id: String,
    /// `patch`, `vulnerability`
    pub(super) class: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) severity: Option<String>,
    pub(super) patchable: Option<String>,
    pub(super) advisory_id: Option<String>,
    pub(super) date: Option<String>,
    /// Source and id.
    pub(super) references: Vec<(String, String, Option<String>)>,
    pub(super) criteria: Option<Criteria>,
    /// Criteria that are not read: negated ones.
    pub(super) negated: u64,
}

/// What must hold.
pub(super) enum Criteria {
    All(Vec<Criteria>),
    Any(Vec<Criteria>),
    Test(Word, Comment),
    /// `Module nodejs:18 is enabled`, which only the comment says in words.
    Module(Word),
}

/// What the comment of a criterion says and its test does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comment {
    Nothing,
    /// `SUSE Linux Enterprise Server 15 SP4 is installed`; its test compares the number alone, or less.
    Platform(Word),
    /// `MozillaFirefox is affected`, in every version.
    Affected,
    /// `kernel-default is not affected`
    NotAffected,
}

struct Test {
    object: Option<Word>,
    states: Vec<Word>,
    any: bool,
}

/// What a test compares.
pub(super) struct Found<'o> {
    /// None for a test of something else than a package.
    pub(super) package: Option<&'o str>,
    /// What is wanted of it; nothing when it must only be there.
    pub(super) states: Vec<State>,
    /// Is one of the states enough?
    pub(super) any: bool,
    /// It refers to a state that is not there.
    pub(super) dangling: bool,
}

#[derive(Clone, Copy, Default)]
pub(super) struct State {
    pub(super) evr: Option<(Operation, Word)>,
    /// Architectures, as a pattern or a text.
    pub(super) arch: Option<Word>,
    /// The version of the release package: `^9`.
    pub(super) version: Option<Word>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    Other,
}

impl Operation {
    pub(super) fn of(text: Option<&str>) -> Self {
        match text {
            Some("less than") => Self::Less,
            Some("less than or equal") => Self::LessOrEqual,
            Some("greater than") => Self::Greater,
            Some("greater than or equal") => Self::GreaterOrEqual,
            None | Some("equals") => Self::Equal,
            Some(_) => Self::Other,
        }
    }

    pub(super) const fn is_lower_bound(self) -> bool {
        matches!(self, Self::Greater | Self::GreaterOrEqual)
    }
}

impl Oval {
    /// Of a document that takes up so many bytes at most.
    pub(super) fn within(bytes: usize) -> Self {
        Self { left: bytes, ..Self::default() }
    }

    fn take(&mut self, bytes: usize) -> Result<(), TooMuch> {
        self.left = self.left.checked_sub(bytes).ok_or(TooMuch)?;
        Ok(())
    }

    pub(super) fn number(&mut self, text: &str) -> Result<Word, TooMuch> {
        if let Some(number) = self.words.numbers.get(text) {
            return Ok(*number);
        }
        self.take(text.len() + cost::WORD)?;
        let number = Word(u32::try_from(self.words.texts.len()).map_err(|_| TooMuch)?);
        let text: Rc<str> = text.into();
        self.words.texts.push(Rc::clone(&text));
        self.words.numbers.insert(text, number);
        Ok(number)
    }

    /// Counts a text that is kept as it is.
    pub(super) fn text(&mut self, text: String) -> Result<String, TooMuch> {
        self.take(text.len() + cost::STRING)?;
        Ok(text)
    }

    pub(super) fn add_definition(&mut self, definition: Definition) -> Result<(), TooMuch> {
        self.take(cost::DEFINITION)?;
        self.definitions.push(definition);
        Ok(())
    }

    pub(super) fn count_reference(&mut self, reference: &(String, String, Option<String>)) -> Result<(), TooMuch> {
        let (source, id, url) = reference;
        self.take(cost::REFERENCE + source.len() + id.len() + url.as_ref().map_or(0, String::len))
    }

    pub(super) fn count_criteria(&mut self) -> Result<(), TooMuch> {
        self.take(cost::CRITERIA)
    }

    pub(super) fn add_test(
        &mut self,
        id: &str,
        object: Option<&str>,
        states: &[String],
        any: bool,
    ) -> Result<(), TooMuch> {
        self.take(cost::TEST + states.len() * cost::STATE_OF_TEST)?;
        let id = self.number(id)?;
        let object = object.map(|object| self.number(object)).transpose()?;
        let states = states.iter().map(|state| self.number(state)).collect::<Result<_, _>>()?;
        self.tests.insert(id, Test { object, states, any });
        Ok(())
    }

    pub(super) fn add_object(&mut self, id: &str, name: Option<&str>) -> Result<(), TooMuch> {
        self.take(cost::OBJECT)?;
        let id = self.number(id)?;
        let name = name.map(|name| self.number(name)).transpose()?;
        self.objects.insert(id, name);
        Ok(())
    }

    pub(super) fn add_state(&mut self, id: &str, state: State) -> Result<(), TooMuch> {
        self.take(cost::STATE)?;
        let id = self.number(id)?;
        self.states.insert(id, state);
        Ok(())
    }

    /// The package of a test and what is wanted of it; None when the test, or what it is about, is not there.
    pub(super) fn test(&self, id: Word) -> Option<Found<'_>> {
        let test = self.tests.get(&id)?;
        let package = match test.object {
            Some(object) => self.objects.get(&object)?.map(|name| self.words.text(name)),
            None => None,
        };
        let states: Vec<State> = test.states.iter().filter_map(|state| self.states.get(state).copied()).collect();
        let dangling = states.len() < test.states.len();
        Some(Found { package, states, any: test.any, dangling })
    }
}
