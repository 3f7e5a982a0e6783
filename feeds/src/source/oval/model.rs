//! An OVAL document as far as it is read here, and its parts by id.
//!
//! Definitions come first and refer to tests, tests to objects and states that come last. So all
//! of a document is kept until its end, without what is not needed: texts that recur are kept
//! once, and how much is kept is limited.

use std::collections::HashMap;

/// Definitions, tests, objects and states. Oracle's whole document has some 3 million.
const MOST_PARTS: usize = 16_000_000;
/// Bytes of texts.
const MOST_TEXT: usize = 1 << 30;

/// A limit is reached.
#[derive(Debug)]
pub(super) struct TooMuch;

/// A text that is kept once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Word(u32);

#[derive(Default)]
pub(super) struct Words {
    numbers: HashMap<Box<str>, Word>,
    texts: Vec<Box<str>>,
    bytes: usize,
}

impl Words {
    pub(super) fn number(&mut self, text: &str) -> Result<Word, TooMuch> {
        if let Some(number) = self.numbers.get(text) {
            return Ok(*number);
        }
        self.count(text.len())?;
        let number = Word(u32::try_from(self.texts.len()).map_err(|_| TooMuch)?);
        self.texts.push(text.into());
        self.numbers.insert(text.into(), number);
        Ok(number)
    }

    pub(super) fn text(&self, word: Word) -> &str {
        self.texts.get(word.0 as usize).map_or("", |text| text)
    }

    /// Counts bytes that are kept elsewhere.
    pub(super) fn count(&mut self, bytes: usize) -> Result<(), TooMuch> {
        self.bytes += bytes;
        if self.bytes > MOST_TEXT { Err(TooMuch) } else { Ok(()) }
    }
}

#[derive(Default)]
pub(super) struct Oval {
    pub(super) words: Words,
    pub(super) definitions: Vec<Definition>,
    tests: HashMap<Word, Test>,
    /// Names of packages, by object.
    objects: HashMap<Word, Word>,
    states: HashMap<Word, State>,
    parts: usize,
}

#[derive(Default)]
pub(super) struct Definition {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) severity: Option<String>,
    pub(super) patchable: Option<String>,
    pub(super) advisory_id: Option<String>,
    pub(super) date: Option<String>,
    /// Source and id.
    pub(super) references: Vec<(String, String, Option<String>)>,
    pub(super) criteria: Option<Criteria>,
}

/// What must hold.
pub(super) enum Criteria {
    All(Vec<Criteria>),
    Any(Vec<Criteria>),
    Test(Word),
    /// `Module nodejs:18 is enabled`, which only the comment says in words.
    Module(String),
}

#[derive(Clone, Copy)]
pub(super) struct Test {
    pub(super) object: Word,
    pub(super) state: Word,
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
}

impl Oval {
    pub(super) fn add_definition(&mut self, definition: Definition) -> Result<(), TooMuch> {
        self.words.count(definition.title.len() + definition.description.len())?;
        self.definitions.push(definition);
        self.count()
    }

    pub(super) fn add_test(&mut self, id: &str, object: &str, state: &str) -> Result<(), TooMuch> {
        let id = self.words.number(id)?;
        let test = Test { object: self.words.number(object)?, state: self.words.number(state)? };
        self.tests.insert(id, test);
        self.count()
    }

    pub(super) fn add_object(&mut self, id: &str, name: &str) -> Result<(), TooMuch> {
        let (id, name) = (self.words.number(id)?, self.words.number(name)?);
        self.objects.insert(id, name);
        self.count()
    }

    pub(super) fn add_state(&mut self, id: &str, state: State) -> Result<(), TooMuch> {
        let id = self.words.number(id)?;
        self.states.insert(id, state);
        self.count()
    }

    /// The package of a test and what is wanted of it.
    pub(super) fn test(&self, id: Word) -> Option<(&str, State)> {
        let test = self.tests.get(&id)?;
        let (name, state) = (self.objects.get(&test.object)?, self.states.get(&test.state)?);
        Some((self.words.text(*name), *state))
    }

    pub(super) fn count(&mut self) -> Result<(), TooMuch> {
        self.parts += 1;
        if self.parts > MOST_PARTS { Err(TooMuch) } else { Ok(()) }
    }
}
