//! No change of a signed document is accepted that changes what is read, and none makes the verifier fail.

use crate::pki::{Authority, IIN, fixture_authorities, keys};
use crate::{content, document, documents, verify};
use kdp::trust::path::Authorities;
use proptest::prelude::*;

/// Where the changed bytes count, each of them: the content before the first signature, and its value.
fn counting(text: &str) -> Vec<usize> {
    let start = text.find("<data").unwrap();
    let inside = start..text.find("<ds:Signature").unwrap();
    let within = |open: &str, close: &str| {
        let start = text.find(open).unwrap() + open.len();
        start..start + text[start..].find(close).unwrap()
    };
    let value = within("<ds:SignatureValue>", "</ds:SignatureValue>");
    inside.chain(within("<ds:SignedInfo>", "</ds:SignedInfo>")).chain(value).collect()
}

/// Flips one bit of every byte at these places, another one each time.
fn flip(bytes: &[u8], places: &[usize], authorities: &Authorities) {
    assert!(verify(bytes, authorities).is_ok());
    let mut changed = bytes.to_vec();
    for (count, at) in places.iter().enumerate() {
        let bit = 1 << ((count + at) % 8);
        changed[*at] ^= bit;
        assert!(
            verify(&changed, authorities).is_err(),
            "byte {at} by {bit:#x} of {}",
            String::from_utf8_lossy(bytes)
        );
        changed[*at] ^= bit;
    }
}

#[test]
fn every_changed_byte_of_what_is_signed_or_of_the_signature_is_refused() {
    for name in ["whole", "by-id", "two"] {
        let bytes = document(name);
        let places = counting(std::str::from_utf8(&bytes).unwrap());
        assert!(places.len() > 1000);
        flip(&bytes, &places, &fixture_authorities());
    }
}

#[test]
fn every_changed_byte_under_a_signature_of_gost_is_refused() {
    for key in keys().into_iter().skip(1) {
        let authority = Authority::new(key);
        for key in keys().into_iter().skip(1) {
            let holder = authority.person(key, IIN, None);
            let bytes = holder.sign("<data a='1'><uin>800101399015</uin>\u{49a}</data>".as_bytes());
            let places = counting(std::str::from_utf8(&bytes).unwrap());
            let some: Vec<usize> = places.into_iter().step_by(3).collect();
            flip(&bytes, &some, &authority.authorities());
        }
    }
}

#[test]
fn a_changed_byte_anywhere_changes_nothing_that_is_read_or_is_refused() {
    let bytes = document("whole");
    let (expected, authorities) = (content(&bytes), fixture_authorities());
    let mut changed = bytes.clone();
    for at in 0..bytes.len() {
        changed[at] ^= 1 << (at % 7);
        if verify(&changed, &authorities).is_ok() {
            assert_eq!(content(&changed), expected, "byte {at}");
        }
        changed[at] = bytes[at];
    }
}

#[test]
fn an_instruction_beside_the_root_is_covered_by_a_signature_on_the_whole_document_alone() {
    let authorities = fixture_authorities();
    for (name, is_covered) in [("whole", true), ("by-id", false)] {
        let original = document(name);
        let text = String::from_utf8(original.clone()).unwrap().replacen("<data", "<?p beside?><data", 1);
        assert_eq!(verify(text.as_bytes(), &authorities).is_err(), is_covered, "{name}");
        assert_eq!(content(text.as_bytes()) == content(&original), !is_covered, "{name}");
    }
}

/// A cut, a repetition, a transposition or other bytes, anywhere.
#[derive(Clone, Debug)]
enum Mutation {
    Cut(prop::sample::Index, usize),
    Repeat(prop::sample::Index, prop::sample::Index, usize),
    Write(prop::sample::Index, Vec<u8>),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let piece = prop::sample::select(vec![
        "<ds:Signature>",
        "</ds:Signature>",
        "<!-- -->",
        "<?p?>",
        "&#0;",
        "<data>",
        "</data>",
        "xmlns=''",
        " Id='data-1'",
        "<![CDATA[",
        "]]>",
        "URI=''",
        "#",
        "=",
        "<ds:Object/>",
        "\u{0}",
        "\u{49b}",
        "xml:lang='kk'",
    ]);
    prop_oneof![
        (any::<prop::sample::Index>(), 1..400_usize).prop_map(|(at, length)| Mutation::Cut(at, length)),
        (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1..2000_usize)
            .prop_map(|(from, to, length)| Mutation::Repeat(from, to, length)),
        (any::<prop::sample::Index>(), piece)
            .prop_map(|(at, text)| Mutation::Write(at, text.as_bytes().to_vec())),
        (any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 1..4))
            .prop_map(|(at, bytes)| Mutation::Write(at, bytes)),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    if bytes.is_empty() {
        return;
    }
    match mutation {
        Mutation::Cut(at, length) => {
            let at = at.index(bytes.len());
            bytes.drain(at..(at + length).min(bytes.len()));
        }
        Mutation::Repeat(from, to, length) => {
            let from = from.index(bytes.len());
            let piece = bytes[from..(from + length).min(bytes.len())].to_vec();
            let to = to.index(bytes.len());
            bytes.splice(to..to, piece);
        }
        Mutation::Write(at, piece) => {
            let at = at.index(bytes.len());
            bytes.splice(at..at, piece.iter().copied());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_mutation_is_believed_and_read_otherwise(
        which: prop::sample::Index, mutations in prop::collection::vec(mutation(), 1..4),
    ) {
        let documents = documents("accepted");
        let (name, original) = &documents[which.index(documents.len())];
        let mut bytes = original.clone();
        for mutation in &mutations {
            mutate(&mut bytes, mutation);
        }
        if verify(&bytes, &fixture_authorities()).is_ok() {
            prop_assert_eq!(content(&bytes), content(original), "{}", name);
        }
    }

    #[test]
    fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(verify(&bytes, &Authorities::default()).is_err());
    }
}
