//! A Trivy DB as registries hand it out: `db.tar.gz`, and an OCI image layout with it as its one layer.
//!
//! `trivy --db-repository` asks a registry for a manifest with one layer of its media type, titled `db.tar.gz`, in which
//! `trivy.db` and `metadata.json` lie. The layout is what `oras` and `skopeo` copy into a registry. The same database gives
//! the same bytes: no time, owner or name of this machine is in them.

use std::io::{self, Read, Write};

use domain::digest::Digest;
use flate2::{Compression, GzBuilder};
use serde_json::json;

pub const ARCHIVE_NAME: &str = "db.tar.gz";

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.aquasec.trivy.config.v1+json";
const LAYER: &str = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip";
/// Which tag this schema has in a registry.
const TAG: &str = "2";
const EMPTY: &[u8] = b"{}";

/// Writes the archive and returns what is below it.
pub fn write<W: Write>(out: W, database: impl Read, length: u64, metadata: &[u8]) -> io::Result<W> {
    let metadata: (_, Box<dyn Read + '_>, _) = ("metadata.json", Box::new(metadata), metadata.len() as u64);
    pack(out, vec![metadata, ("trivy.db", Box::new(database), length)])
}

/// A `tar.gz` of files with their lengths, in which nothing is of this machine.
pub fn pack<W: Write>(out: W, files: Vec<(&str, Box<dyn Read + '_>, u64)>) -> io::Result<W> {
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(out, Compression::new(6));
    let mut tar = tar::Builder::new(gzip);
    for (name, content, length) in files {
        append(&mut tar, name, content, length)?;
    }
    tar.into_inner()?.finish()
}

fn append<W: Write>(tar: &mut tar::Builder<W>, name: &str, content: impl Read, length: u64) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name)?;
    header.set_size(length);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    tar.append(&header, content)
}

/// The small files of a layout whose layer is this archive, by their path. The layer itself goes to [`blob_path`] of its digest.
pub fn layout(archive: &Digest, length: u64) -> Vec<(String, Vec<u8>)> {
    let config = Digest::of(EMPTY);
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": CONFIG,
        "config": { "mediaType": CONFIG, "digest": named(&config), "size": EMPTY.len() },
        "layers": [{
            "mediaType": LAYER,
            "digest": named(archive),
            "size": length,
            "annotations": { "org.opencontainers.image.title": ARCHIVE_NAME },
        }],
    });
    let manifest = manifest.to_string().into_bytes();
    let digest = Digest::of(&manifest);
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": MANIFEST,
            "artifactType": CONFIG,
            "digest": named(&digest),
            "size": manifest.len(),
            "annotations": { "org.opencontainers.image.ref.name": TAG },
        }],
    });
    vec![
        (blob_path(&config), EMPTY.to_vec()),
        (blob_path(&digest), manifest),
        ("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
        // Last: without it the rest is nothing.
        ("index.json".to_owned(), index.to_string().into_bytes()),
    ]
}

pub fn blob_path(digest: &Digest) -> String {
    format!("blobs/sha256/{digest}")
}

fn named(digest: &Digest) -> String {
    format!("sha256:{digest}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use flate2::read::GzDecoder;
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_archive_has_both_files_and_nothing_of_this_machine() {
        let make = || write(Vec::new(), &b"a database"[..], 10, b"{}").expect("written");
        let archive = make();
        assert_eq!(archive, make());
        // RFC 1952: the time is in bytes 4 to 7, the operating system in byte 9, 255 for unknown.
        assert_eq!((&archive[4..8], archive[9]), (&[0; 4][..], 255));
        let mut entries = tar::Archive::new(GzDecoder::new(&archive[..]));
        let mut found = BTreeMap::new();
        for entry in entries.entries().expect("a tar file") {
            let mut entry = entry.expect("an entry");
            let header = entry.header().clone();
            let (time, owner) = (header.mtime().expect("a number"), header.uid().expect("a number"));
            assert_eq!((time, owner, header.mode().expect("a number")), (0, 0, 0o644));
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("readable");
            found.insert(entry.path().expect("a path").display().to_string(), content);
        }
        let want = [("metadata.json", &b"{}"[..]), ("trivy.db", b"a database")];
        assert_eq!(found, want.map(|(name, content)| (name.to_owned(), content.to_vec())).into());
    }

    #[test]
    fn a_layout_leads_from_its_index_to_the_one_layer() {
        let archive = Digest::of(b"an archive");
        let files: BTreeMap<String, Vec<u8>> = layout(&archive, 10).into_iter().collect();
        let at = |digest: &Value| {
            let hex = digest.as_str().and_then(|digest| digest.strip_prefix("sha256:")).expect("a digest");
            let bytes = &files[&format!("blobs/sha256/{hex}")];
            assert_eq!(Digest::of(bytes).to_string(), hex);
            serde_json::from_slice::<Value>(bytes).expect("JSON")
        };
        let index: Value = serde_json::from_slice(&files["index.json"]).expect("JSON");
        let manifest = at(&index["manifests"][0]["digest"]);
        assert_eq!(at(&manifest["config"]["digest"]), json!({}));
        let layers = manifest["layers"].as_array().expect("a list");
        // What Trivy holds a layer against, word for word.
        assert_eq!(layers.len(), 1);
        assert_eq!(layers[0]["mediaType"], "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip");
        assert_eq!(layers[0]["annotations"]["org.opencontainers.image.title"], "db.tar.gz");
        assert_eq!(layers[0]["digest"], format!("sha256:{archive}"));
    }
}
