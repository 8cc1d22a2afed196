//! Writing: whatever is asked, the output is well formed and already exclusive
//! canonical XML without comments.
//!
//! Start tags carry the namespaces that are visibly utilised and not yet in
//! force, sorted; then the attributes, sorted; there are no empty-element tags.
//! So an answer's Body and its `SignedInfo` are digested as they are written.

use std::borrow::Cow;
use std::fmt;

use super::name::{is_character, part, qualified};
use super::tag::is_absolute;
use super::{XML_NAMESPACE, XMLNS_NAMESPACE, escape, syntax};

/// Canonical bytes that a [`Writer`] or [`super::c14n::fragment`] made.
#[derive(Clone, PartialEq, Eq)]
pub struct Canonical {
    pub(super) bytes: Vec<u8>,
    /// Whether an element in no namespace would fall into a default namespace around it.
    pub(super) open_to_default: bool,
}

impl Canonical {
    /// The bytes, UTF-8, to be digested, signed or sent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, given away.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Shows the length only.
impl fmt::Debug for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Canonical({} bytes)", self.bytes.len())
    }
}

/// A call that would have led to ill-formed output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A name outside `QName`, or one that is kept for namespaces.
    #[error("an ill-formed name was written")]
    Name,
    /// A binding that Namespaces in XML 1.0 or Canonical XML does not allow.
    #[error("a namespace declaration that is not allowed was written")]
    Namespace,
    /// A prefix that no open element binds.
    #[error("an undeclared prefix was written")]
    UndeclaredPrefix,
    /// Two attributes of one expanded name.
    #[error("an attribute was written twice")]
    DuplicateAttribute,
    /// More elements closed than opened, fewer, or none at all.
    #[error("elements were not opened and closed in pairs")]
    Unbalanced,
    /// Text, a fragment or a second element outside the root.
    #[error("content was written outside the root element")]
    OutsideRoot,
    /// A fragment with elements in no namespace, under a default namespace.
    #[error("a fragment would change its namespace where it was written")]
    Captured,
}

/// Builds one element with its content.
///
/// Calls cannot fail one by one: the first misuse stops the writing and is
/// answered by [`Writer::finish`]. `'n` is the life of names and namespaces.
#[derive(Default)]
pub struct Writer<'n> {
    out: Vec<u8>,
    open: Vec<Open<'n>>,
    /// Prefixes and URIs that may be used, the innermost last.
    bound: Vec<(&'n str, &'n str)>,
    /// Those that the output has declared, the innermost last.
    declared: Vec<(&'n str, &'n str)>,
    open_to_default: bool,
    misuse: Option<WriteError>,
}

struct Open<'n> {
    name: &'n str,
    bound: usize,
    declared: usize,
}

struct Attribute<'n, 'v> {
    uri: &'n str,
    local: &'n str,
    name: &'n str,
    value: &'v str,
}

impl<'n> Writer<'n> {
    /// An empty writer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty writer with room for `bytes` bytes of output.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { out: Vec::with_capacity(bytes), ..Self::default() }
    }

    /// Opens an element.
    ///
    /// `declarations` binds prefixes ("" for the default namespace) to absolute
    /// URIs for this element and everything inside; each is written where it is
    /// first used, and not at all if it never is. Names are qualified, as
    /// `soap:Body`; attributes may come in any order.
    pub fn open(
        &mut self,
        name: &'n str,
        declarations: &[(&'n str, &'n str)],
        attributes: &[(&'n str, &str)],
    ) -> &mut Self {
        self.attempt(|writer| writer.start(name, declarations, attributes))
    }

    /// Opens an element with nothing but `text` in it and closes it.
    pub fn leaf(&mut self, name: &'n str, text: &str) -> &mut Self {
        self.open(name, &[], &[]).text(text).close()
    }

    /// Appends text; characters that XML cannot carry become U+FFFD.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.attempt(|writer| {
            if writer.open.is_empty() {
                return Err(WriteError::OutsideRoot);
            }
            escape::push_text(&carried(text), &mut writer.out);
            Ok(())
        })
    }

    /// Appends a finished fragment as it is.
    ///
    /// The fragment is still canonical on its own (as a Body or a `SignedInfo` is
    /// digested), but declares its namespaces again.
    pub fn raw(&mut self, fragment: &Canonical) -> &mut Self {
        self.attempt(|writer| {
            if writer.open.is_empty() {
                return Err(WriteError::OutsideRoot);
            }
            if fragment.open_to_default && !lookup(&writer.declared, "").unwrap_or("").is_empty() {
                return Err(WriteError::Captured);
            }
            writer.open_to_default |= fragment.open_to_default;
            writer.out.extend_from_slice(&fragment.bytes);
            Ok(())
        })
    }

    /// Closes the element that was opened last.
    pub fn close(&mut self) -> &mut Self {
        self.attempt(|writer| {
            let open = writer.open.pop().ok_or(WriteError::Unbalanced)?;
            writer.put(&["</", open.name, ">"]);
            writer.bound.truncate(open.bound);
            writer.declared.truncate(open.declared);
            Ok(())
        })
    }

    /// The output.
    ///
    /// # Errors
    /// The first misuse; [`WriteError::Unbalanced`] if an element is open or
    /// there is none.
    pub fn finish(self) -> Result<Canonical, WriteError> {
        match self.misuse {
            Some(error) => Err(error),
            None if !self.open.is_empty() || self.out.is_empty() => Err(WriteError::Unbalanced),
            None => Ok(Canonical { bytes: self.out, open_to_default: self.open_to_default }),
        }
    }

    fn attempt(&mut self, write: impl FnOnce(&mut Self) -> Result<(), WriteError>) -> &mut Self {
        if self.misuse.is_none() {
            self.misuse = write(self).err();
        }
        self
    }

    fn start(
        &mut self,
        name: &'n str,
        declarations: &[(&'n str, &'n str)],
        attributes: &[(&'n str, &str)],
    ) -> Result<(), WriteError> {
        if self.open.is_empty() && !self.out.is_empty() {
            return Err(WriteError::OutsideRoot);
        }
        let (bound, declared) = (self.bound.len(), self.declared.len());
        self.bind(declarations)?;
        let (prefix, _) = split(name)?;
        let uri = self.resolve(prefix)?;
        let mut sorted = Vec::with_capacity(attributes.len());
        for &(name, value) in attributes {
            let (prefix, local) = split(name)?;
            let uri = if prefix.is_empty() { "" } else { self.resolve(prefix)? };
            sorted.push(Attribute { uri, local, name, value });
        }
        sorted.sort_unstable_by_key(|attribute| (attribute.uri, attribute.local));
        let same = |pair: &[Attribute<'_, '_>]| match pair {
            [one, other] => one.uri == other.uri && one.local == other.local,
            _ => false,
        };
        if sorted.windows(2).any(same) {
            return Err(WriteError::DuplicateAttribute);
        }
        self.declare(prefix, uri);
        for attribute in &sorted {
            let (prefix, _) = split(attribute.name)?;
            if !prefix.is_empty() {
                self.declare(prefix, attribute.uri);
            }
        }
        self.open_to_default |= prefix.is_empty() && uri.is_empty();
        self.put(&["<", name]);
        self.put_declarations(declared);
        for attribute in &sorted {
            self.put(&[" ", attribute.name, "=\""]);
            escape::push_value(&carried(attribute.value), &mut self.out);
            self.out.push(b'"');
        }
        self.out.push(b'>');
        self.open.push(Open { name, bound, declared });
        Ok(())
    }

    fn bind(&mut self, declarations: &[(&'n str, &'n str)]) -> Result<(), WriteError> {
        let before = self.bound.len();
        for &(prefix, uri) in declarations {
            let named = !prefix.is_empty();
            let is_allowed = (!named || part(prefix) == prefix.len())
                && !matches!(prefix, "xml" | "xmlns")
                && !matches!(uri, XML_NAMESPACE | XMLNS_NAMESPACE)
                && (is_absolute(uri) || (uri.is_empty() && !named))
                && uri.chars().all(is_character);
            let here = self.bound.get(before..).unwrap_or_default();
            if !is_allowed || here.iter().any(|&(earlier, _)| earlier == prefix) {
                return Err(WriteError::Namespace);
            }
            self.bound.push((prefix, uri));
        }
        Ok(())
    }

    fn resolve(&self, prefix: &str) -> Result<&'n str, WriteError> {
        match (prefix, lookup(&self.bound, prefix)) {
            ("xml", _) => Ok(XML_NAMESPACE),
            (_, Some(uri)) => Ok(uri),
            ("", None) => Ok(""),
            (_, None) => Err(WriteError::UndeclaredPrefix),
        }
    }

    fn declare(&mut self, prefix: &'n str, uri: &'n str) {
        if prefix != "xml" && lookup(&self.declared, prefix).unwrap_or("") != uri {
            self.declared.push((prefix, uri));
        }
    }

    fn put_declarations(&mut self, first: usize) {
        let new = self.declared.get_mut(first..).unwrap_or_default();
        new.sort_unstable();
        for &(prefix, uri) in &*new {
            self.out.extend_from_slice(if prefix.is_empty() { b" xmlns" } else { b" xmlns:" });
            self.out.extend_from_slice(prefix.as_bytes());
            self.out.extend_from_slice(b"=\"");
            escape::push_value(uri, &mut self.out);
            self.out.push(b'"');
        }
    }

    fn put(&mut self, parts: &[&str]) {
        for part in parts {
            self.out.extend_from_slice(part.as_bytes());
        }
    }
}

/// Shows the length only.
impl fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({} bytes)", self.out.len())
    }
}

fn lookup<'n>(list: &[(&'n str, &'n str)], prefix: &str) -> Option<&'n str> {
    list.iter().rev().find(|&&(known, _)| known == prefix).map(|&(_, uri)| uri)
}

/// The prefix and the local part of a name that is wholly a `QName`.
fn split(name: &str) -> Result<(&str, &str), WriteError> {
    let parts = qualified(name, name.len()).map_err(|_| WriteError::Name)?;
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    if parts.len() != name.len() || prefix == "xmlns" || name == "xmlns" {
        return Err(WriteError::Name);
    }
    Ok((prefix, local))
}

/// `text` as XML can carry it.
fn carried(text: &str) -> Cow<'_, str> {
    if syntax::illegal_character(text).is_none() {
        return Cow::Borrowed(text);
    }
    let replaced = text.chars().map(|c| if is_character(c) { c } else { '\u{FFFD}' });
    Cow::Owned(replaced.collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::xml::c14n::{self, Method};
    use crate::xml::{Document, Limits};

    const URIS: [&str; 4] = ["", "urn:a", "urn:b&\"<", "urn:c"];

    #[test]
    fn namespaces_are_written_where_they_are_first_used_and_sorted() {
        let mut writer = Writer::new();
        writer
            .open("s:Envelope", &[("s", "urn:s"), ("u", "urn:u"), ("k", "urn:k"), ("no", "urn:no")], &[])
            .open("s:Body", &[], &[("u:Id", "b\"1"), ("plain", "2"), ("k:x", "3")])
            .leaf("k:code", "<&>\r\n")
            .close()
            .close();
        let canonical = writer.finish().unwrap();
        assert_eq!(
            std::str::from_utf8(canonical.as_bytes()).unwrap(),
            "<s:Envelope xmlns:s=\"urn:s\"><s:Body xmlns:k=\"urn:k\" xmlns:u=\"urn:u\" plain=\"2\" \
             k:x=\"3\" u:Id=\"b&quot;1\"><k:code>&lt;&amp;&gt;&#xD;\n</k:code></s:Body></s:Envelope>"
        );
    }

    #[test]
    fn a_fragment_stays_what_it_was() {
        let mut body = Writer::new();
        body.open("s:Body", &[("s", "urn:s")], &[]).leaf("plain", "1").close();
        let body = body.finish().unwrap();
        let mut writer = Writer::new();
        writer.open("s:Envelope", &[("s", "urn:s")], &[]).raw(&body).close();
        let bytes = writer.finish().unwrap().into_bytes();
        let document = Document::parse(&bytes, &Limits::default()).unwrap();
        let again = c14n::fragment(document.root().child("urn:s", "Body").unwrap(), &Method::EXCLUSIVE);
        assert_eq!(again, Ok(body.clone()));
        let mut capturing = Writer::new();
        capturing.open("Envelope", &[("", "urn:d")], &[]).raw(&body).close();
        assert_eq!(capturing.finish(), Err(WriteError::Captured));
    }

    #[test]
    fn misuse_is_answered_at_the_end_and_by_name() {
        type Misuse = fn(&mut Writer<'static>);
        let cases: [(Misuse, WriteError); 16] = [
            (|_| {}, WriteError::Unbalanced),
            (|w| done(w.open("a", &[], &[])), WriteError::Unbalanced),
            (|w| done(w.leaf("a", "").close()), WriteError::Unbalanced),
            (|w| done(w.text("x")), WriteError::OutsideRoot),
            (|w| done(w.leaf("a", "").leaf("b", "")), WriteError::OutsideRoot),
            (|w| done(w.leaf("a b", "")), WriteError::Name),
            (|w| done(w.leaf("a>", "")), WriteError::Name),
            (|w| done(w.leaf("", "")), WriteError::Name),
            (|w| done(w.open("a", &[], &[("xmlns", "urn:x")]).close()), WriteError::Name),
            (|w| done(w.open("a", &[], &[("xmlns:p", "urn:x")]).close()), WriteError::Name),
            (|w| done(w.leaf("p:a", "")), WriteError::UndeclaredPrefix),
            (|w| done(w.open("a", &[("p", "")], &[]).close()), WriteError::Namespace),
            (|w| done(w.open("a", &[("p", "relative")], &[]).close()), WriteError::Namespace),
            (|w| done(w.open("a", &[("xml", XML_NAMESPACE)], &[]).close()), WriteError::Namespace),
            (|w| done(w.open("a", &[], &[("b", ""), ("b", "")]).close()), WriteError::DuplicateAttribute),
            (
                |w| {
                    let bindings = [("p", "urn:p"), ("q", "urn:p")];
                    w.open("a", &bindings, &[("p:b", ""), ("q:b", "")]).close();
                },
                WriteError::DuplicateAttribute,
            ),
        ];
        for (at, (misuse, error)) in cases.into_iter().enumerate() {
            let mut writer = Writer::new();
            misuse(&mut writer);
            assert_eq!(writer.finish(), Err(error), "case {at}");
        }
    }

    #[test]
    fn characters_that_xml_cannot_carry_are_replaced() {
        let mut writer = Writer::new();
        writer.open("a", &[], &[("b", "\0\u{B}")]).text("\u{FFFE}\u{1F}я\u{FFFD}").close();
        let bytes = writer.finish().unwrap().into_bytes();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "<a b=\"\u{FFFD}\u{FFFD}\">\u{FFFD}\u{FFFD}я\u{FFFD}</a>"
        );
    }

    /// The calls of a writer give it back; a test has no use for that.
    fn done(_: &mut Writer<'_>) {}

    /// What one step of a random writing does.
    #[derive(Clone, Debug)]
    enum Step {
        Open { name: &'static str, default: usize, p: usize, attributes: Vec<(&'static str, String)> },
        Text(String),
        Close,
    }

    fn step() -> impl Strategy<Value = Step> {
        let names = prop::sample::select(vec!["a", "b", "p:a", "q:b"]);
        let attribute = (prop::sample::select(vec!["m", "n", "p:m", "q:m", "xml:lang"]), any::<String>());
        let attributes = prop::collection::btree_map(attribute.0, attribute.1, 0..4)
            .prop_map(|map| map.into_iter().collect());
        prop_oneof![
            (names, 0..5_usize, 0..5_usize, attributes)
                .prop_map(|(name, default, p, attributes)| Step::Open { name, default, p, attributes }),
            any::<String>().prop_map(Step::Text),
            Just(Step::Close),
        ]
    }

    proptest! {
        #[test]
        fn output_is_its_own_exclusive_canonical_form(steps in prop::collection::vec(step(), 0..30)) {
            let mut writer = Writer::new();
            writer.open("p:root", &[("p", "urn:a"), ("q", "urn:q")], &[]);
            let mut depth = 1;
            for step in &steps {
                match step {
                    Step::Open { name, default, p, attributes } => {
                        let default = URIS.get(*default).map(|uri| ("", *uri));
                        let p = URIS.get(*p).filter(|uri| !uri.is_empty()).map(|uri| ("p", *uri));
                        let bindings: Vec<_> = default.into_iter().chain(p).collect();
                        let attributes: Vec<_> =
                            attributes.iter().map(|(name, value)| (*name, value.as_str())).collect();
                        writer.open(name, &bindings, &attributes);
                        depth += 1;
                    }
                    Step::Text(text) => done(writer.text(text)),
                    Step::Close if depth > 1 => {
                        writer.close();
                        depth -= 1;
                    }
                    Step::Close => {}
                }
            }
            for _ in 0..depth {
                writer.close();
            }
            let canonical = writer.finish().unwrap();
            let document = Document::parse(canonical.as_bytes(), &Limits::default()).unwrap();
            prop_assert_eq!(c14n::fragment(document.root(), &Method::EXCLUSIVE), Ok(canonical.clone()));
        }
    }
}
