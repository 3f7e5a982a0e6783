//! Facts for matching that the standards have no field for, so that tools put them into properties.
//!
//! Trivy's purls do not name the source package, and older Syft's neither; distribution advisories
//! are about source packages, so without these facts most of them would be missed.

use domain::component::SourcePackage;
use domain::purl::Purl;

use crate::draft::{Draft, Place};
use crate::text::{Text, meaningful};

/// What the properties of one component say.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) cpes: Vec<String>,
    pub(crate) locations: Vec<String>,
    pub(crate) module: Option<String>,
    pub(crate) distribution_id: Option<String>,
    pub(crate) distribution_version: Option<String>,
    /// What a release in the making has instead of a number.
    pub(crate) distribution_codename: Option<String>,
    /// Trivy's mark on an entry that stands for a lock file or a binary, not for a package.
    pub(crate) trivy_target: bool,
    trivy_source: TrivySource,
    /// Syft's `source`, which is a source package for deb and something else for others.
    syft_source: Option<String>,
    syft_source_version: Option<String>,
    syft_origin: Option<String>,
    syft_source_rpm: Option<String>,
}

#[derive(Debug, Default)]
struct TrivySource {
    name: Option<String>,
    epoch: Option<String>,
    version: Option<String>,
    release: Option<String>,
}

impl Facts {
    /// The `cpe` field of CycloneDX, which comes before those of the properties.
    pub(crate) fn cpe(&mut self, cpe: &Text<'_>, place: &Place<'_>, draft: &mut Draft<'_>) {
        if let Text::Wrong(found) = cpe {
            draft.warn(|| format!("{place}: cpe is {found}, not a string"));
        }
        if let Some(cpe) = cpe.meaningful() {
            self.cpes.insert(0, cpe.to_owned());
        }
    }

    /// The release of the distribution that the properties name.
    pub(crate) fn release(&self) -> Option<&str> {
        self.distribution_version.as_deref().or(self.distribution_codename.as_deref())
    }

    /// A CycloneDX property.
    pub(crate) fn property(&mut self, name: &str, value: &str) {
        let Some(value) = meaningful(value) else { return };
        if let Some(key) = name.strip_prefix("aquasecurity:trivy:") {
            self.trivy(key, value);
        } else if let Some(key) = name.strip_prefix("syft:") {
            self.syft(key, value);
        }
    }

    /// Trivy writes the same keys into CycloneDX properties and into SPDX texts.
    pub(crate) fn trivy(&mut self, key: &str, value: &str) {
        let source = &mut self.trivy_source;
        match key {
            "SrcName" => source.name = Some(value.to_owned()),
            "SrcVersion" => source.version = Some(value.to_owned()),
            "SrcRelease" => source.release = Some(value.to_owned()),
            "SrcEpoch" => source.epoch = Some(value.to_owned()),
            "Modularitylabel" => self.module = Some(value.to_owned()),
            "FilePath" => self.locations.push(value.to_owned()),
            "Class" => self.trivy_target = true,
            _ => {}
        }
    }

    /// A line `Key: value`, as Trivy puts into SPDX attribution texts and annotations.
    pub(crate) fn trivy_line(&mut self, line: &str) {
        if let Some((key, value)) = line.split_once(": ")
            && let Some(value) = meaningful(value)
        {
            self.trivy(key, value);
        }
    }

    fn syft(&mut self, key: &str, value: &str) {
        match key {
            "cpe23" => self.cpes.push(value.to_owned()),
            "distro:id" => self.distribution_id = Some(value.to_owned()),
            "distro:versionID" => self.distribution_version = Some(value.to_owned()),
            "distro:versionCodename" => self.distribution_codename = Some(value.to_owned()),
            _ if key.starts_with("metadata:") => {
                self.syft_metadata(key.trim_start_matches("metadata:"), &Text::from(value))
            }
            _ if key.starts_with("location:") && key.ends_with(":path") => self.locations.push(value.to_owned()),
            _ => {}
        }
    }

    /// What Syft found in a package database, under the names of its own format.
    pub(crate) fn syft_metadata(&mut self, key: &str, value: &Text<'_>) {
        let Some(value) = value.meaningful() else { return };
        match key {
            "source" => self.syft_source = Some(value.to_owned()),
            "sourceVersion" => self.syft_source_version = Some(value.to_owned()),
            "originPackage" => self.syft_origin = Some(value.to_owned()),
            "sourceRpm" => self.syft_source_rpm = Some(value.to_owned()),
            "modularityLabel" => self.module = Some(value.to_owned()),
            _ => {}
        }
    }

    /// SPDX `sourceInfo`, in which Trivy names the source package and Syft the evidence.
    pub(crate) fn source_info(&mut self, text: &str) {
        if let Some(source) = text.strip_prefix("built package from: ") {
            let mut words = source.split_whitespace();
            self.trivy_source.name = words.next().map(str::to_owned);
            self.trivy_source.version = words.next().map(str::to_owned);
        } else if text.starts_with("acquired package info from ")
            && let Some((_, paths)) = text.split_once(": ")
        {
            self.locations.extend(paths.split(", ").filter_map(meaningful).map(str::to_owned));
        }
    }

    /// The source package, as far as the properties name it.
    pub(crate) fn source_package(&mut self, purl: Option<&Purl>) -> Option<SourcePackage> {
        if let Some(name) = self.trivy_source.name.take() {
            return Some(SourcePackage { name, version: self.trivy_source.evr() });
        }
        match purl.map(|purl| purl.package_type.as_str())? {
            "deb" => {
                let name = self.syft_source.take()?;
                Some(SourcePackage { name, version: self.syft_source_version.take() })
            }
            // `alpine` is what old Syft wrote for `apk`.
            "apk" | "alpine" => Some(SourcePackage { name: self.syft_origin.take()?, version: None }),
            "rpm" => source_rpm(self.syft_source_rpm.as_deref()?),
            _ => None,
        }
    }
}

impl TrivySource {
    /// `epoch:version-release`, without what is absent; an epoch of zero is absent.
    fn evr(&mut self) -> Option<String> {
        let mut evr = self.version.take()?;
        if let Some(release) = self.release.take() {
            evr = format!("{evr}-{release}");
        }
        match self.epoch.take() {
            Some(epoch) if epoch != "0" && !evr.contains(':') => Some(format!("{epoch}:{evr}")),
            _ => Some(evr),
        }
    }
}

/// `bash-5.1.8-6.el9.src.rpm` is source package `bash`, version `5.1.8-6.el9`.
fn source_rpm(file: &str) -> Option<SourcePackage> {
    let stem = file.strip_suffix(".rpm")?;
    let stem = stem.strip_suffix(".src").or_else(|| stem.strip_suffix(".nosrc"))?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    Some(SourcePackage { name: name.to_owned(), version: Some(format!("{version}-{release}")) })
}

#[cfg(test)]
mod tests {
    use domain::component::SourcePackage;
    use domain::purl::Purl;

    use super::Facts;

    fn source(name: &str, version: Option<&str>) -> Option<SourcePackage> {
        Some(SourcePackage { name: name.into(), version: version.map(str::to_owned) })
    }

    fn purl(package_type: &str) -> Purl {
        Purl {
            package_type: package_type.into(),
            namespace: None,
            name: "x".into(),
            version: None,
            qualifiers: Default::default(),
            subpath: None,
        }
    }

    #[test]
    fn the_parts_of_trivy_make_one_source_version() {
        let mut facts = Facts::default();
        for (key, value) in
            [("SrcName", "openssl"), ("SrcVersion", "1.0.2k"), ("SrcRelease", "19.el7"), ("SrcEpoch", "1")]
        {
            facts.property(&format!("aquasecurity:trivy:{key}"), value);
        }
        assert_eq!(facts.source_package(None), source("openssl", Some("1:1.0.2k-19.el7")));
    }

    #[test]
    fn an_epoch_of_zero_and_an_epoch_already_there_are_not_put_in_front() {
        for (epoch, version) in [("0", "5.0-4"), ("1", "1:5.0-4")] {
            let mut facts = Facts::default();
            facts.trivy("SrcName", "bash");
            facts.trivy("SrcVersion", version);
            facts.trivy("SrcEpoch", epoch);
            assert_eq!(facts.source_package(None), source("bash", Some(version)));
        }
    }

    #[test]
    fn trivy_names_the_source_package_in_spdx_source_info() {
        let mut facts = Facts::default();
        facts.source_info("built package from: openssl 3.0.2-0ubuntu1");
        assert_eq!(facts.source_package(None), source("openssl", Some("3.0.2-0ubuntu1")));
        let mut facts = Facts::default();
        facts.source_info("built package from:  ");
        assert_eq!(facts.source_package(None), None);
    }

    #[test]
    fn syft_names_its_evidence_in_spdx_source_info() {
        let mut facts = Facts::default();
        facts.source_info("acquired package info from DPKG DB: /usr/share/doc/apt/copyright, /var/lib/dpkg/status");
        assert_eq!(facts.locations, ["/usr/share/doc/apt/copyright", "/var/lib/dpkg/status"]);
    }

    #[test]
    fn the_source_of_syft_counts_for_deb_only() {
        let filled = || {
            let mut facts = Facts::default();
            facts.property("syft:metadata:source", "bash");
            facts.property("syft:metadata:sourceVersion", "5.2-1");
            facts
        };
        assert_eq!(filled().source_package(Some(&purl("deb"))), source("bash", Some("5.2-1")));
        assert_eq!(filled().source_package(Some(&purl("cargo"))), None);
    }

    #[test]
    fn the_file_name_of_a_source_rpm_is_taken_apart() {
        let mut facts = Facts::default();
        facts.property("syft:metadata:sourceRpm", "python-six-1.15.0-9.el9.src.rpm");
        assert_eq!(facts.source_package(Some(&purl("rpm"))), source("python-six", Some("1.15.0-9.el9")));
    }
}
