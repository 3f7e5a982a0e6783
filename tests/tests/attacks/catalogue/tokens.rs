//! J: attacks by tokens.

use domain::time::Timestamp;
use forge::{Issuer, now};
use importer::ImportError;
use ouk::tokens::{JWKS_PATH, TOKENS_PATH};
use store::SiteTokenRow;

use super::bench::HELD;
use super::{Bench, Elsewhere, Letter, Open, attacks};

attacks! {
    j07_only_a_token_of_this_site_is_good_at_this_site "J07" ["E-JWT-TYP", "E-JWT-KID", "accepted"];
    j08_a_known_id_never_grants_more "J08" ["accepted", "E-JWT-REPLAY", "E-JWT-SIG"];
    j09_a_key_in_its_grace_ends_what_it_signed "J09" ["accepted"];
    j11_a_key_list_that_anyone_could_sign_for_refuses_the_kit "J11" ["E-JWKS-WEAK", "E-JWKS", "E-JWT-BUNDLE"];
    j12_feeds_are_taken_without_an_entitlement_and_never_the_reverse "J12" ["WARN", "E-TGT-SIG"];
}

pub(crate) const LETTER: Letter = Letter {
    cases: CASES,
    elsewhere: &[
        Elsewhere { id: "J01", tests: &["ouk/tests/tokens/forged.rs::j01_no_algorithm_but_eddsa_counts"] },
        Elsewhere { id: "J02", tests: &["ouk/tests/tokens/forged.rs::j02_a_key_id_is_looked_up_and_nothing_else"] },
        Elsewhere {
            id: "J03",
            tests: &["ouk/tests/tokens/forged.rs::j03_a_token_does_not_say_how_it_wants_to_be_verified"],
        },
        Elsewhere { id: "J04", tests: &["ouk/tests/tokens/forged.rs::j04_every_claim_is_there_and_is_of_its_kind"] },
        Elsewhere { id: "J05", tests: &["ouk/tests/tokens/forged.rs::j05_time_has_no_leeway"] },
        Elsewhere {
            id: "J06",
            tests: &["ouk/tests/tokens/forged.rs::j06_a_time_that_never_goes_back_revives_nothing"],
        },
        Elsewhere { id: "J07", tests: &["ouk/tests/tokens/forged.rs::j07_a_token_is_good_in_its_own_place_only"] },
        Elsewhere {
            id: "J08",
            tests: &[
                "ouk/tests/tokens/forged.rs::j08_a_changed_claim_breaks_the_signature",
                "ouk/tests/tokens/forged.rs::j08_a_quota_is_a_number_that_makes_sense",
                "ouk/tests/tokens/mint.rs::j08_a_known_id_with_other_claims_is_refused_whatever_they_are",
                "ouk/tests/tokens/mint.rs::j08_a_list_may_not_give_a_known_id_to_another_token",
                "ouk/tests/tokens/mint.rs::j08_i6_a_site_token_never_grants_more_nor_outlives_its_source",
            ],
        },
        Elsewhere {
            id: "J09",
            tests: &[
                "ouk/tests/tokens/revoked.rs::j09_a_withdrawn_token_or_key_is_refused_and_takes_what_was_made_of_it_along",
                "ouk/tests/tokens/mint.rs::j09_a_key_on_its_way_out_is_good_until_the_end_of_its_grace",
            ],
        },
        Elsewhere {
            id: "J10",
            tests: &[
                "ouk/tests/tokens/forged.rs::j10_a_token_can_be_read_in_one_way_only",
                "ouk/tests/tokens/forged.rs::j10_the_compact_form_has_one_spelling",
            ],
        },
        Elsewhere {
            id: "J11",
            tests: &[
                "ouk/tests/tokens/revoked.rs::j11_a_key_of_small_order_or_of_another_spelling_never_enters_a_list",
            ],
        },
        Elsewhere {
            id: "J12",
            tests: &["ouk/tests/tokens/mint.rs::j12_a_list_without_a_good_token_is_no_defect_of_the_kit"],
        },
        Elsewhere {
            id: "J13",
            tests: &[
                "importer/tests/control/entitlements.rs::j13_a_rotated_key_overlaps_with_the_next_and_a_compromised_one_ends_at_once",
                "ouk/tests/tokens/mint.rs::j13_two_site_keys_verify_while_a_rotation_lasts",
            ],
        },
        Elsewhere {
            id: "J15",
            tests: &[
                "ouk/tests/tokens/forged.rs::j15_no_message_and_no_debug_form_shows_a_token",
                "sandbox/src/confine.rs::j15_memory_that_is_private_is_neither_dumped_nor_traced",
                "tests/tests/secrets.rs::j15_no_token_and_no_private_key_is_shown_or_written_down",
                "tests/tests/secrets.rs::j15_a_process_that_holds_secrets_leaves_no_core_dump",
            ],
        },
    ],
    open: &[
        Open {
            id: "J13",
            reason: "keys overlap and tokens are minted again from the evidence; no key is sealed to a TPM",
        },
        Open { id: "J14", reason: "nothing counts scans against a quota yet" },
    ],
};

/// Tokens of the site, and how many were minted by the last import.
fn tokens(bench: &Bench) -> (Vec<SiteTokenRow>, u64) {
    let told = bench.receipts().pop().expect("one").entitlements.expect("judged");
    (bench.store.site_tokens().expect("readable"), told.minted)
}

fn verify(bench: &Bench, compact: &str, at: Timestamp) -> Result<(), ImportError> {
    let site = bench.site().expect("a site");
    importer::verify_token(&bench.store, site.identity(), compact, at).map(drop)
}

fn refuse_token(bench: &mut Bench, what: &str, compact: &str, at: Timestamp, code: &str) {
    let error = verify(bench, compact, at).expect_err(what);
    assert_eq!(error.code(), code, "{what}");
    assert!(!error.to_string().contains(compact), "{what}: the token stands in its refusal");
    bench.note(what, code);
}

fn j07_only_a_token_of_this_site_is_good_at_this_site(bench: &mut Bench) {
    let vendor = Issuer::new(7).issue(1, 333, now(), 30, None);
    let mut draft = bench.draft();
    Issuer::new(7).put(&mut draft, &[vendor.expose()]);
    bench.accept("a kit with a token", &draft.kit());
    let (tokens, minted) = tokens(bench);
    assert_eq!((tokens.len(), minted), (1, 1));
    verify(bench, tokens[0].compact.expose(), now()).unwrap_or_else(|error| panic!("{error}"));
    refuse_token(bench, "the vendor's own token", vendor.expose(), now(), "E-JWT-TYP");
    let elsewhere = tempfile::tempdir().expect("a directory");
    let site = store::Store::open(elsewhere.path()).expect("a store");
    let mut seed = 100;
    let foreign = site.site(&mut |bytes: &mut [u8]| {
        seed += 1;
        bytes.fill(seed);
        Ok(())
    });
    // Another site's key signs the same words.
    let foreign = foreign.expect("a site");
    let header_and_claims = tokens[0].compact.expose().rsplit_once('.').expect("three parts").0;
    let signature = foreign.token().sign(header_and_claims.as_bytes());
    let forged = format!("{header_and_claims}.{}", base64url(&signature));
    let error = verify(bench, &forged, now()).expect_err("another key");
    assert_eq!(error.code(), "E-JWT-SIG");
    let error = importer::verify_token(&site, foreign.identity(), tokens[0].compact.expose(), now());
    assert_eq!(error.expect_err("another site").code(), "E-JWT-KID");
    bench.note("a token of this site at another", "E-JWT-KID");
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * place)) as usize & 63]));
        }
    }
    text
}

fn j08_a_known_id_never_grants_more(bench: &mut Bench) {
    let issuer = Issuer::new(7);
    let first = issuer.issue(1, 333, now(), 30, None);
    let mut draft = bench.draft();
    issuer.put(&mut draft, &[first.expose()]);
    bench.accept("a kit with a token", &draft.kit());
    for (step, scans) in [(2_u64, 1_000_000), (3, 1)] {
        let mut draft = bench.draft_of(HELD + step, 2);
        issuer.put(&mut draft, &[issuer.issue(1, scans, now(), 30, None).expose()]);
        bench.accept("the feeds of a kit that replays the id", &draft.kit());
        let receipt = bench.receipts().pop().expect("one");
        assert!(receipt.warnings.iter().any(|warning| warning.contains("E-JWT-REPLAY")), "{:?}", receipt.warnings);
        let (tokens, minted) = tokens(bench);
        assert_eq!((tokens.len(), tokens[0].scans_per_day_max, minted), (1, 333, 0), "{scans}");
        bench.note(&format!("the id again with {scans} scans"), "E-JWT-REPLAY");
    }
    // Raised without a key: the claims of one token under the signature of another.
    let (high, low) = (issuer.issue(2, 1_000_000, now(), 30, None), issuer.issue(2, 10, now(), 30, None));
    let (claims, _) = high.expose().rsplit_once('.').expect("three parts");
    let (_, signature) = low.expose().rsplit_once('.').expect("three parts");
    let mut draft = bench.draft_of(HELD + 4, 2);
    issuer.put(&mut draft, &[&format!("{claims}.{signature}")]);
    bench.accept("the feeds of a kit with a raised token", &draft.kit());
    assert!(bench.receipts().pop().expect("one").warnings.iter().any(|warning| warning.contains("E-JWT-SIG")));
    assert_eq!(bench.store.site_tokens().expect("readable").len(), 1);
    bench.note("a quota that was raised", "E-JWT-SIG");
}

fn j09_a_key_in_its_grace_ends_what_it_signed(bench: &mut Bench) {
    let issuer = Issuer::new(7);
    let grace = now().plus_days(3);
    let mut draft = bench.draft();
    draft.put(JWKS_PATH, &issuer.jwks(Some(grace)));
    draft.put(TOKENS_PATH, forge::bundle(&[issuer.issue(1, 333, now(), 30, None).expose()]).as_bytes());
    bench.accept("a token of a key that is on its way out", &draft.kit());
    assert_eq!(bench.store.site_tokens().expect("readable")[0].expires, grace);
}

fn j11_a_key_list_that_anyone_could_sign_for_refuses_the_kit(bench: &mut Bench) {
    let issuer = Issuer::new(7);
    let token = issuer.issue(1, 333, now(), 30, None);
    let good = String::from_utf8(issuer.jwks(None)).expect("JSON");
    // The neutral element: under it one signature is good for every message.
    let small = {
        let at = good.find("\"x\":\"").expect("a key") + 5;
        format!("{}AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA{}", &good[..at], &good[at + 43..])
    };
    for (what, jwks, tokens, code) in [
        ("a key of small order", small, forge::bundle(&[token.expose()]), "E-JWKS-WEAK"),
        ("a key list of another spelling", good.replace(':', ": "), forge::bundle(&[token.expose()]), "E-JWKS"),
        ("a line that is no token", good.clone(), "{}\n".to_owned(), "E-JWT-BUNDLE"),
        ("one token twice", good, forge::bundle(&[token.expose(), token.expose()]), "E-JWT-BUNDLE"),
    ] {
        let mut draft = bench.draft();
        draft.put(JWKS_PATH, jwks.as_bytes());
        draft.put(TOKENS_PATH, tokens.as_bytes());
        bench.refuse(what, &draft.kit(), code);
    }
    let mut draft = bench.draft();
    draft.put(TOKENS_PATH, forge::bundle(&[token.expose()]).as_bytes());
    bench.refuse("tokens without keys", &draft.kit(), "E-JWKS");
}

fn j12_feeds_are_taken_without_an_entitlement_and_never_the_reverse(bench: &mut Bench) {
    let issuer = Issuer::new(7);
    let elsewhere = "other-site".parse().expect("a site");
    let old = now().plus_days(-40);
    let late = issuer.issue(1, 333, old, 30, None);
    let early = issuer.issue(2, 333, now().plus_days(1), 30, None);
    let foreign = issuer.issue(3, 333, now(), 30, Some(&elsewhere));
    for (step, what, tokens, said) in [
        (1, "no token", None, "carries no token"),
        (2, "a token that has ended", Some(&late), "E-JWT-EXPIRED"),
        (3, "a token of tomorrow", Some(&early), "E-JWT-NOT-YET"),
        (4, "a token for another site", Some(&foreign), "no token of the kit is good for this site"),
    ] {
        let mut draft = bench.draft_of(HELD + step, 2);
        if let Some(token) = tokens {
            issuer.put(&mut draft, &[token.expose()]);
        }
        let source = bench.medium(&draft.kit());
        bench.import_changing(source).unwrap_or_else(|error| panic!("{what}: {error}"));
        let receipt = bench.receipts().pop().expect("one");
        assert!(receipt.warnings.iter().any(|warning| warning.contains(said)), "{what}: {:?}", receipt.warnings);
        assert_eq!(bench.store.site_tokens().expect("readable"), [], "{what}");
        bench.note(what, "WARN");
    }
    let mut draft = bench.draft_of(HELD + 5, 2);
    issuer.put(&mut draft, &[issuer.issue(4, 333, now(), 30, None).expose()]);
    let signers = bench.vendor.pairs("snapshot");
    draft.sign_with("feeds", signers);
    bench.refuse("a good token beside feeds that nobody signed", &draft.kit(), "E-TGT-SIG");
    assert_eq!(bench.store.site_tokens().expect("readable"), []);
}
