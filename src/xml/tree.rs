//! The tree: an arena in document order, borrowed from the source.
//!
//! A node knows its parent and the index after its subtree, so that a subtree
//! is a range and every walk is a loop. Strings are spans of the source, or of
//! one buffer that holds whatever unescaping and line ends have changed.

use std::fmt;

use super::element::Element;
use super::{Limits, XML_NAMESPACE, XmlError, parse};

/// A well-formed, namespace-aware document that never changes.
///
/// `'a` is the life of the source bytes it borrows from.
pub struct Document<'a> {
    pub(super) source: &'a str,
    pub(super) unescaped: String,
    pub(super) nodes: Vec<NodeData>,
    pub(super) attributes: Vec<AttributeData>,
    pub(super) declarations: Vec<Declaration>,
    pub(super) prefixes: Vec<&'a str>,
    pub(super) comments: Vec<u32>,
    pub(super) root: u32,
    pub(super) comment_in_text: Option<u32>,
    pub(super) has_processing_instruction: bool,
    /// Indexes of the declarations of a relative URI.
    pub(super) relative: Vec<u32>,
}

/// Part of the source, or of the unescaped text when [`Span::UNESCAPED`] is set in `at`.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub at: u32,
    pub len: u32,
}

impl Span {
    pub const UNESCAPED: u32 = 1 << 31;
    pub const EMPTY: Self = Self { at: 0, len: 0 };
}

/// A qualified name in the source: `at` is its first byte.
#[derive(Clone, Copy)]
pub(super) struct QName {
    pub at: u32,
    pub prefix: u16,
    pub local: u16,
}

pub(super) struct NodeData {
    pub parent: u32,
    /// The index after the last node of the subtree.
    pub end: u32,
    pub kind: Kind,
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Element(ElementData),
    Text(Span),
    Comment(Span),
    Pi { target: Span, data: Span },
}

#[derive(Clone, Copy)]
pub(super) struct ElementData {
    pub name: QName,
    /// Index of the declaration in force for the prefix.
    pub namespace: u32,
    pub first_attribute: u32,
    pub first_declaration: u32,
    pub attributes: u16,
    pub declarations: u16,
}

#[derive(Clone, Copy)]
pub(super) struct AttributeData {
    pub name: QName,
    /// Index of the declaration in force; [`NO_NAMESPACE`] without a prefix.
    pub namespace: u32,
    pub value: Span,
}

/// A namespace declaration; `shadows` is the one it hides, or [`NONE`].
#[derive(Clone, Copy)]
pub(super) struct Declaration {
    /// Index into [`Document::prefixes`].
    pub prefix: u32,
    pub uri: Span,
    pub shadows: u32,
}

/// The parent of the root, the binding of an unbound prefix.
pub(super) const NONE: u32 = u32::MAX;
/// The declaration that binds no prefix to no namespace, present in every document.
pub(super) const NO_NAMESPACE: u32 = 0;
/// The declaration of `xml`, present in every document.
pub(super) const XML: u32 = 1;
/// The index of the prefix `xml` in every document; 0 is that of the default.
pub(super) const XML_PREFIX: u32 = 1;

impl ElementData {
    pub fn is_unprefixed(&self) -> bool {
        self.name.prefix == 0
    }
}

impl<'a> Document<'a> {
    /// Parses and checks a whole document.
    ///
    /// A leading UTF-8 byte order mark is accepted.
    ///
    /// # Errors
    /// The first rule of XML 1.0 (5th ed.), of Namespaces in XML 1.0 or of
    /// `limits` that is broken, with its place. A document type declaration is
    /// [`super::ErrorKind::Doctype`] before anything of it is read.
    pub fn parse(source: &'a [u8], limits: &Limits) -> Result<Self, XmlError> {
        parse::document(source, limits)
    }

    /// The root element.
    #[must_use]
    pub fn root(&self) -> Element<'_, 'a> {
        Element { document: self, index: self.root }
    }

    /// All elements in document order, the root first.
    pub fn elements(&self) -> impl Iterator<Item = Element<'_, 'a>> {
        std::iter::once(self.root()).chain(self.root().descendants())
    }

    /// Whether there is a processing instruction anywhere, also outside the root.
    #[must_use]
    pub fn has_processing_instruction(&self) -> bool {
        self.has_processing_instruction
    }

    /// Whether there is a comment anywhere, also outside the root.
    #[must_use]
    pub fn has_comment(&self) -> bool {
        !self.comments.is_empty()
    }

    /// The first closed element that holds both a comment and text that is not blank.
    ///
    /// Such a comment splits a value for a careless reader; [`Element::text`] joins it.
    #[must_use]
    pub fn comment_in_text(&self) -> Option<Element<'_, 'a>> {
        self.comment_in_text.map(|index| Element { document: self, index })
    }

    pub(super) fn node(&self, index: u32) -> Option<&NodeData> {
        self.nodes.get(index as usize)
    }

    pub(super) fn slice(&self, span: Span) -> &str {
        let (text, at) = if span.at & Span::UNESCAPED == 0 {
            (self.source, span.at as usize)
        } else {
            (self.unescaped.as_str(), (span.at & !Span::UNESCAPED) as usize)
        };
        text.get(at..at + span.len as usize).unwrap_or_default()
    }

    pub(super) fn qualified(&self, name: QName) -> &'a str {
        let at = name.at as usize;
        let prefix = if name.prefix == 0 { 0 } else { usize::from(name.prefix) + 1 };
        self.source.get(at..at + prefix + usize::from(name.local)).unwrap_or_default()
    }

    pub(super) fn prefix(&self, name: QName) -> &'a str {
        let at = name.at as usize;
        self.source.get(at..at + usize::from(name.prefix)).unwrap_or_default()
    }

    pub(super) fn local(&self, name: QName) -> &'a str {
        let skipped = if name.prefix == 0 { 0 } else { usize::from(name.prefix) + 1 };
        let at = name.at as usize + skipped;
        self.source.get(at..at + usize::from(name.local)).unwrap_or_default()
    }

    /// The URI of a declaration; "" for no namespace.
    pub(super) fn uri(&self, declaration: u32) -> &str {
        match declaration {
            NO_NAMESPACE => "",
            XML => XML_NAMESPACE,
            index => self.declarations.get(index as usize).map_or("", |found| self.slice(found.uri)),
        }
    }

    pub(super) fn attributes_of(&self, element: &ElementData) -> &[AttributeData] {
        let first = element.first_attribute as usize;
        self.attributes.get(first..first + usize::from(element.attributes)).unwrap_or_default()
    }

    /// The indexes of the declarations that stand on the element itself.
    pub(super) fn declarations_of(element: &ElementData) -> std::ops::Range<u32> {
        let first = element.first_declaration;
        first..first + u32::from(element.declarations)
    }
}

/// Shows sizes only.
impl fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("bytes", &self.source.len())
            .field("nodes", &self.nodes.len())
            .finish_non_exhaustive()
    }
}
