//! What a client may do to the listener itself (R04): requests that two programs would cut apart differently, and
//! floods. The one is refused or ends the connection, the other is bounded, and the appliance goes on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use tests::{Server, Site};

/// Nobody waits longer for an end that does not come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request inside of another one. If it is answered, the two were cut apart as the attacker wanted.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

fn server() -> (Site, Server) {
    let site = Site::new();
    let server = Server::start(&site, &["--plain-http"]);
    (site, server)
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(&server.address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Sends the bytes, and reads until the server closes. A connection that stays open is a failure.
fn answer(server: &Server, request: &[u8]) -> String {
    let mut stream = connect(server);
    // It may close before it has read everything.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&piece[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("the connection stays open: {error}: {}", String::from_utf8_lossy(&answer)),
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn statuses(answer: &str) -> Vec<u16> {
    let lines = answer.split("HTTP/1.1 ").skip(1);
    lines.map(|rest| rest.get(..3).and_then(|code| code.parse().ok()).unwrap_or_default()).collect()
}

fn check_serves(server: &Server, what: &str) {
    assert_eq!(server.request("GET", "/healthz", b"").status, 200, "after {what}");
}

#[test]
fn r04_a_request_that_could_be_cut_apart_in_two_ways_is_refused() {
    let (_site, server) = server();
    let post = "POST /api/v1/scan HTTP/1.1\r\nHost: x\r\n";
    let body = format!("0\r\n\r\n{SMUGGLED}");
    let length = body.len();
    let cases = [
        ("two lengths", format!("{post}Content-Length: 5\r\nContent-Length: {length}\r\n\r\n{body}")),
        (
            "two lengths, the long one first",
            format!("{post}Content-Length: {length}\r\nContent-Length: 5\r\n\r\n{body}"),
        ),
        ("a list of two lengths", format!("{post}Content-Length: 5, {length}\r\n\r\n{body}")),
        ("a length with a sign", format!("{post}Content-Length: +5\r\n\r\n{body}")),
        ("a negative length", format!("{post}Content-Length: -1\r\n\r\n{body}")),
        ("a length in hexadecimal", format!("{post}Content-Length: 0x5\r\n\r\n{body}")),
        ("a length with a space in it", format!("{post}Content-Length: 5 5\r\n\r\n{body}")),
        ("an empty length", format!("{post}Content-Length: \r\n\r\n{body}")),
        ("a length that overflows", format!("{post}Content-Length: 99999999999999999999\r\n\r\n{body}")),
        ("a length that is the largest number", format!("{post}Content-Length: 18446744073709551615\r\n\r\n{body}")),
        ("an encoding that nobody knows", format!("{post}Transfer-Encoding: xchunked\r\n\r\n{body}")),
        ("chunked, and then something else", format!("{post}Transfer-Encoding: chunked, identity\r\n\r\n{body}")),
        (
            "something else in a line of its own",
            format!("{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n{body}"),
        ),
        ("a space before the colon", format!("{post}Transfer-Encoding : chunked\r\n\r\n{body}")),
        ("a control character before the value", format!("{post}Transfer-Encoding: \u{b}chunked\r\n\r\n{body}")),
        ("chunked in HTTP/1.0", format!("POST /api/v1/scan HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n{body}")),
        ("a folded line", format!("{post}X: a\r\n b: c\r\nContent-Length: 0\r\n\r\n{SMUGGLED}")),
        ("a folded encoding", format!("{post}Transfer-Encoding:\r\n chunked\r\n\r\n{body}")),
        ("a name with a line feed in it", format!("{post}X\nTransfer-Encoding: chunked\r\n\r\n{body}")),
        ("a carriage return alone", format!("{post}X: a\rContent-Length: 5\r\n\r\n{body}")),
        ("a NUL in a value", format!("{post}X: a\0b\r\n\r\n{SMUGGLED}")),
        ("no HTTP at all", "\u{0}\u{1}\u{2}\r\n\r\n".to_owned()),
        ("another protocol", "EHLO example.org\r\n\r\n".to_owned()),
    ];
    for (what, request) in cases {
        let answer = answer(&server, request.as_bytes());
        let statuses = statuses(&answer);
        assert!(statuses.len() <= 1 && statuses.iter().all(|code| (400..500).contains(code)), "{what}: {answer}");
        assert!(!answer.contains("unknown-path"), "{what}: the inner request was answered: {answer}");
        check_serves(&server, what);
    }
}

#[test]
fn r04_a_length_beside_chunks_ends_the_connection_behind_the_one_answer() {
    let (_site, server) = server();
    // RFC 9112, 6.1 and 6.3: the chunks count, and the connection is closed after the answer in any case.
    for headers in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
    ] {
        let request = format!("POST /api/v1/scan HTTP/1.1\r\nHost: x\r\n{headers}\r\n0\r\n\r\n{SMUGGLED}");
        let answer = answer(&server, request.as_bytes());
        // 503: this site has no data. The empty document is what the chunks say.
        assert_eq!(statuses(&answer), [503], "{headers}: {answer}");
        check_serves(&server, headers);
    }
}

#[test]
fn r04_chunks_that_are_no_chunks_are_refused() {
    let (_site, server) = server();
    let bomb = format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(1 << 20));
    let trailers = format!("0\r\n{}\r\n", "X: y\r\n".repeat(100_000));
    for (what, body) in [
        ("a size that is no number", "G\r\n".to_owned()),
        ("a negative size", "-1\r\n".to_owned()),
        ("a size with a prefix", "0x1\r\na\r\n0\r\n\r\n".to_owned()),
        ("a size that overflows", "FFFFFFFFFFFFFFFFF\r\n".to_owned()),
        ("a size over any limit", "7FFFFFFFFFFFFFFF\r\n".to_owned() + &"x".repeat(1 << 20)),
        ("no line feed behind a size", "1\ra\r\n0\r\n\r\n".to_owned()),
        ("more than the size says", "1\r\nab\r\n0\r\n\r\n".to_owned()),
        ("an extension without end", bomb),
        ("trailers without end", trailers),
    ] {
        // A scan reads its body; where nobody reads it, it is not waited for either.
        for target in ["/api/v1/scan", "/healthz"] {
            let head = format!("POST {target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
            let mut stream = connect(&server);
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let mut answer = Vec::new();
            let ended = stream.read_to_end(&mut answer);
            assert!(!ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "{what}: stays open");
            let answer = String::from_utf8_lossy(&answer);
            let fine = |code: &u16| (400..500).contains(code) || *code == 503;
            assert!(statuses(&answer).iter().all(fine) && statuses(&answer).len() <= 1, "{what}: {answer}");
            check_serves(&server, what);
        }
    }
}

#[test]
fn r04_headers_without_end_are_cut_off() {
    let (_site, server) = server();
    let before = server.memory_kib();
    let many = "X: y\r\n".repeat(100_000);
    let long = format!("X: {}\r\n", "y".repeat(16 << 20));
    let target = "a".repeat(1 << 20);
    for (what, request) in [
        ("many headers", format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{many}\r\n")),
        ("a long header", format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{long}\r\n")),
        ("a long name", format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{}: y\r\n\r\n", "n".repeat(1 << 20))),
        ("a long target", format!("GET /{target} HTTP/1.1\r\nHost: x\r\n\r\n")),
        ("a method without end", "A".repeat(1 << 20)),
    ] {
        let answer = answer(&server, request.as_bytes());
        assert!(statuses(&answer).iter().all(|code| (400..500).contains(code)), "{what}: {answer}");
        check_serves(&server, what);
    }
    assert!(server.memory_kib() < before + (32 << 10), "{} KiB more", server.memory_kib() - before);
}

/// Frames of HTTP/2 (RFC 9113), written by hand.
mod frames {
    pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    pub(super) const HEADERS: u8 = 1;
    pub(super) const RST_STREAM: u8 = 3;
    pub(super) const SETTINGS: u8 = 4;
    pub(super) const PING: u8 = 6;
    pub(super) const GOAWAY: u8 = 7;
    pub(super) const WINDOW_UPDATE: u8 = 8;
    pub(super) const CONTINUATION: u8 = 9;
    pub(super) const END_STREAM: u8 = 1;
    pub(super) const END_HEADERS: u8 = 4;

    pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    /// HPACK (RFC 7541): GET, http, path /healthz, authority x.
    pub(super) fn request() -> Vec<u8> {
        [&[0x82, 0x86, 0x04, 8][..], b"/healthz", &[0x01, 1], b"x"].concat()
    }

    /// Frame types that a server has sent, and the error of its GOAWAY.
    pub(super) fn read(mut bytes: &[u8]) -> (Vec<u8>, Option<u32>) {
        let (mut kinds, mut error) = (Vec::new(), None);
        while let Some((head, rest)) = bytes.split_first_chunk::<9>() {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let Some((payload, rest)) = rest.split_at_checked(length) else { break };
            kinds.push(head[3]);
            if head[3] == GOAWAY {
                error = payload.get(4..8).map(|code| u32::from_be_bytes(code.try_into().expect("four")));
            }
            bytes = rest;
        }
        (kinds, error)
    }
}

/// What a client sends, piece by piece.
type Frames = Box<dyn Iterator<Item = Vec<u8>>>;

/// What a server did about a connection.
struct Ended {
    /// Frames that it sent.
    kinds: Vec<u8>,
    /// Of its GOAWAY.
    error: Option<u32>,
    /// It did not take all that was sent.
    was_cut_off: bool,
}

impl Ended {
    /// Did the server end it, for what the client did?
    fn by_server(&self) -> bool {
        self.was_cut_off || self.error.is_some_and(|error| error != 0)
    }
}

fn open_http2(server: &Server) -> TcpStream {
    let mut stream = connect(server);
    let hello = [frames::PREFACE, &frames::frame(frames::SETTINGS, 0, 0, &[])].concat();
    stream.write_all(&hello).expect("sent");
    stream
}

/// Sends what it is given over HTTP/2, and waits until the server has closed.
fn flood(server: &Server, pieces: impl Iterator<Item = Vec<u8>>) -> Ended {
    let mut stream = open_http2(server);
    let mut reader = stream.try_clone().expect("a second handle");
    let reading = std::thread::spawn(move || {
        let mut answer = Vec::new();
        let _ = reader.read_to_end(&mut answer);
        answer
    });
    let mut pieces = pieces;
    let was_cut_off = pieces.any(|piece| stream.write_all(&piece).is_err());
    if !was_cut_off {
        let _ = stream.shutdown(std::net::Shutdown::Write);
    }
    let (kinds, error) = frames::read(&reading.join().expect("read"));
    Ended { kinds, error, was_cut_off }
}

#[test]
fn r04_http2_answers_an_honest_client() {
    let (_site, server) = server();
    let flags = frames::END_STREAM | frames::END_HEADERS;
    let mut stream = open_http2(&server);
    stream.write_all(&frames::frame(frames::HEADERS, flags, 1, &frames::request())).expect("sent");
    let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
    while !frames::read(&answer).0.contains(&frames::HEADERS) {
        let length = stream.read(&mut piece).expect("the frames of this test make a request, which is answered");
        assert!(length > 0, "the server has closed: {:?}", frames::read(&answer));
        answer.extend_from_slice(&piece[..length]);
    }
}

#[test]
fn r04_a_flood_over_http2_ends_its_own_connection_and_no_other() {
    let (_site, server) = server();
    let before = server.memory_kib();
    let flags = frames::END_STREAM | frames::END_HEADERS;
    // CVE-2023-44487: requests that are taken back at once.
    let resets = (0..20_000_u32).map(move |number| {
        let stream = 2 * number + 1;
        let request = frames::frame(frames::HEADERS, flags, stream, &frames::request());
        [request, frames::frame(frames::RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
    });
    // RUSTSEC-2024-0332: a block of headers that goes on and on. 64 MiB of it.
    let first = frames::frame(frames::HEADERS, frames::END_STREAM, 1, &frames::request());
    // Literals that are never indexed, 16 bytes each.
    let literal = [&[0x10, 1][..], b"a", &[12], b"aaaaaaaaaaaa"].concat();
    let block = literal.repeat(1000);
    let continuations =
        std::iter::once(first).chain((0..4096).map(move |_| frames::frame(frames::CONTINUATION, 0, 1, &block)));
    // The same as many empty frames.
    let first = frames::frame(frames::HEADERS, frames::END_STREAM, 1, &frames::request());
    let empty = std::iter::once(first).chain((0..200_000).map(|_| frames::frame(frames::CONTINUATION, 0, 1, &[])));
    // RUSTSEC-2024-0003: requests that the server itself has to reset, for their window overflows.
    let wrong = (0..20_000_u32).map(|number| {
        let stream = 2 * number + 1;
        let request = frames::frame(frames::HEADERS, frames::END_HEADERS, stream, &frames::request());
        [request, frames::frame(frames::WINDOW_UPDATE, 0, stream, &0_u32.to_be_bytes())].concat()
    });
    // Headers that are small on the wire and large in memory: one entry of the table, named again and again.
    let entry = [&[0x40, 1][..], b"b", &[0x7f, 0x81, 0x1e], "b".repeat(4000).as_bytes()].concat();
    let bomb = [frames::request(), entry, vec![0xbe; 12_000]].concat();
    let bombs = (0..64_u32).map(move |number| frames::frame(frames::HEADERS, flags, 2 * number + 1, &bomb));
    let cases: [(&str, Frames, bool); 6] = [
        ("rapid reset", Box::new(resets), true),
        ("a flood of continuations", Box::new(continuations), true),
        ("empty continuations", Box::new(empty), true),
        ("resets by the server", Box::new(wrong), true),
        ("headers that expand", Box::new(bombs), false),
        ("pings", Box::new((0..50_000).map(|_| frames::frame(frames::PING, 0, 0, &[0; 8]))), false),
    ];
    for (what, pieces, must_end) in cases {
        let ended = flood(&server, pieces);
        assert!(ended.by_server() || !must_end, "{what}: {:?} after {} frames", ended.error, ended.kinds.len());
        check_serves(&server, what);
    }
    let grown = server.memory_kib().saturating_sub(before);
    assert!(grown < 64 << 10, "{grown} KiB more");
}
