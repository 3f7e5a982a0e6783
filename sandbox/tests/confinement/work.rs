//! What an import does, done behind the walls; and the ways in which it may go wrong.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::thread::ScopedJoinHandle;

use ed25519_dalek::{Signer, SigningKey};
use redb::{ReadableDatabase, TableDefinition};
use sandbox::{Message, send};
use sha2::{Digest, Sha256};

use crate::probe::Said;
use crate::{Site, Test};

pub(crate) const TESTS: &[Test] = &[("an import's work can be done behind all walls", import)];

const TABLE: TableDefinition<u64, &[u8]> = TableDefinition::new("rows");
const ROWS: u64 = 20_000;

fn import() {
    let site = Site::new();
    let kit: Vec<u8> = (0..ROWS).flat_map(|row| row.to_le_bytes()).collect();
    fs::write(site.path().join("readable/kit"), zstd::encode_all(&kit[..], 3).expect("a frame")).expect("a file");
    let said = site.probe("import", None).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(said.outcome, "done");
    // What the worker has written is whole.
    let database = redb::Database::open(site.path().join("state/cas/index")).expect("a database");
    let table = database.begin_read().expect("a transaction").open_table(TABLE).expect("a table");
    let last = table.get(ROWS - 1).expect("a table that can be read").expect("a row");
    assert_eq!(last.value(), Sha256::digest((ROWS - 1).to_le_bytes()).as_slice());
}

// long: one table of probes
pub(crate) fn attempt(what: &str) -> io::Result<()> {
    match what {
        "import" => work(),
        "abort" => std::process::abort(),
        "overflow the stack" => Err(io::Error::other(deep(1).to_string())),
        "panic" => panic!("at the disco"),
        "panic in a thread" => std::thread::scope(|scope| scope.spawn(|| panic!("in a thread")).join())
            .map_err(|panic| std::panic::resume_unwind(panic)),
        "exit early" => std::process::exit(0),
        "exit with 3" => std::process::exit(3),
        "exit with 3 after the result" => {
            done()?;
            std::process::exit(3)
        }
        "print garbage" => print(b"Segmentation fault\n").map(|()| hang()),
        "end in the middle of a message" => {
            progress(1)?;
            print(b"{\"done\":")?;
            std::process::exit(0)
        }
        "go on after the result" => done().and_then(|()| progress(1)),
        "print without end" => loop {
            progress(1)?;
        },
        "print one endless line" => loop {
            print(&[b' '; 1024])?;
        },
        "complain without measure" => io::stderr().write_all(&vec![b'x'; 1 << 20]),
        "complain in colour" => {
            io::stderr().write_all(b"\x1b[31mred\n")?;
            std::process::exit(3)
        }
        "hang" => hang(),
        "hang after the result" => done().map(|()| hang()),
        "report and hang" => progress(1).map(|()| hang()),
        "report ten times" => (0..10).try_for_each(progress),
        other => Err(io::Error::other(format!("there is no probe {other:?}"))),
    }
}

fn work() -> io::Result<()> {
    let kit = zstd::decode_all(File::open("../readable/kit")?)?;
    let key = SigningKey::from_bytes(&random()?);
    let signature = key.sign(&kit);
    key.verifying_key().verify_strict(&kit, &signature).map_err(io::Error::other)?;
    let rows: Vec<&[u8]> = kit.chunks(8).collect();
    // The seeds of a HashMap are random; its buckets are memory of the thread.
    let hashed: Vec<HashMap<u64, Vec<u8>>> = std::thread::scope(|scope| {
        let share = rows.len().div_ceil(8);
        let hash = |rows: &[&[u8]]| {
            rows.iter().map(|row| (number(row), Sha256::digest(row).to_vec())).collect::<HashMap<_, _>>()
        };
        let spawn = |rows| std::thread::Builder::new().name("hash".to_owned()).spawn_scoped(scope, move || hash(rows));
        let threads = rows.chunks(share).map(spawn).collect::<io::Result<Vec<_>>>()?;
        let join = |thread: ScopedJoinHandle<'_, _>| thread.join().map_err(|_| io::Error::other("a thread panicked"));
        threads.into_iter().map(join).collect::<io::Result<Vec<_>>>()
    })?;
    let _ = std::thread::available_parallelism();
    build(&hashed).map_err(io::Error::other)?;
    fs::rename("staging/index", "cas/index")?;
    File::open("cas")?.sync_all()?;
    fs::create_dir_all("cas/aa/bb")?;
    fs::write("cas/aa/bb/blob", "x")?;
    // Not fs::copy, which sets the copy's mode: the mode of a file is nothing that a worker may change.
    io::copy(&mut File::open("cas/aa/bb/blob")?, &mut File::create("staging/copy")?).map(drop)
}

fn build(rows: &[HashMap<u64, Vec<u8>>]) -> Result<(), redb::Error> {
    let database = redb::Database::create("staging/index")?;
    let write = database.begin_write()?;
    {
        let mut table = write.open_table(TABLE)?;
        for (row, hash) in rows.iter().flatten() {
            table.insert(row, hash.as_slice())?;
        }
    }
    write.commit()?;
    drop(database);
    let database = redb::Builder::new().open_read_only("staging/index")?;
    let table = database.begin_read()?.open_table(TABLE)?;
    table.get(ROWS / 2)?.map(drop).ok_or(redb::Error::Corrupted("a row is gone".to_owned()))
}

fn number(row: &[u8]) -> u64 {
    row.try_into().map_or(0, u64::from_le_bytes)
}

fn random() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty())?;
    Ok(seed)
}

fn deep(depth: u64) -> u64 {
    if depth == u64::MAX {
        return depth;
    }
    let page = std::hint::black_box([depth; 512]);
    deep(depth + 1).wrapping_add(page[depth as usize % page.len()])
}

fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

fn done() -> io::Result<()> {
    send(&Message::<u32, _>::Done(Said { outcome: "done".to_owned(), report: None }))
}

fn progress(number: u32) -> io::Result<()> {
    send(&Message::<_, Said>::Progress(number))
}

fn print(bytes: &[u8]) -> io::Result<()> {
    io::stdout().write_all(bytes).and_then(|()| io::stdout().flush())
}
