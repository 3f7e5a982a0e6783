//! J15: no token and no private key is ever shown or written down where it does not belong, at any log level.
//!
//! Everything that the program says is collected while it does all that it does with tokens: what commands
//! print, what they log, receipts, the audit log, reasons of refusals, answers over HTTP. Then each
//! secret is looked for in it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tests::{Ran, Server, Site};

/// What was said, and where.
#[derive(Default)]
struct Said(Vec<(String, Vec<u8>)>);

impl Said {
    fn add(&mut self, place: &str, bytes: impl Into<Vec<u8>>) {
        self.0.push((place.to_owned(), bytes.into()));
    }

    /// Runs a command with its log at the lowest level, and keeps all that it says.
    fn run(&mut self, site: &Site, arguments: &[&str], input: &[u8]) -> Ran {
        let mut command = site.command(arguments);
        command.env("STELLA_LOG", "trace").env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let _ = child.stdin.take().expect("piped").write_all(input);
        let ran = Ran::from(child.wait_with_output().expect("it ends"));
        let shown = arguments.join(" ");
        self.add(&format!("the output of {shown}"), ran.stdout.clone());
        self.add(&format!("the errors of {shown}"), ran.stderr.clone());
        ran
    }

    /// All files below a directory.
    fn add_files(&mut self, directory: &Path) -> usize {
        let files = walk(directory);
        for file in &files {
            self.add(&file.display().to_string(), fs::read(file).expect("a file"));
        }
        files.len()
    }

    fn places_of(&self, secret: &[u8]) -> Vec<&str> {
        let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
        self.0.iter().filter(|(_, bytes)| holds(bytes)).map(|(place, _)| place.as_str()).collect()
    }
}

fn walk(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

/// Tokens that the vendor issues, as lines for `kit build`.
fn issue(site: &Site, subject: &str) -> String {
    let line = site.ok(&[
        "kit",
        "issue-token",
        "--keys",
        "keys",
        "--sub",
        subject,
        "--tier",
        "Free",
        "--max-scans-per-day",
        "333",
    ]);
    assert!(line.starts_with("{\"jwt\":\"") && line.ends_with("\"}\n"), "{line}");
    line
}

/// The compact form, and its signature alone: whoever has that can put the rest together.
fn secrets_of(line: &str) -> Vec<(String, Vec<u8>)> {
    let compact = line.trim().trim_start_matches("{\"jwt\":\"").trim_end_matches("\"}");
    let signature = compact.rsplit('.').next().expect("three parts");
    assert!(signature.len() > 80, "{compact}");
    vec![("a token".to_owned(), compact.into()), ("a token's signature".to_owned(), signature.into())]
}

/// The lines of key files that hold the key itself.
fn keys_below(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for file in walk(directory) {
        let bytes = fs::read(&file).expect("a file");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let is_private = text.contains("PRIVATE KEY") || file.file_name().is_some_and(|name| name == "minisign.key");
        for line in text.lines().filter(|line| is_private && line.len() >= 40 && !line.contains(' ')) {
            found.push((file.display().to_string(), line.as_bytes().to_vec()));
        }
    }
    found
}

/// A request whose token stands wherever clients put them, as it goes over the wire.
fn ask(server: &Server, said: &mut Said, request: &str) {
    let mut stream = TcpStream::connect(&server.address).expect("it listens");
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let what = request.lines().next().unwrap_or_default().chars().take(40).collect::<String>();
    said.add(&format!("the answer to {what}"), answer);
}

#[test]
fn j15_no_token_and_no_private_key_is_shown_or_written_down() {
    let (site, mut said) = (Site::new(), Said::default());
    said.run(&site, &["kit", "keys", "--out", "keys"], b"");
    site.dataset("dataset", &["rustsec.jsonl", "kev.json"]);
    let lines = [issue(&site, "customer-1"), issue(&site, "customer-2")];
    let mut secrets: Vec<_> = lines.iter().flat_map(|line| secrets_of(line)).collect();
    let compact = String::from_utf8(secrets[0].1.clone()).expect("text");
    fs::write(site.path("tokens.ndjson"), lines.concat()).expect("written");
    let build = |output: &str, version: &str, tokens: &str| {
        let arguments = ["kit", "build", "--keys", "keys", "--dataset", "dataset", "--tokens", tokens];
        [&arguments[..], &["--kit-version", version, "-o", output]].concat().join(" ")
    };
    let split = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let run = |said: &mut Said, text: &str, input: &[u8]| {
        let arguments = split(text);
        said.run(&site, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), input)
    };
    // The vendor: tokens that are good, cut, signed by somebody else, twice, and no tokens at all.
    assert_eq!(run(&mut said, &build("one.kit", "1", "tokens.ndjson"), b"").code, 0);
    assert_eq!(run(&mut said, &build("two.kit", "2", "tokens.ndjson"), b"").code, 0);
    let (head, signature) = compact.rsplit_once('.').expect("three parts");
    let flipped: String = signature.chars().map(|c| if c == 'A' { 'B' } else { 'A' }).collect();
    for (name, text) in [
        ("cut", lines[0][..lines[0].len() / 2].to_owned()),
        ("bent", format!("{{\"jwt\":\"{head}.{flipped}\"}}\n")),
        ("bare", format!("{compact}\n")),
        ("twice", lines[0].repeat(2)),
        ("padded", format!("{{\"jwt\":\"{compact}==\"}}\n")),
        ("spaced", format!("{{\"jwt\": \"{compact}\"}}\n")),
    ] {
        fs::write(site.path(name), text).expect("written");
        let ran = run(&mut said, &build("bad.kit", "3", name), b"");
        assert_ne!(ran.code, 0, "{name}");
    }
    // A token where another argument belongs.
    for place in
        ["scan {}", "kit inspect {}", "db search {}", "kit import {}", "kit receipt {}", "--state-dir {} db status"]
    {
        run(&mut said, &place.replace("{}", "no-such-file"), compact.as_bytes());
    }
    run(&mut said, "scan -", compact.as_bytes());
    run(&mut said, "sbom add -", lines[0].as_bytes());
    // The site: imports, refusals with the tokens in the kit, and everything that is shown afterwards.
    assert_eq!(run(&mut said, "kit import one.kit --trust-root keys/1.root.json --no-seal", b"").code, 0);
    let kit = fs::read(site.path("two.kit")).expect("a kit");
    for (name, at) in [("early.kit", 30), ("middle.kit", kit.len() / 2), ("late.kit", kit.len() * 3 / 4)] {
        let mut bent = kit.clone();
        bent[at] ^= 0xff;
        fs::write(site.path(name), bent).expect("written");
        // Refused, or kept as a part of a kit that is not complete.
        assert!([5, 6].contains(&run(&mut said, &format!("kit import {name} --no-seal"), b"").code), "{name}");
    }
    fs::write(site.path("token.kit"), &lines[0]).expect("written");
    run(&mut said, "kit import token.kit --no-seal", b"");
    assert_eq!(run(&mut said, "kit import two.kit --no-seal", b"").code, 0);
    for verb in [
        "kit inspect two.kit",
        "kit verify two.kit --trust-root keys/1.root.json --no-seal",
        "kit status",
        "kit status -f json",
        "kit receipt 2",
        "kit receipt 2 --proof",
        "db status -f json",
        "admin audit list",
        "admin audit verify",
        "admin audit export -o export",
        "admin keys show",
        "kit rollback",
    ] {
        run(&mut said, verb, b"");
    }
    // The server, with tokens in every place of a request that a client might put them.
    let server = Server::start_logging(&site, &["--plain-http"], "trace");
    let document = format!("{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"x\":\"{compact}\"}}");
    for request in [
        format!(
            "GET /api/v1/feeds HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {compact}\r\nConnection: close\r\n\r\n"
        ),
        format!(
            "GET /api/v1/feeds HTTP/1.1\r\nHost: x\r\nCookie: t={compact}\r\nTrivy-Token: {compact}\r\nConnection: close\r\n\r\n"
        ),
        format!(
            "POST /api/v1/scan HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{document}",
            document.len()
        ),
        format!(
            "POST /api/v1/scan HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{compact}",
            compact.len()
        ),
        format!("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {compact}\r\nX: a\r\n folded\r\n\r\n"),
    ] {
        ask(&server, &mut said, &request);
    }
    let (code, log) = server.stop();
    assert_eq!(code, 0);
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "the log is at its lowest level: {log}");
    said.add("the server's log", log);
    // What is left on disk, but for the blobs and kits, which are the vendor's own bytes, and the keys.
    for folder in ["log", "quarantine"] {
        said.add_files(&site.state().join(folder));
    }
    said.0.retain(|(place, _)| !(place.contains("/quarantine/") && place.ends_with(".kit")));
    assert!(said.add_files(&site.path("export")) > 3, "the export has log and receipts");
    secrets.extend(keys_below(&site.path("keys")));
    secrets.extend(keys_below(&site.state().join("keys")));
    assert!(secrets.len() > 25, "tokens, the vendor's keys and the site's: {}", secrets.len());
    assert!(said.0.len() > 80, "{}", said.0.len());
    for (what, secret) in &secrets {
        assert_eq!(said.places_of(secret), Vec::<&str>::new(), "{what}");
    }
    // The search finds what is there: the kits were built from the file with the tokens.
    said.add_files(&site.path("tokens.ndjson"));
    said.add("the file with the tokens", fs::read(site.path("tokens.ndjson")).expect("a file"));
    assert_eq!(said.places_of(&secrets[0].1), ["the file with the tokens"]);
}

#[test]
fn j15_a_process_that_holds_secrets_leaves_no_core_dump() {
    let site = Site::new();
    let server = Server::start(&site, &["--plain-http"]);
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.pid())).expect("Linux");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    let values: Vec<&str> =
        core.split_whitespace().filter(|word| word.bytes().all(|byte| byte.is_ascii_digit())).collect();
    assert_eq!(values, ["0", "0"], "{core}");
    // Who cannot be dumped belongs to root in /proc, and its memory is nobody's to read: proc(5).
    let owner = |path: &str| fs::metadata(path).expect("Linux").uid();
    if owner("/proc/self") == 0 {
        let _ = writeln!(std::io::stderr(), "skipped: to root nobody's memory is private");
    } else {
        assert_eq!(owner(&format!("/proc/{}/environ", server.pid())), 0);
    }
}
