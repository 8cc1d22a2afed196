//! Start tags: attributes read strictly, namespaces resolved as they come into scope.

use super::name::{self, is_blank};
use super::syntax::{self, Fault};
use super::tree::{
    AttributeData, Declaration, Document, ElementData, NO_NAMESPACE, NONE, QName, Span, XML, XML_PREFIX,
};
use super::{ErrorKind, Limits, XML_NAMESPACE, XMLNS_NAMESPACE};

/// The prefixes met so far, sorted, each with the declaration in force.
///
/// A declaration remembers what it shadows, so leaving an element costs one
/// look-up a declaration and no list of scopes is ever searched.
pub(super) struct Scope<'a> {
    bindings: Vec<Binding<'a>>,
}

struct Binding<'a> {
    prefix: &'a str,
    id: u32,
    declaration: u32,
}

impl<'a> Scope<'a> {
    pub fn new() -> Self {
        let default = Binding { prefix: "", id: 0, declaration: NO_NAMESPACE };
        let xml = Binding { prefix: "xml", id: XML_PREFIX, declaration: XML };
        Self { bindings: vec![default, xml] }
    }

    fn resolve(&self, prefix: &str) -> Result<u32, ErrorKind> {
        let declaration = self.find(prefix).map_or(NONE, |binding| binding.declaration);
        if declaration == NONE { Err(ErrorKind::UndeclaredPrefix) } else { Ok(declaration) }
    }

    fn find(&self, prefix: &str) -> Option<&Binding<'a>> {
        let at = self.bindings.binary_search_by(|binding| binding.prefix.cmp(prefix)).ok()?;
        self.bindings.get(at)
    }

    /// Brings `declaration` into force; gives the prefix's id and what it shadows.
    fn bind(&mut self, prefix: &'a str, declaration: u32, document: &mut Document<'a>) -> (u32, u32) {
        let at = match self.bindings.binary_search_by(|binding| binding.prefix.cmp(prefix)) {
            Ok(at) => at,
            Err(at) => {
                let id = index(document.prefixes.len());
                document.prefixes.push(prefix);
                self.bindings.insert(at, Binding { prefix, id, declaration: NONE });
                at
            }
        };
        match self.bindings.get_mut(at) {
            Some(binding) => (binding.id, std::mem::replace(&mut binding.declaration, declaration)),
            None => (0, NONE),
        }
    }

    /// Ends the declarations of an element.
    pub fn leave(&mut self, element: &ElementData, document: &Document<'a>) {
        for declared in Document::declarations_of(element).rev() {
            let Some(declaration) = document.declarations.get(declared as usize) else {
                continue;
            };
            let prefix = document.prefixes.get(declaration.prefix as usize).copied().unwrap_or("");
            if let Ok(at) = self.bindings.binary_search_by(|binding| binding.prefix.cmp(prefix))
                && let Some(binding) = self.bindings.get_mut(at)
            {
                binding.declaration = declaration.shadows;
            }
        }
    }
}

/// Reads `name S attribute …`, which begins at byte `base` of the source, into
/// `document` and gives the element. A fault is placed relative to `inner`.
pub(super) fn start<'a>(
    inner: &'a str,
    base: usize,
    limits: &Limits,
    scope: &mut Scope<'a>,
    document: &mut Document<'a>,
) -> Result<ElementData, Fault> {
    let parts = name::qualified(inner, limits.name_bytes).map_err(|kind| (kind, 0))?;
    let name = QName { at: index(base), prefix: parts.prefix, local: parts.local };
    let first_attribute = document.attributes.len();
    let first_declaration = document.declarations.len();
    let mut at = parts.len();
    let mut count = 0;
    loop {
        let rest = inner.get(at..).unwrap_or_default();
        let trimmed = syntax::trim_blanks(rest);
        if trimmed.is_empty() {
            break;
        }
        let blanks = rest.len() - trimmed.len();
        if blanks == 0 {
            return Err((ErrorKind::MissingBlank, at));
        }
        at += blanks;
        count += 1;
        if count > limits.attributes_per_element.min(usize::from(u16::MAX)) {
            return Err((ErrorKind::TooManyAttributesOnElement, at));
        }
        // Entries 0 and 1 of the declarations are the built-in ones.
        let total = document.attributes.len() + document.declarations.len() - 2;
        if total >= limits.attributes_total {
            return Err((ErrorKind::TooManyAttributes, at));
        }
        let place = |(kind, offset): Fault| (kind, at + offset);
        let (raw, used) = raw_attribute(trimmed, limits).map_err(place)?;
        let value = value(raw.value, base + at + raw.value_at, document)
            .map_err(|(kind, offset)| (kind, at + raw.value_at + offset))?;
        if raw.name == "xmlns" {
            declare("", value, first_declaration, scope, document).map_err(|kind| (kind, at))?;
        } else if let Some(prefix) = raw.name.strip_prefix("xmlns:") {
            declare(prefix, value, first_declaration, scope, document).map_err(|kind| (kind, at))?;
        } else {
            let name = QName { at: index(base + at), prefix: raw.parts.prefix, local: raw.parts.local };
            document.attributes.push(AttributeData { name, namespace: NO_NAMESPACE, value });
        }
        at += used;
    }
    let namespace = match document.prefix(name) {
        "xmlns" => Err((ErrorKind::NamespaceDeclaration, 0)),
        prefix => scope.resolve(prefix).map_err(|kind| (kind, 0)),
    }?;
    resolve_attributes(first_attribute, base, scope, document)?;
    Ok(ElementData {
        name,
        namespace,
        first_attribute: index(first_attribute),
        first_declaration: index(first_declaration),
        attributes: count_of(document.attributes.len() - first_attribute),
        declarations: count_of(document.declarations.len() - first_declaration),
    })
}

struct RawAttribute<'a> {
    name: &'a str,
    parts: name::Parts,
    value: &'a str,
    value_at: usize,
}

/// Reads `QName Eq AttValue` at the start of `text`, and how many bytes it took.
fn raw_attribute<'a>(text: &'a str, limits: &Limits) -> Result<(RawAttribute<'a>, usize), Fault> {
    let bytes = text.as_bytes();
    let skip = |mut at: usize| {
        while bytes.get(at).is_some_and(|&b| is_blank(b)) {
            at += 1;
        }
        at
    };
    let parts = name::qualified(text, limits.name_bytes).map_err(|kind| (kind, 0))?;
    let equals = skip(parts.len());
    if bytes.get(equals) != Some(&b'=') {
        return Err((ErrorKind::Attribute, equals));
    }
    let opening = skip(equals + 1);
    let quote = match bytes.get(opening) {
        Some(&quote @ (b'"' | b'\'')) => char::from(quote),
        _ => return Err((ErrorKind::Attribute, opening)),
    };
    let value_at = opening + 1;
    let value = text
        .get(value_at..)
        .and_then(|rest| rest.split_once(quote))
        .map(|(value, _)| value)
        .ok_or((ErrorKind::Attribute, opening))?;
    let name = text.get(..parts.len()).unwrap_or_default();
    Ok((RawAttribute { name, parts, value, value_at }, value_at + value.len() + 1))
}

/// The normalised value of `raw`, which stands at byte `at` of the source.
fn value(raw: &str, at: usize, document: &mut Document<'_>) -> Result<Span, Fault> {
    let special = |&b: &u8| matches!(b, b'<' | b'&' | b'\t' | b'\n' | b'\r');
    if !raw.as_bytes().iter().any(special) {
        return Ok(Span { at: index(at), len: index(raw.len()) });
    }
    if let Some(offset) = raw.find('<') {
        return Err((ErrorKind::LessThanInAttribute, offset));
    }
    let from = document.unescaped.len();
    syntax::push_value(raw, &mut document.unescaped)?;
    let len = document.unescaped.len() - from;
    Ok(Span { at: index(from) | Span::UNESCAPED, len: index(len) })
}

/// Brings `xmlns:prefix="uri"` into scope (Namespaces in XML 1.0, 3 and 5).
fn declare<'a>(
    prefix: &'a str,
    uri: Span,
    first_declaration: usize,
    scope: &mut Scope<'a>,
    document: &mut Document<'a>,
) -> Result<(), ErrorKind> {
    let text = document.slice(uri);
    let allowed = match prefix {
        "xml" => text == XML_NAMESPACE,
        "xmlns" => false,
        _ => text != XML_NAMESPACE && text != XMLNS_NAMESPACE && (!text.is_empty() || prefix.is_empty()),
    };
    if !allowed {
        return Err(ErrorKind::NamespaceDeclaration);
    }
    let declaration = index(document.declarations.len());
    if !text.is_empty() && !is_absolute(text) {
        document.relative.push(declaration);
    }
    let (id, shadows) = match prefix {
        "xml" => (XML_PREFIX, XML),
        _ => scope.bind(prefix, declaration, document),
    };
    let on_this_element = document.declarations.get(first_declaration..).unwrap_or_default();
    if on_this_element.iter().any(|earlier| earlier.prefix == id) {
        return Err(ErrorKind::DuplicateAttribute);
    }
    document.declarations.push(Declaration { prefix: id, uri, shadows });
    Ok(())
}

/// Whether a URI reference begins with a scheme (RFC 3986, 3.1).
pub(super) fn is_absolute(uri: &str) -> bool {
    let Some((scheme, _)) = uri.split_once(':') else {
        return false;
    };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

/// Resolves the prefixes of an element's attributes and finds doubles by expanded name.
fn resolve_attributes<'a>(
    first: usize,
    base: usize,
    scope: &Scope<'a>,
    document: &mut Document<'a>,
) -> Result<(), Fault> {
    for at in first..document.attributes.len() {
        let Some(attribute) = document.attributes.get(at).copied() else {
            break;
        };
        let fault = |kind| (kind, (attribute.name.at as usize).saturating_sub(base));
        let namespace = match document.prefix(attribute.name) {
            "" => NO_NAMESPACE,
            prefix => scope.resolve(prefix).map_err(fault)?,
        };
        let earlier = document.attributes.get(first..at).unwrap_or_default();
        let local = document.local(attribute.name);
        let same = |other: &AttributeData| {
            document.local(other.name) == local
                && (other.namespace == namespace || document.uri(other.namespace) == document.uri(namespace))
        };
        if earlier.iter().any(same) {
            return Err(fault(ErrorKind::DuplicateAttribute));
        }
        if let Some(stored) = document.attributes.get_mut(at) {
            stored.namespace = namespace;
        }
    }
    Ok(())
}

/// An index or a length; the source is under 2 GiB, so none is ever cut.
pub(super) fn index(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn count_of(value: usize) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}
