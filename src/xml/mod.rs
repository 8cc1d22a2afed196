//! XML: one bounded tree, its canonical forms, and a writer.
//!
//! The only module that knows `quick-xml`. A message is parsed once into a
//! [`Document`]; the signature is verified over that tree by [`c14n`] and the
//! request is read from the same tree. Answers leave through [`Writer`], whose
//! output already is exclusive canonical XML, so that it is digested as written.
//!
//! Accepted is XML 1.0 (fifth edition) with Namespaces in XML 1.0, in UTF-8 and
//! without a document type declaration. Comments and processing instructions
//! are kept: what SOAP forbids, the SOAP layer asks for by
//! [`Document::has_processing_instruction`] and [`Document::comment_in_text`].

mod build;
pub mod c14n;
mod element;
mod error;
mod escape;
mod name;
mod parse;
#[cfg(test)]
mod sample;
mod syntax;
mod tag;
mod tree;
mod write;

pub use element::{Attribute, Children, Element, Node};
pub use error::{ErrorKind, XmlError};
pub use tree::Document;
pub use write::{Canonical, WriteError, Writer};

/// The namespace that the prefix `xml` is bound to in every document.
pub const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

/// The namespace of `xmlns` itself, which no document may bind.
const XMLNS_NAMESPACE: &str = "http://www.w3.org/2000/xmlns/";

/// What a document may cost, counted while it is parsed.
///
/// The size in bytes is the caller's to limit, before it reads them; the tree
/// itself takes at most 2 GiB of source. Of a megabyte it needs less than seven
/// in memory for the most hostile shape, since its nodes are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Elements open at the same time; the root is at depth 1.
    pub depth: usize,
    /// Elements, texts, comments and instructions of the whole document.
    pub nodes: usize,
    /// Attributes of the whole document, namespace declarations included.
    pub attributes_total: usize,
    /// Attributes of one element, namespace declarations included; at most 65 535.
    pub attributes_per_element: usize,
    /// Bytes of one qualified name or processing instruction target; at most 65 535.
    pub name_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 64,
            nodes: 1 << 16,
            attributes_total: 1000,
            attributes_per_element: 64,
            name_bytes: 1024,
        }
    }
}
