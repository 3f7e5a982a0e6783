//! The vendor's side of tokens: the key pair, `stella kit issue-token`, and what a kit carries.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use domain::time::Timestamp;
use ouk::build::KitTarget;
use ouk::tokens::{
    Audience, Grant, JWKS_PATH, Jwks, REVOCATIONS_PATH, Revocations, SiteId, TOKENS_PATH, TokenKeyPair, TokenLimits,
    TokenSigner, issue_vendor_token, verify_bundle, verify_vendor_token, write_bundle,
};

use crate::cli::exit::{Exit, UsageError};
use crate::cli::files;
use crate::clock;

/// Names in the keys directory.
const KEY_NAME: &str = "jwt.key";
const JWKS_NAME: &str = "jwks.json";
const KEY_BYTES_MAX: u64 = 16 << 10;

const AFTER_HELP: &str = "\
Examples:
  stella kit issue-token --keys keys --sub customer-7 --tier Free --max-scans-per-day 333 >> tokens.ndjson
  stella kit build --keys keys --dataset dataset --tokens tokens.ndjson …

Writes one line to standard output. A site never shows this token to anyone: it mints its own of it.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct IssueArgs {
    /// Directory with jwt.key, made by `stella kit keys`
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// Whom the token is for
    #[arg(long, value_name = "NAME")]
    sub: String,
    #[arg(long, value_name = "NAME")]
    tier: String,
    /// The daily quota, 1 to 1000000
    #[arg(long, value_name = "N")]
    max_scans_per_day: u32,
    /// For how many days it is good, 1 to 45
    #[arg(long, default_value_t = 30, value_name = "N")]
    days: i64,
    /// The only site that may use it; any site by default
    #[arg(long, value_name = "ID")]
    site: Option<SiteId>,
}

pub(super) fn issue(args: &IssueArgs) -> Result<Exit> {
    let path = args.keys.join(KEY_NAME);
    let pem = String::from_utf8(files::read(&path, KEY_BYTES_MAX)?).context("the token key is not a PEM file")?;
    let pair = TokenKeyPair::from_pem(KEY_NAME, &pem)?;
    let signer = TokenSigner { key: pair.public(), sign: &|message| pair.sign(message) };
    let grant = Grant { subject: args.sub.clone(), tier: args.tier.clone(), scans_per_day_max: args.max_scans_per_day };
    let mut random = [0; 16];
    getrandom::fill(&mut random).context("the system gives no random numbers")?;
    let token = issue_vendor_token(&grant, args.site.as_ref(), clock::now(), args.days, random, &signer)
        .map_err(|error| UsageError(format!("no such token: {error}")))?;
    std::io::stdout().lock().write_all(&write_bundle(&[token])?)?;
    Ok(Exit::Clean)
}

/// Writes `jwt.key` and `jwks.json`. It is no key of a role: who can issue tokens cannot sign kits.
pub(super) fn write_key_pair(directory: &Path, pair: &TokenKeyPair) -> Result<()> {
    files::write_bytes(&directory.join(KEY_NAME), 0o600, pair.to_pem().expose())?;
    let jwks = Jwks::of([(pair.public().clone(), None)]).to_json();
    files::write_bytes(&directory.join(JWKS_NAME), 0o644, &jwks)
}

/// What of entitlements and revocations goes into a kit.
#[derive(clap::Args)]
pub(crate) struct KitArgs {
    /// Tokens of `stella kit issue-token`, one a line, in any order
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// The public keys of the tokens; jwks.json of the keys directory by default
    #[arg(long, value_name = "FILE", requires = "tokens")]
    jwks: Option<PathBuf>,
    /// What is withdrawn; put into its canonical form before it is signed
    #[arg(long, value_name = "FILE")]
    revocations: Option<PathBuf>,
}

impl KitArgs {
    /// The targets, each held to what a site will hold it to: one bad token fails the build.
    pub(super) fn targets(&self, keys: &Path, signed_at: Timestamp) -> Result<Vec<KitTarget<'static>>> {
        let limits = TokenLimits::default();
        let mut targets = Vec::new();
        let mut revocations = Revocations::none();
        if let Some(path) = &self.revocations {
            let bytes = files::read(path, limits.revocations_bytes_max as u64)?;
            revocations = Revocations::from_draft(&bytes, &limits).with_context(|| path.display().to_string())?;
            targets.push(target(REVOCATIONS_PATH, "revocations.v1+json", revocations.to_json()));
        }
        let Some(path) = &self.tokens else { return Ok(targets) };
        let jwks_path = self.jwks.clone().unwrap_or_else(|| keys.join(JWKS_NAME));
        let jwks = Jwks::parse(&files::read(&jwks_path, limits.jwks_bytes_max as u64)?, &limits)
            .with_context(|| jwks_path.display().to_string())?;
        let drafts = files::read(path, limits.bundle_bytes_max as u64)?;
        let bundle =
            assemble(&drafts, &jwks, signed_at, &revocations, &limits).with_context(|| path.display().to_string())?;
        targets.push(target(JWKS_PATH, "jwks.v1+json", jwks.to_json()));
        targets.push(target(TOKENS_PATH, "tokens.v1+ndjson", bundle));
        Ok(targets)
    }
}

/// Sorts the tokens of a file and reads the result as a site will.
fn assemble(
    drafts: &[u8],
    jwks: &Jwks,
    signed_at: Timestamp,
    revocations: &Revocations,
    limits: &TokenLimits,
) -> Result<Vec<u8>> {
    let text = std::str::from_utf8(drafts).context("not text")?;
    let mut tokens = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let compact = line.strip_prefix("{\"jwt\":\"").and_then(|line| line.strip_suffix("\"}"));
        let compact = compact.with_context(|| format!("line {number} is not of the form {{\"jwt\":\"…\"}}"))?;
        let token = verify_vendor_token(compact, jwks, Audience::AnySite, signed_at, revocations, limits);
        tokens.push(token.with_context(|| format!("line {number}"))?);
    }
    let bundle = write_bundle(&tokens)?;
    let read = verify_bundle(&bundle, jwks, Audience::AnySite, signed_at, revocations, &[], limits)?;
    anyhow::ensure!(read.tokens.len() == tokens.len(), "a token was lost on the way into the list");
    Ok(bundle)
}

fn target(path: &str, media: &str, content: Vec<u8>) -> KitTarget<'static> {
    KitTarget {
        path: path.to_owned(),
        media_type: format!("application/vnd.stella.{media}"),
        schema: 1,
        length_hint: Some(content.len() as u64),
        content: Box::new(Cursor::new(content)),
    }
}
