//! Handles on the tree: how everything else reads a document.

use std::borrow::Cow;
use std::fmt;

use super::XML_NAMESPACE;
use super::error::line_of;
use super::tree::{Document, ElementData, Kind, NONE, XML};

/// A handle of one element, as cheap to copy as a reference.
///
/// Two handles are equal if they are the same node of the same document.
#[derive(Clone, Copy)]
pub struct Element<'d, 'a> {
    pub(super) document: &'d Document<'a>,
    pub(super) index: u32,
}

/// What an element contains, in document order.
#[derive(Clone, Copy)]
pub enum Node<'d, 'a> {
    /// A child element.
    Element(Element<'d, 'a>),
    /// A run of character data, CDATA and references, never empty.
    Text(&'d str),
    /// The content of a comment.
    Comment(&'d str),
    /// A processing instruction.
    Pi {
        /// Its target, a name without a colon.
        target: &'d str,
        /// What follows the target and its blanks.
        data: &'d str,
    },
}

/// An attribute that is not a namespace declaration.
#[derive(Clone, Copy)]
pub struct Attribute<'d> {
    /// Namespace, "" without a prefix.
    pub ns: &'d str,
    /// Prefix, "" if none.
    pub prefix: &'d str,
    /// Name without the prefix.
    pub local: &'d str,
    /// Value, normalised as of type CDATA (XML 1.0, 3.3.3).
    pub value: &'d str,
}

impl<'d, 'a> Element<'d, 'a> {
    /// The document that this is an element of.
    #[must_use]
    pub fn document(self) -> &'d Document<'a> {
        self.document
    }

    /// The local name.
    #[must_use]
    pub fn name(self) -> &'a str {
        self.data().map_or("", |data| self.document.local(data.name))
    }

    /// The prefix as written, "" if none.
    #[must_use]
    pub fn prefix(self) -> &'a str {
        self.data().map_or("", |data| self.document.prefix(data.name))
    }

    /// The namespace, "" if none.
    #[must_use]
    pub fn namespace(self) -> &'d str {
        self.data().map_or("", |data| self.document.uri(data.namespace))
    }

    /// Whether the expanded name is `local` in `ns` ("" for no namespace).
    #[must_use]
    pub fn is(self, ns: &str, local: &str) -> bool {
        self.name() == local && self.namespace() == ns
    }

    /// The element around this one; none for the root.
    #[must_use]
    pub fn parent(self) -> Option<Element<'d, 'a>> {
        let index = self.document.node(self.index)?.parent;
        (index != NONE).then_some(Element { document: self.document, index })
    }

    /// The child elements.
    #[must_use]
    pub fn children(self) -> Children<'d, 'a> {
        Children { document: self.document, next: self.index + 1, end: self.end() }
    }

    /// The first child element of this expanded name.
    #[must_use]
    pub fn child(self, ns: &str, local: &str) -> Option<Element<'d, 'a>> {
        self.children().find(|child| child.is(ns, local))
    }

    /// Everything directly inside, comments and processing instructions included.
    pub fn nodes(self) -> impl Iterator<Item = Node<'d, 'a>> {
        let document = self.document;
        self.children().indexes().filter_map(move |index| {
            Some(match document.node(index)?.kind {
                Kind::Element(_) => Node::Element(Element { document, index }),
                Kind::Text(text) => Node::Text(document.slice(text)),
                Kind::Comment(text) => Node::Comment(document.slice(text)),
                Kind::Pi { target, data } => {
                    Node::Pi { target: document.slice(target), data: document.slice(data) }
                }
            })
        })
    }

    /// The attributes in the order of the source, without namespace declarations.
    pub fn attributes(self) -> impl Iterator<Item = Attribute<'d>> {
        let document = self.document;
        let data = self.data().map_or(&[][..], |data| document.attributes_of(data));
        data.iter().map(|attribute| Attribute {
            ns: document.uri(attribute.namespace),
            prefix: document.prefix(attribute.name),
            local: document.local(attribute.name),
            value: document.slice(attribute.value),
        })
    }

    /// The value of the attribute `local` in `ns` ("" for no prefix).
    #[must_use]
    pub fn attribute(self, ns: &str, local: &str) -> Option<&'d str> {
        self.attributes().find(|found| found.local == local && found.ns == ns).map(|found| found.value)
    }

    /// The text, comments and instructions left out; none if there is a child element.
    #[must_use]
    pub fn text(self) -> Option<Cow<'d, str>> {
        let mut text = Cow::Borrowed("");
        for node in self.nodes() {
            match node {
                Node::Element(_) => return None,
                Node::Text(run) if text.is_empty() => text = Cow::Borrowed(run),
                Node::Text(run) => text.to_mut().push_str(run),
                Node::Comment(_) | Node::Pi { .. } => {}
            }
        }
        Some(text)
    }

    /// The namespace that `prefix` ("" for the default) is bound to here, if any.
    #[must_use]
    pub fn namespace_of_prefix(self, prefix: &str) -> Option<&'d str> {
        if prefix == "xml" {
            return Some(XML_NAMESPACE);
        }
        let document = self.document;
        let wanted = document.prefixes.iter().position(|&known| known == prefix)?;
        let mut element = Some(self);
        while let Some(data) = element.and_then(Element::data) {
            for index in Document::declarations_of(data) {
                let declaration = document.declarations.get(index as usize)?;
                if declaration.prefix as usize == wanted {
                    return Some(document.slice(declaration.uri)).filter(|uri| !uri.is_empty());
                }
            }
            element = element.and_then(Element::parent);
        }
        None
    }

    /// Whether it would mean the same as a document of its own: no name in it, of an element or an attribute, is in a
    /// namespace that is declared around it.
    #[must_use]
    pub fn is_self_contained(self) -> bool {
        let document = self.document;
        // Declarations stand in document order: those of the subtree come after all that are around it.
        let first = self.data().map_or(0, |data| data.first_declaration);
        let known = |&index: &u32| index >= first || index == XML || document.uri(index).is_empty();
        std::iter::once(self).chain(self.descendants()).filter_map(Element::data).all(|data| {
            let attributes = document.attributes_of(data).iter().map(|attribute| attribute.namespace);
            std::iter::once(data.namespace).chain(attributes).all(|namespace| known(&namespace))
        })
    }

    /// All elements inside, at any depth, in document order, without this one.
    pub fn descendants(self) -> impl Iterator<Item = Element<'d, 'a>> {
        let document = self.document;
        (self.index + 1..self.end())
            .map(move |index| Element { document, index })
            .filter(|element| element.data().is_some())
    }

    /// Whether text that is not blank stands directly in it, beside its child elements.
    #[must_use]
    pub fn has_text(self) -> bool {
        self.nodes().any(|node| matches!(node, Node::Text(text) if !text.trim().is_empty()))
    }

    /// Whether a comment stands anywhere inside, at any depth.
    #[must_use]
    pub fn contains_comment(self) -> bool {
        let after = self.document.comments.partition_point(|&comment| comment < self.index);
        self.document.comments.get(after).is_some_and(|&comment| comment < self.end())
    }

    /// The line of the start tag, from 1; counted anew on every call.
    #[must_use]
    pub fn line(self) -> u32 {
        let at = self.data().map_or(0, |data| data.name.at as usize);
        line_of(self.document.source.as_bytes(), at)
    }

    /// The local names from the root to here, as `/Envelope/Body`, for messages.
    #[must_use]
    pub fn path(self) -> String {
        let mut names = Vec::new();
        let mut element = Some(self);
        while let Some(current) = element {
            names.push(current.name());
            element = current.parent();
        }
        names.iter().rev().fold(String::new(), |path, name| path + "/" + name)
    }

    pub(super) fn data(self) -> Option<&'d ElementData> {
        match &self.document.node(self.index)?.kind {
            Kind::Element(data) => Some(data),
            Kind::Text(_) | Kind::Comment(_) | Kind::Pi { .. } => None,
        }
    }

    pub(super) fn end(self) -> u32 {
        self.document.node(self.index).map_or(0, |node| node.end)
    }
}

impl PartialEq for Element<'_, '_> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index && std::ptr::addr_eq(std::ptr::from_ref(self.document), other.document)
    }
}

impl Eq for Element<'_, '_> {}

/// The child elements of an element.
#[derive(Clone)]
pub struct Children<'d, 'a> {
    document: &'d Document<'a>,
    next: u32,
    end: u32,
}

impl Children<'_, '_> {
    /// The same walk over nodes of every kind.
    fn indexes(mut self) -> impl Iterator<Item = u32> {
        std::iter::from_fn(move || self.step())
    }

    fn step(&mut self) -> Option<u32> {
        let index = self.next;
        if index >= self.end {
            return None;
        }
        self.next = self.document.node(index)?.end;
        Some(index)
    }
}

impl<'d, 'a> Iterator for Children<'d, 'a> {
    type Item = Element<'d, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let element = Element { document: self.document, index: self.step()? };
            if element.data().is_some() {
                return Some(element);
            }
        }
    }
}

/// Shows the path only.
impl fmt::Debug for Element<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Element({})", self.path())
    }
}

/// Shows the kind only.
impl fmt::Debug for Node<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Element(element) => element.fmt(f),
            Node::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Node::Comment(text) => write!(f, "Comment({} bytes)", text.len()),
            Node::Pi { data, .. } => write!(f, "Pi({} bytes)", data.len()),
        }
    }
}

/// Shows the name only.
impl fmt::Debug for Attribute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attribute({{{}}}{})", self.ns, self.local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::Limits;

    const SOURCE: &str = "<!-- 0 -->\n<s:a xmlns:s='urn:s' xmlns='urn:d'>\n  <b s:x='1' x='2' xml:lang='kk'>\
        t<!-- 1 -->u</b>\n  <s:b xmlns=''><c/><d/></s:b>\n</s:a>";

    fn parse(source: &str) -> Document<'_> {
        Document::parse(source.as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn elements_are_found_by_expanded_name() {
        let document = parse(SOURCE);
        let root = document.root();
        assert!(root.is("urn:s", "a") && root.prefix() == "s" && root.parent().is_none());
        assert_eq!(root.children().map(Element::name).collect::<Vec<_>>(), ["b", "b"]);
        let inner = root.child("urn:s", "b").unwrap();
        assert_ne!(root.child("urn:d", "b"), Some(inner));
        assert!(root.child("", "b").is_none());
        assert!(inner.child("", "d").is_some());
        assert_eq!(inner.child("", "d").and_then(Element::parent), Some(inner));
        let all: Vec<_> = document.elements().map(Element::path).collect();
        assert_eq!(all, ["/a", "/a/b", "/a/b", "/a/b/c", "/a/b/d"]);
        assert_eq!(inner.descendants().count(), 2);
    }

    #[test]
    fn attributes_are_found_by_expanded_name_and_declarations_are_none() {
        let document = parse(SOURCE);
        let b = document.root().child("urn:d", "b").unwrap();
        assert_eq!(b.attribute("urn:s", "x"), Some("1"));
        assert_eq!(b.attribute("", "x"), Some("2"));
        assert_eq!(b.attribute(XML_NAMESPACE, "lang"), Some("kk"));
        assert_eq!(b.attribute("urn:d", "x"), None);
        assert_eq!(document.root().attributes().count(), 0);
        assert_eq!(b.attributes().map(|found| found.prefix).collect::<Vec<_>>(), ["s", "", "xml"]);
    }

    #[test]
    fn prefixes_are_resolved_where_they_stand() {
        let document = parse(SOURCE);
        let inner = document.root().child("urn:s", "b").unwrap();
        assert_eq!(inner.namespace_of_prefix("s"), Some("urn:s"));
        assert_eq!(inner.namespace_of_prefix(""), None);
        assert_eq!(document.root().namespace_of_prefix(""), Some("urn:d"));
        assert_eq!(inner.namespace_of_prefix("xml"), Some(XML_NAMESPACE));
        assert_eq!(inner.namespace_of_prefix("t"), None);
    }

    #[test]
    fn text_joins_what_comments_split_and_is_none_beside_elements() {
        let document = parse(SOURCE);
        let b = document.root().child("urn:d", "b").unwrap();
        assert_eq!(b.text().as_deref(), Some("tu"));
        assert_eq!(document.root().text(), None);
        let c = document.elements().find(|element| element.name() == "c").unwrap();
        assert_eq!(c.text(), Some(Cow::Borrowed("")));
        assert!(b.contains_comment() && document.root().contains_comment() && !c.contains_comment());
    }

    #[test]
    fn what_takes_a_namespace_from_around_it_is_not_self_contained() {
        for (source, expected) in [
            ("<a xmlns='urn:d'><b/></a>", false),
            ("<a xmlns='urn:d'><b xmlns='urn:d'/></a>", true),
            ("<a xmlns='urn:d'><b xmlns=''><c/></b></a>", true),
            ("<a xmlns:p='urn:p'><b/></a>", true),
            ("<a xmlns:p='urn:p'><b p:x='1'/></a>", false),
            ("<a xmlns:p='urn:p'><b><p:c/></b></a>", false),
            ("<a xmlns:p='urn:p'><b><p:c xmlns:p='urn:p'/><p:c/></b></a>", false),
            ("<a xmlns:p='urn:p'><b xmlns:p='urn:q'><p:c xml:lang='kk'/></b></a>", true),
            ("<a><b/></a>", true),
        ] {
            let document = parse(source);
            assert!(document.root().is_self_contained());
            let b = document.elements().find(|element| element.name() == "b").unwrap();
            assert_eq!(b.is_self_contained(), expected, "{source}");
        }
    }

    #[test]
    fn handles_of_two_documents_are_never_equal() {
        let (one, other) = (parse(SOURCE), parse(SOURCE));
        assert_ne!(one.root(), other.root());
        assert_eq!(one.root(), one.root());
    }

    #[test]
    fn debug_output_shows_no_content() {
        let document = parse("<a secret='secret'>secret<!--secret--><?p secret?></a>");
        let nodes: Vec<_> = document.root().nodes().collect();
        let attributes: Vec<_> = document.root().attributes().map(|found| found.ns).collect();
        let shown = format!("{document:?} {:?} {nodes:?} {attributes:?}", document.root());
        assert!(!shown.contains("secret"), "{shown}");
        assert_eq!(document.root().line(), 1);
    }
}
