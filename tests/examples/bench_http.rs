//! Load over HTTP on loopback: `bench_http ADDRESS SBOM CLIENTS REQUESTS` posts the document
//! from that many keep-alive connections and prints rate and latency percentiles.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a measuring program")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, path, clients, requests] = arguments.as_slice() else {
        panic!("bench_http ADDRESS SBOM CLIENTS REQUESTS");
    };
    let clients: usize = clients.parse().expect("a number");
    let requests: usize = requests.parse().expect("a number");
    let document = std::fs::read(path).expect("an SBOM");
    let start = Instant::now();
    let mut times: Vec<Duration> = thread::scope(|scope| {
        let handles: Vec<_> =
            (0..clients).map(|_| scope.spawn(|| client(address, &document, requests / clients))).collect();
        handles.into_iter().flat_map(|handle| handle.join().expect("no error")).collect()
    });
    let seconds = start.elapsed().as_secs_f64();
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "{clients} clients, {} requests: {:.0} requests/s, p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms",
        times.len(),
        times.len() as f64 / seconds,
        at(0.50),
        at(0.95),
        at(0.99)
    );
}

fn client(address: &str, document: &[u8], requests: usize) -> Vec<Duration> {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_nodelay(true).expect("TCP");
    let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
    let mut stream = stream;
    let head = format!("POST /api/v1/scan HTTP/1.1\r\nHost: bench\r\nContent-Length: {}\r\n\r\n", document.len());
    (0..requests)
        .map(|_| {
            let start = Instant::now();
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(document)).expect("sent");
            answer(&mut reader);
            start.elapsed()
        })
        .collect()
}

fn answer(reader: &mut BufReader<TcpStream>) {
    let mut line = String::new();
    reader.read_line(&mut line).expect("a status line");
    assert!(line.contains(" 200 "), "{line}");
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).expect("a header");
        if line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
}
