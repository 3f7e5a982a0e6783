//! All targets. To add one: a function here or in a file beside, and a row.

mod containers;
mod datasets;
mod documents;
mod evidence;
mod feeds;
mod nouns;
mod tokens;
mod travel;
mod trivydb;

use crate::kit;
use crate::target::{Target, fixtures};

pub(crate) use datasets::check_loaded;
pub(crate) use feeds::check_export;
pub(crate) use trivydb::{tiny_trivy_db, tiny_trivy_metadata};

const KIB: usize = 1 << 10;

#[rustfmt::skip]
pub(crate) const ALL: &[Target] = &[
    Target { name: "purl", length_max: 512, run: nouns::purl, seeds: nouns::purl_seeds, words: nouns::PURL_WORDS },
    Target { name: "version", length_max: 256, run: nouns::version, seeds: nouns::version_seeds, words: nouns::VERSION_WORDS },
    Target { name: "constraint", length_max: 256, run: nouns::constraint, seeds: nouns::constraint_seeds, words: nouns::VERSION_WORDS },
    Target { name: "facts", length_max: 256, run: nouns::facts, seeds: nouns::fact_seeds, words: nouns::FACT_WORDS },

    Target { name: "sbom_json", length_max: 16 * KIB, run: documents::sbom, seeds: || documents::seeds(".json"), words: documents::JSON_WORDS },
    Target { name: "sbom_xml", length_max: 16 * KIB, run: documents::sbom, seeds: || documents::seeds(".xml"), words: documents::XML_WORDS },
    Target { name: "sbom_tag_value", length_max: 16 * KIB, run: documents::sbom, seeds: || documents::seeds(".spdx"), words: documents::TAG_WORDS },

    Target { name: "sbom_syft", length_max: 16 * KIB, run: documents::sbom, seeds: || fixtures("sboms/syft", &[".json"], 16 * KIB), words: documents::SYFT_WORDS },
    Target { name: "sbom_spdx3", length_max: 16 * KIB, run: documents::sbom, seeds: || fixtures("sboms/spdx3", &[".json"], 16 * KIB), words: documents::SPDX3_WORDS },
    Target { name: "sbom_attested", length_max: 8 * KIB, run: documents::attested, seeds: documents::attested_seeds, words: documents::ATTESTED_WORDS },
    Target { name: "sbom_protobuf", length_max: 8 * KIB, run: documents::sbom, seeds: || fixtures("sboms/cyclonedx", &[".binpb"], 8 * KIB), words: documents::PROTOBUF_WORDS },

    Target { name: "feed_osv", length_max: 8 * KIB, run: feeds::feed, seeds: || fixtures("feeds/osv", &[".json", ".yaml"], 8 * KIB), words: feeds::OSV_WORDS },
    Target { name: "feed_secdb", length_max: 4 * KIB, run: feeds::feed, seeds: feeds::secdb_seeds, words: feeds::DISTRIBUTION_WORDS },
    Target { name: "feed_debian", length_max: 4 * KIB, run: feeds::feed, seeds: || fixtures("feeds/debian", &[".json"], 4 * KIB), words: feeds::DISTRIBUTION_WORDS },
    Target { name: "feed_csaf", length_max: 8 * KIB, run: feeds::feed, seeds: || fixtures("feeds/csaf", &[".json"], 8 * KIB), words: feeds::CSAF_WORDS },
    Target { name: "feed_oval", length_max: 16 * KIB, run: feeds::feed, seeds: || fixtures("feeds/oval", &[".xml"], 16 * KIB), words: feeds::OVAL_WORDS },
    Target { name: "feed_updateinfo", length_max: 8 * KIB, run: feeds::feed, seeds: || fixtures("feeds/updateinfo", &[".xml"], 8 * KIB), words: feeds::UPDATEINFO_WORDS },
    Target { name: "feed_ubuntu", length_max: 4 * KIB, run: feeds::feed, seeds: || fixtures("feeds/ubuntu", &[""], 4 * KIB), words: feeds::UBUNTU_WORDS },
    Target { name: "feed_errata", length_max: 4 * KIB, run: feeds::feed, seeds: feeds::errata_seeds, words: feeds::ERRATA_WORDS },
    Target { name: "feed_rubysec", length_max: 4 * KIB, run: feeds::feed, seeds: || fixtures("feeds/rubysec", &[".yml"], 4 * KIB), words: feeds::RUBYSEC_WORDS },
    Target { name: "feed_kev_epss", length_max: 4 * KIB, run: feeds::feed, seeds: feeds::exploitation_seeds, words: feeds::EXPLOITATION_WORDS },
    Target { name: "feed_container", length_max: 8 * KIB, run: feeds::feed, seeds: feeds::container_seeds, words: &[] },

    Target { name: "dataset_manifest", length_max: 8 * KIB, run: datasets::manifest, seeds: datasets::manifest_seeds, words: datasets::WORDS },
    Target { name: "dataset_lines", length_max: 8 * KIB, run: datasets::lines, seeds: datasets::line_seeds, words: datasets::WORDS },

    Target { name: "trivydb", length_max: 8 * KIB, run: trivydb::database, seeds: trivydb::seeds, words: &[] },

    Target { name: "kit_tar", length_max: 16 * KIB, run: containers::tar, seeds: containers::tar_seeds, words: containers::TAR_WORDS },
    Target { name: "kit_frame", length_max: 8 * KIB, run: containers::frame, seeds: containers::frame_seeds, words: containers::FRAME_WORDS },
    Target { name: "kit_root", length_max: 8 * KIB, run: containers::root, seeds: containers::root_seeds, words: containers::ROOT_WORDS },
    Target { name: "kit_seal", length_max: KIB, run: containers::seal, seeds: containers::seal_seeds, words: containers::SEAL_WORDS },

    Target { name: "token_vendor", length_max: 2 * KIB, run: tokens::vendor, seeds: tokens::vendor_seeds, words: tokens::WORDS },
    Target { name: "token_jwks", length_max: KIB, run: tokens::jwks, seeds: tokens::jwks_seeds, words: tokens::WORDS },
    Target { name: "token_revocations", length_max: KIB, run: tokens::revocations, seeds: tokens::revocation_seeds, words: tokens::WORDS },
    Target { name: "token_bundle", length_max: 4 * KIB, run: tokens::bundle, seeds: tokens::bundle_seeds, words: tokens::WORDS },
    Target { name: "attest_envelope", length_max: 2 * KIB, run: evidence::envelope, seeds: evidence::envelope_seeds, words: evidence::ENVELOPE_WORDS },
    Target { name: "attest_note", length_max: KIB, run: evidence::note, seeds: evidence::note_seeds, words: evidence::NOTE_WORDS },

    Target { name: "kit_volumes", length_max: 256, run: travel::volumes, seeds: travel::volume_seeds, words: &[] },
    Target { name: "kit_delta", length_max: 8 * KIB, run: travel::delta, seeds: travel::delta_seeds, words: datasets::WORDS },
    Target { name: "kit_site_frame", length_max: 16 * KIB, run: travel::site_frame, seeds: travel::site_seeds, words: containers::TAR_WORDS },

    Target { name: "kit_verify", length_max: KIB, run: kit::verify, seeds: kit::seeds, words: &[] },
    Target { name: "kit_end_to_end", length_max: KIB, run: kit::end_to_end, seeds: kit::seeds, words: &[] },
];
