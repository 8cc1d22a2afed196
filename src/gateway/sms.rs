//! 1414 through ШЭП: `SMS_1414` (wire.md 2.4), which sends an SMS once, however often it is handed over.

use super::fault::PartyFault;
use super::shep::{Fields, ShepClient};
use super::{Answer, Sms, SmsError, SmsGateway};
use crate::clock;
use crate::soap::sync_channel::Node;
use std::sync::Arc;

/// 1414, reached through ШЭП.
pub struct ShepSms {
    shep: Arc<ShepClient>,
    service_id: String,
}

impl ShepSms {
    /// Hands over to the service `service_id`.
    #[must_use]
    pub fn new(shep: Arc<ShepClient>, service_id: String) -> Self {
        Self { shep, service_id }
    }
}

impl SmsGateway for ShepSms {
    fn send<'a>(&'a self, sms: Sms<'a>) -> Answer<'a, Result<(), SmsError>> {
        Box::pin(async move {
            let data = [
                Node::leaf("s:sms_id", sms.id),
                Node::leaf("s:msisdn", sms.to.as_str()),
                Node::leaf("s:text", sms.text),
                Node::leaf("s:valid_until", clock::text(sms.valid_until)),
            ];
            let about = ("sms_id", sms.id);
            let names = ["sms_id", "status", "reason"];
            read(sms.id, &self.shep.send(&self.service_id, &data, about, &names).await?)
        })
    }
}

/// Whether it was taken over: the id must be that of the SMS, or an answer about another would end this one.
fn read(id: &str, fields: &Fields) -> Result<(), SmsError> {
    let only = |name| {
        let mut all = fields.iter().filter(|(own, _)| *own == name).map(|(_, text)| text.as_str());
        let (one, another) = (all.next(), all.next());
        if another.is_some() { Err(PartyFault::Content) } else { Ok(one.filter(|text| !text.is_empty())) }
    };
    let status = only("status")?.ok_or(PartyFault::Content)?;
    let is_taken = match status {
        word if word.eq_ignore_ascii_case("accepted") => true,
        word if word.eq_ignore_ascii_case("refused") => false,
        _ => return Err(PartyFault::Status.into()),
    };
    if only("sms_id")?.ok_or(PartyFault::Content)? != id {
        return Err(PartyFault::OtherQuestion.into());
    }
    let reason = only("reason")?;
    if is_taken {
        return Ok(());
    }
    // What is no code may hold anything, the subject's number among it.
    let code = reason.filter(|text| text.len() <= 64 && text.bytes().all(is_of_a_code));
    tracing::warn!(sms = id, reason = code.unwrap_or("not a code"), "1414 refused an SMS");
    Err(SmsError::Refused)
}

fn is_of_a_code(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(fields: &[(&'static str, &str)]) -> Result<(), SmsError> {
        read("7-ask", &fields.iter().map(|(name, text)| (*name, (*text).to_owned())).collect())
    }

    #[test]
    fn an_sms_is_taken_over_or_refused() {
        let id = ("sms_id", "7-ask");
        assert_eq!(read_all(&[id, ("status", "Accepted")]), Ok(()));
        assert_eq!(read_all(&[id, ("status", "accepted"), ("reason", "")]), Ok(()));
        for reason in ["no-such-number", "", "the number 77010000001 is not served"] {
            assert_eq!(read_all(&[("status", "REFUSED"), ("reason", reason), id]), Err(SmsError::Refused));
        }
        assert_eq!(read_all(&[id, ("status", "refused")]), Err(SmsError::Refused));
    }

    #[test]
    fn what_makes_no_sense_is_neither() {
        let (id, taken) = (("sms_id", "7-ask"), ("status", "accepted"));
        for (fields, fault) in [
            (&[][..], PartyFault::Content),
            (&[id], PartyFault::Content),
            (&[taken], PartyFault::Content),
            (&[taken, ("sms_id", "")], PartyFault::Content),
            (&[id, taken, ("status", "refused")], PartyFault::Content),
            (&[id, id, taken], PartyFault::Content),
            (&[id, ("status", "found")], PartyFault::Status),
            (&[taken, ("sms_id", "8-ask")], PartyFault::OtherQuestion),
            (&[("status", "refused"), ("sms_id", "8-ask")], PartyFault::OtherQuestion),
        ] {
            assert_eq!(read_all(fields), Err(fault.into()), "{fields:?}");
        }
    }
}
