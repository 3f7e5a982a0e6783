//! How long a complete verification takes, against `zstd -d KIT | sha256sum`.
//!
//! Builds a kit of about 60 MB of generated advisories in memory, then alternates the two
//! on it and prints the medians and their ratio. `zstd` and `sha256sum` must be installed.

#![expect(
    clippy::disallowed_methods,
    reason = "a measurement reads the clock, and the tool it is held against reads a file"
)]

use std::io::{Cursor, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use domain::time::Timestamp;
use ouk::build::{BuildInput, Expiries, KitTarget, build};
use ouk::keys::{CeremonyConfig, KeySet, ceremony};
use ouk::limits::Limits;
use ouk::verify::{Floors, Gates, TrustState, verify};

const ROUNDS: usize = 7;
const TARGETS: u64 = 30;
const TARGET_BYTES: usize = 2 << 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let now = Timestamp::parse_strict("2026-11-24T00:00:00Z")?;
    let mut state = 1_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut rng = |bytes: &mut [u8]| bytes.iter_mut().for_each(|byte| *byte = random() as u8);
    let made = ceremony(&CeremonyConfig::new(now), &mut rng)?;
    let secret = made.files.iter().map(|(name, secret)| (name.as_str(), secret.expose()));
    let public = made.public_files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let keys = KeySet::from_files(secret.chain(public))?;
    let contents: Vec<Vec<u8>> = (0..TARGETS).map(advisories).collect();
    let targets = contents.iter().enumerate().map(|(at, content)| KitTarget {
        path: format!("feeds/advisories/{at:05}.ndjson"),
        media_type: "application/x-ndjson".to_owned(),
        schema: 1,
        content: Box::new(content.as_slice()),
        length_hint: None,
    });
    let input = BuildInput {
        product: "stella".to_owned(),
        channel: "stable".to_owned(),
        version: 1,
        roots: vec![made.root_json.clone()],
        keys: &keys,
        expiries: Expiries::default(),
        signed_at: now,
        min_appliance_version: "0.1.0".to_owned(),
        compression_level: 9,
        notes: String::new(),
        base: None,
    };
    let mut kit = Vec::new();
    let built = build(input, targets.collect(), &mut Cursor::new(Vec::new()), &mut kit, &mut |_| {})?;
    let file = std::env::temp_dir().join(format!("kit-ratio-{}.tar.zst", std::process::id()));
    std::fs::write(&file, &kit)?;
    let trust = TrustState { root: made.root_json, floors: Floors::default() };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut plain = 0;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        plain = verified_bytes(&file, &trust, now)?;
        ours.push(start.elapsed());
        let start = Instant::now();
        baseline(&file)?;
        theirs.push(start.elapsed());
    }
    std::fs::remove_file(&file)?;
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    let mut out = std::io::stdout().lock();
    writeln!(out, "kit {} bytes, plain {plain} bytes", built.length)?;
    writeln!(out, "verify and open all blobs, one thread  {ours:?}")?;
    writeln!(out, "zstd -d | sha256sum, two processes     {theirs:?}")?;
    writeln!(out, "ratio {:.2}", ours.as_secs_f64() / theirs.as_secs_f64())?;
    Ok(())
}

fn verified_bytes(
    file: &std::path::Path,
    trust: &TrustState,
    now: Timestamp,
) -> Result<usize, Box<dyn std::error::Error>> {
    let limits = Limits::default();
    let gates = Gates {
        product: "stella".to_owned(),
        channels: vec!["stable".to_owned()],
        appliance_version: "0.1.0".to_owned(),
        schema_max: 1,
    };
    let opened = ouk::read::open(std::fs::File::open(file)?, &limits)?;
    let kit = verify(&opened.metadata, trust, &gates, now, &limits)?;
    let mut blobs = ouk::blobs::blobs(opened, &kit);
    let mut plain = 0;
    while let Some(frame) = blobs.next_frame()? {
        plain += frame.open()?.bytes.len();
    }
    blobs.finish()?;
    Ok(plain)
}

fn baseline(file: &std::path::Path) -> std::io::Result<()> {
    let mut zstd = Command::new("zstd").args(["-q", "-d", "-c"]).arg(file).stdout(Stdio::piped()).spawn()?;
    let pipe = zstd.stdout.take().map_or_else(Stdio::null, Stdio::from);
    let sum = Command::new("sha256sum").stdin(pipe).stdout(Stdio::null()).status()?;
    if zstd.wait()?.success() && sum.success() { Ok(()) } else { Err(std::io::Error::other("the baseline failed")) }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Lines that look and compress like advisories.
fn advisories(seed: u64) -> Vec<u8> {
    let words =
        ["overflow", "allows", "remote", "attackers", "denial", "service", "crafted", "package", "in", "before"];
    let mut state = seed + 1;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let mut bytes = Vec::with_capacity(TARGET_BYTES);
    while bytes.len() < TARGET_BYTES {
        let text: Vec<&str> = (0..12 + next() % 20).filter_map(|_| words.get(next() % words.len()).copied()).collect();
        let line = format!(
            "{{\"id\":\"CVE-{}-{}\",\"summary\":\"{}\",\"affected\":[{{\"name\":\"pkg{}\",\"introduced\":\"{}.{}\",\"fixed\":\"{}.{}.{}\"}}]}}\n",
            2000 + next() % 27,
            next() % 100_000,
            text.join(" "),
            next() % 5000,
            next() % 9,
            next() % 99,
            next() % 9,
            next() % 99,
            next() % 99,
        );
        bytes.extend_from_slice(line.as_bytes());
    }
    bytes
}
