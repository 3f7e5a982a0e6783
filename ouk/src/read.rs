//! Opening a kit: the metadata frame, and nothing else.
//!
//! This is the only code that expands bytes before any signature is checked. So it is
//! small, bounded by [`Limits`], and yields nothing but names and bytes; what they are
//! worth is for [`crate::verify`] to say.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use domain::time::Timestamp;
use serde_json::Value;

use crate::error::{KitError, shown, within};
use crate::frame;
use crate::limits::Limits;
use crate::site::{SiteMetadata, Source};
use crate::ustar::{self, BLOCK};
use crate::verify::VerifiedKit;

/// A frame that is expanded before anything in it is verified.
pub(crate) struct Folder {
    pub(crate) place: &'static str,
    /// What the names in it begin with.
    pub(crate) folder: &'static str,
}

pub(crate) const META: Folder = Folder { place: "the metadata frame", folder: "META" };
pub(crate) const PLACE: &str = META.place;
pub(crate) const VERSION_NAME: &str = "META/VERSION";
pub(crate) const VERSION: &[u8] = b"OUK/1\n";
pub(crate) const README_NAME: &str = "META/README.txt";

/// A kit whose metadata frame was read. Nothing in it is trusted yet.
pub struct OpenKit<R> {
    pub metadata: SealedMetadata,
    pub(crate) reader: Source<R>,
    pub(crate) limits: Limits,
}

/// The files of the metadata frame, unverified.
#[derive(Clone, Debug)]
pub struct SealedMetadata {
    frame: Vec<u8>,
    files: BTreeMap<String, Vec<u8>>,
}

/// Reads the metadata frame of a kit. The blobs stay unread behind it.
pub fn open<R: Read>(reader: R, limits: &Limits) -> Result<OpenKit<R>, KitError> {
    let mut reader = Source::new(reader);
    let frame = frame::read(&mut reader, PLACE, limits.metadata_frame_bytes_max, limits)?;
    let metadata = SealedMetadata::from_frame(&frame, limits)?;
    Ok(OpenKit { metadata, reader, limits: limits.clone() })
}

impl<R> OpenKit<R> {
    /// What the kit says of itself. **Unverified**: for showing, never for deciding.
    pub fn inspect(&self) -> Inspection {
        Inspection::of(&self.metadata)
    }
}

impl<R: Read> OpenKit<R> {
    /// The site's metadata that travels with the kit, if there is any; **unverified** still. `kit`
    /// was verified from here: its signed digests tell the frame from a blob.
    pub fn site(&mut self, kit: &VerifiedKit) -> Result<Option<&SiteMetadata>, KitError> {
        self.reader.site(kit.chunks(), &self.limits)
    }
}

impl SealedMetadata {
    /// Reads a metadata frame that was kept from an earlier import, to verify it again.
    pub fn from_frame(frame: &[u8], limits: &Limits) -> Result<Self, KitError> {
        Self::of(frame.to_vec(), &META.expand(frame, limits)?, limits)
    }

    fn of(frame: Vec<u8>, expanded: &[u8], limits: &Limits) -> Result<Self, KitError> {
        let files = META.entries(expanded, limits)?;
        match files.get(VERSION_NAME) {
            Some(version) if version == VERSION => Ok(Self { frame, files }),
            Some(_) => Err(KitError::schema(VERSION_NAME, "not the container format OUK/1")),
            None => Err(KitError::Incomplete { first: VERSION_NAME.to_owned(), count: 1 }),
        }
    }

    /// Takes in what another process has expanded from `frame`, under the same rules. That the two belong
    /// together is that process's word; the signatures decide what the entries are worth.
    pub fn from_expanded(frame: Vec<u8>, entries: &[u8], limits: &Limits) -> Result<Self, KitError> {
        META.check_length(entries.len() as u64, limits)?;
        Self::of(frame, entries, limits)
    }

    /// The compressed metadata frame, byte by byte as it stands in the kit.
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// The expanded frame: what [`Self::from_expanded`] takes.
    pub fn expanded(&self) -> Vec<u8> {
        ustar::archive(&self.files)
    }

    /// The names and bytes of the metadata, unverified.
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }
}

impl Folder {
    pub(crate) fn check_length(&self, expanded: u64, limits: &Limits) -> Result<(), KitError> {
        within(format!("{}, uncompressed bytes", self.place), expanded, limits.metadata_frame_bytes_max)
    }

    /// Expands the frame, bounded.
    pub(crate) fn expand(&self, frame: &[u8], limits: &Limits) -> Result<Vec<u8>, KitError> {
        let header = frame::check(frame, self.place, limits)?;
        self.check_length(header.content, limits)?;
        let expected = usize::try_from(header.content).map_err(|_| KitError::Caller("a limit is over the memory"))?;
        frame::expand(frame, expected, self.place)
    }

    /// Splits the expanded frame into its entries.
    pub(crate) fn entries(&self, tar: &[u8], limits: &Limits) -> Result<BTreeMap<String, Vec<u8>>, KitError> {
        let mut files = BTreeMap::new();
        let mut folded = BTreeSet::new();
        let mut last = String::new();
        let mut rest = tar;
        while !rest.is_empty() {
            let truncated = |entry: &str| KitError::Truncated { place: format!("{}, entry {entry}", self.place) };
            let (block, behind) = rest.split_first_chunk::<BLOCK>().ok_or_else(|| truncated("after the last one"))?;
            if block.iter().all(|&byte| byte == 0) {
                return Err(KitError::End("an end-of-archive block stands inside the metadata frame"));
            }
            let (name, size) = ustar::parse(block)?;
            self.check_name(&name)?;
            if files.contains_key(&name) {
                return Err(KitError::Duplicate { entry: name });
            }
            if name <= last {
                return Err(KitError::Order { entry: name, reason: "stands behind a greater name" });
            }
            if !folded.insert(name.to_ascii_lowercase()) {
                return Err(KitError::Name { name, reason: "differs from another in case only" });
            }
            let count = files.len() as u64 + 1;
            within(format!("entries of {}", self.place), count, limits.metadata_files_max as u64)?;
            within(&name, size, limits.metadata_file_bytes_max)?;
            let size = usize::try_from(size).map_err(|_| truncated(&name))?;
            let (body, behind) = behind.split_at_checked(size).ok_or_else(|| truncated(&name))?;
            let padding = ustar::padding(size as u64);
            let (padding, behind) = behind.split_at_checked(padding).ok_or_else(|| truncated(&name))?;
            if padding.iter().any(|&byte| byte != 0) {
                return Err(KitError::Padding { entry: name });
            }
            last.clone_from(&name);
            files.insert(name, body.to_vec());
            rest = behind;
        }
        Ok(files)
    }

    fn check_name(&self, name: &str) -> Result<(), KitError> {
        let refuse = |reason| Err(KitError::Name { name: shown(name.as_bytes()), reason });
        if name.starts_with("blobs/") {
            return Err(KitError::Order { entry: shown(name.as_bytes()), reason: "a blob where metadata must be" });
        }
        let path = match name.split_once('/') {
            Some((folder, path)) if folder == self.folder => path,
            _ => return refuse("is not in the folder of its frame, META/ or SITE/"),
        };
        if !path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._/-".contains(&byte)) {
            return refuse("has characters that no metadata file has");
        }
        if path.split('/').any(|part| part.is_empty() || part.bytes().all(|byte| byte == b'.')) {
            return refuse("has an empty or dotted part");
        }
        Ok(())
    }
}

/// What a kit says of itself, **unverified**. Each text is escaped for the terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Names and lengths of the metadata files.
    pub files: Vec<(String, u64)>,
    pub roots: Vec<u64>,
    pub product: Option<String>,
    pub channel: Option<String>,
    pub kit_version: Option<u64>,
    pub signed_at: Option<Timestamp>,
    pub min_appliance_version: Option<String>,
    pub notes: Option<String>,
    /// Kit version and content root of what a delta kit applies to.
    pub base: Option<(Option<u64>, Option<String>)>,
    /// Role, version, expiry and the ids of the keys that claim to have signed.
    pub roles: Vec<InspectedRole>,
    /// Role, path and length of every target.
    pub targets: Vec<(String, String, u64)>,
}

/// What one metadata file says of itself, unverified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedRole {
    pub file: String,
    pub role: String,
    pub version: Option<u64>,
    pub expires: Option<Timestamp>,
    pub signed_by: Vec<String>,
}

impl Inspection {
    fn of(metadata: &SealedMetadata) -> Self {
        let mut inspection = Self::default();
        for (name, bytes) in &metadata.files {
            inspection.files.push((name.clone(), bytes.len() as u64));
            if let Some(version) = name.strip_prefix("META/root/").and_then(root_version) {
                inspection.roots.push(version);
            }
            if let (true, Ok(document)) = (name.ends_with(".json"), serde_json::from_slice::<Value>(bytes)) {
                inspection.take(name, &document);
            }
        }
        inspection.roots.sort_unstable();
        inspection
    }

    fn take(&mut self, name: &str, document: &Value) {
        let signed = &document["signed"];
        let role = role_of(name);
        let signatures = document["signatures"].as_array().into_iter().flatten();
        self.roles.push(InspectedRole {
            file: name.to_owned(),
            role: role.clone(),
            version: signed["version"].as_u64(),
            expires: signed["expires"].as_str().and_then(|text| Timestamp::parse_strict(text).ok()),
            signed_by: signatures.filter_map(|signature| text(&signature["keyid"])).collect(),
        });
        for (path, target) in signed["targets"].as_object().into_iter().flatten() {
            let length = target["length"].as_u64().unwrap_or_default();
            self.targets.push((role.clone(), shown(path.as_bytes()), length));
        }
        let ouk = &signed["ouk"];
        if role == "targets" && ouk.is_object() {
            self.product = text(&ouk["product"]);
            self.channel = text(&ouk["channel"]);
            self.kit_version = ouk["kit_version"].as_u64();
            self.signed_at = ouk["signed_at"].as_str().and_then(|text| Timestamp::parse_strict(text).ok());
            self.min_appliance_version = text(&ouk["min_appliance_version"]);
            self.notes = text(&ouk["notes"]);
            let base = ouk["base"].as_object().map(|_| &ouk["base"]);
            self.base = base.map(|base| (base["kit_version"].as_u64(), text(&base["content_root"])));
        }
    }
}

/// `7.root.json` is root 7.
pub(crate) fn root_version(file: &str) -> Option<u64> {
    let digits = file.strip_suffix(".root.json")?;
    let version: u64 = digits.parse().ok()?;
    // One spelling: no sign, no leading zero.
    (version.to_string() == digits).then_some(version)
}

/// `META/7.feeds.json` is of the role `feeds`.
fn role_of(name: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or(name);
    let stem = file.strip_suffix(".json").unwrap_or(file);
    stem.rsplit('.').next().unwrap_or(stem).to_owned()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(|text| shown(text.as_bytes()))
}
