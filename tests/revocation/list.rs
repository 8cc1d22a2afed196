//! Lists of revoked certificates: what is read of them, and what is refused.

use crate::authority::{
    Authority, DAY, ListSaying, NOW, SIGNER_USAGE, algorithm, entry, extension, gost, long_time, name, of,
    rsa, signed, time,
};
use kdp::trust::certificate::Certificate;
use kdp::trust::der::{self, Reader, tag};
use kdp::trust::gost::Scheme;
use kdp::trust::path::Authorities;
use kdp::trust::revocation::book::{Book, Verdict};
use kdp::trust::revocation::list::{List, ListError};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

const SERIAL: &[u8] = &[0x7b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19];

pub fn pinned(authorities: &[&Authority]) -> Authorities {
    let mut pinned = Authorities::default();
    for authority in authorities {
        pinned.add(authority.again()).unwrap();
    }
    pinned
}

pub fn leaf(authority: &Authority, serial: &[u8]) -> Certificate {
    authority.issue(&of(&name("LEAF", Some("260140990117")), authority.key().public_key_spki(), serial))
}

/// What one list says of a certificate with this serial number.
pub fn verdict(lists: Vec<List>, authority: &Authority, serial: &[u8], at: i64) -> Verdict {
    let lists: Vec<_> = lists.into_iter().map(Arc::new).collect();
    Book::new(&lists, true).verdict(&leaf(authority, serial), &authority.certificate, at)
}

fn error(bytes: &[u8], authorities: &Authorities) -> Option<ListError> {
    List::read(bytes, authorities).err()
}

fn small() -> (Authority, ListSaying) {
    let authority = Authority::root("AUTHORITY", rsa("bank"));
    let entries = [entry(&[5], NOW - DAY, None), entry(SERIAL, NOW - 2 * DAY, Some(6))];
    let list = ListSaying::full(&authority, 7, &entries);
    (authority, list)
}

#[test]
fn a_list_of_each_algorithm_says_who_is_revoked_and_since_when() {
    for key in [rsa("bank"), gost(Scheme::Gost2004), gost(Scheme::Gost2015)] {
        let authority = Authority::root("AUTHORITY", key);
        let pinned = pinned(&[&authority]);
        // 6 is certificateHold: a no as well.
        let entries = [
            entry(&[5], NOW - DAY, None),
            entry(SERIAL, NOW - 2 * DAY, Some(6)),
            entry(&[0x80], NOW - 60, Some(1)),
        ];
        let bytes = ListSaying::full(&authority, 7, &entries).signed(authority.key());
        let read = || vec![List::read(&*bytes, &pinned).unwrap()];
        assert_eq!(read()[0].len(), 3);
        assert_eq!(verdict(read(), &authority, &[5], NOW), Verdict::Revoked(NOW - DAY));
        assert_eq!(verdict(read(), &authority, SERIAL, NOW), Verdict::Revoked(NOW - 2 * DAY));
        assert_eq!(verdict(read(), &authority, &[0x80], NOW), Verdict::Revoked(NOW - 60));
        assert_eq!(verdict(read(), &authority, &[6], NOW), Verdict::Good);
        assert_eq!(verdict(read(), &authority, &[6], NOW + DAY), Verdict::Good);
        assert_eq!(verdict(read(), &authority, &[6], NOW + DAY + 1), Verdict::Stale(NOW + DAY));
        assert_eq!(verdict(read(), &authority, &[5], NOW + DAY + 1), Verdict::Revoked(NOW - DAY));
        let other = Authority::root("OTHER", rsa("shep"));
        assert_eq!(verdict(read(), &other, &[5], NOW), Verdict::NoList);
    }
}

#[test]
fn a_list_without_entries_or_with_long_times_is_one() {
    let (authority, list) = small();
    let pinned = pinned(&[&authority]);
    for list in [
        ListSaying { entries: Vec::new(), ..list.clone() },
        ListSaying { entries: der::sequence(&[]), ..list.clone() },
        ListSaying { this_update: long_time(NOW - 3600), next_update: long_time(NOW + DAY), ..list.clone() },
        ListSaying { extensions: Vec::new(), ..list },
    ] {
        assert_eq!(error(&list.signed(authority.key()), &pinned), None);
    }
}

#[test]
fn what_a_stale_delta_adds_stays_revoked_and_what_it_takes_back_does_not_stay_so() {
    let authority = Authority::root("AUTHORITY", rsa("bank"));
    let pinned = pinned(&[&authority]);
    let entries = [entry(&[5], NOW - DAY, None), entry(&[6], NOW - 2 * DAY, Some(6))];
    let full = ListSaying::full(&authority, 7, &entries).during(NOW - 3600, NOW + DAY);
    let entries = [entry(&[6], NOW - 60, Some(8)), entry(&[8], NOW - 60, None)];
    let delta = ListSaying::delta(&authority, 8, 7, &entries).during(NOW - 60, NOW + 60);
    let says = |serial, at| {
        let read = |list: &ListSaying| List::read(&*list.signed(authority.key()), &pinned).unwrap();
        verdict(vec![read(&full), read(&delta)], &authority, &[serial], at)
    };
    for (serial, at, expected) in [
        (5, NOW + 61, Verdict::Revoked(NOW - DAY)),
        (6, NOW + 60, Verdict::Good),
        // The hold that was ended may have begun again since: the full list says so until it is renewed.
        (6, NOW + 61, Verdict::Revoked(NOW - 2 * DAY)),
        (8, NOW + 60, Verdict::Revoked(NOW - 60)),
        (8, NOW + 61, Verdict::Revoked(NOW - 60)),
        // The full list decides how long nothing is a yes: a delta may be left out.
        (9, NOW + 61, Verdict::Good),
        (9, NOW + DAY + 1, Verdict::Stale(NOW + DAY)),
        (8, NOW + DAY + 1, Verdict::Revoked(NOW - 60)),
    ] {
        assert_eq!(says(serial, at), expected, "{serial} at {}", at - NOW);
    }
}

#[test]
fn the_list_of_the_test_authority_of_nca_verifies_and_is_stale_since_2023() {
    let file = |name: &str| {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/nca/test").join(name)).unwrap()
    };
    let certificate = || Certificate::from_file(&file("nca_gost2015_test.cer")).unwrap();
    let mut pinned = Authorities::default();
    pinned.add(certificate()).unwrap();
    let bytes = file("nca_gost2022_test.crl");
    let list = List::read(&*bytes, &pinned).unwrap();
    assert_eq!((list.this_update, list.next_update), (1_658_921_166, 1_674_473_166));
    assert!(list.base.is_none() && list.number.is_some() && list.len() >= 6, "{}", list.len());
    let infosystem = Certificate::from_file(&file("legal_infosystem.pem")).unwrap();
    let book = Book::new(&[Arc::new(list)], true);
    assert_eq!(book.verdict(&infosystem, &certificate(), 1_660_000_000), Verdict::Good);
    assert_eq!(book.verdict(&infosystem, &certificate(), NOW), Verdict::Stale(1_674_473_166));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(List::read(&*changed, &pinned).is_err(), "byte {at}");
    }
}

#[test]
fn a_list_that_is_cut_off_anywhere_or_changed_anywhere_is_refused() {
    let (authority, list) = small();
    let pinned = pinned(&[&authority]);
    let bytes = list.signed(authority.key());
    for length in 0..bytes.len() {
        assert_eq!(error(&bytes[..length], &pinned), Some(ListError::Truncated), "{length} bytes");
    }
    for at in 0..bytes.len() {
        for bit in [1, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= bit;
            assert!(error(&changed, &pinned).is_some(), "byte {at}");
        }
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(error(&longer, &pinned), Some(ListError::Trailing));
}

/// Gives one byte at a time, with interruptions, and fails at last if it should.
struct Trickle<'a>(&'a [u8], bool, Option<ErrorKind>);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(ErrorKind::Interrupted.into());
        }
        match (self.0.split_first(), self.2) {
            (Some((first, rest)), _) => {
                (buffer[0], self.0) = (*first, rest);
                Ok(1)
            }
            (None, Some(kind)) => Err(kind.into()),
            (None, None) => Ok(0),
        }
    }
}

#[test]
fn how_a_list_comes_in_pieces_does_not_matter() {
    let (authority, list) = small();
    let pinned = pinned(&[&authority]);
    let bytes = list.signed(authority.key());
    assert_eq!(List::read(Trickle(&bytes, false, None), &pinned).map(|list| list.len()), Ok(2));
    let failing = List::read(Trickle(&bytes, false, Some(ErrorKind::ConnectionReset)), &pinned);
    assert_eq!(failing.err(), Some(ListError::Read(ErrorKind::ConnectionReset)));
    // Longer than any buffer.
    let entries: Vec<_> = (0_u32..5000).map(|n| entry(&n.to_be_bytes(), NOW - DAY, Some(1))).collect();
    let long = ListSaying::full(&authority, 8, &entries).signed(authority.key());
    assert_eq!(List::read(&*long, &pinned).map(|list| list.len()), Ok(5000));
}

#[test]
fn each_malformed_part_is_refused_by_name() {
    let (authority, good) = small();
    let pinned = pinned(&[&authority]);
    let entries = |entries: &[Vec<u8>]| ListSaying {
        entries: der::value(tag::SEQUENCE, &entries.concat()),
        ..good.clone()
    };
    let with = |oid: &str, critical, value: &[u8]| {
        let mut list = good.clone();
        list.extensions.push(extension(oid, critical, value));
        list
    };
    let of_entry = |extensions: &[u8]| {
        entries(&[der::sequence(&[&der::integer(&[5]), &time(NOW), &der::value(tag::SEQUENCE, extensions)])])
    };
    let (rsa_sha1, null) = (der::oid("1.2.840.113549.1.1.5"), [tag::NULL, 0]);
    let sha1 = der::sequence(&[&der::value(tag::OID, &rsa_sha1), &null]);
    let bare = der::sequence(&[&der::value(tag::OID, &der::oid("1.2.840.113549.1.1.11"))]);
    let twice =
        [&extension("2.5.29.21", false, &[10, 1, 1])[..], &extension("2.5.29.21", false, &[10, 1, 1])]
            .concat();
    let raw_serial =
        |serial: &[u8]| entries(&[der::sequence(&[&der::value(tag::INTEGER, serial), &time(NOW)])]);
    let cases = [
        ("version 1", ListSaying { version: Vec::new(), ..good.clone() }, ListError::Version),
        ("version 3", ListSaying { version: der::integer(&[2]), ..good.clone() }, ListError::Version),
        ("SHA-1", ListSaying { algorithm: sha1, ..good.clone() }, ListError::Algorithm),
        (
            "an algorithm that is none",
            ListSaying { algorithm: der::sequence(&[]), ..good.clone() },
            ListError::Malformed,
        ),
        ("two algorithms", ListSaying { outer_algorithm: Some(bare), ..good.clone() }, ListError::Malformed),
        (
            "an issuer that is none",
            ListSaying { issuer: der::integer(&[1]), ..good.clone() },
            ListError::Malformed,
        ),
        ("another issuer", ListSaying { issuer: name("OTHER", None), ..good.clone() }, ListError::Issuer),
        ("no date", ListSaying { this_update: der::integer(&[1]), ..good.clone() }, ListError::Malformed),
        ("no end", ListSaying { next_update: Vec::new(), ..good.clone() }, ListError::NoNextUpdate),
        (
            "no end at all",
            ListSaying {
                next_update: Vec::new(),
                entries: Vec::new(),
                extensions: Vec::new(),
                ..good.clone()
            },
            ListError::NoNextUpdate,
        ),
        (
            "an end before its beginning",
            ListSaying { next_update: time(NOW - DAY), ..good.clone() },
            ListError::Period,
        ),
        ("made before its authority", good.clone().during(NOW - 366 * DAY, NOW + DAY), ListError::Issuer),
        (
            "made after its authority",
            good.clone().during(NOW + 366 * DAY, NOW + 367 * DAY),
            ListError::Issuer,
        ),
        ("entries that are none", entries(&[der::integer(&[1])]), ListError::Malformed),
        ("an entry without a date", entries(&[der::sequence(&[&der::integer(&[1])])]), ListError::Malformed),
        ("a negative number", raw_serial(&[0x80]), ListError::Malformed),
        ("no number", raw_serial(&[]), ListError::Malformed),
        ("a number that is not as short as it can be", raw_serial(&[0, 1]), ListError::Malformed),
        ("a number of 21 bytes", raw_serial(&[1; 21]), ListError::Malformed),
        (
            "something behind an entry",
            entries(&[der::sequence(&[&der::integer(&[5]), &time(NOW), &null])]),
            ListError::Malformed,
        ),
        ("an unknown reason", entries(&[entry(&[5], NOW, Some(7))]), ListError::Malformed),
        ("two reasons", of_entry(&twice), ListError::Malformed),
        ("an entry of another issuer", of_entry(&extension("2.5.29.29", true, &[])), ListError::Indirect),
        (
            "an entry with what is not understood",
            of_entry(&extension("2.5.29.99", true, &[])),
            ListError::Extension,
        ),
        ("a removal from a full list", entries(&[entry(&[5], NOW, Some(8))]), ListError::Removal),
        ("something critical", with("2.5.29.99", true, &[]), ListError::Extension),
        ("a part of the certificates", with("2.5.29.28", true, &der::sequence(&[])), ListError::Partial),
        ("two numbers", with("2.5.29.20", false, &der::integer(&[9])), ListError::Malformed),
        ("a number of a base that is none", with("2.5.29.27", true, &[0x30, 0]), ListError::Malformed),
    ];
    for (what, list, expected) in cases {
        assert_eq!(error(&list.signed(authority.key()), &pinned), Some(expected), "{what}");
    }
    // What is not understood and not critical is passed over, in the list and in entries.
    let invalid_since = of_entry(&extension("2.5.29.24", false, &long_time(NOW)));
    for list in [with("2.5.29.46", false, &[1, 2, 3]), invalid_since] {
        assert_eq!(error(&list.signed(authority.key()), &pinned), None);
    }
}

#[test]
fn what_is_around_a_list_must_be_as_it_should_be_too() {
    let (authority, list) = small();
    let pinned = pinned(&[&authority]);
    let tbs = list.tbs();
    let (algorithm, signature) = (algorithm(authority.key()), authority.key().sign(&tbs).unwrap());
    let with = |parts: &[&[u8]]| error(&der::sequence(parts), &pinned);
    assert_eq!(with(&[&tbs, &algorithm, &der::bits(&signature)]), None);
    let unused_bits = der::all(tag::BIT_STRING, &[&[1], &signature]);
    assert_eq!(with(&[&tbs, &algorithm, &unused_bits]), Some(ListError::Malformed));
    assert_eq!(
        with(&[&tbs, &algorithm, &der::value(tag::OCTET_STRING, &signature)]),
        Some(ListError::Malformed)
    );
    assert_eq!(with(&[&tbs, &algorithm, &der::bits(&signature), &[5, 0]]), Some(ListError::Malformed));
    assert_eq!(with(&[&tbs, &algorithm, &der::bits(&[])]), Some(ListError::Signature));
    assert_eq!(with(&[&tbs, &algorithm]), Some(ListError::Truncated));
    assert_eq!(with(&[&der::value(tag::SET, &tbs), &algorithm]), Some(ListError::Malformed));
    assert_eq!(error(&[tag::SEQUENCE, 0x84, 4, 0, 0, 1], &pinned), Some(ListError::TooLong));
    assert_eq!(error(&[tag::SEQUENCE, 0x80, 0, 0, 0, 0], &pinned), Some(ListError::Malformed));
    let inside = Reader::new(&tbs).expect(tag::SEQUENCE).unwrap();
    let more_inside = der::sequence(&[inside, &[5, 0]]);
    assert_eq!(error(&signed(&more_inside, authority.key(), &[]), &pinned), Some(ListError::Malformed));
}

#[test]
fn a_list_is_believed_only_of_a_pinned_authority_that_signs_lists() {
    let (authority, list) = small();
    let bytes = list.signed(authority.key());
    let same_name = Authority::root("AUTHORITY", rsa("shep"));
    assert_eq!(error(&bytes, &pinned(&[])), Some(ListError::Issuer));
    // The key identifier excludes the other one of the same name.
    assert_eq!(error(&bytes, &pinned(&[&same_name])), Some(ListError::Issuer));
    assert_eq!(error(&bytes, &pinned(&[&same_name, &authority])), None);
    let nameless = ListSaying { extensions: Vec::new(), ..list.clone() }.signed(authority.key());
    assert_eq!(error(&nameless, &pinned(&[&same_name])), Some(ListError::Signature));
    assert_eq!(error(&nameless, &pinned(&[&same_name, &authority])), None);
    let no_lists = Authority::saying("AUTHORITY", rsa("bank"), [2, 0x04]);
    assert_eq!(error(&bytes, &pinned(&[&no_lists])), Some(ListError::Issuer));
    assert_ne!(SIGNER_USAGE, [2, 0x04]);
    // Signed by a subscriber of the authority, with the authority's name.
    assert_eq!(error(&list.signed(&*rsa("shep")), &pinned(&[&authority])), Some(ListError::Signature));
    // A key of another algorithm than the list says.
    let of_gost = Authority::root("AUTHORITY", gost(Scheme::Gost2015));
    let says_rsa = ListSaying { extensions: Vec::new(), ..list }.signed(of_gost.key());
    assert_eq!(error(&says_rsa, &pinned(&[&of_gost])), Some(ListError::Signature));
}
