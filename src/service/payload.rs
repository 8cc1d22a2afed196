//! The payload of a call: fields by name, wherever working clients put them (wire.md 1 and 2.1).

use crate::fault::Fault;
use crate::soap::envelope::no_text;
use crate::text::{Flaw, Lang, Reason};
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
}

/// Longest name of an element that an answer repeats, characters.
const MAX_NAME: usize = 64;

/// Longest value of a field but the tokens, characters.
const MAX_TEXT: usize = 4000;

impl Payload {
    /// Reads the children of `data`: directly, inside one root element, or as XML in its text (escaped or CDATA),
    /// which is parsed once under the same limits. Children are unqualified or all in `ns`.
    ///
    /// # Errors
    /// SCE001 when the text in `data` is not XML.
    pub fn read(data: Option<Element<'_, '_>>, ns: &str, names: &[&'static str]) -> Result<Self, Fault> {
        let Some(data) = data else {
            return Ok(Self {
                fields: Err(DataError::new(Reason::ElementMissing, "data", Flaw::Missing)),
                auth_token: None,
            });
        };
        if data.children().next().is_some() {
            no_text(data)?;
            return Ok(Self::read_element(data, ns, names));
        }
        let text = data.text().unwrap_or_default();
        if text.trim().is_empty() {
            return Ok(Self::read_element(data, ns, names));
        }
        let inner = Document::parse(text.trim().as_bytes(), &Limits::default())
            .map_err(|e| Fault::format(format!("the text in data is not XML: {e}")))?;
        if inner.has_processing_instruction() || inner.comment_in_text().is_some() {
            return Err(Fault::format("a processing instruction or a comment in the text in data"));
        }
        Ok(Self::read_element(inner.root(), ns, names))
    }

    fn read_element(data: Element<'_, '_>, ns: &str, names: &[&'static str]) -> Self {
        let mut children = data.children();
        let holder = match (children.next(), children.next()) {
            (Some(root), None) if !names.contains(&root.name()) && root.children().next().is_some() => root,
            _ => data,
        };
        let token = holder.children().find(|c| c.name() == "auth_token").and_then(Element::text);
        let auth_token = token.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).map(Into::into);
        Self { fields: Fields::read(holder, ns, names), auth_token }
    }
}

impl Fields {
    fn read(holder: Element<'_, '_>, ns: &str, names: &[&'static str]) -> Result<Self, DataError> {
        let mut fields = BTreeMap::new();
        let mut qualified = None;
        for child in holder.children() {
            let unknown = || DataError::new(Reason::ElementUnknown, child.name(), Flaw::Unknown);
            let name = names.iter().find(|name| **name == child.name()).ok_or_else(unknown)?;
            let in_ns = child.namespace() == ns;
            // Unqualified or all in K, never both.
            if !(in_ns || child.namespace().is_empty()) || *qualified.get_or_insert(in_ns) != in_ns {
                return Err(DataError::new(Reason::ElementUnknown, child.name(), Flaw::Namespace));
            }
            let text = child
                .text()
                .ok_or_else(|| DataError::new(Reason::ElementMalformed, child.name(), Flaw::Text))?;
            let text = text.trim();
            if *name != "ovt" && text.chars().count() > MAX_TEXT {
                return Err(DataError::new(Reason::ElementMalformed, child.name(), Flaw::TooLong));
            }
            if fields.insert(*name, text.to_owned()).is_some() {
                return Err(DataError::new(Reason::ElementRepeated, child.name(), Flaw::Repeated));
            }
        }
        Ok(Self { fields })
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
