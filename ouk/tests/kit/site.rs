//! S18, and the site's variants of S01, S02, S06, M01, M03, M05, T01: who vouches for a kit, and for which.

use domain::digest::Digest;
use domain::time::Timestamp;
use ouk::keys::{KeyPair, KeySet, NextRoot, Role, RootRoles, sign_next_root};
use ouk::limits::Limits;
use ouk::read::open;
use ouk::site::{
    Endorsement, Judged, Publication, SiteCeremonyConfig, SiteError, SiteExpiries, SiteMetadata, VerifiedSite,
    check_site_root, endorse, judge, publish, site_ceremony, verify_site,
};
use ouk::verify::{Floors, TrustState, VerifiedKit, verify};
use serde_json::{Value, json};

use forge::{Files, Vendor, bend_json, code, compress, gates, import, now, pin, rng, sign, tar};

const RECEIPT: &[u8] = b"{\"payloadType\":\"application/vnd.in-toto+json\"}";
const TARGETS: &[(&str, &[u8])] = &[("feeds/a", b"hello"), ("feeds/empty", b""), ("os/b", b"b")];

/// A site with real keys.
pub(crate) struct Site {
    keys: KeySet,
    pub(crate) roots: Vec<Vec<u8>>,
}

impl Site {
    pub(crate) fn new(seed: u64) -> Self {
        let made = site_ceremony(&SiteCeremonyConfig::new(now()), &mut rng(seed)).expect("a ceremony");
        let files = made.custodians.iter().chain(&made.online).map(|(name, secret)| (name.as_str(), secret.expose()));
        Self { keys: KeySet::from_files(files).expect("keys"), roots: vec![made.root_json] }
    }

    pub(crate) fn trust(&self) -> TrustState {
        TrustState { root: self.roots[0].clone(), floors: Floors::default() }
    }

    fn publication(&self, version: u64) -> Publication<'_> {
        let expiries = SiteExpiries::default();
        Publication { roots: &self.roots, keys: &self.keys, version, now: now(), expiries, receipt: RECEIPT }
    }

    pub(crate) fn publish(&self, kit: &VerifiedKit, version: u64) -> SiteMetadata {
        publish(kit, &self.publication(version)).expect("publishes")
    }

    fn pair(&self, role: Role) -> KeyPair {
        self.keys.of(role)[0].clone()
    }

    /// The files of a publication with one role bent before it is signed, by these signers; what pins it follows.
    fn forge(&self, kit: &VerifiedKit, bent: Role, signers: &[KeyPair], bend: &dyn Fn(&mut Value)) -> SiteMetadata {
        let mut files = self.publish(kit, 7).files().clone();
        let mut below = None;
        for role in [Role::Targets, Role::Snapshot, Role::Timestamp] {
            let name =
                if role == Role::Timestamp { "SITE/timestamp.json".into() } else { format!("SITE/7.{role}.json") };
            let mut document: Value = serde_json::from_slice(&files[&name]).expect("JSON");
            let signed = &mut document["signed"];
            if let Some((file, pin)) = below.take() {
                signed["meta"][file] = pin;
            }
            let own = [self.pair(role)];
            let signers = if role == bent { signers } else { &own };
            if role == bent {
                bend(signed);
            }
            let bytes = sign(signed, &signers.iter().collect::<Vec<_>>());
            below = Some((format!("{role}.json"), pin(&json!(7), &bytes)));
            files.insert(name, bytes);
        }
        metadata(&files)
    }
}

fn metadata(files: &Files) -> SiteMetadata {
    SiteMetadata::from_frame(&compress(&tar(files)), &Limits::default()).expect("a frame")
}

pub(crate) fn verified(vendor: &Vendor, kit: &[u8]) -> VerifiedKit {
    let opened = open(kit, &Limits::default()).expect("opens");
    verify(&opened.metadata, &vendor.trust(), &gates(), now(), &Limits::default()).expect("verifies")
}

pub(crate) fn endorsed(vendor: &Vendor, kit: &[u8], site: &SiteMetadata) -> Vec<u8> {
    let opened = open(kit, &Limits::default()).expect("opens");
    let mut out = Vec::new();
    let written = endorse(opened, &verified(vendor, kit), site, &mut out).expect("endorses");
    assert_eq!((written.length, written.sha256), (out.len() as u64, Digest::of(&out)));
    out
}

/// The site's frame of a kit, as a reader behind the gap finds it.
fn found(vendor: &Vendor, kit: &[u8]) -> Option<SiteMetadata> {
    let mut opened = open(kit, &Limits::default()).expect("opens");
    opened.site(&verified(vendor, kit)).expect("of good form").cloned()
}

fn check(site: &SiteMetadata, trust: &TrustState, kit: &VerifiedKit) -> Result<VerifiedSite, SiteError> {
    verify_site(site, trust, kit, now(), &Limits::default())
}

fn refused(site: &SiteMetadata, trust: &TrustState, kit: &VerifiedKit) -> &'static str {
    check(site, trust, kit).map_or_else(|error| error.code(), |_| "accepted")
}

fn after(site: &VerifiedSite) -> TrustState {
    TrustState { root: site.root().to_vec(), floors: site.floors().clone() }
}

#[test]
fn an_endorsed_kit_is_the_vendors_with_one_frame_more() {
    let (vendor, site) = (Vendor::new(1), Site::new(2));
    let (kit, _) = vendor.build(4, TARGETS);
    let ours = verified(&vendor, &kit);
    let word = site.publish(&ours, 9);
    let endorsed = endorsed(&vendor, &kit, &word);
    let head = open(kit.as_slice(), &Limits::default()).expect("opens").metadata.frame().len();
    let behind = head + word.frame().len();
    assert_eq!(endorsed[..head], kit[..head]);
    assert_eq!(endorsed[head..behind], *word.frame());
    assert_eq!(endorsed[behind..], kit[head..], "the vendor's bytes are untouched");
    // Who pins no site reads it as before.
    let (there, blobs) = import(&endorsed, &vendor.trust()).expect("imports");
    let (_, expected) = import(&kit, &vendor.trust()).expect("imports");
    assert_eq!((there.metadata_digest(), blobs), (ours.metadata_digest(), expected));
    let word = found(&vendor, &endorsed).expect("a site's frame");
    let judged = judge(Some(&word), Endorsement::VendorOnly, &there, now(), &Limits::default());
    assert!(matches!(judged, Ok(Judged::NotEvaluated)));
    // Who pins this site has its word, and the receipt.
    let Ok(Judged::Endorsed(verified)) =
        judge(Some(&word), Some(&site.trust()).into(), &there, now(), &Limits::default())
    else {
        panic!("the site vouches");
    };
    assert_eq!((verified.version(), verified.root_version(), verified.receipt()), (9, 1, RECEIPT));
    assert_eq!(verified.origin().vendor_metadata_digest, ours.metadata_digest());
    assert_eq!(verified.origin().vendor_targets_version, 4);
}

#[test]
fn a_pinned_site_is_asked_for_by_default() {
    let (vendor, site) = (Vendor::new(1), Site::new(2));
    let (kit, _) = vendor.build(4, TARGETS);
    let ours = verified(&vendor, &kit);
    assert!(found(&vendor, &kit).is_none());
    let policy = |trust| Endorsement::from(trust);
    let limits = Limits::default();
    assert!(matches!(judge(None, policy(None), &ours, now(), &limits), Ok(Judged::Absent)));
    let missing = judge(None, policy(Some(&site.trust())), &ours, now(), &limits).expect_err("stripped");
    assert_eq!(missing.code(), "E-SITE-MISSING");
}

#[test]
fn the_word_of_another_site_or_of_the_vendor_is_none() {
    // S01, S18: another site's root; the vendor's root pinned by mistake; roots of both mixed.
    let (vendor, site, other) = (Vendor::new(1), Site::new(2), Site::new(3));
    let (kit, _) = vendor.build(4, TARGETS);
    let ours = verified(&vendor, &kit);
    assert_eq!(refused(&other.publish(&ours, 7), &site.trust(), &ours), "E-SITE-ROOT");
    assert_eq!(refused(&site.publish(&ours, 7), &vendor.trust(), &ours), "E-SITE-ROOT");
    let mut files = other.publish(&ours, 7).files().clone();
    files.insert("SITE/root/1.root.json".into(), site.roots[0].clone());
    assert_eq!(refused(&metadata(&files), &site.trust(), &ours), "E-SITE-SIG");
}

#[test]
fn each_role_is_signed_by_its_own_key() {
    // S01, S18: unsigned, another role's key, a custodian's key, a stranger's.
    let (vendor, site) = (Vendor::new(1), Site::new(2));
    let (kit, _) = vendor.build(4, TARGETS);
    let ours = verified(&vendor, &kit);
    let roles = [Role::Targets, Role::Snapshot, Role::Timestamp];
    let stranger = KeyPair::generate(&mut rng(99));
    for role in roles {
        let good = site.forge(&ours, role, &[site.pair(role)], &|_| {});
        assert_eq!(refused(&good, &site.trust(), &ours), "accepted", "{role}");
        let mut others: Vec<KeyPair> = roles.iter().filter(|other| **other != role).map(|it| site.pair(*it)).collect();
        others.extend([site.pair(Role::Root), stranger.clone()]);
        assert_eq!(refused(&site.forge(&ours, role, &others, &|_| {}), &site.trust(), &ours), "E-SITE-SIG", "{role}");
        assert_eq!(refused(&site.forge(&ours, role, &[], &|_| {}), &site.trust(), &ours), "E-SITE-SIG", "{role}");
    }
}

#[test]
fn a_root_needs_its_custodians_and_keeps_roles_apart() {
    // S02: one of three custodians, and the same one twice. Then a root where one key has two roles.
    let site = Site::new(2);
    let limits = Limits::default();
    let custodians = site.keys.of(Role::Root);
    let signed: Value = serde_json::from_slice::<Value>(&site.roots[0]).expect("JSON")["signed"].take();
    let root = |signers: &[&KeyPair]| sign(&signed, signers);
    let code = |root: &[u8]| check_site_root(root, &limits).map_or_else(|error| error.code(), |_| "accepted");
    assert_eq!(code(&root(&[&custodians[0], &custodians[2]])), "accepted");
    assert_eq!(code(&root(&[&custodians[0]])), "E-SITE-THRESHOLD");
    assert_eq!(code(&root(&[&custodians[0], &custodians[0]])), "E-SITE-THRESHOLD");
    let mut roles = RootRoles::of(&site.roots[0]).expect("roles");
    let targets = roles.roles[&Role::Targets].clone();
    roles.roles.insert(Role::Snapshot, targets);
    let next = NextRoot { current: &site.roots[0], roles, expires: now().plus_days(9), signers: custodians };
    let shared = sign_next_root(&next).expect("TUF allows it");
    assert_eq!(code(&shared), "E-SITE-KEY");
    let config = SiteCeremonyConfig::new(now());
    for (custodians, threshold) in [(3, 0), (2, 3)] {
        let config = SiteCeremonyConfig { custodians, threshold, ..config };
        assert!(site_ceremony(&config, &mut rng(1)).is_err(), "{threshold} of {custodians}");
    }
}

#[test]
fn a_site_can_replace_a_stolen_key() {
    // S06: root 2 takes the targets key away; what it signed before is refused from then on.
    let vendor = Vendor::new(1);
    let (kit, _) = vendor.build(4, TARGETS);
    let ours = verified(&vendor, &kit);
    let mut site = Site::new(2);
    let stolen = site.pair(Role::Targets);
    let before = after(&check(&site.publish(&ours, 900), &site.trust(), &ours).expect("vouches"));
    let fresh = KeyPair::generate(&mut rng(50));
    let mut roles = RootRoles::of(&site.roots[0]).expect("roles");
    roles.roles.insert(Role::Targets, (vec![fresh.public().clone()], 1));
    let signers = site.keys.of(Role::Root);
    let next = NextRoot { current: &site.roots[0], roles, expires: now().plus_days(900), signers };
    let next = sign_next_root(&next).expect("root 2");
    site.roots.push(next);
    let mut keys = KeySet::new();
    for role in [Role::Root, Role::Snapshot, Role::Timestamp] {
        site.keys.of(role).iter().for_each(|pair| keys.add(role, pair.clone()));
    }
    keys.add(Role::Targets, fresh);
    site.keys = keys;
    // Only the stolen role's floor falls.
    assert_eq!(refused(&site.publish(&ours, 8), &before, &ours), "E-SITE-ROLLBACK");
    let now_trusted = after(&check(&site.publish(&ours, 901), &before, &ours).expect("vouches by root 2"));
    let forged = site.forge(&ours, Role::Targets, &[stolen], &|_| {});
    assert_eq!(refused(&forged, &site.trust(), &ours), "E-SITE-SIG");
    assert_eq!(refused(&Site::new(2).publish(&ours, 950), &now_trusted, &ours), "E-SITE-ROOT", "root 1 is the past");
}

#[test]
fn an_older_endorsement_is_refused_and_one_version_has_one_content() {
    // M01, M03, M04.
    let (vendor, site) = (Vendor::new(1), Site::new(2));
    let (kit, _) = vendor.build(4, TARGETS);
    let (next, _) = vendor.build(5, &[("feeds/a", b"hello again")]);
    let (ours, theirs) = (verified(&vendor, &kit), verified(&vendor, &next));
    let word = site.publish(&ours, 7);
    let trust = after(&check(&word, &site.trust(), &ours).expect("vouches"));
    assert_eq!(refused(&word, &trust, &ours), "accepted", "the same again");
    assert_eq!(refused(&site.publish(&ours, 6), &trust, &ours), "E-SITE-ROLLBACK");
    assert_eq!(refused(&site.publish(&theirs, 7), &trust, &theirs), "E-SITE-EQUIVOCATION");
    assert_eq!(refused(&site.publish(&theirs, 8), &trust, &theirs), "accepted");
    // Each role alone goes back.
    for role in [Role::Targets, Role::Snapshot, Role::Timestamp] {
        let mut trust = site.trust();
        trust.floors.roles.insert(role.to_string(), ouk::verify::Floor { version: 8, sha256: Digest::of(b"") });
        assert_eq!(refused(&word, &trust, &ours), "E-SITE-ROLLBACK", "{role}");
    }
}

#[test]
fn the_word_for_one_kit_is_none_for_another() {
    // M05: the frame of kit 5 behind kit 4, with other and with the very same targets.
    let (vendor, site) = (Vendor::new(1), Site::new(2));
    let (kit, _) = vendor.build(4, TARGETS);
    let ours = verified(&vendor, &kit);
    for contents in [TARGETS, &[("feeds/a", b"other".as_slice())]] {
        let (other, _) = vendor.build(5, contents);
        let word = site.publish(&verified(&vendor, &other), 7);
        let moved = endorsed(&vendor, &kit, &word);
        let word = found(&vendor, &moved).expect("it travels");
        assert_eq!(refused(&word, &site.trust(), &ours), "E-SITE-ORIGIN");
    }
    // Documents of two publications.
    let (old, new) = (site.publish(&ours, 7), site.publish(&ours, 8));
    let mut files = new.files().clone();
    let targets = files.remove("SITE/8.targets.json").expect("targets");
    files.insert("SITE/7.targets.json".into(), old.files()["SITE/7.targets.json"].clone());
    assert_eq!(refused(&metadata(&files), &site.trust(), &ours), "E-SITE-MIX");
    files.insert("SITE/8.targets.json".into(), targets);
    assert_eq!(refused(&metadata(&files), &site.trust(), &ours), "E-SITE-FORM", "one file too many");
}

#[test]
fn a_site_vouches_for_the_vendors_targets_and_no_other() {
    let (vendor, site) = (Vendor::new(1), Site::new(2));
    let (kit, _) = vendor.build(4, TARGETS);
    let ours = verified(&vendor, &kit);
    let digest = json!({ "sha256": Digest::of(b"evil") });
    type Bend<'a> = &'a dyn Fn(&mut Value);
    let bends: [(&str, Bend<'_>); 10] = [
        ("E-SITE-TARGETS", &|targets| targets["feeds/a"]["hashes"] = digest.clone()),
        ("E-SITE-TARGETS", &|targets| targets["feeds/a"]["length"] = json!(6)),
        ("E-SITE-TARGETS", &|targets| targets["feeds/a"]["hashes"]["sha512"] = json!("00")),
        ("E-SITE-TARGETS", &|targets| targets["feeds/z"] = targets["feeds/a"].clone()),
        ("E-SITE-TARGETS", &|targets| drop(targets.as_object_mut().map(|it| it.remove("os/b")))),
        ("E-SITE-TARGETS", &|targets| *targets = json!({})),
        ("E-SITE-FORM", &|targets| targets["os/b"]["custom"] = json!({})),
        ("E-SITE-ORIGIN", &|targets| targets["os/b"]["custom"]["stella"]["vendor_root"] = json!(Digest::of(b""))),
        ("E-SITE-ORIGIN", &|targets| targets["os/b"]["custom"]["stella"]["vendor_targets_version"] = json!(5)),
        ("E-SITE-RECEIPT", &|targets| targets["os/b"]["custom"]["stella"]["receipt_sha256"] = json!(Digest::of(b""))),
    ];
    for (at, (code, bend)) in bends.iter().enumerate() {
        let signer = [site.pair(Role::Targets)];
        let word = site.forge(&ours, Role::Targets, &signer, &|signed| bend(&mut signed["targets"]));
        assert_eq!(refused(&word, &site.trust(), &ours), *code, "case {at}");
    }
    let delegating = site.forge(&ours, Role::Targets, &[site.pair(Role::Targets)], &|signed| {
        signed["delegations"] = json!({ "keys": {}, "roles": [] });
    });
    assert_eq!(refused(&delegating, &site.trust(), &ours), "E-SITE-FORM");
    // The receipt is exchanged, or gone.
    let mut files = site.publish(&ours, 7).files().clone();
    files.insert("SITE/receipt.dsse.json".into(), b"{}".to_vec());
    assert_eq!(refused(&metadata(&files), &site.trust(), &ours), "E-SITE-RECEIPT");
    files.remove("SITE/receipt.dsse.json");
    assert_eq!(refused(&metadata(&files), &site.trust(), &ours), "E-SITE-FORM");
}

#[test]
fn an_endorsement_ends() {
    // T01, to the second: the first of timestamp and snapshot ends after 45 days.
    let (vendor, site) = (Vendor::new(1), Site::new(2));
    let (kit, _) = vendor.build(4, TARGETS);
    let ours = verified(&vendor, &kit);
    let word = site.publish(&ours, 7);
    let at = |seconds: i64| {
        let then = Timestamp::from_unix(now().plus_days(45).unix() + seconds);
        verify_site(&word, &site.trust(), &ours, then, &Limits::default()).map_or_else(|error| error.code(), |_| "ok")
    };
    assert_eq!((at(-1), at(0)), ("ok", "E-SITE-EXPIRED"));
    let bent = |role: Role| {
        let signer = [site.pair(role)];
        let word = site.forge(&ours, role, &signer, &|signed| signed["expires"] = json!("2026-11-24T00:00:00Z"));
        refused(&word, &site.trust(), &ours)
    };
    assert_eq!([Role::Targets, Role::Snapshot, Role::Timestamp].map(bent), ["E-SITE-EXPIRED"; 3]);
}

#[test]
fn a_site_frame_of_bad_form_is_refused_whoever_reads_it() {
    let (vendor, site) = (Vendor::new(1), Site::new(2));
    let (kit, _) = vendor.build(4, TARGETS);
    let word = site.publish(&verified(&vendor, &kit), 7);
    let head = open(kit.as_slice(), &Limits::default()).expect("opens").metadata.frame().len();
    let with = |frame: &[u8]| [&kit[..head], frame, &kit[head..]].concat();
    assert_eq!(code(&with(word.frame()), &vendor.trust()), "accepted");
    let files = |add: &str| {
        let mut files = word.files().clone();
        files.insert(add.to_owned(), b"x".to_vec());
        compress(&tar(&files))
    };
    assert_eq!(code(&with(&files("SITE/../x")), &vendor.trust()), "E-NAME");
    assert_eq!(code(&with(&files("SITE/root/../x")), &vendor.trust()), "E-NAME");
    assert_eq!(code(&with(&files("TEST/x")), &vendor.trust()), "E-NAME");
    assert_eq!(code(&with(&files("blobs/sha256/x")), &vendor.trust()), "E-ORDER");
    // Twice, in another place, behind the end, alone.
    let twice = [word.frame(), word.frame()].concat();
    assert_eq!(code(&with(&twice), &vendor.trust()), "E-DIGEST");
    let end = kit.len() - forge::END.len();
    let late = [&kit[..end], word.frame(), &kit[end..]].concat();
    assert_eq!(code(&late, &vendor.trust()), "E-EXTRA");
    assert_eq!(code(&[&kit, word.frame()].concat(), &vendor.trust()), "E-TRAIL");
    assert!(open([word.frame(), &kit[head..]].concat().as_slice(), &Limits::default()).is_err());
    // A frame that is neither is found out unopened, as ever.
    assert_eq!(code(&with(&compress(&[0; 512])), &vendor.trust()), "E-DIGEST");
}

#[test]
fn no_bit_of_an_endorsed_kit_can_change_unnoticed() {
    let (vendor, site) = (Vendor::new(1), Site::new(2));
    let (kit, _) = vendor.build(4, &[("feeds/a", b"hello")]);
    let good = endorsed(&vendor, &kit, &site.publish(&verified(&vendor, &kit), 7));
    let head = open(good.as_slice(), &Limits::default()).expect("opens").metadata.frame().len();
    let (ours, trust) = (verified(&vendor, &kit), site.trust());
    let word = found(&vendor, &good).expect("a word");
    for bit in (head * 8..(head + word.frame().len()) * 8).step_by(11) {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let mut opened = open(bad.as_slice(), &Limits::default()).expect("the vendor's frame is whole");
        // Refused, or some bit of the frame that changes nothing of its content.
        match opened.site(&ours) {
            Err(_) | Ok(None) => assert_ne!(code(&bad, &vendor.trust()), "accepted", "bit {bit}"),
            Ok(Some(found)) if found.files() == word.files() => {}
            Ok(Some(found)) => assert_ne!(refused(found, &trust, &ours), "accepted", "bit {bit}"),
        }
    }
}

#[test]
fn endorsing_again_replaces_the_frame_and_refuses_a_damaged_kit() {
    let (vendor, first, second) = (Vendor::new(1), Site::new(2), Site::new(3));
    let (kit, _) = vendor.build(4, TARGETS);
    let ours = verified(&vendor, &kit);
    let once = endorsed(&vendor, &kit, &first.publish(&ours, 7));
    let twice = endorsed(&vendor, &once, &second.publish(&ours, 3));
    assert_eq!(twice, endorsed(&vendor, &kit, &second.publish(&ours, 3)));
    let mut bad = kit.clone();
    let at = bad.len() - 40;
    bad[at] ^= 1;
    let opened = open(bad.as_slice(), &Limits::default()).expect("opens");
    assert!(endorse(opened, &ours, &first.publish(&ours, 7), &mut Vec::new()).is_err());
}

#[test]
fn a_sites_metadata_travels_expanded_between_processes() {
    let (vendor, site) = (Vendor::new(1), Site::new(2));
    let (kit, _) = vendor.build(4, TARGETS);
    let ours = verified(&vendor, &kit);
    let here = site.publish(&ours, 7);
    let limits = Limits::default();
    let there = SiteMetadata::from_expanded(here.frame().to_vec(), &here.expanded(), &limits).expect("reads");
    assert_eq!(there, here);
    let tight = Limits { metadata_frame_bytes_max: here.expanded().len() as u64 - 1, ..limits.clone() };
    let refused = SiteMetadata::from_expanded(here.frame().to_vec(), &here.expanded(), &tight);
    assert_eq!(refused.expect_err("over the limit").code(), "E-LIMIT");
    let tight = Limits { metadata_files_max: 4, ..limits };
    let refused = SiteMetadata::from_expanded(here.frame().to_vec(), &here.expanded(), &tight);
    assert_eq!(refused.expect_err("over the limit").code(), "E-LIMIT");
}

#[test]
fn what_cannot_be_verified_is_not_published() {
    let (vendor, site) = (Vendor::new(1), Site::new(2));
    let (kit, _) = vendor.build(4, TARGETS);
    let ours = verified(&vendor, &kit);
    let other = Site::new(3);
    let wrong = Publication { keys: &other.keys, ..site.publication(7) };
    assert_eq!(publish(&ours, &wrong).expect_err("another site's keys").code(), "E-SITE-SIG");
    let none = KeySet::new();
    let without = Publication { keys: &none, ..site.publication(7) };
    assert_eq!(publish(&ours, &without).expect_err("no keys").code(), "E-SITE-KEYS");
    let rootless = Publication { roots: &[], ..site.publication(7) };
    assert!(publish(&ours, &rootless).is_err());
    assert!(publish(&ours, &site.publication(0)).is_err(), "versions begin at 1");
}

#[test]
fn two_readings_of_one_document_are_refused() {
    // The rules for JSON are those of a vendor's metadata.
    let (vendor, site) = (Vendor::new(1), Site::new(2));
    let (kit, _) = vendor.build(4, TARGETS);
    let ours = verified(&vendor, &kit);
    let word = site.publish(&ours, 7);
    let mut asked = 0;
    for (name, bytes) in word.files().iter().filter(|(name, _)| !name.ends_with("receipt.dsse.json")) {
        let mut files = word.files().clone();
        files.insert(name.clone(), [bytes.as_slice(), b"\n"].concat());
        assert_ne!(refused(&metadata(&files), &site.trust(), &ours), "accepted", "{name}");
        files.insert(name.clone(), bend_json(bytes, |value| value["signed"]["version"] = json!(1_000)));
        assert_ne!(refused(&metadata(&files), &site.trust(), &ours), "accepted", "{name}");
        asked += 1;
    }
    assert_eq!(asked, 4);
}
