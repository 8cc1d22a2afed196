//! Lists of revoked certificates, as they come and signed anew.

#![no_main]

use kdp::trust::certificate::Certificate;
use kdp::trust::der::{self, tag};
use kdp::trust::path::Authorities;
use kdp::trust::revocation::book::{Book, Verdict};
use kdp::trust::revocation::list::{List, ListError, Said, key_of};
use kdp::trust::sign::Signer;
use kdp_fuzz::signed::{self, extension, time};
use kdp_fuzz::world::{self, NOW, OwnAuthority};
use kdp_fuzz::{seed, tlv};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use std::collections::HashSet;
use std::io::Read;
use std::sync::{Arc, LazyLock};

struct World {
    own: OwnAuthority,
    authorities: Authorities,
    leaves: Vec<Certificate>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let own = OwnAuthority::new();
    let mut authorities = world::authorities();
    let again = Certificate::from_der(own.certificate.der()).expect("it was read before");
    authorities.add(again).expect("it is an authority");
    World { own, authorities, leaves: world::certificates() }
});

/// What is signed of the seeds.
static SIGNED: LazyLock<HashSet<Vec<u8>>> = LazyLock::new(|| {
    let tbs = |list: &Vec<u8>| signed::tbs(list).map(|value| value.raw.to_vec());
    seeds().iter().filter_map(|list| tbs(list).ok()).collect()
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    tlv::mutate(data, size, max_size, seed)
});

fuzz_target!(init: seed::write_if_asked(&seeds()), |data: &[u8]| {
    let read = List::read(data, &WORLD.authorities);
    let in_pieces = List::read(Pieces { rest: data, next: 1 }, &WORLD.authorities);
    assert_eq!(said(&read), said(&in_pieces), "how the bytes come makes no difference");
    match read {
        Ok(list) => {
            let tbs = signed::tbs(data).expect("a list that was read").raw;
            assert!(SIGNED.contains(tbs), "a list is believed that nobody signed");
            judge(list);
        }
        Err(ListError::Signature) => sign(data),
        Err(_) => {}
    }
});

/// What comes after the signature sees the input as well.
fn sign(data: &[u8]) {
    let tbs = signed::tbs(data).expect("all but the signature was read").raw;
    let [tbs, algorithm, signature] = signed::sign(tbs, &WORLD.own.key);
    if let Ok(list) = List::read(&*der::sequence(&[&tbs, &algorithm, &signature]), &WORLD.authorities) {
        assert_eq!(list.authority, WORLD.own.certificate.identity);
        judge(list);
    }
}

fn judge(list: List) {
    assert!(list.this_update <= list.next_update);
    assert!(
        list.base.is_some() || !WORLD.leaves.iter().any(|leaf| list.says(&key_of(leaf)) == Said::Removed)
    );
    let (until, is_full, list) = (list.next_update, list.base.is_none(), Arc::new(list));
    let book = Book::new(&[list.clone(), list.clone()], true);
    let Some(authority) = WORLD.authorities.iter().find(|found| found.identity == list.authority) else {
        panic!("a list of nobody who is pinned");
    };
    assert_eq!(book.knows(authority), is_full, "a delta alone says nothing");
    for leaf in &WORLD.leaves {
        let is_named = matches!(list.says(&key_of(leaf)), Said::Revoked(_));
        for at in [0, NOW, until.saturating_add(1)] {
            let verdict = book.verdict(leaf, authority, at);
            assert!(!is_full || is_named == matches!(verdict, Verdict::Revoked(_)), "{verdict:?}");
            assert!(at <= until || verdict != Verdict::Good, "a stale list is a no");
        }
    }
}

fn said(read: &Result<List, ListError>) -> Result<(i64, i64, usize), ListError> {
    read.as_ref().map(|list| (list.this_update, list.next_update, list.len())).map_err(|error| *error)
}

/// A reader that gives one byte, then two, and so on.
struct Pieces<'a> {
    rest: &'a [u8],
    next: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.next.min(buffer.len()).min(self.rest.len());
        let (piece, rest) = self.rest.split_at(count);
        buffer[..count].copy_from_slice(piece);
        self.rest = rest;
        self.next = self.next % 97 + 1;
        Ok(count)
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let own = OwnAuthority::new();
    let rsa = world::rsa("ca");
    let rsa_name = signed::subject(world::certificate("ca").der());
    let name = signed::subject(own.certificate.der());
    let key_id = own.certificate.key_id.clone().unwrap_or_default();
    let key = extension("2.5.29.35", false, &der::sequence(&[&der::value(0x80, &key_id)]));
    let number = |digits: &[u8]| extension("2.5.29.20", false, &der::integer(digits));
    let delta = |digits: &[u8]| extension("2.5.29.27", true, &der::integer(digits));
    let reason = |code: u8| extension("2.5.29.21", false, &der::value(tag::ENUMERATED, &[code]));
    let entry = |serial: &[u8], extensions: &[u8]| {
        let since = if serial.len() > 4 { time("20260301070000Z") } else { time("260301070000Z") };
        let extensions = if extensions.is_empty() { Vec::new() } else { der::sequence(&[extensions]) };
        der::sequence(&[&der::integer(serial), &since, &extensions])
    };
    let leaves: Vec<Vec<u8>> =
        world::certificates().iter().take(12).map(|leaf| entry(&leaf.serial_bytes, &reason(1))).collect();
    let many: Vec<u8> = (1_u16..200).flat_map(|serial| entry(&serial.to_be_bytes(), &[])).collect();
    let lists: [(&[u8], Vec<u8>); 7] = [
        (&[], [key.clone(), number(&[1])].concat()),
        (&leaves.concat(), [key.clone(), number(&[2])].concat()),
        (&many, number(&[3])),
        (&entry(&[7; 20], &reason(6)), Vec::new()),
        (&entry(&[2], &reason(8)), [key.clone(), number(&[5]), delta(&[2])].concat()),
        (&entry(&[2], &reason(8)), [key.clone(), number(&[5])].concat()),
        (
            &entry(&[9], &[reason(1), extension("2.5.29.24", false, &time("20260228000000Z"))].concat()),
            number(&[6]),
        ),
    ];
    let mut seeds = world::files("fixtures/nca/test", &[".crl"]);
    for (entries, extensions) in lists {
        let by: [(&dyn Signer, &[u8]); 2] = [(&own.key, &name), (&rsa, &rsa_name)];
        for (key, name) in by {
            seeds.push(list(key, name, entries, &extensions));
        }
    }
    seeds
}

fn list(key: &dyn Signer, name: &[u8], entries: &[u8], extensions: &[u8]) -> Vec<u8> {
    let entries = if entries.is_empty() { Vec::new() } else { der::sequence(&[entries]) };
    let extensions = if extensions.is_empty() {
        Vec::new()
    } else {
        der::value(tag::context(0), &der::sequence(&[extensions]))
    };
    let tbs = der::sequence(&[
        &der::integer(&[1]),
        &signed::algorithm(key),
        name,
        &time("260401060000Z"),
        &time("20260402060000Z"),
        &entries,
        &extensions,
    ]);
    let [tbs, algorithm, signature] = signed::sign(&tbs, key);
    der::sequence(&[&tbs, &algorithm, &signature])
}
