//! A site's word in volumes, and as a repository that any TUF client reads.

use std::collections::BTreeMap;
use std::io::{self, Read};

use domain::digest::Digest;
use ouk::client::{ClientLimits, Fetch, Place, Remember, init, refresh};
use ouk::limits::Limits;
use ouk::read::open;
use ouk::site::content_name;
use ouk::volume::{Ended, MemorySet, Outline, Splitter, assemble, harvest};

use crate::site::{Site, endorsed, verified};
use forge::{END, Vendor, import, noise, now};

/// A kit with a few frames, and the same with a site's word.
fn sample() -> (Vendor, Site, Vec<u8>, Vec<u8>) {
    let (vendor, site) = (Vendor::new(1), Site::new(2));
    let contents: Vec<Vec<u8>> = (0..6).map(|at| noise(at, 300)).collect();
    let paths: Vec<String> = (0..contents.len()).map(|at| format!("feeds/{at}")).collect();
    let targets: Vec<_> = paths.iter().map(String::as_str).zip(contents.iter().map(Vec::as_slice)).collect();
    let (kit, _) = vendor.build(4, &targets);
    let word = site.publish(&verified(&vendor, &kit), 7);
    let endorsed = endorsed(&vendor, &kit, &word);
    (vendor, site, kit, endorsed)
}

fn split(vendor: &Vendor, kit: &[u8], size_max: u64) -> Vec<Vec<u8>> {
    let opened = open(kit, &Limits::default()).expect("opens");
    let mut splitter = Splitter::new(opened, &verified(vendor, kit), size_max).expect("plans");
    let mut volumes = Vec::new();
    let mut out = Vec::new();
    while splitter.write_next(&mut out).expect("writes").is_some() {
        assert!(out.len() as u64 <= size_max);
        volumes.push(std::mem::take(&mut out));
    }
    assert_eq!(splitter.finish().expect("whole").sha256, Digest::of(kit));
    volumes
}

fn outline(vendor: &Vendor, kit: &[u8], with_site: bool) -> Outline {
    let mut opened = open(kit, &Limits::default()).expect("opens");
    let verified = verified(vendor, kit);
    let site = opened.site(&verified).expect("of good form").cloned();
    Outline::new(&opened.metadata, &verified).with_site(site.as_ref().filter(|_| with_site))
}

#[test]
fn volumes_carry_the_sites_frame_and_give_the_kit_back_byte_for_byte() {
    let (vendor, _, kit, endorsed) = sample();
    let length = outline(&vendor, &endorsed, true).length();
    assert_eq!(length, endorsed.len() as u64);
    let volumes = split(&vendor, &endorsed, length - 500);
    assert!(volumes.len() > 1);
    // With the frame it is the site's kit, without it the vendor's, which the vendor's seal fits.
    for (with_site, whole) in [(true, &endorsed), (false, &kit)] {
        let outline = outline(&vendor, &volumes[1], with_site);
        let mut set = MemorySet::default();
        for volume in volumes.iter().rev() {
            let found = harvest(volume.as_slice(), &outline, &Limits::default(), &mut set).expect("a volume");
            assert!(found.damaged.is_empty() && matches!(found.ended, Ended::Volume));
        }
        let mut out = Vec::new();
        assemble(&outline, &mut set, &mut out).expect("assembles");
        assert!(out == *whole, "with the site's frame: {with_site}");
    }
    let mut set = MemorySet::default();
    let found = harvest(endorsed.as_slice(), &outline(&vendor, &kit, true), &Limits::default(), &mut set);
    assert!(matches!(found.expect("a kit").ended, Ended::Complete), "volumes of both may be mixed");
}

#[test]
fn each_volume_names_what_it_lacks() {
    let (vendor, _, _, endorsed) = sample();
    let volumes = split(&vendor, &endorsed, endorsed.len() as u64 - 500);
    for volume in &volumes {
        let error = import(volume, &vendor.trust()).expect_err("a part");
        assert_eq!(error.code(), "E-INCOMPLETE");
    }
}

#[test]
fn a_copy_that_breaks_off_in_the_sites_frame_is_refused() {
    let (vendor, site, kit, endorsed) = sample();
    let head = open(kit.as_slice(), &Limits::default()).expect("opens").metadata.frame().len();
    let frame = site.publish(&verified(&vendor, &kit), 7).frame().len();
    for length in [head + 1, head + 4, head + frame / 2, head + frame - 1, head + frame, endorsed.len() - END.len()] {
        let code = import(&endorsed[..length], &vendor.trust()).expect_err("cut").code();
        // What is left of the frame has room for a blob, and is none.
        assert!(["E-TRUNC", "E-DIGEST"].contains(&code), "{code} at {length}");
    }
}

/// The repository as a web server would hand it out.
struct Served {
    metadata: BTreeMap<String, Vec<u8>>,
    targets: BTreeMap<String, Vec<u8>>,
}

impl Fetch for Served {
    fn fetch(&mut self, place: Place, name: &str, _: u64) -> io::Result<Option<Box<dyn Read + '_>>> {
        let files = if place == Place::Metadata { &self.metadata } else { &self.targets };
        Ok(files.get(name).map(|bytes| Box::new(bytes.as_slice()) as Box<dyn Read>))
    }
}

#[derive(Default)]
struct Memory(BTreeMap<String, Vec<u8>>);

impl Remember for Memory {
    fn load(&mut self, name: &str, _: u64) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.get(name).cloned())
    }

    fn save(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.0.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }
}

#[test]
fn a_tuf_client_that_pins_the_site_reads_every_target() {
    let (vendor, site, kit, _) = sample();
    let (ours, blobs) = import(&kit, &vendor.trust()).expect("imports");
    let word = site.publish(&ours, 7);
    let files = word.repository();
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["1.root.json", "7.targets.json", "7.snapshot.json", "timestamp.json"]);
    let content = |target: &ouk::verify::VerifiedTarget| {
        target.chunks.iter().flat_map(|chunk| blobs[&chunk.sha256].clone()).collect::<Vec<u8>>()
    };
    let mut served = Served {
        metadata: files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect(),
        targets: ours.targets().iter().map(|target| (content_name(target), content(target))).collect(),
    };
    let mut memory = Memory::default();
    let limits = ClientLimits::default();
    init(&site.roots[0], &mut memory, &limits).expect("pins");
    let mut repository = refresh(&mut served, &mut memory, now(), &limits).expect("refreshes");
    for target in ours.targets() {
        let found = repository.target(&target.path).expect("is listed");
        let mut out = Vec::new();
        repository.download(&found, &mut out).expect("downloads");
        assert_eq!(Digest::of(&out), target.sha256);
        let origin = &found.custom().expect("an origin")["stella"];
        assert_eq!(origin["vendor_metadata_digest"], ours.metadata_digest().to_string());
    }
    assert_eq!(repository.paths().count(), ours.targets().len());
}
