//! TLS: the site's own certificate, or one made at the first start.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use domain::digest::Digest;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Where certificate and key come from.
pub(crate) enum Identity {
    Files {
        certificate: PathBuf,
        key: PathBuf,
    },
    /// Made in this directory when it is not there yet.
    SelfSigned {
        directory: PathBuf,
        names: Vec<String>,
    },
}

/// A ready configuration, with what an operator compares in the browser.
pub(crate) struct Tls {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) fingerprint: Digest,
    pub(crate) made_now: bool,
}

/// Sets the process's cryptography. To be called first thing in `main`: libraries must not
/// choose for themselves.
pub(crate) fn install_provider() {
    // Err means that it is installed already, which is what is wanted.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Loads or makes the identity.
pub(crate) fn load(identity: &Identity) -> Result<Tls> {
    let (certificate, key, made_now) = match identity {
        Identity::Files { certificate, key } => (certificate.clone(), key.clone(), false),
        Identity::SelfSigned { directory, names } => {
            let certificate = directory.join("tls.crt.pem");
            let key = directory.join("tls.key.pem");
            let missing = !certificate.exists() || !key.exists();
            if missing {
                make_self_signed(directory, &certificate, &key, names)?;
            }
            (certificate, key, missing)
        }
    };
    let chain = CertificateDer::pem_file_iter(&certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("cannot read the certificate {}", certificate.display()))?;
    let leaf = chain.first().with_context(|| format!("{} holds no certificate", certificate.display()))?;
    let fingerprint = Digest::of(leaf);
    let key =
        PrivateKeyDer::from_pem_file(&key).with_context(|| format!("cannot read the private key {}", key.display()))?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("certificate and private key do not fit")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Tls { config: Arc::new(config), fingerprint, made_now })
}

#[expect(clippy::disallowed_methods, reason = "made once, before the store serves anybody")]
fn make_self_signed(directory: &Path, certificate: &Path, key: &Path, names: &[String]) -> Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let made = rcgen::generate_simple_self_signed(names.to_vec()).context("cannot make a certificate")?;
    write_new(key, 0o600, made.signing_key.serialize_pem().as_bytes())?;
    write_new(certificate, 0o644, made.cert.pem().as_bytes())
}

#[expect(clippy::disallowed_methods, reason = "key files, written once at the first start")]
fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<()> {
    let mut file = fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(mode)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(|| format!("cannot write {}", path.display()))
}
