//! Other programs, to agree or disagree with ours.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use domain::digest::Digest;

/// Name, length and digest of everything in an archive, in its order.
type Listing = Vec<(String, u64, Digest)>;

pub(crate) fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo starts").success());
}

/// A29: GNU tar, Python and tar-rs read what we read.
pub(crate) fn check_that_tools_agree(kit: &[u8], directory: &Path) {
    let plain = ::zstd::stream::decode_all(kit).expect("the zstd library reads the whole file as one stream");
    std::fs::write(directory.join("kit.tar"), &plain).expect("written");
    let ours = ours(kit);
    assert_eq!(tar_rs(&plain), ours, "tar-rs");
    if let Some(text) = output(directory, "tar", &["-tf", "kit.tar"]) {
        let names: Vec<&str> = ours.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(String::from_utf8_lossy(&text).lines().collect::<Vec<_>>(), names, "GNU tar");
        let content = output(directory, "tar", &["-xOf", "kit.tar"]).expect("tar is there");
        assert_eq!(Digest::of(&content), contents(&plain), "GNU tar");
    }
    const SCRIPT: &str = "import hashlib, tarfile
for m in tarfile.open('kit.tar', 'r:'):
    assert m.isreg() and not m.pax_headers and m.mode == 0o444 and m.uid == m.gid == m.mtime == 0
    print(m.name, m.size, hashlib.sha256(tarfile.open('kit.tar').extractfile(m).read()).hexdigest())";
    if let Some(text) = output(directory, "python3", &["-c", SCRIPT]) {
        let lines: Vec<String> =
            ours.iter().map(|(name, length, digest)| format!("{name} {length} {digest}")).collect();
        assert_eq!(String::from_utf8_lossy(&text).lines().collect::<Vec<_>>(), lines, "Python's tarfile");
    }
}

fn ours(kit: &[u8]) -> Listing {
    let opened = ouk::read::open(kit, &ouk::limits::Limits::default()).expect("opens");
    let files = opened.metadata.files().iter();
    let mut listing: Listing =
        files.map(|(name, bytes)| (name.clone(), bytes.len() as u64, Digest::of(bytes))).collect();
    let (_, blobs) = forge::import(kit, &forge::Vendor::new(1).trust()).expect("verifies");
    listing.extend(
        blobs.into_iter().map(|(digest, bytes)| (format!("blobs/sha256/{digest}"), bytes.len() as u64, digest)),
    );
    listing
}

fn tar_rs(plain: &[u8]) -> Listing {
    let mut archive = tar::Archive::new(plain);
    let entries = archive.entries().expect("an archive");
    let listed = entries.map(|entry| {
        let mut entry = entry.expect("an entry");
        assert_eq!(entry.header().entry_type(), tar::EntryType::Regular);
        let name = String::from_utf8(entry.path_bytes().into_owned()).expect("a name");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("a body");
        (name, bytes.len() as u64, Digest::of(&bytes))
    });
    listed.collect()
}

/// The digest of all bodies, one behind the other.
fn contents(plain: &[u8]) -> Digest {
    let mut archive = tar::Archive::new(plain);
    let mut all = Vec::new();
    for entry in archive.entries().expect("an archive") {
        entry.expect("an entry").read_to_end(&mut all).expect("a body");
    }
    Digest::of(&all)
}

/// What a program prints, or a printed reason why it was not asked.
fn output(directory: &Path, program: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    let ran = Command::new(program).args(arguments).current_dir(directory).stdin(Stdio::null()).output();
    let Ok(ran) = ran else {
        #[expect(clippy::print_stderr, reason = "a skipped comparison says so")]
        {
            eprintln!("skipped: {program} is absent");
        }
        return None;
    };
    assert!(ran.status.success(), "{program}: {}", String::from_utf8_lossy(&ran.stderr));
    Some(ran.stdout)
}
