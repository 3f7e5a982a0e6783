//! The smallest HTTP that fetches a file: one GET per connection, HTTP/1.0, plain text.
//!
//! An appliance opens no connection to the outside, so an address that is not this machine's
//! own is refused: a repository elsewhere is reached through a tunnel or a mounted directory.
//! What comes back is verified byte by byte anyway. A server can only waste time here, and
//! that is bounded: size by the caller, seconds by [`SECONDS_MAX`].

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result};
use ouk::client::{Fetch, Place};

use crate::clock::Stopwatch;

const HEAD_BYTES_MAX: usize = 16 << 10;
const SILENCE: Duration = Duration::from_secs(20);
/// For one file, from the first byte to the last.
const SECONDS_MAX: f64 = 1800.0;

pub(super) struct Http {
    metadata: Base,
    targets: Option<Base>,
}

/// A folder on a server.
struct Base {
    address: SocketAddr,
    host: String,
    folder: String,
}

impl Http {
    pub(super) fn new(metadata: &str, targets: Option<&str>) -> Result<Self> {
        let base = |url: &str| Base::parse(url).with_context(|| format!("cannot use the address {url}"));
        Ok(Self { metadata: base(metadata)?, targets: targets.map(base).transpose()? })
    }
}

impl Fetch for Http {
    fn fetch(&mut self, place: Place, name: &str, length_max: u64) -> io::Result<Option<Box<dyn Read + '_>>> {
        let base = match place {
            Place::Metadata => &self.metadata,
            Place::Targets => self.targets.as_ref().ok_or_else(|| io::Error::other("--target-base-url is needed"))?,
        };
        let body = base.get(name, length_max)?;
        Ok(body.map(|body| Box::new(body) as Box<dyn Read>))
    }
}

impl Base {
    fn parse(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("http://").context("it does not begin with http://")?;
        let (host, folder) = rest.split_once('/').unwrap_or((rest, ""));
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) || host.contains('@') {
            anyhow::bail!("it has characters that do not belong there");
        }
        let bracketless = host.rsplit(']').next().unwrap_or(host);
        let named = if bracketless.contains(':') { host.to_owned() } else { format!("{host}:80") };
        let address = named.to_socket_addrs()?.find(|address| address.ip().is_loopback());
        let address = address.context("it is not an address of this machine")?;
        let folder = format!("/{folder}").trim_end_matches('/').to_owned();
        Ok(Self { address, host: host.to_owned(), folder })
    }

    fn get(&self, name: &str, length_max: u64) -> io::Result<Option<Body>> {
        let mut stream = TcpStream::connect_timeout(&self.address, SILENCE)?;
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        let Self { host, folder, .. } = self;
        write!(stream, "GET {folder}/{name} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
        let since = Stopwatch::start();
        let head = head(&mut stream)?;
        let (status, length) = parse_head(&head).ok_or_else(|| invalid("the server's answer is not HTTP"))?;
        match status {
            200 if length.is_some_and(|length| length > length_max) => Err(invalid("the file is longer than expected")),
            200 => Ok(Some(Body { stream, left: length, since })),
            // A repository on a plain web server; some stores answer 403 for what is not there.
            403 | 404 => Ok(None),
            other => Err(io::Error::other(format!("the server answers with status {other}"))),
        }
    }
}

fn head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD_BYTES_MAX {
            return Err(invalid("the answer's head is too long"));
        }
        stream.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    Ok(head)
}

/// Status and length. A body in chunks does not belong to HTTP/1.0.
fn parse_head(head: &[u8]) -> Option<(u16, Option<u64>)> {
    let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let mut length = None;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return None;
        }
        if name.eq_ignore_ascii_case("content-length") {
            let found: u64 = value.trim().parse().ok()?;
            if length.replace(found).is_some_and(|other| other != found) {
                return None;
            }
        }
    }
    Some((status, length))
}

struct Body {
    stream: TcpStream,
    /// Bytes to come, when the server has said so.
    left: Option<u64>,
    since: Stopwatch,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since.seconds() > SECONDS_MAX {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let Some(left) = &mut self.left else { return self.stream.read(buffer) };
        let most = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.stream.read(&mut buffer[..most])?;
        if read == 0 && most > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        *left -= read as u64;
        Ok(read)
    }
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_on_this_machine_is_an_address() {
        let base = Base::parse("http://127.0.0.1:8080/repo/metadata/").expect("an address");
        assert_eq!((base.folder.as_str(), base.host.as_str()), ("/repo/metadata", "127.0.0.1:8080"));
        assert_eq!(Base::parse("http://[::1]:8080").expect("an address").folder, "");
        for url in
            ["https://127.0.0.1/", "127.0.0.1", "http://192.0.2.1/x", "http://a@127.0.0.1/", "http://127.0.0.1/a b"]
        {
            assert!(Base::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn an_answer_is_read_strictly() {
        let parse = |text: &str| parse_head(text.as_bytes());
        assert_eq!(parse("HTTP/1.0 200 OK\r\nContent-length: 7\r\n\r\n"), Some((200, Some(7))));
        assert_eq!(parse("HTTP/1.1 404 Not Found\r\n\r\n"), Some((404, None)));
        for text in [
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 8\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "SSH-2.0\r\n\r\n",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
