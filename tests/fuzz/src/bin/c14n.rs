//! Canonical forms: three bytes that choose the form and the element, a list of prefixes up to the end of the line, and
//! a document.

#![no_main]

use kdp::xml::c14n::{self, C14nError, Method, Target};
use kdp::xml::{Document, Element, Limits};
use kdp_fuzz::libxml2::{self, Question, Refusal};
use kdp_fuzz::{seed, world, xml};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use std::sync::LazyLock;

/// Longest seed, bytes.
const LONGEST: usize = 9000;

/// A canonical form may declare all that was in scope on one element.
const WIDE: Limits = Limits {
    depth: 100,
    nodes: 100_000,
    attributes_total: 100_000,
    attributes_per_element: 10_000,
    name_bytes: 2000,
};

static SOUND: LazyLock<Vec<Vec<u8>>> = LazyLock::new(seeds);

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    xml::mutate(data, size, max_size, seed, &SOUND)
});

fuzz_target!(init: seed::write_if_asked(&seeds()), |data: &[u8]| {
    let Some(case) = Case::read(data) else { return };
    let Ok(document) = Document::parse(case.source, &Limits::default()) else { return };
    let elements: Vec<_> = document.elements().take(256).collect();
    let chosen = |number: Option<u8>| number.map(|number| elements[usize::from(number) % elements.len()]);
    let (apex, omitted) = (chosen(case.apex), chosen(case.omitted));
    let target = apex.map_or(Target::Document(&document), Target::Element);
    let mut ours = b"before".to_vec();
    if let Err(error) = c14n::write_without(target, omitted.as_slice(), &case.method(), &mut ours) {
        assert_eq!(ours, b"before", "a failure wrote something");
        assert!(error == C14nError::RelativeNamespace || omitted.is_some());
        return;
    }
    let ours = &ours[6..];
    let question = Question {
        source: case.source,
        apex: apex.map(way),
        omitted: omitted.map(way),
        exclusive: case.exclusive,
        comments: case.comments,
        prefixes: &case.prefixes,
    };
    let theirs = match libxml2::canonical(&question) {
        Ok(theirs) => theirs,
        Err(Refusal::Parse) => return assert!(has_long_reference(case.source), "libxml2 does not read it"),
        Err(Refusal::Canonical) => return assert!(has_namespace(case.source, is_odd), "libxml2 gives no form"),
    };
    if !has_namespace(case.source, is_not_escaped) {
        assert_eq!(String::from_utf8_lossy(ours), String::from_utf8_lossy(&theirs), "libxml2 gives another form");
    }
    let again = Document::parse(ours, &WIDE).expect("a canonical form is a document");
    assert_eq!(form(Target::Document(&again), &case.method()), Ok(ours.to_vec()), "not the form of itself");
    within(&again, &case);
});

/// Whether a character is written with more than 64 digits: libxml2 (2.9) loses its place in such a reference when it moves
/// its buffer meanwhile, and takes it for none. Expat reads it.
fn has_long_reference(source: &[u8]) -> bool {
    let text = String::from_utf8_lossy(source);
    text.split("&#").skip(1).any(|rest| rest.find(';').is_some_and(|end| end > 64))
}

/// Whether libxml2 may take a namespace for no URI, and gives no form then: we do not parse URIs.
fn is_odd(namespace: &str) -> bool {
    let (scheme, path) = namespace.split_once(':').unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '/');
    scheme.is_empty() || !scheme.chars().all(|c| c.is_ascii_alphabetic()) || !path.chars().all(plain)
}

/// Whether libxml2 (2.9) writes a namespace as it must not: it escapes nothing in it.
fn is_not_escaped(namespace: &str) -> bool {
    namespace.contains(['&', '"'])
}

/// Whether there is such a namespace, as it is written in the source.
fn has_namespace(source: &[u8], such: fn(&str) -> bool) -> bool {
    let text = String::from_utf8_lossy(source);
    // A value may say "xmlns", too: each place is looked at with all that follows it.
    text.match_indices("xmlns").any(|(at, _)| {
        let rest = &text[at..];
        let Some(start) = rest.find(['"', '\'']) else { return false };
        let value = rest[start + 1..].split(&rest[start..=start]).next().unwrap_or_default();
        !value.is_empty() && such(value)
    })
}

/// An element that needs nothing from around it has the same form in another document.
fn within(alone: &Document<'_>, case: &Case<'_>) {
    let method = Method { comments: true, ..case.method() };
    let inside = form(Target::Element(alone.root()), &Method { comments: true, ..Method::INCLUSIVE });
    let Ok(inside) = inside else { return };
    let around: [&[u8]; 3] = [b"<w xmlns=\"urn:w\" xmlns:a=\"urn:a\" xml:lang=\"kk\">", &inside, b"</w>"];
    let around = around.concat();
    let Ok(around) = Document::parse(&around, &WIDE) else { return };
    let root = around.root().children().next().expect("it holds an element");
    if !root.is_self_contained() {
        return;
    }
    let number = usize::from(case.apex.unwrap_or_default()) % alone.elements().count();
    let (here, there) = (alone.elements().nth(number), around.elements().nth(number + 1));
    let (here, there) = (here.expect("it was counted"), there.expect("one more stands around"));
    let there = form(Target::Within { element: there, root }, &method);
    assert_eq!(form(Target::Element(here), &method), there, "what is around makes a difference");
}

fn form(target: Target<'_, '_>, method: &Method<'_>) -> Result<Vec<u8>, C14nError> {
    let mut out = Vec::new();
    c14n::write(target, method, &mut out).map(|()| out)
}

/// The way to an element from the root: numbers of children.
fn way(element: Element<'_, '_>) -> Vec<usize> {
    let mut way = Vec::new();
    let mut at = element;
    while let Some(parent) = at.parent() {
        way.push(parent.children().position(|child| child == at).expect("it is a child of its parent"));
        at = parent;
    }
    way.reverse();
    way
}

struct Case<'c> {
    exclusive: bool,
    comments: bool,
    apex: Option<u8>,
    omitted: Option<u8>,
    prefixes: Vec<&'c str>,
    source: &'c [u8],
}

impl<'c> Case<'c> {
    fn read(data: &'c [u8]) -> Option<Self> {
        let (&[flags, apex, omitted], rest) = data.split_first_chunk::<3>()?;
        let end = rest.iter().take(200).position(|byte| *byte == b'\n')?;
        let (list, source) = rest.split_at(end);
        let list = std::str::from_utf8(list).ok().filter(|list| !list.contains('\0'))?;
        Some(Self {
            exclusive: flags & 1 != 0,
            comments: flags & 2 != 0,
            apex: (flags & 4 != 0).then_some(apex),
            omitted: (flags & 8 != 0).then_some(omitted),
            prefixes: list.split_ascii_whitespace().collect(),
            source: &source[1..],
        })
    }

    fn method(&self) -> Method<'_> {
        Method { exclusive: self.exclusive, comments: self.comments, inclusive_prefixes: &self.prefixes }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let mut sources = world::files("fixtures/c14n", &[".xml"]);
    sources.extend(world::files("fixtures/data_signature/accepted", &[".xml"]));
    sources.extend(world::files("fixtures/requests", &[".xml"]).into_iter().step_by(40));
    sources.retain(|source| source.len() <= LONGEST);
    let lists = ["", "#default", "a b c", "#default soap xsi kdp", "x y z n1 n2 ns0"];
    let case = |(number, source): (usize, &Vec<u8>)| {
        let byte = |factor: usize| u8::try_from(number * factor % 251).unwrap_or_default();
        let head = [u8::try_from(number % 16).unwrap_or_default(), byte(7), byte(13)];
        [&head, lists[number % lists.len()].as_bytes(), b"\n", source].concat()
    };
    sources.iter().enumerate().map(case).collect()
}
