//! The payload of a call: fields by name, wherever working clients put them (wire.md 1 and 2.1).

use crate::consent::identity::{Bin, Iin, NumberError};
use crate::fault::Fault;
use crate::soap::envelope::no_text;
use crate::text::{Flaw, Lang, Reason};
use crate::trust::Distrust;
use crate::trust::data_signature::{DataDistrust, Signatory, Signed, is_signature};
use crate::xml::{Document, Element, Limits};
use std::collections::BTreeMap;

/// What is wrong with the data: becomes SCSE002, names the elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataError {
    /// Which rule.
    pub reason: Reason,
    /// The elements concerned.
    pub elements: Vec<String>,
    /// What exactly.
    pub flaw: Flaw,
}

impl DataError {
    /// An error about one element.
    #[must_use]
    pub fn new(reason: Reason, element: &str, flaw: Flaw) -> Self {
        // A name that a peer made up is cut: it is shown to help, not to be carried.
        Self { reason, elements: vec![element.chars().take(MAX_NAME).collect()], flaw }
    }

    /// Elements and flaw, never a value.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        format!("{} {}", self.elements.join(", "), self.flaw.text(lang))
    }
}

/// The fields of a payload as they were written; the first error stands in for them all.
pub struct Fields {
    fields: BTreeMap<&'static str, String>,
}

/// The fields, or what is wrong with them; and the authentication token, which is needed in either case.
pub struct Payload {
    /// By name.
    pub fields: Result<Fields, DataError>,
    /// `auth_token`, unchecked.
    pub auth_token: Option<secrecy::SecretString>,
    /// Who signed the data; nobody, unless [`Payload::read_signed`] was asked.
    pub signatories: Result<Vec<Signatory>, DataDistrust>,
}

/// Says whose signatures on the data are believed.
pub type Believe<'b> =
    &'b dyn for<'d, 'a> Fn(Result<Signed<'d, 'a>, Distrust>) -> Result<Vec<Signatory>, DataDistrust>;

/// Longest name of an element that an answer repeats, characters.
const MAX_NAME: usize = 64;

/// Longest value of a field but the tokens, characters.
const MAX_TEXT: usize = 4000;

impl Payload {
    /// Reads the children of `data`: directly, inside one root element, or as XML in its text (escaped or CDATA),
    /// which is parsed once under the same limits. Children are unqualified or all in `ns`. Signatures on the data are
    /// passed over.
    ///
    /// # Errors
    /// SCE001 when the text in `data` is not XML.
    pub fn read(data: Option<Element<'_, '_>>, ns: &str, names: &[&'static str]) -> Result<Self, Fault> {
        Self::read_signed(data, ns, names, &|_| Err(DataDistrust::All(Distrust::Unsigned)))
    }

    /// As [`Payload::read`], and asks `believe` about the signatures on the data: what they cover holds everything that
    /// is read, in the same tree.
    ///
    /// # Errors
    /// As [`Payload::read`].
    pub fn read_signed(
        data: Option<Element<'_, '_>>,
        ns: &str,
        names: &[&'static str],
        believe: Believe<'_>,
    ) -> Result<Self, Fault> {
        let Some(data) = data else {
            return Ok(Self {
                fields: Err(DataError::new(Reason::ElementMissing, "data", Flaw::Missing)),
                auth_token: None,
                signatories: believe(Err(Distrust::Unsigned)),
            });
        };
        if data.children().next().is_some() {
            no_text(data)?;
            return Ok(Self::read_element(data, ns, names, believe(Signed::data(data))));
        }
        let text = data.text().unwrap_or_default();
        if text.trim().is_empty() {
            return Ok(Self::read_element(data, ns, names, believe(Err(Distrust::Unsigned))));
        }
        let inner = Document::parse(text.trim().as_bytes(), &Limits::default())
            .map_err(|e| Fault::format(format!("the text in data is not XML: {e}")))?;
        if inner.has_processing_instruction() || inner.comment_in_text().is_some() {
            return Err(Fault::format("a processing instruction or a comment in the text in data"));
        }
        Ok(Self::read_element(inner.root(), ns, names, believe(Signed::document(&inner))))
    }

    fn read_element(
        data: Element<'_, '_>,
        ns: &str,
        names: &[&'static str],
        signatories: Result<Vec<Signatory>, DataDistrust>,
    ) -> Self {
        let mut children = data.children().filter(|child| !is_signature(*child));
        let holder = match (children.next(), children.next()) {
            (Some(root), None) if !names.contains(&root.name()) && is_root(root) => root,
            _ => data,
        };
        let token = holder.children().find(|c| c.name() == "auth_token").and_then(Element::text);
        let auth_token = token.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).map(Into::into);
        Self { fields: Fields::read(holder, ns, names), auth_token, signatories }
    }
}

/// Whether the one child of `data` is a root around the fields: it has children, or all of them were left out.
fn is_root(child: Element<'_, '_>) -> bool {
    let empty = child.text().is_some_and(|text| text.trim().is_empty());
    child.children().next().is_some() || (empty && child.name().ends_with("Request"))
}

impl Fields {
    fn read(holder: Element<'_, '_>, ns: &str, names: &[&'static str]) -> Result<Self, DataError> {
        let mut fields = Self { fields: BTreeMap::new() };
        fields.take(holder, "", ns, names, &mut None)?;
        Ok(fields)
    }

    /// Takes the children of `holder`; `act/name` in `names` is a child of the element `act`.
    fn take(
        &mut self,
        holder: Element<'_, '_>,
        within: &str,
        ns: &str,
        names: &[&'static str],
        qualified: &mut Option<bool>,
    ) -> Result<(), DataError> {
        // The signatures stand beside the fields, never inside one.
        let beside = |child: &Element<'_, '_>| within.is_empty() && is_signature(*child);
        for child in holder.children().filter(|child| !beside(child)) {
            let unknown = || DataError::new(Reason::ElementUnknown, child.name(), Flaw::Unknown);
            let here = |name: &&&'static str| name.strip_prefix(within) == Some(child.name());
            let name = *names.iter().find(here).ok_or_else(unknown)?;
            let in_ns = child.namespace() == ns;
            // Unqualified or all in one namespace, never both.
            if !(in_ns || child.namespace().is_empty()) || *qualified.get_or_insert(in_ns) != in_ns {
                return Err(DataError::new(Reason::ElementUnknown, child.name(), Flaw::Namespace));
            }
            let inside = format!("{name}/");
            if names.iter().any(|name| name.starts_with(&inside)) {
                no_text(child)
                    .map_err(|_| DataError::new(Reason::ElementMalformed, child.name(), Flaw::Unknown))?;
                self.insert(name, String::new())?;
                self.take(child, &inside, ns, names, qualified)?;
                continue;
            }
            let text = child
                .text()
                .ok_or_else(|| DataError::new(Reason::ElementMalformed, child.name(), Flaw::Text))?;
            let text = text.trim();
            if !matches!(name, "ovt" | "code") && text.chars().count() > MAX_TEXT {
                return Err(DataError::new(Reason::ElementMalformed, child.name(), Flaw::TooLong));
            }
            self.insert(name, text.to_owned())?;
        }
        Ok(())
    }

    fn insert(&mut self, name: &'static str, text: String) -> Result<(), DataError> {
        match self.fields.insert(name, text) {
            None => Ok(()),
            Some(_) => Err(DataError::new(Reason::ElementRepeated, name, Flaw::Repeated)),
        }
    }

    /// All of them, as they were written.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.fields.iter().map(|(name, text)| (*name, text.as_str()))
    }

    /// Fields that were read before, and kept; what is none of `names` is left out.
    pub fn collect(kept: impl IntoIterator<Item = (String, String)>, names: &[&'static str]) -> Self {
        let known = |name: String| names.iter().find(|known| **known == name).copied();
        Self { fields: kept.into_iter().filter_map(|(name, text)| Some((known(name)?, text))).collect() }
    }

    /// Whether the element is there, empty or not.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// The value of `name`; empty is absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// The value of `name`, which must be there.
    ///
    /// # Errors
    /// [`Reason::ElementMissing`].
    pub fn need(&self, name: &'static str) -> Result<&str, DataError> {
        self.get(name).ok_or_else(|| DataError::new(Reason::ElementMissing, name, Flaw::Missing))
    }

    /// The IIN in `name`, if it is there.
    ///
    /// # Errors
    /// [`Reason::ElementMalformed`].
    pub fn iin(&self, name: &'static str) -> Result<Option<Iin>, DataError> {
        self.get(name).map(|text| Iin::parse(text).map_err(|e| number(name, e))).transpose()
    }

    /// The BIN in `name`, which must be there.
    ///
    /// # Errors
    /// [`Reason::ElementMissing`], [`Reason::ElementMalformed`].
    pub fn need_bin(&self, name: &'static str) -> Result<Bin, DataError> {
        Bin::parse(self.need(name)?).map_err(|e| number(name, e))
    }

    /// The IIN in `name`, which must be there.
    ///
    /// # Errors
    /// [`Reason::ElementMissing`], [`Reason::ElementMalformed`].
    pub fn need_iin(&self, name: &'static str) -> Result<Iin, DataError> {
        self.need(name)?;
        self.iin(name)?.ok_or_else(|| DataError::new(Reason::ElementMissing, name, Flaw::Missing))
    }

    /// The `xs:dateTime` in `name`, Unix milliseconds, if it is there.
    ///
    /// # Errors
    /// [`Reason::ElementMalformed`].
    pub fn time(&self, name: &'static str) -> Result<Option<i64>, DataError> {
        let read = |text| crate::clock::parse(text).ok_or_else(|| malformed(name, Flaw::DateTime));
        self.get(name).map(read).transpose()
    }

    /// An `xs:boolean`.
    ///
    /// # Errors
    /// [`Reason::ElementMalformed`].
    pub fn boolean(&self, name: &'static str) -> Result<Option<bool>, DataError> {
        match self.get(name) {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(_) => Err(DataError::new(Reason::ElementMalformed, name, Flaw::Boolean)),
        }
    }
}

/// An element whose value is not one.
#[must_use]
pub fn malformed(name: &'static str, flaw: Flaw) -> DataError {
    DataError::new(Reason::ElementMalformed, name, flaw)
}

fn number(name: &'static str, error: NumberError) -> DataError {
    malformed(
        name,
        match error {
            NumberError::Length | NumberError::Digits => Flaw::TwelveDigits,
            NumberError::ControlDigit => Flaw::ControlDigit,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &["uin", "code", "auth_token"];
    const K: &str = "urn:k";

    fn read(xml: &str) -> Result<Payload, Fault> {
        let document = Document::parse(xml.as_bytes(), &Limits::default()).unwrap();
        Payload::read(Some(document.root()), K, NAMES)
    }

    #[test]
    fn the_same_fields_are_read_from_every_place() {
        for xml in [
            "<data><uin> 1 </uin></data>",
            "<data xmlns='urn:k'><uin>1</uin></data>",
            "<data><any><uin>1</uin></any></data>",
            "<data>&lt;any>&lt;uin>1&lt;/uin>&lt;/any></data>",
            "<data><![CDATA[<any xmlns='urn:k'><uin>1</uin></any>]]></data>",
        ] {
            assert_eq!(read(xml).unwrap().fields.ok().unwrap().get("uin"), Some("1"), "{xml}");
        }
    }

    #[test]
    fn signatures_on_the_data_are_passed_over_and_signatures_in_a_field_are_not() {
        let signature = "<ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'/>";
        for xml in [
            format!("<data><uin>1</uin>{signature}{signature}</data>"),
            format!("<data><any><uin>1</uin>{signature}</any></data>"),
            format!("<data><any><uin>1</uin></any>{signature}</data>"),
            format!("<data><![CDATA[<any><uin>1</uin>{signature}</any>]]></data>"),
        ] {
            assert_eq!(read(&xml).unwrap().fields.ok().unwrap().get("uin"), Some("1"), "{xml}");
        }
        let inside = read(&format!("<data><code/><uin>1{signature}</uin></data>")).unwrap().fields;
        assert_eq!(inside.err().unwrap().reason, Reason::ElementMalformed);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (xml, reason, element) in [
            ("<data><uin/><uin/></data>", Reason::ElementRepeated, "uin"),
            ("<data><uin/><other/></data>", Reason::ElementUnknown, "other"),
            ("<data><uin/><k:code xmlns:k='urn:k'/></data>", Reason::ElementUnknown, "code"),
            ("<data><uin><b/></uin><code/></data>", Reason::ElementMalformed, "uin"),
        ] {
            let error = read(xml).unwrap().fields.err().unwrap();
            assert_eq!((error.reason, error.elements[0].as_str()), (reason, element), "{xml}");
        }
        assert!(read("<data>no xml</data>").is_err());
        assert!(read("<data>&lt;!DOCTYPE a>&lt;a/></data>").is_err());
    }

    #[test]
    fn the_authentication_token_is_read_even_when_the_rest_is_wrong() {
        let payload = read("<data><auth_token>t</auth_token><uin/><uin/></data>").unwrap();
        assert!(payload.fields.is_err() && payload.auth_token.is_some());
    }
}
