//! `stella db`: questions to the active data.

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Subcommand, ValueEnum};
use comfy_table::{Table, presets};
use domain::component::{Component, Distribution, Identity};
use domain::matching::{Explanation, explain};
use domain::purl::Purl;
use domain::source::SourceStatus;
use domain::time::Timestamp;
use policy::vex::Subject;
use store::{Generation, TrivyDbRow};

use super::Global;
use super::exit::{Exit, UsageError};
use super::vex::VexExplanation;
use crate::clock;

mod check;

const SEARCH_ROWS: usize = 50;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// List each source of the active generation with its record count and age
    Status {
        #[arg(short, long, value_enum, default_value = "table")]
        format: Format,
    },
    /// Read every byte of the generations that are kept: are they still what was imported?
    #[command(
        after_help = "Exit code 0: whole; 5: damaged, and the line says of what and what to do.\n\nExamples:\n  stella db check\n  stella db check --format json"
    )]
    Check {
        #[arg(short, long, value_enum, default_value = "table")]
        format: Format,
    },
    /// Find advisories by id or alias (prefix), and packages by a part of their name
    #[command(
        after_help = "Examples:\n  stella db search CVE-2021-44228\n  stella db search GHSA-jfh8\n  stella db search openssl"
    )]
    Search {
        text: String,
        #[arg(short, long, value_enum, default_value = "table")]
        format: Format,
    },
    /// Explain why a package has a vulnerability, or why it has not
    #[command(
        after_help = "Examples:\n  stella db explain CVE-2021-44228 pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1\n  stella db explain CVE-2022-0778 'pkg:deb/debian/libssl1.1@1.1.1k-1?upstream=openssl&distro=debian-11'"
    )]
    Explain {
        /// CVE or any alias
        vulnerability: String,
        /// Package URL with a version
        purl: String,
        /// Weigh VEX documents, too: files, or directories of them (may be repeated)
        #[arg(long, value_name = "FILE|DIR")]
        vex: Vec<PathBuf>,
        /// Package URL of what the package is in, for VEX that speaks of components in a product
        #[arg(long, value_name = "PURL", requires = "vex")]
        product: Option<String>,
        #[arg(short, long, value_enum, default_value = "table")]
        format: Format,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
}

pub(crate) fn run(global: &Global, verb: &Verb) -> Result<Exit> {
    let store = global.open_store()?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let exit = match verb {
        Verb::Status { format } => status(&store.open_current()?, *format, clock::now(), &mut out)?,
        Verb::Check { format } => check::check(global, &store, *format, &mut out)?,
        Verb::Search { text, format } => search(&store.open_current()?, text, *format, &mut out)?,
        Verb::Explain { vulnerability, purl, vex, product, format } => {
            let question = Question { vulnerability, purl, vex, product: product.as_deref() };
            explain_one(&store.open_current()?, &store, &question, *format, &mut out)?
        }
    };
    out.flush()?;
    Ok(exit)
}

/// The Trivy DB that a kit has brought, in a line.
pub(crate) fn describe_trivy_db(row: &TrivyDbRow) -> String {
    let TrivyDbRow { schema, updated_at, next_update, platforms, advisories, vulnerabilities, .. } = row;
    format!(
        "Trivy DB      schema {schema} of {updated_at}, due at {next_update}: {advisories} advisories for {platforms} \
         platforms, {vulnerabilities} vulnerabilities"
    )
}

fn status(generation: &Generation, format: Format, now: Timestamp, out: &mut impl Write) -> Result<Exit> {
    let row = generation.row();
    if format == Format::Json {
        let ages: Vec<_> = row.sources.iter().map(|source| age_days(source, now)).collect();
        let document = serde_json::json!({
            "generation": row.number, "kit": row.kit_sha256, "kit_version": row.kit_version,
            "content_root": row.content_root, "signed_at": row.signed_at, "imported_at": row.imported_at,
            "advisories": row.advisories, "ecosystems": generation.ecosystems(),
            "sources": row.sources, "age_days": ages, "trivy_db": row.trivy_db,
        });
        writeln!(out, "{document:#}")?;
        return Ok(Exit::Clean);
    }
    writeln!(out, "generation    {} (kit version {}, {} {})", row.number, row.kit_version, row.product, row.channel)?;
    writeln!(out, "kit           sha256:{}", row.kit_sha256)?;
    writeln!(out, "content root  {}", row.content_root)?;
    writeln!(out, "signed        {}   imported {}", row.signed_at, row.imported_at)?;
    let ecosystems = generation.ecosystems();
    let complete = ecosystems.values().filter(|complete| **complete).count();
    writeln!(out, "advisories    {} for {complete} ecosystems and releases", row.advisories)?;
    let partial: Vec<_> =
        ecosystems.iter().filter(|(_, complete)| !**complete).map(|(name, _)| name.as_str()).collect();
    if !partial.is_empty() {
        writeln!(
            out,
            "not complete  {} more, whose packages count as not evaluated (--format json lists them)",
            partial.len()
        )?;
    }
    if let Some(trivy_db) = &row.trivy_db {
        writeln!(out, "{}", describe_trivy_db(trivy_db))?;
    }
    let mut table = new_table(["source", "name", "records", "rejected", "as of", "age", "licence"]);
    for source in &row.sources {
        let age = match age_days(source, now) {
            Some(days) => format!("{days} d"),
            None => "unknown".to_owned(),
        };
        let as_of = source.as_of.map_or_else(|| "not stated".to_owned(), Timestamp::date);
        let (records, rejected) = (source.records.to_string(), source.rejected.to_string());
        table.add_row([source.source.as_str(), &source.name, &records, &rejected, &as_of, &age, &source.licence]);
    }
    writeln!(out, "\n{table}")?;
    Ok(Exit::Clean)
}

fn age_days(source: &SourceStatus, now: Timestamp) -> Option<i64> {
    match policy::source_age(source, now).age {
        policy::DataAge::Days(days) => Some(days),
        policy::DataAge::Unknown => None,
    }
}

fn new_table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table
}

fn search(generation: &Generation, text: &str, format: Format, out: &mut impl Write) -> Result<Exit> {
    if text.trim().is_empty() {
        return Err(UsageError("search needs an id, an alias or a part of a package name".to_owned()).into());
    }
    let view = generation.view()?;
    // Ids are written in their own case: CVE and GHSA prefixes upper, the rest of a GHSA lower.
    let upper = text.to_uppercase();
    let mut ids = view.search_ids(text, SEARCH_ROWS)?;
    if ids.is_empty() {
        ids = view.search_ids(&upper, SEARCH_ROWS)?;
    }
    let packages = view.search_packages(text, SEARCH_ROWS)?;
    if format == Format::Json {
        let document = serde_json::json!({
            "advisories": ids.iter().map(|(name, id)| serde_json::json!({"name": name, "advisory": id})).collect::<Vec<_>>(),
            "packages": packages.iter().map(|(ecosystem, name)| serde_json::json!({"ecosystem": ecosystem, "name": name})).collect::<Vec<_>>(),
        });
        writeln!(out, "{document:#}")?;
        return Ok(Exit::Clean);
    }
    for (name, id) in &ids {
        let title = domain::matching::AdvisoryIndex::summary(&view, id)?.and_then(|summary| summary.title);
        let alias = if name == id { String::new() } else { format!(" (alias of {id})") };
        writeln!(out, "{name}{alias}  {}", crate::report::escape(&title.unwrap_or_default()))?;
    }
    for (ecosystem, name) in &packages {
        writeln!(out, "package {ecosystem}  {}", crate::report::escape(name))?;
    }
    if ids.is_empty() && packages.is_empty() {
        writeln!(out, "nothing in generation {} goes by {text:?}", generation.row().number)?;
    } else if ids.len().max(packages.len()) == SEARCH_ROWS {
        writeln!(out, "(the first {SEARCH_ROWS} of each; type more to narrow it down)")?;
    }
    Ok(Exit::Clean)
}

/// Which package has which vulnerability, in the light of which VEX?
struct Question<'a> {
    vulnerability: &'a str,
    purl: &'a str,
    vex: &'a [PathBuf],
    product: Option<&'a str>,
}

fn explain_one(
    generation: &Generation,
    store: &store::Store,
    question: &Question<'_>,
    format: Format,
    out: &mut impl Write,
) -> Result<Exit> {
    let Question { vulnerability, purl, vex, product } = *question;
    let parsed = Purl::parse(purl).map_err(|error| UsageError(error.to_string()))?;
    if parsed.version.is_none() {
        return Err(UsageError(format!("{purl}: add the version, as in {purl}@1.2.3")).into());
    }
    let component = Component {
        name: parsed.name.clone(),
        version: parsed.version.clone(),
        purl: Some(parsed),
        ..Component::default()
    };
    let view = generation.view()?;
    let ids = view.resolve(vulnerability)?;
    if ids.is_empty() {
        bail!("no advisory in generation {} goes by {vulnerability}", generation.row().number);
    }
    let mut names = vec![vulnerability.to_owned()];
    for id in &ids {
        let advisory = view.advisory(id, store.blobs())?.with_context(|| format!("{id} has no record"))?;
        names.push(id.clone());
        names.extend(advisory.aliases);
    }
    let explanation = explain(&component, None::<&Distribution>, &names, &view)?;
    let root = product.map(Purl::parse).transpose().map_err(|error| UsageError(error.to_string()))?;
    let identity = Identity { root, ..Identity::default() };
    let subject = Subject { vulnerability, aliases: &names, component: &component, identity: &identity };
    let vex = VexExplanation::of(vex, &subject)?;
    if format == Format::Json {
        let document = serde_json::json!({
            "vulnerability": vulnerability, "purl": purl, "advisories": ids, "explanation": explanation, "vex": vex,
        });
        writeln!(out, "{document:#}")?;
    } else {
        write_explanation(&explanation, vulnerability, purl, &ids, out)?;
        vex.iter().try_for_each(|vex| vex.write(out))?;
    }
    Ok(if explanation.unevaluated.is_some() { Exit::Indeterminate } else { Exit::Clean })
}

fn write_explanation(
    explanation: &Explanation,
    vulnerability: &str,
    purl: &str,
    ids: &[String],
    out: &mut impl Write,
) -> Result<()> {
    writeln!(out, "{vulnerability} is kept as {}", ids.join(", "))?;
    for looked_up in &explanation.looked_up {
        writeln!(out, "looked up  {looked_up}")?;
    }
    for step in &explanation.steps {
        let mark = if step.affected { "affected    " } else { "not affected" };
        let weight = if step.decisive { "" } else { "  (another source decides here)" };
        let evidence = &step.evidence;
        writeln!(out, "  {mark}  {} {}: {}{weight}", evidence.source, evidence.record, evidence.reason)?;
    }
    if explanation.steps.is_empty() && explanation.unevaluated.is_none() {
        writeln!(out, "  no source says anything of this package under {vulnerability}")?;
    }
    match &explanation.unevaluated {
        Some(reason) => writeln!(out, "=> not evaluated: {reason}")?,
        None if explanation.affected => writeln!(out, "=> {purl} is affected")?,
        None => writeln!(out, "=> {purl} is not affected")?,
    }
    Ok(())
}
