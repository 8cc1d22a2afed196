//! What a list of revoked certificates of the size of НУЦ's costs: `cargo bench --bench revocation`. See
//! README.md.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::cast_precision_loss, reason = "figures are rounded for people")]

#[expect(dead_code, reason = "shared with the tests of revocation")]
#[path = "../revocation/authority.rs"]
mod authority;
#[expect(dead_code, reason = "shared with the benchmark of the exchange, which prints percentiles too")]
mod table;

use authority::{Authority, DAY, ListSaying, NOW, entry, gost, name, of, rsa};
use kdp::trust::certificate::Certificate;
use kdp::trust::gost::Scheme;
use kdp::trust::path::Authorities;
use kdp::trust::revocation::book::{Book, Verdict};
use kdp::trust::revocation::index;
use kdp::trust::revocation::list::List;
use rustix::time::{ClockId, clock_gettime};
use std::fs::{self, File};
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use table::Table;

/// Entries of the list of НУЦ.
const ENTRIES: u32 = 420_000;
/// How often a certificate is looked up.
const LOOKUPS: u32 = 1_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--stream") {
        return stream(Path::new(&arguments[at + 1]));
    }
    // Given by `cargo bench`; without it nothing is measured, so that `cargo test --benches` ends at once.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let mut table = Table::default();
    for (name, key) in [
        ("RSA-2048", rsa("bank")),
        ("ГОСТ 34.10-2015-512", gost(Scheme::Gost2015)),
        ("ГОСТ 34.310-2004", gost(Scheme::Gost2004)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path(), &Authority::root("AUTHORITY", key));
        let length = fs::metadata(folder.path().join("list.crl")).unwrap().len();
        table.group(&format!("{name}: {ENTRIES} entries, {:.1} MB", mega(length)));
        // In a process of its own: its memory is that of reading alone.
        let reading = Command::new(std::env::current_exe().unwrap())
            .arg("--stream")
            .arg(folder.path())
            .output()
            .unwrap();
        assert!(reading.status.success(), "{}", String::from_utf8_lossy(&reading.stderr));
        let figures = String::from_utf8(reading.stdout).unwrap();
        for line in figures.lines() {
            let [what, figure, aim] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
            table.row(what, figure.to_owned(), aim);
        }
    }
    table.print();
}

/// A list and what is needed to read it. Serial numbers have 20 bytes, as those of НУЦ.
fn make(folder: &Path, authority: &Authority) {
    let entries: Vec<_> =
        (0..ENTRIES).map(|number| entry(&serial(number), NOW - i64::from(number) * 60, Some(4))).collect();
    let list = ListSaying::full(authority, 1, &entries).during(NOW, NOW + DAY);
    fs::write(folder.join("list.crl"), list.signed(authority.key())).unwrap();
    fs::write(folder.join("authority.cer"), authority.certificate.der()).unwrap();
    for (file, number) in [("revoked.cer", 7), ("good.cer", ENTRIES)] {
        let subject = name("LEAF", None);
        let leaf = authority.issue(&of(&subject, authority.key().public_key_spki(), &serial(number)));
        fs::write(folder.join(file), leaf.der()).unwrap();
    }
}

fn serial(number: u32) -> [u8; 20] {
    let mut serial = [0; 20];
    serial
        .copy_from_slice(&ring::digest::digest(&ring::digest::SHA256, &number.to_be_bytes()).as_ref()[..20]);
    serial[0] = serial[0] & 0x3f | 0x40;
    serial
}

/// Reads the list twice, as a service does that has one already, and prints lines of figures.
fn stream(folder: &Path) {
    let read = |file: &str| Certificate::from_der(&fs::read(folder.join(file)).unwrap()).unwrap();
    let mut authorities = Authorities::default();
    authorities.add(read("authority.cer")).unwrap();
    let list = || Arc::new(List::read(File::open(folder.join("list.crl")).unwrap(), &authorities).unwrap());
    let empty = memory("VmRSS");
    let book = Book::new(&[list()], true);
    let resting = memory("VmRSS");
    let start = cpu();
    let next = list();
    let time = cpu() - start;
    println!("read and verify, CPU\t{time:.2} s\t≤ 2 s");
    println!("memory at the most, above resting\t{:.1} MiB\t≤ 40 MiB", kibi(memory("VmHWM") - resting));
    println!("resting, above an empty process\t{:.1} MiB\t", kibi(resting - empty));
    println!("an entry of the index\t{} B\t≤ 20 B", index::ENTRY);
    let (authority, revoked, good) = (read("authority.cer"), read("revoked.cer"), read("good.cer"));
    assert_eq!(book.verdict(&revoked, &authority, NOW), Verdict::Revoked(NOW - 7 * 60));
    assert_eq!(book.verdict(&good, &authority, NOW), Verdict::Good);
    // All over the list, so that no cache holds what is looked up.
    let serials: Vec<_> = (0..LOOKUPS).map(|number| serial(number % ENTRIES)).collect();
    let start = cpu();
    for serial in &serials {
        black_box(next.says(&index::key(black_box(serial))));
    }
    println!("look up a serial number\t{:.0} ns\t≤ 1000 ns", (cpu() - start) * 1e9 / f64::from(LOOKUPS));
    let start = cpu();
    for _ in 0..LOOKUPS {
        black_box(book.verdict(black_box(&good), &authority, NOW));
    }
    println!("the verdict on a certificate\t{:.0} ns\t≤ 1000 ns", (cpu() - start) * 1e9 / f64::from(LOOKUPS));
}

/// Seconds of CPU of this thread.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// A line of /proc/self/status, KiB.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn kibi(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}

fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
