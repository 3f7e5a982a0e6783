//! docs/threats.md says what the catalogue says, and what both name is there.

use std::collections::{BTreeMap, BTreeSet};

use tests::repository;

use crate::catalogue::{LETTERS, PUBLISHED, cases, ids};

/// A line of the document's tables.
struct Row {
    id: String,
    /// `file::symbol`, where the defence is.
    defences: Vec<String>,
    /// A case's name, or `file::test`.
    tests: Vec<String>,
    open: bool,
    /// Says that it attacks something that this program does not have.
    absent: bool,
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn rows() -> Vec<Row> {
    let text = read("docs/threats.md");
    let rows: Vec<Row> = text.lines().filter_map(row).collect();
    assert!(rows.len() >= 154, "only {} rows were found", rows.len());
    rows
}

/// `| id | attack | defence | test |`.
fn row(line: &str) -> Option<Row> {
    let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let [id, _, defence, test] = cells.as_slice() else { return None };
    let is_id = ids().any(|known| known == *id) || PUBLISHED.contains(id);
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let row = Row {
        id: (*id).to_owned(),
        defences: quoted(defence),
        tests: quoted(test),
        open: test.starts_with("OPEN"),
        absent: test.starts_with("not here: "),
    };
    is_id.then_some(row)
}

#[test]
fn the_document_lists_every_id_once_and_no_other() {
    let mut seen = BTreeMap::<String, usize>::new();
    rows().iter().filter(|row| row.id.len() == 3).for_each(|row| *seen.entry(row.id.clone()).or_default() += 1);
    let expected: BTreeMap<String, usize> = ids().map(|id| (id, 1)).collect();
    assert_eq!(seen, expected);
    let published: Vec<String> = rows().into_iter().map(|row| row.id).filter(|id| id.len() > 3).collect();
    assert_eq!(published.iter().collect::<BTreeSet<_>>().len(), published.len(), "one row each");
    let missing: Vec<_> = PUBLISHED.iter().filter(|id| !published.iter().any(|row| row == *id)).collect();
    assert!(missing.is_empty(), "no row: {missing:?}");
}

#[test]
fn the_document_names_the_cases_of_each_id_and_what_is_open() {
    for row in rows() {
        let mut expected: BTreeSet<&str> = cases().filter(|case| case.id == row.id).map(|case| case.name).collect();
        let elsewhere = LETTERS.iter().flat_map(|letter| letter.elsewhere).filter(|entry| entry.id == row.id);
        expected.extend(elsewhere.flat_map(|entry| entry.tests.iter().copied()));
        let named: BTreeSet<&str> = row.tests.iter().map(String::as_str).collect();
        if row.id.len() == 3 {
            assert_eq!(named, expected, "{}", row.id);
        } else {
            // A published vulnerability may be covered by the case of its class.
            let known: BTreeSet<&str> = cases().map(|case| case.name).collect();
            assert!(named.is_superset(&expected), "{} lacks {expected:?}", row.id);
            assert!(named.iter().all(|name| known.contains(name) || name.contains("::")), "{}: {named:?}", row.id);
        }
        let open = LETTERS.iter().flat_map(|letter| letter.open).any(|entry| entry.id == row.id);
        assert_eq!(row.open, open, "{}: OPEN in one place only", row.id);
        assert!(row.open || row.absent || !named.is_empty(), "{} has no test and is not OPEN", row.id);
    }
}

#[test]
fn every_id_has_a_case_or_says_why_not() {
    let elsewhere = LETTERS.iter().flat_map(|letter| letter.elsewhere).map(|entry| entry.id);
    let open: Vec<_> = LETTERS.iter().flat_map(|letter| letter.open).collect();
    let known: BTreeSet<&str> =
        cases().map(|case| case.id).chain(elsewhere).chain(open.iter().map(|open| open.id)).collect();
    for open in open {
        assert!(open.reason.len() > 10, "{}: a reason is a sentence", open.id);
    }
    let without: Vec<String> = ids().filter(|id| !known.contains(id.as_str())).collect();
    assert!(without.is_empty(), "neither tested nor OPEN: {without:?}");
}

#[test]
fn every_defence_and_every_test_that_is_named_exists() {
    for row in rows() {
        for name in row.defences.iter().chain(&row.tests).filter(|name| name.contains(".rs")) {
            let (path, symbol) = name.split_once("::").unwrap_or((name, ""));
            let symbol = symbol.rsplit("::").next().unwrap_or_default();
            assert!(read(path).contains(symbol), "{}: {path} has no {symbol}", row.id);
            let is_test = row.tests.contains(name);
            // A macro that makes tests lists them as `name: number`.
            let spellings = [format!("fn {symbol}("), format!("\n    {symbol}: ")];
            assert!(
                !is_test || spellings.iter().any(|spelling| read(path).contains(spelling)),
                "{}: {path} has no test {symbol}",
                row.id
            );
        }
        assert!(row.open || row.id.len() > 3 || !row.defences.is_empty(), "{} names no defence", row.id);
    }
}

#[test]
fn names_of_cases_begin_with_their_id_and_are_distinct() {
    let mut seen = BTreeSet::new();
    for case in cases() {
        assert!(seen.insert(case.name), "{} occurs twice", case.name);
        let id = case.id.to_ascii_lowercase().replace('-', "_");
        assert!(case.name.starts_with(&id), "{} does not begin with {id}", case.name);
    }
}

#[test]
fn every_defence_that_is_taken_out_to_try_the_tests_is_still_there() {
    // What is not found cannot be taken out, and would pass for noticed.
    let (mut stale, mut file, mut old) = (Vec::new(), None::<String>, Vec::new());
    let text = read("scripts/mutations");
    for line in text.lines().chain(["# end | end"]) {
        if let Some(head) = line.strip_prefix("# ") {
            let next = head.split_once(" | ").map(|(_, file)| file.trim().to_owned());
            if let Some(file) = std::mem::replace(&mut file, next) {
                let old: String = std::mem::take(&mut old).join("\n");
                if read(&file).matches(&old).count() != 1 {
                    stale.push(format!("{file}: {old}"));
                }
            }
        } else if let Some(line) = line.strip_prefix("- ") {
            old.push(line);
        }
    }
    assert!(stale.is_empty(), "{stale:#?}");
}
