//! Who applies.

use super::text::{self, is_blank};
use super::{Known, Report};
use crate::consent::identity::{Bin, Msisdn};
use crate::onboarding::form::Form;
use crate::onboarding::rule::Rule;

pub fn look(form: &Form, known: &Known, report: &mut Report) {
    let organisation = &form.organisation;
    text::named(&organisation.name, "/organisation/name", report);
    if let Err(error) = Bin::parse(&organisation.bin) {
        report.object(Rule::BinMalformed, "/organisation/bin", error);
    }
    if organisation.kind.is_none() {
        report.object(Rule::KindMissing, "/organisation/kind", "");
    }
    sender(form, known, report);
    contact(form, report);
}

fn sender(form: &Form, known: &Known, report: &mut Report) {
    let id = &form.sender_id;
    let is_sound = (1..=256).contains(&id.len()) && !id.chars().any(|c| c.is_control() || c.is_whitespace());
    if !is_sound {
        report.object(Rule::SenderMalformed, "/sender_id", "");
    } else if known.senders.get(id).is_some_and(|bin| *bin != form.organisation.bin) {
        report.object(Rule::SenderTaken, "/sender_id", "");
    }
}

/// Nothing of the contact is repeated.
fn contact(form: &Form, report: &mut Report) {
    let contact = &form.contact;
    let phone = contact.phone.as_deref().filter(|phone| !is_blank(phone));
    let email = contact.email.as_deref().filter(|email| !is_blank(email));
    if is_blank(&contact.name) {
        report.object(Rule::ContactMissing, "/contact/name", "");
    }
    text::fits(&contact.name, text::NAME, "/contact/name", report);
    if phone.is_none() && email.is_none() {
        report.object(Rule::ContactMissing, "/contact", "");
    }
    if phone.is_some_and(|phone| Msisdn::parse(phone).is_none()) {
        report.object(Rule::ContactMalformed, "/contact/phone", "");
    }
    if email.is_some_and(|email| !is_address(email)) {
        report.object(Rule::ContactMalformed, "/contact/email", "");
    }
}

/// One `@` between a name and a domain with a dot, no blanks: enough to find a slip of the pen.
fn is_address(text: &str) -> bool {
    let sound = text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    sound
        && text.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty()
                && !domain.contains('@')
                && domain.split('.').count() >= 2
                && domain.split('.').all(|label| !label.is_empty())
        })
}
