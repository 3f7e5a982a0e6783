//! The writer of SQLite files, read back by SQLite itself where Python is at hand.

mod ask;
mod grypedb;

use std::io::Cursor;

use ask::ask;
use domain::digest::Digest;
use feeds::sqlite::{Database, SqliteError, Table, Value};

/// Rows of every length around what fits into a page, a table that is deep, and keys enough for two levels of an index.
fn database() -> Vec<u8> {
    let mut out = Database::new(Cursor::new(Vec::new())).expect("a database");
    let mut deep =
        Table::new("deep", "CREATE TABLE deep (id integer PRIMARY KEY AUTOINCREMENT, name text, number integer)");
    let mut long = Table::new("long", "CREATE TABLE long (id integer PRIMARY KEY, value text NOT NULL)");
    for number in 0..120_000_i64 {
        let name = format!("name {number:06}");
        let id = out.push(&mut deep, &[Value::Null, name.into(), (number * 7_919 - 300_000).into()]).expect("in order");
        assert_eq!(id, number + 1);
    }
    for length in (0..20_000).step_by(97).chain(4050..4070).chain(8140..8160) {
        out.push(&mut long, &[Value::Null, "v".repeat(length).into()]).expect("in order");
    }
    out.end(deep).expect("written");
    out.end(long).expect("written");
    let keys: Vec<Vec<Value>> = (0..30_000_i64)
        .map(|number| {
            vec![format!("key {:05}", number * 17 % 30_000).into(), "k".repeat((number % 1500) as usize).into()]
        })
        .collect();
    out.keyed("keyed", "CREATE TABLE keyed (name text, more text, PRIMARY KEY (name, more))", 2, &keys)
        .expect("written");
    out.keyed("none", "CREATE TABLE none (name text, PRIMARY KEY (name))", 1, &[]).expect("written");
    let mut real = Table::new("real", "CREATE TABLE real (a real, b, c)");
    out.push(&mut real, &[Value::Real(0.25), Value::Null, (-1).into()]).expect("in order");
    out.end(real).expect("written");
    // A schema that needs more than the first page.
    for number in 0..60 {
        let sql = format!(
            "CREATE TABLE t{number} (a text, b text, CONSTRAINT a_name_that_takes_room_{number} CHECK (a <> b))"
        );
        out.end(Table::new(&format!("t{number}"), &sql)).expect("written");
    }
    out.end(Table::new("sqlite_sequence", "CREATE TABLE sqlite_sequence(name,seq)")).expect("written");
    let (out, length) = out.finish().expect("written");
    assert_eq!(out.get_ref().len() as u64, length);
    out.into_inner()
}

const QUESTIONS: [&str; 10] = [
    "PRAGMA integrity_check",
    "PRAGMA foreign_key_check",
    "SELECT count(*), min(id), max(id), sum(number) FROM deep",
    "SELECT name FROM deep WHERE id = 77777",
    "SELECT count(*), sum(length(value)) FROM long WHERE replace(value, 'v', '') = ''",
    "SELECT count(*) FROM keyed",
    "SELECT length(more) FROM keyed WHERE name = 'key 00017'",
    "SELECT count(*) FROM keyed WHERE name || more IN (SELECT name || more FROM keyed)",
    "SELECT a, b, c, typeof(a) FROM real",
    "SELECT count(*) FROM sqlite_master WHERE type = 'table'",
];

#[test]
fn sqlite_finds_no_fault_and_every_row() {
    let bytes = database();
    assert_eq!(Digest::of(&bytes), Digest::of(&database()), "the same rows, the same bytes");
    let Some(answers) = ask(&bytes, &QUESTIONS) else { return };
    let lengths: Vec<usize> = (0..20_000).step_by(97).chain(4050..4070).chain(8140..8160).collect();
    let number: i64 = (0..120_000).map(|number| number * 7_919 - 300_000).sum();
    let want = [
        "[('ok',)]".to_owned(),
        "[]".to_owned(),
        format!("[(120000, 1, 120000, {number})]"),
        "[('name 077776',)]".to_owned(),
        format!("[({}, {})]", lengths.len(), lengths.iter().sum::<usize>()),
        "[(30000,)]".to_owned(),
        "[(1,)]".to_owned(),
        "[(30000,)]".to_owned(),
        "[(0.25, None, -1, 'real')]".to_owned(),
        "[(66,)]".to_owned(),
    ];
    assert_eq!(answers, want);
}

#[test]
fn a_database_of_a_few_small_tables_is_whole_as_well() {
    let mut out = Database::new(Cursor::new(Vec::new())).expect("a database");
    let mut table = Table::new("one", "CREATE TABLE one (a)");
    out.push(&mut table, &["x".into()]).expect("in order");
    out.end(table).expect("written");
    let bytes = out.finish().expect("written").0.into_inner();
    // https://www.sqlite.org/fileformat2.html#the_database_header
    assert_eq!((&bytes[..16], &bytes[28..32]), (&b"SQLite format 3\0"[..], &2_u32.to_be_bytes()[..]));
    if let Some(answers) = ask(&bytes, &["PRAGMA integrity_check", "SELECT a FROM one"]) {
        assert_eq!(answers, ["[('ok',)]", "[('x',)]"]);
    }
}

#[test]
fn errors_of_the_disk_are_passed_on() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    impl std::io::Seek for Full {
        fn seek(&mut self, _: std::io::SeekFrom) -> std::io::Result<u64> {
            Ok(0)
        }
    }
    assert!(matches!(Database::new(Full).map(drop), Err(SqliteError::Write(_))));
}
