//! What running scans feel of an import and of its activation.
//!
//! `bench_activation STELLA STATE_DIR SBOM RATE KIT...` serves STATE_DIR, posts the document at a steady rate, imports
//! one kit after the other beside that, with the command line, and prints the latency of the scans: undisturbed,
//! while an import runs, and around the moment in which its data becomes active.
//!
//! Requests have an appointed time, and their latency counts from it: one that waits behind another is late itself.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a measuring program")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const CLIENTS: usize = 8;
const QUIET: Duration = Duration::from_secs(8);
/// What counts as the time of an activation: from the end of the import, in which it lies, this much both ways.
const AROUND: Duration = Duration::from_secs(1);

/// When a request was due, and how long after that its answer was there.
type Served = (Instant, Duration);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [stella, state, sbom, rate, kits @ ..] = arguments.as_slice() else {
        panic!("bench_activation STELLA STATE_DIR SBOM RATE KIT...");
    };
    let document = std::fs::read(sbom).expect("an SBOM");
    let interval = Duration::from_secs(1) / rate.parse::<u32>().expect("a number");
    let server = Server::start(stella, state);
    let (begin, next, stop) = (Instant::now(), AtomicUsize::new(0), AtomicBool::new(false));
    let (served, imports) = thread::scope(|scope| {
        let client = || client(&server.address, &document, begin, interval, (&next, &stop));
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        wait(QUIET);
        let import = |kit: &String| {
            let start = Instant::now();
            let arguments = ["--state-dir", state, "kit", "import", "-q", kit, "--no-seal"];
            let status = Command::new(stella).args(arguments).stdout(Stdio::null()).status().expect("it starts");
            assert!(status.success(), "{kit} was refused");
            let end = Instant::now();
            wait(QUIET);
            (start, end)
        };
        let imports: Vec<_> = kits.iter().map(import).collect();
        stop.store(true, Ordering::Relaxed);
        let served: Vec<Served> = clients.into_iter().flat_map(|client| client.join().expect("answers")).collect();
        (served, imports)
    });
    let among = |what: &str, is_meant: &dyn Fn(Instant) -> bool| {
        // Connections and caches are cold in the first two seconds.
        let meant = served.iter().filter(|(due, _)| *due > begin + Duration::from_secs(2) && is_meant(*due));
        print(what, meant.map(|(_, latency)| *latency).collect());
    };
    let is_activation = |due: Instant| imports.iter().any(|(_, end)| due + AROUND > *end && due < *end + AROUND);
    let is_import = |due: Instant| imports.iter().any(|(start, end)| due > *start && due + AROUND / 5 < *end);
    let is_quiet = |due: Instant| !imports.iter().any(|(start, end)| due + AROUND > *start && due < *end + AROUND);
    let seconds: f64 = imports.iter().map(|(start, end)| (*end - *start).as_secs_f64()).sum();
    println!("{} imports of {:.2} s, one scan each {interval:?}", imports.len(), seconds / imports.len() as f64);
    among("undisturbed", &is_quiet);
    among("import runs", &is_import);
    among("activation, one second around", &is_activation);
    among("all", &|_| true);
}

fn wait(duration: Duration) {
    let until = Instant::now() + duration;
    while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        thread::park_timeout(left);
    }
}

fn print(what: &str, mut latencies: Vec<Duration>) {
    latencies.sort();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let [median, p95, p99, longest] = [0.5, 0.95, 0.99, 1.0].map(at);
    let count = latencies.len();
    println!("{what:>30}: {count:>5} scans, p50 {median:.1}, p95 {p95:.1}, p99 {p99:.1}, longest {longest:.1} ms");
}

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(stella: &str, state: &str) -> Self {
        let arguments = ["--state-dir", state, "serve", "--plain-http", "--listen", "127.0.0.1:0"];
        let mut child = Command::new(stella).args(arguments).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut log = BufReader::new(child.stderr.take().expect("piped"));
        let mut line = String::new();
        while !line.contains("listening on http://") {
            line.clear();
            assert!(log.read_line(&mut line).expect("a log") > 0, "the server ended");
        }
        let address = line.trim().split("http://").nth(1).expect("an address").to_owned();
        thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client(
    address: &str,
    document: &[u8],
    begin: Instant,
    interval: Duration,
    (next, stop): (&AtomicUsize, &AtomicBool),
) -> Vec<Served> {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_nodelay(true).expect("TCP");
    let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
    let head = format!("POST /api/v1/scan HTTP/1.1\r\nHost: bench\r\nContent-Length: {}\r\n\r\n", document.len());
    let mut served = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let number = u32::try_from(next.fetch_add(1, Ordering::Relaxed)).expect("hours at most");
        let due = begin + interval * number;
        wait(due.saturating_duration_since(Instant::now()));
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(document)).expect("sent");
        answer(&mut reader);
        served.push((due, due.elapsed()));
    }
    served
}

fn answer(reader: &mut BufReader<TcpStream>) {
    let mut line = String::new();
    reader.read_line(&mut line).expect("a status line");
    assert!(line.contains(" 200 "), "{line}");
    let mut length = 0;
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).expect("a header");
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
}
