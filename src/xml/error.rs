//! Why a document was refused: the kind and the place, never the content.

/// A refused document.
///
/// Its text names the rule and the position only, so that it may be logged and
/// sent to the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct XmlError {
    /// Which rule was broken.
    pub kind: ErrorKind,
    /// Line of the place, from 1.
    pub line: u32,
    /// Column of the place in characters, from 1.
    pub column: u32,
}

impl XmlError {
    /// Places `kind` at byte `at` of `source`, which need not be UTF-8.
    pub(super) fn at(kind: ErrorKind, source: &[u8], at: usize) -> Self {
        let before = source.get(..at).unwrap_or(source);
        let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |newline| newline + 1);
        let is_character = |b: &&u8| **b & 0xC0 != 0x80;
        let columns = before.iter().skip(line_start).filter(is_character).count();
        let column = u32::try_from(columns).unwrap_or(u32::MAX).saturating_add(1);
        Self { kind, line: line_of(source, at), column }
    }
}

/// The line that byte `at` stands on, from 1.
pub(super) fn line_of(source: &[u8], at: usize) -> u32 {
    let before = source.get(..at).unwrap_or(source);
    u32::try_from(before.split(|&b| b == b'\n').count()).unwrap_or(u32::MAX)
}

/// The rules of XML 1.0, of Namespaces in XML 1.0 and of [`super::Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// More than 2 GiB of source.
    #[error("the document is too large")]
    TooLarge,
    /// A byte order mark, a null beside the first `<`, or a declaration of UTF-16.
    #[error("UTF-16 is not accepted, only UTF-8")]
    Utf16,
    /// The XML declaration names another encoding than UTF-8.
    #[error("the declared encoding is not UTF-8")]
    Encoding,
    /// Bytes that are not UTF-8.
    #[error("the bytes are not UTF-8")]
    InvalidUtf8,
    /// A character outside production `Char`.
    #[error("a character that XML does not allow")]
    IllegalCharacter,
    /// An XML declaration that is ill formed.
    #[error("the XML declaration is ill formed")]
    Declaration,
    /// Another version than 1.0.
    #[error("the XML version is not 1.0")]
    Version,
    /// A document type declaration, which is refused as a whole.
    #[error("a document type declaration is not accepted")]
    Doctype,
    /// Markup that begins like none of XML's.
    #[error("unknown markup")]
    Markup,
    /// Markup or an element that the document ends within.
    #[error("the document ends before its markup is closed")]
    Unclosed,
    /// An end tag that does not match its start tag.
    #[error("the end tag does not match the start tag")]
    MismatchedTag,
    /// No element at all.
    #[error("there is no root element")]
    NoRoot,
    /// An element after the root element.
    #[error("there is more than one root element")]
    SecondRoot,
    /// Character data before or after the root element.
    #[error("text outside the root element")]
    TextOutsideRoot,
    /// A name outside production `QName` (or `NCName` for a target).
    #[error("an ill-formed name")]
    Name,
    /// Attributes that are not set apart by a blank.
    #[error("a blank is missing between attributes")]
    MissingBlank,
    /// An attribute without `=` or without quotes.
    #[error("an ill-formed attribute")]
    Attribute,
    /// `<` in an attribute value.
    #[error("'<' in an attribute value")]
    LessThanInAttribute,
    /// Two attributes or declarations of one name, also by expanded name.
    #[error("an attribute is given twice")]
    DuplicateAttribute,
    /// A prefix that nothing in scope declares.
    #[error("an undeclared namespace prefix")]
    UndeclaredPrefix,
    /// `xml` or `xmlns` bound wrongly, or a prefix bound to nothing.
    #[error("a namespace declaration that is not allowed")]
    NamespaceDeclaration,
    /// `]]>` in character data.
    #[error("']]>' in text")]
    CdataEnd,
    /// `--` in a comment.
    #[error("'--' in a comment")]
    CommentHyphens,
    /// A reference without `;`, or to a character that XML does not allow.
    #[error("an ill-formed reference")]
    Reference,
    /// Another entity than the five predefined ones.
    #[error("a reference to an undeclared entity")]
    UnknownEntity,
    /// A processing instruction named `xml`, or an XML declaration not at the start.
    #[error("a processing instruction with the reserved target 'xml'")]
    ReservedTarget,
    /// A processing instruction whose target and data are not set apart.
    #[error("an ill-formed processing instruction")]
    ProcessingInstruction,
    /// More open elements than [`super::Limits::depth`].
    #[error("elements are nested too deeply")]
    TooDeep,
    /// More than [`super::Limits::nodes`].
    #[error("too many elements, texts and comments in the document")]
    TooManyNodes,
    /// More than [`super::Limits::attributes_total`].
    #[error("too many attributes in the document")]
    TooManyAttributes,
    /// More than [`super::Limits::attributes_per_element`].
    #[error("too many attributes on one element")]
    TooManyAttributesOnElement,
    /// A name longer than [`super::Limits::name_bytes`].
    #[error("a name is too long")]
    NameTooLong,
}
