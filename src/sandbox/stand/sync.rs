//! `SyncChannel` of ШЭП as the service calls it: БМГ and 1414 behind it (wire.md 2.4).

use super::answer::{fault, instead, wait};
use super::fault::Plan;
use super::switch::{Party, Switch};
use super::{Stand, parse};
use crate::clock;
use crate::consent::identity::{Iin, Msisdn};
use crate::fault::Fault;
use crate::gateway::{CitizenDirectory as _, Sms};
use crate::http::Answer;
use crate::sandbox::outside::Fate;
use crate::soap::envelope::Envelope;
use crate::soap::sync_channel::{Call, Form, Node, Reply, RequestInfo, S};
use crate::text::{FaultCode, Lang, StatusCode};
use std::collections::BTreeMap;

/// serviceId of БМГ.
const BMG: &str = "MCDB_SERVICE";
/// serviceId of 1414.
const SMS: &str = "SMS_1414";
/// A word of status that nobody knows.
const UNKNOWN: &str = "perhaps";
/// A number that is none.
const BAD_NUMBER: &str = "8-701-O00-OO-O1";

/// A question of the service.
struct Question {
    info: RequestInfo,
    fields: BTreeMap<String, String>,
}

impl Question {
    fn field(&self, name: &str) -> Result<&str, Fault> {
        let field = self.fields.get(name).map(String::as_str);
        field.ok_or_else(|| Fault::format(format!("{name} is missing in data")))
    }
}

impl Stand {
    /// Answers a message of the service.
    pub(super) async fn synchronous(&self, body: &[u8]) -> Answer {
        match self.answer_service(body).await {
            Ok(answer) => answer,
            Err(refused) => fault(&refused),
        }
    }

    async fn answer_service(&self, body: &[u8]) -> Result<Answer, Fault> {
        let question = self.question(body)?;
        let party = match question.info.service_id.as_str() {
            BMG => Party::Bmg,
            SMS => Party::Sms,
            _ => {
                return Err(Fault::new(
                    FaultCode::ServiceUnknown,
                    "the stand knows MCDB_SERVICE and SMS_1414",
                ));
            }
        };
        let plan = self.faults.next(&[party, Party::Shep]);
        if let Some(answer) = instead(&plan).await {
            return Ok(answer);
        }
        let mut data = self.work(party, &question, &plan).await?;
        if plan.has(Switch::Duplicate) {
            data = self.work(party, &question, &plan).await?;
        }
        wait(&plan).await;
        let (id, at) = self.id()?;
        let reply = Reply {
            form: Form::SyncChannel,
            status: StatusCode::Success,
            detail: None,
            lang: Lang::Ru,
            outcome: "answered",
            namespace: S,
            data,
        };
        let id_text = id.to_string();
        Ok(self.finish(&plan, &id_text, |writer| reply.write(writer, &question.info, id, at)).await)
    }

    fn question(&self, body: &[u8]) -> Result<Question, Fault> {
        let document = parse(body)?;
        let envelope = Envelope::read(&document)?;
        let verified = self.of_service(&envelope)?;
        let call = Call::read(&verified)?;
        let data = call.data.ok_or_else(|| Fault::format("data is missing"))?;
        let ours = data.children().filter(|child| ["", S].contains(&child.namespace()));
        let field = ours.map(|child| Some((child.name().to_owned(), child.text()?.trim().to_owned())));
        let fields = field.collect::<Option<_>>().ok_or_else(|| Fault::format("data holds no fields"))?;
        Ok(Question { info: call.info, fields })
    }

    async fn work(&self, party: Party, question: &Question, plan: &Plan) -> Result<Vec<Node>, Fault> {
        if party == Party::Bmg { self.numbers(question, plan).await } else { self.sms(question, plan) }
    }

    /// БМГ.
    async fn numbers(&self, question: &Question, plan: &Plan) -> Result<Vec<Node>, Fault> {
        let iin = Iin::parse(question.field("iin")?).map_err(|_| Fault::format("iin is none"))?;
        let found = self.outside.numbers(&iin).await;
        let found = found.map_err(|_| Fault::new(FaultCode::Internal, "БМГ does not answer"))?;
        let mut numbers: Vec<String> = found.iter().map(|number| number.as_str().to_owned()).collect();
        if let (Some(first), Some(many)) = (found.first(), plan.value(Switch::ManyNumbers)) {
            // Of the others, nobody lives behind any.
            let own = first.as_str().get(..9).unwrap_or_default();
            numbers.extend((1..many).map(|n| format!("{own}{:02}", 99 - n)));
        }
        if plan.has(Switch::BadNumber) {
            numbers = vec![BAD_NUMBER.to_owned()];
        }
        let status = if numbers.is_empty() { "not-found" } else { "found" };
        let status = if plan.has(Switch::UnknownStatus) { UNKNOWN } else { status };
        let numbers = numbers.into_iter().map(|number| Node::leaf("s:msisdn", number));
        Ok(numbers.chain([Node::leaf("s:status", status)]).collect())
    }

    /// 1414.
    fn sms(&self, question: &Question, plan: &Plan) -> Result<Vec<Node>, Fault> {
        let id = question.field("sms_id")?;
        let to = Msisdn::parse(question.field("msisdn")?).ok_or_else(|| Fault::format("msisdn is none"))?;
        let until = clock::parse(question.field("valid_until")?)
            .ok_or_else(|| Fault::format("valid_until is not an xs:dateTime"))?;
        let answer = |status: &str, reason: Option<&str>| {
            let status = if plan.has(Switch::UnknownStatus) { UNKNOWN } else { status };
            let answer = [Node::leaf("s:sms_id", id), Node::leaf("s:status", status)];
            answer.into_iter().chain(reason.map(|reason| Node::leaf("s:reason", reason))).collect()
        };
        if plan.has(Switch::Refused) {
            return Ok(answer("refused", Some("switched-on")));
        }
        if until < self.app.clock.now() {
            return Ok(answer("refused", Some("valid-until-passed")));
        }
        let reports = self.faults.next_sms();
        let fate = match (reports.has(Switch::Undelivered), reports.has(Switch::Expired)) {
            (true, _) => Fate::Undelivered,
            (_, true) => Fate::Expired,
            _ => Fate::Delivered,
        };
        let sms = Sms { id, to: &to, text: question.field("text")?, valid_until: until };
        let taken = self.outside.take_sms(&sms, fate);
        taken.map_err(|_| Fault::new(FaultCode::Internal, "1414 does not take the SMS over"))?;
        Ok(answer("accepted", None))
    }
}
