//! `make attacks`: every attack of the catalogue, run and printed as a table.

#[path = "../tests/attacks/catalogue/mod.rs"]
mod catalogue;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use catalogue::{LETTERS, PUBLISHED, cases, check, ids};

fn main() -> std::process::ExitCode {
    if print_table() { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}

/// Runs every case; says whether all held.
#[expect(clippy::print_stdout, reason = "this is the table")]
fn print_table() -> bool {
    // A failure is a row of the table; its backtrace would tear the table apart.
    std::panic::set_hook(Box::new(|_| {}));
    println!("{:<17} {:<72} {:<34} {:<34} ok", "id", "attack", "expected", "got (variants)");
    let (mut held, mut failed, mut variants) = (0, 0, 0);
    let mut seen = BTreeMap::<&str, usize>::new();
    for case in cases() {
        let result = catch_unwind(AssertUnwindSafe(|| check(case)));
        let (got, ok) = match &result {
            Ok(got) => {
                variants += got.len();
                held += 1;
                (words(got.iter().map(|got| got.word.as_str())), "yes")
            }
            Err(panic) => {
                failed += 1;
                (reason(&**panic), "NO")
            }
        };
        *seen.entry(case.id).or_default() += 1;
        // The name begins with the id.
        let title = case.name[case.id.len()..].trim_start_matches('_').replace('_', " ");
        println!("{:<17} {title:<72} {:<34} {got:<34} {ok}", case.id, words(case.expected.iter().copied()));
    }
    let open: BTreeMap<&str, &str> =
        LETTERS.iter().flat_map(|letter| letter.open).map(|entry| (entry.id, entry.reason)).collect();
    let mut elsewhere = 0;
    for entry in LETTERS.iter().flat_map(|letter| letter.elsewhere) {
        elsewhere += usize::from(!seen.contains_key(entry.id) && !open.contains_key(entry.id));
        *seen.entry(entry.id).or_default() += 1;
        println!("{:<17} tested in its own room: {}", entry.id, entry.tests.join(", "));
    }
    for (id, reason) in &open {
        println!("{id:<17} OPEN: {reason}");
    }
    let open = open.len();
    let total = ids().count();
    let named = cases().filter(|case| case.id.len() > 3).count();
    let by_case = total - elsewhere - open;
    println!(
        "\n{total} ids: {by_case} by cases here, {elsewhere} only in their own rooms, {open} OPEN; \
         {named} cases of {} published vulnerabilities; {held} cases held, {failed} failed, {variants} variants",
        PUBLISHED.len()
    );
    failed == 0
}

/// The words with how often each occurs.
fn words<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut counted = BTreeMap::<&str, usize>::new();
    words.for_each(|word| *counted.entry(word).or_default() += 1);
    let shown =
        counted.iter().map(|(word, count)| if *count > 1 { format!("{word} x{count}") } else { (*word).to_owned() });
    shown.collect::<Vec<_>>().join(" ")
}

fn reason(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it panicked").chars().take(160).collect::<String>().replace('\n', " ")
}
