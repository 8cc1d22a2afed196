//! The rules of a SOAP 1.1 envelope (SOAP 1.1, 4; WS-I Basic Profile 1.1; wire.md 1).

use crate::fault::{Class, Fault};
use crate::text::FaultCode;
use crate::trust::algorithm::{SOAP, WSSE};
use crate::xml::{Document, Element};

const SOAP_12: &str = "http://www.w3.org/2003/05/soap-envelope";
const ACTOR_NEXT: &str = "http://schemas.xmlsoap.org/soap/actor/next";

/// An envelope of the right shape. Nothing in it is verified.
pub struct Envelope<'d, 'a> {
    body: Element<'d, 'a>,
    security: Vec<Element<'d, 'a>>,
}

/// What can still be found in an envelope that breaks a rule, to be explained. Nothing can be verified by it: that takes an
/// [`Envelope`].
pub struct Outline<'d, 'a> {
    /// The first Body of SOAP 1.1 that is a child of the root.
    pub body: Element<'d, 'a>,
    /// Every `wsse:Security` in a Header.
    pub security: Vec<Element<'d, 'a>>,
}

impl<'d, 'a> Outline<'d, 'a> {
    /// Looks for Body and headers; `None`: there is no Body.
    #[must_use]
    pub fn of(document: &'d Document<'a>) -> Option<Self> {
        let root = document.root();
        let headers = root.children().filter(|child| child.is(SOAP, "Header"));
        let security = headers.flat_map(Element::children).filter(|block| block.is(WSSE, "Security"));
        Some(Self { body: root.child(SOAP, "Body")?, security: security.collect() })
    }
}

impl<'d, 'a> Envelope<'d, 'a> {
    /// Reads the shape of an envelope.
    ///
    /// # Errors
    /// SCE001 with the class `VersionMismatch`, `MustUnderstand` or `Client`.
    pub fn read(document: &'d Document<'a>) -> Result<Self, Fault> {
        let root = document.root();
        if root.is(SOAP_12, "Envelope") {
            return Err(Fault {
                code: FaultCode::Format,
                class: Class::VersionMismatch,
                detail: "the envelope is of SOAP 1.2; this service speaks SOAP 1.1".into(),
            });
        }
        if root.name() == "Envelope" && root.namespace() != SOAP {
            return Err(Fault {
                code: FaultCode::Format,
                class: Class::VersionMismatch,
                detail: "the namespace of Envelope is not that of SOAP 1.1".into(),
            });
        }
        if !root.is(SOAP, "Envelope") {
            return Err(Fault::format("the root element is not a SOAP 1.1 Envelope"));
        }
        if document.has_processing_instruction() {
            return Err(Fault::format("a processing instruction is not allowed in SOAP"));
        }
        if let Some(element) = document.comment_in_text() {
            // Inside the signature it is the signature that is wrong (SCE006), and is named there.
            if !inside_signature(element) {
                return Err(Fault::format(format!("a comment stands inside the text of {}", element.path())));
            }
        }
        no_text(root)?;
        let mut children = root.children();
        let mut next = children.next();
        let mut security = Vec::new();
        if let Some(header) = next.filter(|c| c.is(SOAP, "Header")) {
            no_text(header)?;
            for block in header.children() {
                if read_header_block(block)? {
                    security.push(block);
                }
            }
            next = children.next();
        }
        let body = next
            .filter(|c| c.is(SOAP, "Body"))
            .ok_or_else(|| Fault::format("Envelope holds no Body, or something else before it"))?;
        if children.next().is_some() {
            return Err(Fault::format("an element stands after Body"));
        }
        no_text(body)?;
        Ok(Self { body, security })
    }

    /// The Body that is the child of the Envelope.
    #[must_use]
    pub fn body(&self) -> Element<'d, 'a> {
        self.body
    }

    /// The `wsse:Security` headers that are meant for us.
    #[must_use]
    pub fn security(&self) -> &[Element<'d, 'a>] {
        &self.security
    }
}

/// Envelope, Header, Body and the wrappers hold elements only.
///
/// # Errors
/// SCE001 naming the element that holds text beside them.
pub fn no_text(element: Element<'_, '_>) -> Result<(), Fault> {
    if element.has_text() {
        return Err(Fault::format(format!("text stands in {}, where only elements may", element.path())));
    }
    Ok(())
}

fn inside_signature(element: Element<'_, '_>) -> bool {
    let mut at = Some(element);
    while let Some(element) = at {
        if element.is(crate::trust::algorithm::DS, "Signature") {
            return true;
        }
        at = element.parent();
    }
    false
}

/// Whether the block is a `wsse:Security` for us; refuses one that must be understood and is not.
fn read_header_block(block: Element<'_, '_>) -> Result<bool, Fault> {
    let must = match block.attribute(SOAP, "mustUnderstand") {
        None | Some("0") => false,
        Some("1") => true,
        Some(_) => return Err(Fault::format("mustUnderstand must be 0 or 1")),
    };
    let for_us = matches!(block.attribute(SOAP, "actor"), None | Some("" | ACTOR_NEXT));
    if !for_us {
        return Ok(false);
    }
    let security = block.is(WSSE, "Security");
    if must && !security {
        let fault = Fault::format(format!("the header {} is not understood", block.name()));
        return Err(Fault { class: Class::MustUnderstand, ..fault });
    }
    Ok(security)
}
