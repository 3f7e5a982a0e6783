//! Tokens, and the three files about them that a kit carries.

use std::sync::OnceLock;

use domain::time::Timestamp;
use ouk::tokens::{
    Audience, Grant, Jwks, Revocations, SiteId, TokenError, TokenKeyPair, TokenLimits, TokenSigner, issue_vendor_token,
    verify_bundle, verify_vendor_token, write_bundle,
};

use crate::kit::support::{now, rng};
use crate::target::{choose, text};

pub(crate) const WORDS: &[&str] = &[
    "{\"jwt\":\"",
    "\"}\n",
    "\"alg\":\"EdDSA\"",
    "\"alg\":\"none\"",
    "\"typ\":\"stella-entitlement+jwt\"",
    "\"kid\":\"",
    "\"crit\":[",
    "\"jwk\":{",
    "\"iss\":\"urn:stella:vendor\"",
    "\"aud\":\"urn:stella:site\"",
    "\"exp\":",
    "\"nbf\":",
    "\"iat\":",
    "\"jti\":\"",
    "\"sub\":\"",
    "\"maxScansPerDay\":",
    "\"keys\":[",
    "\"kty\":\"OKP\"",
    "\"serial\":",
    "\"minisign_keys\":[",
    "\"issued_at\":\"",
    "eyJ",
    "9999999999",
    "1e99",
    "\\u0061",
];

struct Known {
    pair: TokenKeyPair,
    jwks: Jwks,
    /// For any site, for site `a`, for site `b`, and one that has ended.
    tokens: Vec<String>,
}

fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let pair = TokenKeyPair::generate(&mut rng(3));
        let signer = TokenSigner { key: pair.public(), sign: &|message| pair.sign(message) };
        let grant = Grant { subject: "customer-7".to_owned(), tier: "Free".to_owned(), scans_per_day_max: 333 };
        let tokens = [(None, 0), (Some("a"), 0), (Some("b"), 0), (None, -40)].into_iter().zip(1..);
        let tokens = tokens.map(|((site, days), number)| {
            let site: Option<SiteId> = site.map(|site| site.parse().expect("a site"));
            let made = now().plus_days(days);
            let token = issue_vendor_token(&grant, site.as_ref(), made, 30, [number; 16], &signer);
            token.expect("a token").expose().to_owned()
        });
        let tokens = tokens.collect();
        Known { jwks: Jwks::of([(pair.public().clone(), None)]), pair: pair.clone(), tokens }
    })
}

fn site() -> SiteId {
    "a".parse().expect("a site")
}

/// What a refusal says must not give the token away, whoever it was made by.
fn check_refusal(error: &TokenError, token: &str) {
    let shown = format!("{error} {error:?}");
    assert!(error.code().starts_with("E-") && !error.advice().is_empty());
    assert!(!error.to_string().chars().any(char::is_control), "not safe for a terminal: {error}");
    let signature = token.rsplit('.').next().unwrap_or_default();
    assert!(signature.len() < 32 || !shown.contains(signature), "a refusal shows the signature");
}

/// Only what the key of the list has signed is taken, in its one spelling, and only while it is good.
pub(crate) fn vendor(data: &[u8]) {
    let Some((mode, rest)) = choose(&[0, 1, 2, 3], data) else { return };
    let Known { pair, jwks, tokens } = known();
    let signed = |header: &[u8], claims: &[u8]| {
        let message = format!("{}.{}", base64url(header), base64url(claims));
        let signature = pair.sign(message.as_bytes());
        format!("{message}.{}", base64url(&signature))
    };
    let header = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"stella-entitlement+jwt"}}"#, pair.public().kid());
    let compact = match mode {
        0 => text(rest).map(str::to_owned),
        1 => Some(signed(header.as_bytes(), rest)),
        2 => Some(signed(rest, CLAIMS.as_bytes())),
        _ => bent(tokens[0].as_bytes(), rest),
    };
    let Some(compact) = compact else { return };
    let at = now();
    match verify_vendor_token(
        &compact,
        jwks,
        Audience::Site(&site()),
        at,
        &Revocations::none(),
        &TokenLimits::default(),
    ) {
        Ok(token) => {
            assert_eq!(token.expose(), compact);
            assert!(token.good_until() > at);
            assert!(token.bound_to().is_none_or(|bound| *bound == site()));
            assert!((1..=1_000_000).contains(&token.grant().scans_per_day_max));
            assert!(mode == 1 || mode == 2 || tokens.contains(&compact), "nobody has signed this");
            let again = verify_vendor_token(
                &compact,
                jwks,
                Audience::AnySite,
                at,
                &Revocations::none(),
                &TokenLimits::default(),
            );
            assert_eq!(again.expect("good for any site as well"), token);
            assert!(!format!("{token:?}").contains(compact.rsplit('.').next().expect("a part")));
        }
        Err(error) => check_refusal(&error, &compact),
    }
}

/// The good claims, at the time that targets run at.
const CLAIMS: &str = r#"{"aud":"urn:stella:site","exp":1797984000,"iat":1795392000,"iss":"urn:stella:vendor","jti":"token-0001","maxScansPerDay":333,"nbf":1795392000,"sub":"customer-7","tier":"Free"}"#;

/// What is read is canonical.
pub(crate) fn jwks(data: &[u8]) {
    match Jwks::parse(data, &TokenLimits::default()) {
        Ok(keys) => assert_eq!(keys.to_json(), data),
        Err(error) => check_refusal(&error, ""),
    }
}

/// What a person wrote has one canonical form, and a kit carries only that.
pub(crate) fn revocations(data: &[u8]) {
    let limits = TokenLimits::default();
    match Revocations::from_draft(data, &limits) {
        Ok(list) => {
            let canonical = list.to_json();
            assert_eq!(Revocations::parse(&canonical, &limits).expect("canonical"), list);
            assert_eq!(Revocations::parse(data, &limits).is_ok(), canonical == data);
            list.check_successor(&list).expect("a list may stay");
            assert!(Revocations::none().check_successor(&list).is_err(), "nothing comes after something");
        }
        Err(error) => {
            check_refusal(&error, "");
            assert!(Revocations::parse(data, &limits).is_err());
        }
    }
}

/// Every line is counted once: as a token, as one for elsewhere, or as refused with its reason.
pub(crate) fn bundle(data: &[u8]) {
    let Some((mode, rest)) = choose(&[0, 1], data) else { return };
    let Known { jwks, tokens, .. } = known();
    let bytes = match mode {
        0 => rest.to_vec(),
        // Tokens in any order, again, and cut.
        _ => rest
            .chunks_exact(2)
            .map(|pair| {
                let token = &tokens[usize::from(pair[0]) % tokens.len()];
                let kept = if pair[1] > 200 { usize::from(pair[1]) } else { token.len() };
                format!("{{\"jwt\":\"{}\"}}\n", &token[..kept.min(token.len())])
            })
            .collect::<String>()
            .into_bytes(),
    };
    let limits = TokenLimits::default();
    match verify_bundle(&bytes, jwks, Audience::Site(&site()), now(), &Revocations::none(), &[], &limits) {
        Ok(found) => {
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(found.tokens.len() + found.elsewhere + found.refused.len(), lines);
            assert!(found.tokens.is_sorted_by(|one, other| one.jti() < other.jti()));
            let written = write_bundle(&found.tokens).expect("no id occurs twice");
            let again =
                verify_bundle(&written, jwks, Audience::Site(&site()), now(), &Revocations::none(), &[], &limits);
            assert_eq!(again.expect("a list").tokens, found.tokens);
            found.refused.iter().for_each(|(_, error)| check_refusal(error, ""));
        }
        Err(error) => check_refusal(&error, ""),
    }
}

/// The bytes with some of them changed.
pub(super) fn bent(good: &[u8], changes: &[u8]) -> Option<String> {
    let mut bytes = good.to_vec();
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % bytes.len();
        bytes[at] ^= change[2];
    }
    String::from_utf8(bytes).ok()
}

/// RFC 4648, section 5, without padding.
fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits = bytes.chunks(3).flat_map(|chunk| {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        (0..=chunk.len()).map(move |place| DIGITS[(word >> (18 - 6 * place) & 63) as usize])
    });
    digits.map(char::from).collect()
}

pub(crate) fn vendor_seeds() -> Vec<Vec<u8>> {
    let Known { tokens, .. } = known();
    let header = r#"{"alg":"EdDSA","kid":"x","typ":"stella-entitlement+jwt"}"#;
    let mut seeds: Vec<Vec<u8>> = tokens.iter().map(|token| [&[0], token.as_bytes()].concat()).collect();
    seeds.extend([
        [&[1], CLAIMS.as_bytes()].concat(),
        [&[2], header.as_bytes()].concat(),
        vec![3, 0, 0, 0],
        vec![3, 9, 0, 1],
    ]);
    seeds
}

pub(crate) fn jwks_seeds() -> Vec<Vec<u8>> {
    let other = TokenKeyPair::generate(&mut rng(4));
    let two = [(known().pair.public().clone(), None), (other.public().clone(), Some(Timestamp::UNIX_EPOCH))];
    vec![known().jwks.to_json(), Jwks::of(two).to_json()]
}

pub(crate) fn revocation_seeds() -> Vec<Vec<u8>> {
    let full = r#"{"schema":1,"serial":7,"issued_at":"2026-11-24T00:00:00Z","jti":["token-0001"],"kid":["a"],"kit_versions":[3],"blobs":[],"kits":[],"minisign_keys":[]}"#;
    let drafts = [full, r#"{ "schema": 1, "serial": 1, "issued_at": "2026-11-24T00:00:00Z" }"#];
    let canonical = Revocations::from_draft(full.as_bytes(), &TokenLimits::default()).expect("a list").to_json();
    drafts.iter().map(|draft| draft.as_bytes().to_vec()).chain([canonical]).collect()
}

pub(crate) fn bundle_seeds() -> Vec<Vec<u8>> {
    let lines: String = known().tokens.iter().map(|token| format!("{{\"jwt\":\"{token}\"}}\n")).collect();
    vec![[&[0], lines.as_bytes()].concat(), vec![1, 0, 0, 1, 0, 2, 0, 3, 0], vec![1, 0, 0, 0, 0], vec![1, 0, 220]]
}
