mod documents;
#[test]
fn raw() {
    fn walk(p: &std::path::Path, out: &mut Vec<std::path::PathBuf>) {
        for e in std::fs::read_dir(p).unwrap() {
            let e = e.unwrap().path();
            if e.is_dir() { walk(&e, out) } else { out.push(e) }
        }
    }
    let mut files = vec![];
    walk(std::path::Path::new("/tmp/rf/raw"), &mut files);
    files.sort();
    for f in files {
        let mut i = feeds::ingest::Ingested::new();
        let r = feeds::ingest::ingest(
            &f.display().to_string(),
            std::fs::File::open(&f).unwrap(),
            &Default::default(),
            &|_| {},
            &mut i,
        );
        println!(
            "== {} {:?} records {} affected {} unsupported {:?}",
            f.display(),
            r.err().map(|e| e.to_string()),
            i.records.len(),
            i.records.iter().map(|r| r.affected.len()).sum::<usize>(),
            i.unsupported.keys().collect::<Vec<_>>()
        );
        for p in i.problems.iter().take(3) {
            println!("   PROBLEM {:?} {}", p.record, p.reason);
        }
        for ((s, k), n) in &i.notes {
            println!("   note {s} {k} {} {}", n.count, n.example);
        }
        if let Some(r) = i.records.first() {
            if let Some(a) = r.affected.first() {
                println!(
                    "   {} {:?} {} {} {:?} {:?} {:?} {:?}",
                    r.id,
                    r.upstream.iter().next(),
                    a.package.ecosystem,
                    a.package.name,
                    a.ranges.first().map(|r| r.to_string()),
                    a.arches,
                    a.module,
                    a.status
                );
            }
        }
    }
}
