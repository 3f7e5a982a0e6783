//! The flags of VEX, the same for every verb that applies it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use domain::time::Timestamp;
use domain::vex::{Justification, VexEffect, VexStatus};
use policy::vex::{Claim, Claims, Document, Library, Limits, Subject, VexError, Weighed};
use serde::Serialize;

use super::exit::UsageError;
use super::files;
use crate::report::{Author, escape};
use crate::scan::VexOptions;

/// The word in the place of a file that stands for what the SBOM says of itself.
const SBOM: &str = "sbom";
/// Files of a directory that are named before the rest is counted.
const STRANGERS_NAMED: usize = 3;

#[derive(clap::Args)]
pub(crate) struct VexArgs {
    /// Apply a VEX document: OpenVEX, CSAF or CycloneDX in JSON, also in an attestation; a directory of them; or `sbom`
    /// for the analyses in the SBOM itself (may be repeated)
    #[arg(long = "vex", value_name = "FILE|DIR|sbom", env = "STELLA_VEX")]
    documents: Vec<PathBuf>,
    /// List the findings that VEX suppresses, in the table too
    #[arg(long, env = "STELLA_SHOW_SUPPRESSED")]
    pub(crate) show_suppressed: bool,
    /// Author of VEX that is written
    #[arg(long, value_name = "NAME", env = "STELLA_VEX_AUTHOR")]
    vex_author: Option<String>,
    /// URI of the author, for CSAF that is written
    #[arg(long, value_name = "URI", env = "STELLA_VEX_NAMESPACE")]
    vex_namespace: Option<String>,
}

impl VexArgs {
    /// What counts, and what is to be said of the files that were given.
    pub(crate) fn options(&self) -> Result<(VexOptions, Vec<String>)> {
        let is_sbom = |path: &&PathBuf| path.as_os_str() == SBOM;
        let files: Vec<PathBuf> = self.documents.iter().filter(|path| !is_sbom(path)).cloned().collect();
        let loaded = load(&files)?;
        let embedded = self.documents.iter().any(|path| is_sbom(&path));
        Ok((VexOptions { site: Arc::new(Library::of(loaded.documents)), embedded }, loaded.notes))
    }

    pub(crate) fn author(&self) -> Author {
        let default = Author::default();
        Author {
            name: self.vex_author.clone().unwrap_or(default.name),
            namespace: self.vex_namespace.clone().unwrap_or(default.namespace),
        }
    }
}

/// Documents that were read.
pub(crate) struct Loaded {
    pub(crate) documents: Vec<Document>,
    /// What must be said of files that are no VEX.
    pub(crate) notes: Vec<String>,
}

/// Reads files, and directories of files. In a directory other files may lie; a file that is named must be VEX.
pub(crate) fn load(paths: &[PathBuf]) -> Result<Loaded> {
    let limits = Limits::default();
    let mut loaded = Loaded { documents: Vec::new(), notes: Vec::new() };
    for path in paths {
        if !path.is_dir() {
            loaded.documents.extend(read(path, &limits)?.with_context(|| cannot(path))?);
            continue;
        }
        let (mut strangers, found) = (Vec::new(), loaded.documents.len());
        for file in files::walk(std::slice::from_ref(path))? {
            match read(&file, &limits)? {
                Ok(documents) => loaded.documents.extend(documents),
                // A README, an index, a picture.
                Err(VexError::Unrecognised { .. } | VexError::NotUtf8 | VexError::Empty) => strangers.push(file),
                Err(VexError::Malformed { .. }) if file.extension().is_none_or(|it| it != "json") => {
                    strangers.push(file)
                }
                Err(error) => return Err(error).with_context(|| cannot(&file)),
            }
        }
        if loaded.documents.len() == found {
            return Err(UsageError(format!("--vex {}: there is no VEX document in it", path.display())).into());
        }
        if !strangers.is_empty() {
            let named: Vec<_> = strangers.iter().take(STRANGERS_NAMED).map(|file| file.display().to_string()).collect();
            let (count, named) = (strangers.len(), named.join(", "));
            loaded.notes.push(format!("VEX {}: {count} files are no VEX documents: {named}", path.display()));
        }
    }
    Ok(loaded)
}

fn cannot(path: &Path) -> String {
    format!("cannot apply the VEX document {}", path.display())
}

fn read(path: &Path, limits: &Limits) -> Result<Result<Vec<Document>, VexError>> {
    let bytes = files::read(path, limits.bytes_max as u64)?;
    Ok(policy::vex::read(&path.display().to_string(), &bytes, limits))
}

/// What VEX says of one package and one vulnerability, and what comes of it.
#[derive(Serialize)]
pub(crate) struct VexExplanation {
    /// What is to be known of the documents.
    warnings: Vec<String>,
    statements: Vec<Said>,
    /// Statements that are nearly about the package, and what is missing.
    unmatched: Vec<String>,
    effect: Option<VexEffect>,
}

#[derive(Serialize)]
struct Said {
    document: String,
    place: String,
    author: Option<String>,
    timestamp: Option<Timestamp>,
    status: VexStatus,
    justification: Option<Justification>,
    target: String,
    standing: &'static str,
}

impl VexExplanation {
    /// None when there is no document to ask.
    pub(crate) fn of(paths: &[PathBuf], subject: &Subject<'_>) -> Result<Option<Self>> {
        if paths.is_empty() {
            return Ok(None);
        }
        let loaded = load(paths)?;
        let library = Library::of(loaded.documents);
        let claims = Claims::of(&[&library]);
        let weighing = claims.weigh(subject);
        let said = |one: &Weighed<'_>| Said {
            document: one.claim.document.about.name.clone(),
            place: one.claim.statement.place.clone(),
            author: one.claim.document.about.author.clone(),
            timestamp: one.claim.statement.timestamp,
            status: one.claim.statement.status,
            justification: one.claim.statement.justification,
            target: one.target.to_string(),
            standing: one.standing.as_str(),
        };
        let near = |(claim, miss): &(Claim<'_>, String)| {
            format!("{} {}: {miss}", claim.document.about.name, claim.statement.place)
        };
        Ok(Some(Self {
            warnings: claims.warnings().into_iter().chain(loaded.notes).collect(),
            statements: weighing.weighed.iter().map(said).collect(),
            unmatched: weighing.near.iter().map(near).collect(),
            effect: weighing.decision.map(|decision| decision.effect),
        }))
    }

    pub(crate) fn write(&self, out: &mut impl Write) -> Result<()> {
        for warning in &self.warnings {
            writeln!(out, "  warning: {}", escape(warning))?;
        }
        for said in &self.statements {
            let author = said.author.as_deref().unwrap_or("an author not named");
            let why = said.justification.map(|why| format!(" ({why})")).unwrap_or_default();
            let line = format!(
                "  VEX {}{why} for {}: {author} in {} {}; {}",
                said.status, said.target, said.document, said.place, said.standing
            );
            writeln!(out, "{}", escape(&line))?;
        }
        for near in &self.unmatched {
            writeln!(out, "  VEX does not apply: {}", escape(near))?;
        }
        let conclusion = match self.effect {
            None => "no VEX statement is about it",
            Some(VexEffect::Suppressed) => "VEX suppresses the finding",
            Some(VexEffect::Annotated) => "the finding counts, VEX only says something of it",
            Some(VexEffect::Contradicted) => "VEX statements contradict each other, so the finding counts",
        };
        Ok(writeln!(out, "=> {conclusion}")?)
    }
}
