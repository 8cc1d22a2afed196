//! What a ГОСТ signature costs: `cargo bench --bench gost`. See README.md.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::cast_precision_loss, reason = "figures are rounded for people")]

#[expect(dead_code, reason = "shared with the benchmark of the exchange, which prints percentiles too")]
mod table;

use kdp::trust::gost::{PrivateKey, PublicKey, Scheme};
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use table::{Table, median};

/// Bytes of a message: what is signed of an envelope is its `SignedInfo`, of about this length.
const MESSAGE: usize = 1000;
/// How often each operation is measured.
const SAMPLES: usize = 1000;
/// Keys and messages that take turns, so that no branch of a verification is learnt by heart.
const KINDS: usize = 50;

fn main() {
    // Given by `cargo bench`; without it nothing is measured, so that `cargo test --benches` ends at once.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let mut table = Table::default();
    for (scheme, name, aims) in [
        (Scheme::Gost2015, "ГОСТ 34.10-2015-512", ["≤ 600 µs", "≤ 1000 µs"]),
        (Scheme::Gost2004, "ГОСТ 34.310-2004", ["≤ 120 µs", "≤ 1000 µs"]),
    ] {
        table.group(name);
        measure(scheme, aims, &mut table);
    }
    table.print();
}

fn measure(scheme: Scheme, [verifying, signing]: [&str; 2], table: &mut Table) {
    let keys: Vec<PrivateKey> = (0..KINDS).map(|_| PrivateKey::generate(scheme).unwrap()).collect();
    let messages: Vec<Vec<u8>> = (0_u8..).take(KINDS).map(|i| vec![i; MESSAGE]).collect();
    let public: Vec<PublicKey> = keys.iter().map(PrivateKey::public_key).collect();
    let encoded: Vec<Vec<u8>> = public.iter().map(PublicKey::to_bytes).collect();
    let signatures: Vec<Vec<u8>> =
        keys.iter().zip(&messages).map(|(key, message)| key.sign(message).unwrap()).collect();
    let mut row = |name: &str, aim: &str, operation: &dyn Fn(usize)| {
        table.row(name, format!("{:.1} µs", median_time(operation)), aim);
    };
    row("verify", verifying, &|i| public[i].verify(&messages[i], &signatures[i]).unwrap());
    row("sign", signing, &|i| drop(black_box(keys[i].sign(&messages[i]).unwrap())));
    row("of either, the digest of 1000 bytes", "", &|i| drop(black_box(scheme.digest(&messages[i]))));
    row("read a public key", "", &|i| drop(black_box(PublicKey::from_bytes(scheme, &encoded[i]).unwrap())));
    row("public key of a private one", "", &|i| drop(black_box(keys[i].public_key())));
}

/// CPU time of this thread in microseconds, so that what else the machine does disturbs little.
fn median_time(operation: &dyn Fn(usize)) -> f64 {
    (0..KINDS).for_each(operation);
    let times: Vec<f64> = (0..SAMPLES)
        .map(|sample| {
            let start = thread_time();
            operation(sample % KINDS);
            thread_time() - start
        })
        .collect();
    median(&times)
}

/// Microseconds.
fn thread_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}
