//! Every source by name: whose it is, under which terms, and which record ids are its own.

use domain::source::{Redistribution, SourceId};

use Redistribution::{Attribution, InternalOnly, Open, ShareAlike};
use Relation::{Alias, Derived, Malware};

/// What is known of a source beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceInfo {
    pub id: &'static str,
    pub name: &'static str,
    pub url: &'static str,
    pub licence: &'static str,
    pub redistribution: Redistribution,
    /// What stands before the first hyphen of its OSV record ids.
    pub prefixes: &'static [&'static str],
    pub relation: Relation,
}

/// What a CVE id in a record's `aliases` or `related` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The lists mean what they say: an alias is the same vulnerability.
    Alias,
    /// A distribution's record about, or bundle of, vulnerabilities that have records of their
    /// own. Their CVE ids are `upstream`, wherever the record lists them: an erratum with five
    /// CVEs as aliases would weld five vulnerabilities into one.
    Derived,
    /// A malicious package, which is never the same thing as a vulnerability.
    Malware,
}

impl SourceInfo {
    pub fn source_id(&self) -> SourceId {
        SourceId::new(self.id)
    }
}

/// The source with this id.
pub fn source_info(id: &str) -> Option<&'static SourceInfo> {
    SOURCES.iter().find(|source| source.id == id)
}

/// The source that owns an OSV record id.
pub fn by_prefix(record: &str) -> Option<&'static SourceInfo> {
    let (prefix, _) = record.split_once('-')?;
    SOURCES.iter().find(|source| source.prefixes.contains(&prefix))
}

macro_rules! sources {
    ($($id:literal $name:literal $url:literal $licence:literal $terms:ident $relation:ident [$($prefix:literal)*];)*) => {
        /// One line per source: id, name, home, licence, may it leave the house, what CVE ids
        /// mean, OSV id prefixes. Terms that nobody has checked are internal-only.
        pub const SOURCES: &[SourceInfo] = &[$(SourceInfo {
            id: $id, name: $name, url: $url, licence: $licence, redistribution: $terms,
            prefixes: &[$($prefix),*], relation: $relation,
        },)*];
    };
}

sources! {
    "alma" "AlmaLinux errata" "https://errata.almalinux.org/" "MIT" Attribution Derived ["ALSA" "ALBA" "ALEA"];
    "alpine" "Alpine secdb" "https://secdb.alpinelinux.org/" "not stated" Attribution Derived ["ALPINE"];
    "amazon" "Amazon Linux security advisories" "https://alas.aws.amazon.com/" "not stated" InternalOnly Derived [];
    "anchore-nvd" "Anchore NVD data overrides" "https://github.com/anchore/nvd-data-overrides" "CC0-1.0" Open Alias [];
    "android" "Android security bulletins" "https://source.android.com/docs/security/bulletin" "CC-BY-4.0" Attribution Alias ["ASB" "PUB"];
    "arch" "Arch Linux security tracker" "https://security.archlinux.org/" "not stated" InternalOnly Derived ["AVG" "ASA"];
    "azure-linux" "Azure Linux vulnerability data" "https://github.com/microsoft/AzureLinuxVulnerabilityData" "MIT" Attribution Derived ["AZL"];
    "bellsoft" "BellSoft security advisories" "https://github.com/bell-sw/osv-database" "not stated" InternalOnly Derived ["BELL"];
    "bitnami" "Bitnami vulnerability database" "https://github.com/bitnami/vulndb" "Apache-2.0" Attribution Alias ["BIT"];
    "chainguard" "Chainguard advisories" "https://packages.cgr.dev/chainguard/security.json" "not stated" InternalOnly Derived ["CGA"];
    "cisa-adp" "CISA Vulnrichment" "https://github.com/cisagov/vulnrichment" "CC0-1.0" Open Alias [];
    "cleanstart" "CleanStart advisories" "https://github.com/cleanstart-dev/cleanstart-security-advisories" "not stated" InternalOnly Derived ["CLEANSTART"];
    "curl" "curl security advisories" "https://curl.se/docs/security.html" "curl" Attribution Alias ["CURL"];
    "cve" "CVE List" "https://www.cve.org/" "CVE terms of use" Attribution Alias [];
    "debian" "Debian security tracker" "https://security-tracker.debian.org/" "not stated" Attribution Derived ["DEBIAN" "DSA" "DLA" "DTSA"];
    "docker-hardened" "Docker Hardened Images advisories" "https://github.com/docker-hardened-images/advisories" "not stated" InternalOnly Derived ["DHI"];
    "drupal" "Drupal security advisories" "https://github.com/DrupalSecurityTeam/drupal-advisory-database" "MIT" Attribution Alias ["DRUPAL"];
    "echo" "Echo advisories" "https://advisory.echohq.com/" "not stated" InternalOnly Derived ["ECHO"];
    "epss" "Exploit Prediction Scoring System" "https://www.first.org/epss/" "FIRST EPSS terms" Attribution Alias [];
    "erlang" "Erlang Ecosystem Foundation advisories" "https://cna.erlef.org/" "CC-BY-4.0" Attribution Alias ["EEF"];
    "fedora" "Fedora updates" "https://bodhi.fedoraproject.org/" "not stated" InternalOnly Derived ["FEDORA"];
    "freebsd" "FreeBSD advisories" "https://github.com/freebsd/freebsd-vuln-db" "not stated" InternalOnly Derived ["FreeBSD"];
    "freexian" "Freexian extended LTS advisories" "https://deb.freexian.com/extended-lts/" "not stated" InternalOnly Derived ["ELA"];
    "ghsa" "GitHub Advisory Database" "https://github.com/advisories" "CC-BY-4.0" Attribution Alias ["GHSA"];
    "go" "Go vulnerability database" "https://vuln.go.dev/" "CC-BY-4.0" Attribution Alias ["GO"];
    "gsd" "Global Security Database" "https://github.com/cloudsecurityalliance/gsd-database" "CC0-1.0" Open Alias ["GSD"];
    "haskell" "Haskell security advisories" "https://github.com/haskell/security-advisories" "CC0-1.0" Open Alias ["HSEC"];
    "julia" "Julia security advisories" "https://github.com/JuliaLang/SecurityAdvisories.jl" "CC-BY-4.0" Attribution Alias ["JLSEC"];
    "kev" "CISA known exploited vulnerabilities" "https://www.cisa.gov/known-exploited-vulnerabilities-catalog" "CC0-1.0" Open Alias [];
    "kubernetes" "Kubernetes CVE feed" "https://kubernetes.io/docs/reference/issues-security/official-cve-feed/" "CC-BY-4.0" Attribution Alias ["KUBE"];
    "loopback" "LoopBack security advisories" "https://loopback.io/doc/en/sec/Security-advisories.html" "MIT" Attribution Alias ["LBSEC"];
    "mageia" "Mageia advisories" "https://advisories.mageia.org/" "CC-BY-SA-4.0" ShareAlike Derived ["MGASA"];
    "malicious-packages" "OpenSSF malicious packages" "https://github.com/ossf/malicious-packages" "Apache-2.0" Attribution Malware ["MAL"];
    "minimos" "MinimOS advisories" "https://packages.mini.dev/advisories/secdb/security.json" "not stated" InternalOnly Derived ["MINI"];
    "nvd" "National Vulnerability Database" "https://nvd.nist.gov/" "public domain" Open Alias [];
    "opam" "OCaml security advisories" "https://github.com/ocaml/security-advisories" "CC0-1.0" Open Alias ["OSEC"];
    "openeuler" "openEuler advisories" "https://repo.openeuler.org/security/data/" "not stated" InternalOnly Derived ["OESA"];
    "opensuse" "openSUSE advisories" "https://www.suse.com/support/update/" "CC-BY-4.0" Attribution Derived ["openSUSE"];
    "oracle" "Oracle Linux errata" "https://linux.oracle.com/security/oval/" "not stated" InternalOnly Derived ["ELSA" "ELBA" "ELEA"];
    "oss-fuzz" "OSS-Fuzz" "https://github.com/google/oss-fuzz-vulns" "CC-BY-4.0" Attribution Alias ["OSV"];
    "osv-cve" "CVE records converted by OSV" "https://osv.dev/" "CC0-1.0" Open Alias ["CVE"];
    "photon" "Photon OS advisories" "https://github.com/vmware/photon/wiki/Security-Updates" "not stated" InternalOnly Derived ["PHSA"];
    "psf" "Python Software Foundation advisories" "https://github.com/psf/advisory-database" "CC-BY-4.0" Attribution Alias ["PSF"];
    "pypa" "PyPA advisory database" "https://github.com/pypa/advisory-database" "CC-BY-4.0" Attribution Alias ["PYSEC"];
    "r" "R advisory database" "https://github.com/RConsortium/r-advisory-database" "Apache-2.0" Attribution Alias ["RSEC"];
    "redhat" "Red Hat security data" "https://access.redhat.com/security/data" "CC-BY-4.0" Attribution Derived ["RHSA" "RHBA" "RHEA"];
    "rocky" "Rocky Linux errata" "https://errata.rockylinux.org/" "BSD-3-Clause" Attribution Derived ["RLSA" "RLBA" "RLEA" "RXSA"];
    "root" "Root advisories" "https://api.root.io/" "not stated" InternalOnly Derived ["ROOT"];
    "rubysec" "Ruby advisory database" "https://github.com/rubysec/ruby-advisory-db" "public domain" Open Alias [];
    "rustsec" "RustSec advisory database" "https://rustsec.org/" "CC0-1.0 and CC-BY-4.0" Attribution Alias ["RUSTSEC"];
    "suse" "SUSE errata" "https://www.suse.com/support/update/" "CC-BY-4.0" Attribution Derived ["SUSE"];
    "suse-oval" "SUSE OVAL" "https://ftp.suse.com/pub/projects/security/oval/" "CC-BY-4.0" Attribution Derived [];
    "tuxcare" "TuxCare errata" "https://security.tuxcare.com/" "not stated" InternalOnly Derived ["CLSA"];
    "ubuntu" "Ubuntu security notices and CVE tracker" "https://ubuntu.com/security/cves" "CC-BY-SA-4.0" ShareAlike Derived ["UBUNTU" "USN" "LSN"];
    "v8" "V8 advisories" "https://github.com/google/osv.dev" "CC-BY-4.0" Attribution Alias ["V8"];
    "wolfi" "Wolfi secdb" "https://packages.wolfi.dev/os/security.json" "Apache-2.0" Attribution Derived [];
}

#[cfg(test)]
mod tests {
    use super::{SOURCES, by_prefix, source_info};

    #[test]
    fn a_record_id_names_its_source() {
        let of = |record| by_prefix(record).map(|source| source.id);
        assert_eq!(of("GHSA-xxxx-yyyy-zzzz"), Some("ghsa"));
        assert_eq!(of("UBUNTU-CVE-2024-1"), Some("ubuntu"));
        assert_eq!(of("openSUSE-SU-2024:1-1"), Some("opensuse"));
        assert_eq!(of("SUSE-RU-2024:1-1"), Some("suse"));
        assert_eq!(of("x_private-1"), None);
        assert_eq!(of("GHSA"), None);
    }

    #[test]
    fn ids_and_prefixes_are_unique_and_sorted() {
        assert!(SOURCES.windows(2).all(|pair| pair[0].id < pair[1].id));
        let mut prefixes: Vec<_> = SOURCES.iter().flat_map(|source| source.prefixes).collect();
        let count = prefixes.len();
        prefixes.sort_unstable();
        prefixes.dedup();
        assert_eq!(prefixes.len(), count);
        assert!(source_info("kev").is_some() && source_info("nobody").is_none());
    }
}
