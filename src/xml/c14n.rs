//! Canonical XML 1.0 and Exclusive XML Canonicalization 1.0, with and without
//! comments, of a document or of one element with everything inside it.
//!
//! A relative namespace URI has no canonical form, and neither has nothing. Nor is one given that would be far larger than
//! its document, which the exclusive form can be.

mod walk;

use super::Canonical;
use super::element::Element;
use super::tree::Document;
use walk::Walk;

/// Which canonical form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Method<'m> {
    /// Exclusive (`xml-exc-c14n#`) rather than inclusive (`REC-xml-c14n-20010315`).
    pub exclusive: bool,
    /// Keep comments (`#WithComments`).
    pub comments: bool,
    /// `InclusiveNamespaces/@PrefixList`, with `#default`; of the exclusive form only.
    pub inclusive_prefixes: &'m [&'m str],
}

impl Method<'static> {
    /// Exclusive, without comments and without a prefix list.
    pub const EXCLUSIVE: Self = Self { exclusive: true, comments: false, inclusive_prefixes: &[] };
    /// Inclusive, without comments.
    pub const INCLUSIVE: Self = Self { exclusive: false, comments: false, inclusive_prefixes: &[] };
}

/// What is made canonical.
#[derive(Clone, Copy, Debug)]
pub enum Target<'d, 'a> {
    /// Everything, with comments and instructions outside the root.
    Document(&'d Document<'a>),
    /// One element with its subtree, its context taken from the document.
    Element(Element<'d, 'a>),
    /// The same, as if `root`, the element itself or one around it, were the root of a document of its own: what is
    /// declared outside of `root` is not seen. See [`Element::is_self_contained`].
    Within {
        /// What is made canonical.
        element: Element<'d, 'a>,
        /// What is taken for a root.
        root: Element<'d, 'a>,
    },
}

impl<'d, 'a> From<&'d Document<'a>> for Target<'d, 'a> {
    fn from(document: &'d Document<'a>) -> Self {
        Self::Document(document)
    }
}

impl<'d, 'a> From<Element<'d, 'a>> for Target<'d, 'a> {
    fn from(element: Element<'d, 'a>) -> Self {
        Self::Element(element)
    }
}

/// Why there is no canonical form. Nothing has been written then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum C14nError {
    /// Canonical XML 1.0, 1.3: such documents have no canonical form.
    #[error("the target is within reach of a relative namespace URI")]
    RelativeNamespace,
    /// What was left out is the target itself, its document's root, or around it.
    #[error("nothing is left to make canonical")]
    NothingLeft,
    /// It would be far larger than its document: namespaces that are declared once, and repeated on each of many elements,
    /// make many gigabytes of a megabyte that anybody may send.
    #[error("the canonical form is far larger than its document")]
    TooLarge,
}

/// Appends the canonical form of `target` to `out`.
///
/// # Errors
/// [`C14nError`]; `out` is unchanged then, so that a failure can never be
/// mistaken for empty content.
pub fn write<'d, 'a: 'd>(
    target: impl Into<Target<'d, 'a>>,
    method: &Method<'_>,
    out: &mut Vec<u8>,
) -> Result<(), C14nError> {
    write_without(target, &[], method, out)
}

/// As [`write()`], leaving out each element of `omitted` with its subtree, as the
/// enveloped-signature transform does (XML Signature, 6.6.4).
///
/// # Errors
/// As [`write()`], and [`C14nError::NothingLeft`].
pub fn write_without<'d, 'a: 'd>(
    target: impl Into<Target<'d, 'a>>,
    omitted: &[Element<'d, 'a>],
    method: &Method<'_>,
    out: &mut Vec<u8>,
) -> Result<(), C14nError> {
    render(target.into(), omitted, method, out).map(|_| ())
}

/// The canonical form of `target` as a fragment that a [`super::Writer`] takes.
///
/// # Errors
/// As [`write()`].
pub fn fragment<'d, 'a: 'd>(
    target: impl Into<Target<'d, 'a>>,
    method: &Method<'_>,
) -> Result<Canonical, C14nError> {
    let mut bytes = Vec::new();
    let open_to_default = render(target.into(), &[], method, &mut bytes)?;
    Ok(Canonical { bytes, open_to_default })
}

/// Writes, and tells whether an element in no namespace relies on there being
/// no default namespace around it.
fn render<'d, 'a>(
    target: Target<'d, 'a>,
    omitted: &[Element<'d, 'a>],
    method: &Method<'_>,
    out: &mut Vec<u8>,
) -> Result<bool, C14nError> {
    let (document, apex, root) = match target {
        Target::Document(document) => (document, document.root(), document.root()),
        Target::Element(element) => (element.document, element, element.document.root()),
        Target::Within { element, root } => (element.document, element, root),
    };
    if has_relative_namespace(apex) {
        return Err(C14nError::RelativeNamespace);
    }
    let holds_apex = |element: &&Element<'_, '_>| {
        std::ptr::eq(element.document, document) && (element.index..element.end()).contains(&apex.index)
    };
    if omitted.iter().any(|element| holds_apex(&element)) {
        return Err(C14nError::NothingLeft);
    }
    let before = out.len();
    let mut walk = Walk::new(document, apex.index, omitted, *method, out);
    walk.root = root.index;
    match target {
        Target::Document(_) => walk.document(),
        Target::Element(_) | Target::Within { .. } => walk.subtree(),
    }
    let (is_too_large, open_to_default) = (walk.is_too_large(), walk.open_to_default);
    if is_too_large {
        out.truncate(before);
        return Err(C14nError::TooLarge);
    }
    Ok(open_to_default)
}

/// Whether a relative namespace URI is declared inside `apex`, on it or around it.
fn has_relative_namespace(apex: Element<'_, '_>) -> bool {
    let document = apex.document;
    if document.relative.is_empty() {
        return false;
    }
    let is_relative = |declared: std::ops::Range<u32>| {
        let after = document.relative.partition_point(|&index| index < declared.start);
        document.relative.get(after).is_some_and(|index| declared.contains(index))
    };
    let inside = std::iter::once(apex).chain(apex.descendants());
    let around = std::iter::successors(apex.parent(), |element| element.parent());
    inside.chain(around).filter_map(Element::data).map(Document::declarations_of).any(is_relative)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::xml::{Limits, sample};

    fn parse(source: &str) -> Document<'_> {
        Document::parse(source.as_bytes(), &Limits::default()).unwrap()
    }

    fn text<'d, 'a: 'd>(target: impl Into<Target<'d, 'a>>, method: &Method<'_>) -> String {
        let mut out = Vec::new();
        write(target, method, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_subset_takes_its_context_along_only_in_the_inclusive_form() {
        let document = parse(
            "<a xmlns='urn:d' xmlns:p='urn:p' xml:lang='kk' xml:base='http://e.kz/'>\
             <b xml:lang='ru' xmlns:q='urn:q'><p:c x='1'/></b></a>",
        );
        let c = document.elements().nth(2).unwrap();
        assert_eq!(text(c, &Method::EXCLUSIVE), "<p:c xmlns:p=\"urn:p\" x=\"1\"></p:c>");
        assert_eq!(
            text(c, &Method::INCLUSIVE),
            "<p:c xmlns=\"urn:d\" xmlns:p=\"urn:p\" xmlns:q=\"urn:q\" x=\"1\" \
             xml:base=\"http://e.kz/\" xml:lang=\"ru\"></p:c>"
        );
        let listed = Method { inclusive_prefixes: &["q", "#default"], ..Method::EXCLUSIVE };
        assert_eq!(
            text(c, &listed),
            "<p:c xmlns=\"urn:d\" xmlns:p=\"urn:p\" xmlns:q=\"urn:q\" x=\"1\"></p:c>"
        );
    }

    #[test]
    fn what_would_be_far_larger_than_its_document_is_no_canonical_form_and_writes_nothing() {
        let of = |length: usize, count: usize| {
            let uri = format!("urn:{}", "u".repeat(length));
            format!("<a xmlns:p='{uri}'>{}</a>", "<p:b/>".repeat(count))
        };
        for (length, count, expected) in [
            (10, 2000, Ok(())),
            (1000, 60, Ok(())),
            (10_000, 1000, Err(C14nError::TooLarge)),
            (100, 10_000, Err(C14nError::TooLarge)),
            // 24 GB, and no time for them.
            (400_000, 60_000, Err(C14nError::TooLarge)),
        ] {
            let source = of(length, count);
            let document = parse(&source);
            let mut out = b"before".to_vec();
            assert_eq!(write(&document, &Method::EXCLUSIVE, &mut out), expected, "{length} {count}");
            assert!(expected.is_ok() || out == b"before", "{} bytes were written", out.len());
            let listed = Method { inclusive_prefixes: &["p"], ..Method::EXCLUSIVE };
            for once in [Method::INCLUSIVE, listed] {
                assert_eq!(write(&document, &once, &mut Vec::new()), Ok(()), "it is repeated nowhere");
            }
        }
        for (quotes, expected) in [(10_000, Ok(())), (100_000, Err(C14nError::TooLarge))] {
            let source = format!("<a b='{}'/>", "\"".repeat(quotes));
            assert_eq!(
                write(&parse(&source), &Method::EXCLUSIVE, &mut Vec::new()),
                expected,
                "{quotes} quotes"
            );
        }
    }

    #[test]
    fn a_default_namespace_that_was_undeclared_around_the_apex_stays_so() {
        let document = parse("<a xmlns='urn:d'><b xmlns=''><c/></b></a>");
        let c = document.elements().nth(2).unwrap();
        assert_eq!(text(c, &Method::INCLUSIVE), "<c></c>");
        assert_eq!(text(document.elements().nth(1).unwrap(), &Method::INCLUSIVE), "<b><c></c></b>");
    }

    #[test]
    fn namespace_uris_are_escaped_as_attributes_are() {
        let document = parse("<a xmlns='urn:a&amp;&quot;'/>");
        assert_eq!(text(&document, &Method::EXCLUSIVE), "<a xmlns=\"urn:a&amp;&quot;\"></a>");
    }

    #[test]
    fn an_element_within_a_root_knows_nothing_of_what_is_around_the_root() {
        let document = parse(
            "<a xmlns='urn:d' xmlns:p='urn:p' xml:lang='kk'>\
             <q:b xmlns:q='urn:q' xml:base='http://e.kz/' xmlns=''><c x='1'/></q:b></a>",
        );
        let all: Vec<_> = document.elements().collect();
        let within = |element, root| text(Target::Within { element, root }, &Method::INCLUSIVE);
        let alone = "<q:b xmlns:q=\"urn:q\" xml:base=\"http://e.kz/\"><c x=\"1\"></c></q:b>";
        assert_eq!(within(all[1], all[1]), alone);
        assert_eq!(text(&parse(alone), &Method::INCLUSIVE), alone);
        let inner = "<c xmlns:q=\"urn:q\" x=\"1\" xml:base=\"http://e.kz/\"></c>";
        assert_eq!(within(all[2], all[1]), inner);
        for element in all.iter().copied() {
            assert_eq!(within(element, all[0]), text(element, &Method::INCLUSIVE));
        }
    }

    #[test]
    fn what_is_omitted_leaves_everything_else_in_place() {
        let source = "<a>1<s>2<s>3</s></s>4<s>5</s><b><s/></b></a>";
        let document = parse(source);
        let signatures: Vec<_> = document.elements().filter(|found| found.name() == "s").collect();
        let mut out = Vec::new();
        write_without(&document, &signatures, &Method::INCLUSIVE, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "<a>14<b></b></a>");
        let mut out = Vec::new();
        write_without(document.root(), &signatures[2..3], &Method::INCLUSIVE, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "<a>1<s>2<s>3</s></s>4<b><s></s></b></a>");
    }

    #[test]
    fn a_failure_writes_nothing_and_is_no_empty_content() {
        let document = parse("<a><b xmlns='relative'><c/></b><d xmlns:p='also:absolute'/></a>");
        let elements: Vec<_> = document.elements().collect();
        let mut out = b"before".to_vec();
        for at in [0, 1, 2] {
            for method in [Method::EXCLUSIVE, Method::INCLUSIVE] {
                let error = write(elements[at], &method, &mut out).unwrap_err();
                assert_eq!(error, C14nError::RelativeNamespace);
            }
        }
        assert!(write(elements[3], &Method::EXCLUSIVE, &mut Vec::new()).is_ok());
        let inside = elements[3];
        for omitted in [inside, elements[0]] {
            let error = write_without(inside, &[omitted], &Method::EXCLUSIVE, &mut out).unwrap_err();
            assert_eq!(error, C14nError::NothingLeft);
        }
        assert_eq!(out, b"before");
    }

    #[test]
    fn depth_is_bounded_by_memory_and_not_by_the_stack() {
        let limits = Limits { depth: 200_000, nodes: 400_000, ..Limits::default() };
        let source = "<a>".repeat(200_000) + &"</a>".repeat(200_000);
        let document = Document::parse(source.as_bytes(), &limits).unwrap();
        assert_eq!(text(&document, &Method::EXCLUSIVE), source);
        assert_eq!(text(&document, &Method::INCLUSIVE), source);
    }

    proptest! {
        #[test]
        fn a_canonical_form_is_its_own_canonical_form(
            source in sample::document(), exclusive: bool, comments: bool,
        ) {
            let method = Method { exclusive, comments, inclusive_prefixes: &[] };
            let once = text(&parse(&source), &method);
            prop_assert_eq!(text(&parse(&once), &method), once);
        }

        #[test]
        fn what_is_self_contained_is_the_same_within_itself_as_in_a_document_of_its_own(source in sample::document()) {
            let document = parse(&source);
            for element in document.elements().filter(|element| element.is_self_contained()) {
                let within = text(Target::Within { element, root: element }, &Method::INCLUSIVE);
                let alone = parse(&within);
                prop_assert_eq!(text(&alone, &Method::INCLUSIVE), within.clone());
                let names = |element: Element<'_, '_>| (element.namespace().to_owned(), element.name().to_owned());
                let inside: Vec<_> = std::iter::once(element).chain(element.descendants()).map(names).collect();
                prop_assert_eq!(alone.elements().map(names).collect::<Vec<_>>(), inside);
            }
        }

        #[test]
        fn an_exclusive_subset_is_the_same_alone_as_in_its_document(source in sample::document()) {
            let document = parse(&source);
            for element in document.elements() {
                let inside = text(element, &Method::EXCLUSIVE);
                let alone = parse(&inside);
                prop_assert_eq!(text(&alone, &Method::EXCLUSIVE), inside.clone());
                prop_assert_eq!(alone.root().namespace(), element.namespace());
                prop_assert_eq!(alone.root().descendants().count(), element.descendants().count());
            }
        }
    }
}
