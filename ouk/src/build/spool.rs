//! Targets in, compressed chunks in a spool, each distinct chunk once.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom, Write};

use domain::digest::{Digest, Hasher};

use super::{BuildError, BuiltTarget, KitTarget, Progress};
use crate::frame;
use crate::keys::Role;
use crate::limits::Limits;
use crate::schema::Chunk;
use crate::ustar;

const COPY_BYTES: usize = 256 << 10;

/// A target whose content lies in the spool.
pub(super) struct Spooled {
    pub(super) path: String,
    pub(super) media_type: String,
    pub(super) schema: u32,
    pub(super) length: u64,
    pub(super) sha256: Digest,
    pub(super) chunks: Vec<Chunk>,
}

impl Spooled {
    pub(super) fn role(&self) -> Role {
        Role::of_path(&self.path)
    }

    pub(super) fn to_built(&self) -> BuiltTarget {
        let Self { path, length, sha256, chunks, .. } = self;
        BuiltTarget { path: path.clone(), role: self.role(), length: *length, sha256: *sha256, chunks: chunks.len() }
    }
}

pub(super) struct Spool<'a, S> {
    file: &'a mut S,
    level: i32,
    chunk_bytes: u64,
    length: u64,
    /// Content digest to the chunk and its place.
    chunks: BTreeMap<Digest, (Chunk, u64)>,
}

impl<'a, S: Read + Write + Seek> Spool<'a, S> {
    pub(super) fn new(file: &'a mut S, level: i32, limits: &Limits) -> Self {
        Self { file, level, chunk_bytes: limits.chunk_bytes_max, length: 0, chunks: BTreeMap::new() }
    }

    /// Reads a target to its end, in chunks of a fixed size. An empty target has no chunk.
    pub(super) fn take(
        &mut self,
        target: KitTarget<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Spooled, BuildError> {
        let KitTarget { path, media_type, schema, mut content, length_hint } = target;
        let mut whole = Hasher::new();
        let mut chunks = Vec::new();
        loop {
            let mut bytes = Vec::new();
            let read = (&mut content).take(self.chunk_bytes).read_to_end(&mut bytes);
            read.map_err(|source| BuildError::Content { path: path.clone(), source })?;
            if bytes.is_empty() {
                break;
            }
            whole.update(&bytes);
            chunks.push(self.put(&bytes)?);
            progress(Progress::Compressing { path: path.clone(), bytes: whole.length(), length_hint });
        }
        Ok(Spooled { path, media_type, schema, length: whole.length(), sha256: whole.finish(), chunks })
    }

    fn put(&mut self, content: &[u8]) -> Result<Chunk, BuildError> {
        let sha256 = Digest::of(content);
        if let Some((chunk, _)) = self.chunks.get(&sha256) {
            return Ok(*chunk);
        }
        let len = content.len() as u64;
        let mut tar = ustar::header(&format!("blobs/sha256/{sha256}"), len).to_vec();
        tar.extend_from_slice(content);
        tar.resize(tar.len() + ustar::padding(len), 0);
        let frame = frame::compress(&tar, self.level).map_err(BuildError::Spool)?;
        self.file.write_all(&frame).map_err(BuildError::Spool)?;
        let chunk = Chunk { sha256, len, csha256: Digest::of(&frame), clen: frame.len() as u64 };
        self.chunks.insert(sha256, (chunk, self.length));
        self.length += chunk.clen;
        Ok(chunk)
    }

    /// Gives the frame of a chunk to `out`, and fails when the spool does not return what it took.
    pub(super) fn copy(
        &mut self,
        chunk: &Chunk,
        out: &mut dyn FnMut(&[u8]) -> Result<(), BuildError>,
    ) -> Result<(), BuildError> {
        let changed = || BuildError::Spool(std::io::Error::other("it does not hold what was written"));
        let (_, at) = self.chunks.get(&chunk.sha256).ok_or_else(changed)?;
        self.file.seek(SeekFrom::Start(*at)).map_err(BuildError::Spool)?;
        let mut hasher = Hasher::new();
        let mut left = chunk.clen;
        let mut buffer = vec![0; COPY_BYTES];
        while left > 0 {
            let want = usize::try_from(left).unwrap_or(COPY_BYTES).min(COPY_BYTES);
            let piece = buffer.get_mut(..want).unwrap_or_default();
            self.file.read_exact(piece).map_err(BuildError::Spool)?;
            hasher.update(piece);
            out(piece)?;
            left -= want as u64;
        }
        if hasher.finish() == chunk.csha256 { Ok(()) } else { Err(changed()) }
    }
}
