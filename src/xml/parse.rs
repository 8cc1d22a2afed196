//! From bytes to the tree: quick-xml splits the markup, the builder checks it.

use quick_xml::errors::{Error, IllFormedError, SyntaxError};
use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::build::{Builder, begins_doctype};
use super::syntax::{self, Fault};
use super::tree::Document;
use super::{ErrorKind, Limits, XmlError};

/// Parses `source`; see [`Document::parse`].
pub(super) fn document<'a>(source: &'a [u8], limits: &Limits) -> Result<Document<'a>, XmlError> {
    let place = |mark: usize| move |(kind, at)| XmlError::at(kind, source, mark + at);
    let (text, mark) = syntax::decode(source).map_err(place(0))?;
    split(text, limits).map_err(place(mark))
}

/// Splits `source` and hands each piece to a builder.
fn split<'a>(source: &'a str, limits: &Limits) -> Result<Document<'a>, Fault> {
    let mut builder = Builder::new(source, *limits);
    // quick-xml would drop a second byte order mark and lose count of its place.
    if !source.starts_with(['<', ' ', '\t', '\n', '\r']) {
        let kind = if source.is_empty() { ErrorKind::NoRoot } else { ErrorKind::TextOutsideRoot };
        return Err((kind, 0));
    }
    let mut reader = Reader::from_str(source);
    reader.config_mut().check_end_names = false;
    let mut at = 0;
    loop {
        let rest = source.get(at..).unwrap_or_default();
        refuse_declarations(rest).map_err(|kind| (kind, at))?;
        let event = reader.read_event().map_err(|error| (kind_of(&error), at))?;
        let end = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let raw = source.get(at..end).unwrap_or_default();
        let inside = |fault: Fault| (fault.0, at + fault.1);
        match event {
            Event::Start(_) => builder.start(strip(raw, "<", ">"), at + 1).map_err(inside)?,
            Event::Empty(_) => {
                builder.start(strip(raw, "<", "/>"), at + 1).map_err(inside)?;
                builder.close();
            }
            Event::End(_) => builder.end(strip(raw, "</", ">")).map_err(inside)?,
            Event::Text(_) => builder.text(raw, at).map_err(inside)?,
            Event::GeneralRef(_) => builder.reference(strip(raw, "&", ";")).map_err(inside)?,
            Event::CData(_) => builder.cdata(strip(raw, "<![CDATA[", "]]>"), at + 9).map_err(inside)?,
            Event::Comment(_) => builder.comment(strip(raw, "<!--", "-->"), at + 4).map_err(inside)?,
            Event::PI(_) => builder.instruction(strip(raw, "<?", "?>"), at + 2).map_err(inside)?,
            Event::Decl(_) if at == 0 => syntax::declaration(raw).map_err(|kind| (kind, at))?,
            Event::Decl(_) => return Err((ErrorKind::ReservedTarget, at)),
            Event::DocType(_) => return Err((ErrorKind::Doctype, at)),
            Event::Eof => break,
        }
        builder.is_within().map_err(|kind| (kind, at))?;
        at = end;
    }
    builder.finish().map_err(|kind| (kind, at))
}

/// Refuses `<!` that begins neither a comment nor CDATA before quick-xml reads on.
fn refuse_declarations(rest: &str) -> Result<(), ErrorKind> {
    let Some(bang) = rest.strip_prefix("<!") else {
        return Ok(());
    };
    if bang.starts_with("--") || bang.starts_with("[CDATA[") {
        return Ok(());
    }
    if begins_doctype(bang) { Err(ErrorKind::Doctype) } else { Err(ErrorKind::Markup) }
}

fn strip<'t>(raw: &'t str, opening: &str, closing: &str) -> &'t str {
    raw.strip_prefix(opening).and_then(|rest| rest.strip_suffix(closing)).unwrap_or_default()
}

fn kind_of(error: &Error) -> ErrorKind {
    match error {
        Error::IllFormed(IllFormedError::UnclosedReference) => ErrorKind::Reference,
        Error::IllFormed(_) => ErrorKind::MismatchedTag,
        Error::Syntax(SyntaxError::InvalidBangMarkup) => ErrorKind::Markup,
        Error::Syntax(_) => ErrorKind::Unclosed,
        _ => ErrorKind::Markup,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Document, Element, ErrorKind, Limits, Node, XmlError, sample};

    fn refusal(source: &str) -> Option<ErrorKind> {
        Document::parse(source.as_bytes(), &Limits::default()).err().map(|error| error.kind)
    }

    #[test]
    fn every_broken_rule_is_refused_by_its_name() {
        use ErrorKind as K;
        for (source, kind) in [
            ("", K::NoRoot),
            (" \n", K::NoRoot),
            ("<!-- -->", K::NoRoot),
            ("a<b/>", K::TextOutsideRoot),
            ("\u{FEFF}\u{FEFF}<a/>", K::TextOutsideRoot),
            ("<a/>b", K::TextOutsideRoot),
            ("<a/>&#32;", K::TextOutsideRoot),
            ("<a/><![CDATA[]]>", K::TextOutsideRoot),
            ("<a/><b/>", K::SecondRoot),
            ("<a>", K::Unclosed),
            ("<a><b></b>", K::Unclosed),
            ("<a", K::Unclosed),
            ("<a b='>", K::Unclosed),
            ("<a><!-- </a>", K::Unclosed),
            ("<a><!--></a>", K::Unclosed),
            ("<a><![CDATA[ </a>", K::Unclosed),
            ("<a><?p </a>", K::Unclosed),
            ("<a></b>", K::MismatchedTag),
            ("<a></a b='1'>", K::MismatchedTag),
            ("<a></ a>", K::MismatchedTag),
            ("<a></aa>", K::MismatchedTag),
            ("<p:a xmlns:p='urn:p' xmlns:q='urn:p'></q:a>", K::MismatchedTag),
            ("</a>", K::MismatchedTag),
            ("<a><></></a>", K::Name),
            ("< a/>", K::Name),
            ("<1/>", K::Name),
            ("<a:b:c/>", K::Name),
            ("<a/ >", K::MissingBlank),
            ("<a b='1'c='2'/>", K::MissingBlank),
            ("<a b/>", K::Attribute),
            ("<a b=1/>", K::Attribute),
            ("<a b c='1'/>", K::Attribute),
            ("<a =''/>", K::Name),
            ("<a b='<'/>", K::LessThanInAttribute),
            ("<a b='1' b='2'/>", K::DuplicateAttribute),
            ("<a xmlns='urn:1' xmlns='urn:2'/>", K::DuplicateAttribute),
            ("<a xmlns:p='urn:1' xmlns:p='urn:1'/>", K::DuplicateAttribute),
            ("<a xmlns:p='urn:1' xmlns:q='urn:1' p:b='' q:b=''/>", K::DuplicateAttribute),
            ("<p:a/>", K::UndeclaredPrefix),
            ("<a p:b=''/>", K::UndeclaredPrefix),
            ("<a><b xmlns:p='urn:p'/><p:c/></a>", K::UndeclaredPrefix),
            ("<xmlns:a/>", K::NamespaceDeclaration),
            ("<a xmlns:xmlns='urn:1'/>", K::NamespaceDeclaration),
            ("<a xmlns:xml='urn:1'/>", K::NamespaceDeclaration),
            ("<a xmlns:p=''/>", K::NamespaceDeclaration),
            ("<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", K::NamespaceDeclaration),
            ("<a xmlns='http://www.w3.org/2000/xmlns/'/>", K::NamespaceDeclaration),
            ("<a>]]></a>", K::CdataEnd),
            ("<a>x]]]></a>", K::CdataEnd),
            ("<a><!-- -- --></a>", K::CommentHyphens),
            ("<a><!-- ---></a>", K::CommentHyphens),
            ("<a>&</a>", K::Reference),
            ("<a>&amp</a>", K::Reference),
            ("<a>& amp;</a>", K::Reference),
            ("<a b='&'/>", K::Reference),
            ("<a>&#0;</a>", K::Reference),
            ("<a b='&#xFFFF;'/>", K::Reference),
            ("<a>&nbsp;</a>", K::UnknownEntity),
            ("<a b='&x;'/>", K::UnknownEntity),
            ("<a>\0</a>", K::IllegalCharacter),
            ("<a><!-- \u{FFFF} --></a>", K::IllegalCharacter),
            (" <?xml version='1.0'?><a/>", K::ReservedTarget),
            ("<a/><?xml version='1.0'?>", K::ReservedTarget),
            ("<?XML version='1.0'?><a/>", K::ReservedTarget),
            ("<?xml version='1.0'><a/>", K::Unclosed),
            ("<?p?q?><a/>", K::ProcessingInstruction),
            ("<?p:q?><a/>", K::Name),
            ("<? p?><a/>", K::Name),
            ("<??><a/>", K::Name),
            ("<!DOCTYPE a><a/>", K::Doctype),
            ("<!doctype a><a/>", K::Doctype),
            ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", K::Doctype),
            ("<!DOCTYPE", K::Doctype),
            ("<a><!DOCTYPE a></a>", K::Doctype),
            ("<a><![CDATA[<!DOCTYPE b>]]></a>", K::Doctype),
            ("<!ELEMENT a ANY><a/>", K::Markup),
            ("<a><![cdata[]]></a>", K::Markup),
        ] {
            assert_eq!(refusal(source), Some(kind), "{source}");
        }
    }

    #[test]
    fn the_place_is_counted_in_lines_and_characters() {
        let error = |source: &str| Document::parse(source.as_bytes(), &Limits::default()).unwrap_err();
        assert_eq!(
            error("<a>\n жсн<b></a>"),
            XmlError { kind: ErrorKind::MismatchedTag, line: 2, column: 8 }
        );
        assert_eq!(
            error("<a\n  b='1'\n  b='2'/>"),
            XmlError { kind: ErrorKind::DuplicateAttribute, line: 3, column: 3 }
        );
        assert_eq!(
            error("\u{FEFF}<a>\r\n&x;</a>"),
            XmlError { kind: ErrorKind::UnknownEntity, line: 2, column: 1 }
        );
        assert_eq!(error("<a/>\n?").to_string(), "line 2, column 1: text outside the root element");
    }

    #[test]
    fn each_limit_is_met_exactly_and_not_exceeded() {
        let limits =
            Limits { depth: 3, nodes: 9, attributes_total: 5, attributes_per_element: 2, name_bytes: 7 };
        let refusal =
            |source: &str| Document::parse(source.as_bytes(), &limits).err().map(|error| error.kind);
        assert_eq!(refusal("<a><a><a/><a/></a></a>"), None);
        assert_eq!(refusal("<a><a><a><a/></a></a></a>"), Some(ErrorKind::TooDeep));
        assert_eq!(refusal("<a b='' xmlns:c='urn:c'/>"), None);
        assert_eq!(refusal("<a b='' xmlns:c='urn:c' d=''/>"), Some(ErrorKind::TooManyAttributesOnElement));
        assert_eq!(refusal("<a b='' c=''><a b='' c=''/><a b=''/></a>"), None);
        assert_eq!(
            refusal("<a b='' c=''><a b='' c=''/><a b='' xmlns=''/></a>"),
            Some(ErrorKind::TooManyAttributes)
        );
        assert_eq!(refusal("<a><b/>1<b/>2<b/>3<b/><!--4--></a>"), None);
        for more in ["<b/>", "<?p?>", "<!---->", "5<b/>"] {
            let source = format!("<a><b/>1<b/>2<b/>3<b/><!--4-->{more}</a>");
            assert_eq!(refusal(&source), Some(ErrorKind::TooManyNodes), "{more}");
        }
        assert_eq!(refusal("<abcdefg/>"), None);
        assert_eq!(refusal("<жсн/>"), None);
        for long in ["<abcdefgh/>", "<a abcdefgh=''/>", "<a xmlns:pq='urn:p'/>", "<a><?abcdefgh?></a>"] {
            assert_eq!(refusal(long), Some(ErrorKind::NameTooLong), "{long}");
        }
    }

    #[test]
    fn a_run_of_text_references_and_cdata_is_one_node() {
        let source = "<a>1&amp;<![CDATA[<2>]]>3\r\n<b/>4<!--c-->5<![CDATA[]]><?p  q ?></a>";
        let document = Document::parse(source.as_bytes(), &Limits::default()).unwrap();
        let shown: Vec<String> = document
            .root()
            .nodes()
            .map(|node| match node {
                Node::Element(element) => format!("<{}>", element.name()),
                Node::Text(text) => text.to_owned(),
                Node::Comment(text) => format!("<!--{text}-->"),
                Node::Pi { target, data } => format!("<?{target}|{data}?>"),
            })
            .collect();
        assert_eq!(shown, ["1&<2>3\n", "<b>", "4", "<!--c-->", "5", "<?p|q ?>"]);
    }

    #[test]
    fn what_soap_forbids_is_found_without_a_walk() {
        let parse = |source: &'static str| Document::parse(source.as_bytes(), &Limits::default()).unwrap();
        assert!(parse("<?p?><a/>").has_processing_instruction());
        assert!(!parse("<?xml version='1.0'?><a/>").has_processing_instruction());
        assert!(parse("<a/><!-- -->").has_comment());
        let within = |source| parse(source).comment_in_text().map(Element::name);
        assert_eq!(within("<a><b>900<!-- -->101</b></a>"), Some("b"));
        assert_eq!(within("<a><b><!-- -->1</b></a>"), Some("b"));
        assert_eq!(within("<a><b>&#48;<!-- --></b></a>"), Some("b"));
        assert_eq!(within("<a>\n<!-- -->\n<b>1</b><!-- --></a>"), None);
    }

    #[test]
    fn a_hostile_number_of_prefixes_in_scope_costs_no_search() {
        let limits = Limits { attributes_total: 100_000, ..Limits::default() };
        let declared = |level| move |n| format!(" xmlns:prefix{level}x{n}='urn:x'");
        let tags =
            (0..62).map(|level| format!("<a{}>", (0..64).map(declared(level)).collect::<Vec<_>>().concat()));
        let nested = tags.collect::<Vec<_>>().concat();
        let source = format!("<a>{nested}{}{}", "<prefix0x0:a/>".repeat(20_000), "</a>".repeat(63));
        let document = Document::parse(source.as_bytes(), &limits).unwrap();
        assert_eq!(document.elements().count(), 20_063);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Document::parse(&bytes, &Limits::default());
        }

        #[test]
        fn arbitrary_markup_never_panics(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "<", ">", "/>", "</", "<!--", "-->", "<![CDATA[", "]]>", "<?", "?>", "&", ";", "#x", "=",
                "'", "\"", "a", "b:c", "xmlns", ":", " ", "\r\n", "\u{FEFF}", "ж", "!", "-", "DOCTYPE", "[", "xml",
            ]), 0..40),
        ) {
            let _ = Document::parse(pieces.concat().as_bytes(), &Limits::default());
        }

        #[test]
        fn a_document_with_any_byte_changed_never_panics(
            source in sample::document(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
        ) {
            let mut bytes = source.into_bytes();
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            let _ = Document::parse(&bytes, &Limits::default());
        }
    }
}
