//! A second implementation reads what we write, and we read what it writes: Node's `crypto`,
//! which knows nothing of this code. Where there is no `node`, RFC 8037's vector in the
//! module's own tests is what holds.

use std::io::Write as _;
use std::process::Command;

use ouk::tokens::{Grant, issue_vendor_token};
use serde_json::Value;

use crate::support::*;

/// Verifies argv[1] by the key list argv[2], then signs the same claims with the PEM key argv[3].
const SCRIPT: &str = r"
const crypto = require('crypto');
const [token, jwks, pem] = process.argv.slice(1);
const [header, payload, signature] = token.split('.');
const head = JSON.parse(Buffer.from(header, 'base64url'));
const jwk = JSON.parse(jwks).keys.find((key) => key.kid === head.kid);
const key = crypto.createPublicKey({ key: jwk, format: 'jwk' });
const good = crypto.verify(null, Buffer.from(header + '.' + payload), key, Buffer.from(signature, 'base64url'));
const claims = JSON.parse(Buffer.from(payload, 'base64url'));
claims.jti = 'made-by-node';
const part = (value) => Buffer.from(JSON.stringify(value, null, 1)).toString('base64url');
const message = part({ typ: head.typ, kid: head.kid, alg: 'EdDSA' }) + '.' + part(claims);
const made = message + '.' + crypto.sign(null, Buffer.from(message), crypto.createPrivateKey(pem)).toString('base64url');
console.log(JSON.stringify({ good, claims, made }));
";

#[test]
fn node_and_we_read_each_other() {
    let grant = Grant { subject: "customer-7".to_owned(), tier: "Free".to_owned(), scans_per_day_max: 333 };
    let issued =
        signing(&vendor(), |signer| issue_vendor_token(&grant, None, now(), 30, [7; 16], signer)).expect("issued");
    let jwks = String::from_utf8(jwks().to_json()).expect("text");
    let pair = ouk::keys::KeyPair::generate(&mut |seed: &mut [u8]| seed.copy_from_slice(&vendor().to_bytes()));
    let pem = String::from_utf8(pair.to_pem().expose().to_vec()).expect("text");
    let Ok(output) = Command::new("node").args(["-e", SCRIPT, issued.expose(), &jwks, &pem]).output() else {
        writeln!(std::io::stderr(), "skipped: node is absent").expect("stderr");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(said["good"], true);
    assert_eq!(said["claims"]["maxScansPerDay"], 333);
    let read = verify(said["made"].as_str().expect("a token")).expect("Node's token is accepted");
    assert_eq!((read.jti(), read.grant()), ("made-by-node", &grant));
}
