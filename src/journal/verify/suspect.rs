//! A record that does not follow the one before it: what happened to it shows at the record after it.

use super::{Break, Evidence, Part};
use crate::journal::{Chain, Stored};

/// Records that may have been taken out before one was numbered anew, as far as that is looked for.
const REMOVED: i64 = 10_000;

/// See the module.
#[derive(Clone, Debug)]
pub struct Suspect {
    seq: i64,
    at: i64,
    subject: Option<i64>,
    /// The other fields, in their order.
    fields: [Option<Vec<u8>>; 10],
    /// As it stands there.
    chain: Vec<u8>,
    /// As it follows from the record and the one before it.
    link: Chain,
}

impl Suspect {
    pub fn new(record: &Stored<'_>, chain: &[u8], link: Chain) -> Self {
        let fields = [
            Some(record.kind),
            Some(record.operator),
            record.decision,
            Some(record.sender),
            Some(record.message_id),
            record.message,
            Some(record.service),
            record.request,
            Some(record.outcome),
            Some(record.detail),
        ];
        Self {
            seq: record.seq,
            at: record.at,
            subject: record.subject,
            fields: fields.map(|field| field.map(<[u8]>::to_vec)),
            chain: chain.to_vec(),
            link,
        }
    }

    pub fn seq(&self) -> i64 {
        self.seq
    }

    fn numbered(&self, seq: i64) -> Stored<'_> {
        let [kind, operator, decision, sender, message_id, message, service, request, outcome, detail] =
            self.fields.each_ref().map(Option::as_deref);
        let text = Option::unwrap_or_default;
        Stored {
            seq,
            at: self.at,
            kind: text(kind),
            operator: text(operator),
            decision,
            sender: text(sender),
            message_id: text(message_id),
            message,
            service: text(service),
            request,
            subject: self.subject,
            outcome: text(outcome),
            detail: text(detail),
        }
    }

    /// What happened, by the record after it, where `before` is the chain up to the record before it.
    pub fn judge(&self, before: &Chain, next: &Stored<'_>, next_chain: &[u8]) -> Break {
        let seq = self.seq;
        let follows =
            |number: i64, before: &Chain| Stored { seq: number, ..*next }.link(before) == *next_chain;
        if next.seq != seq.saturating_add(1) {
            return Break::Replaced { seq };
        }
        let own = <&Chain>::try_from(self.chain.as_slice()).ok();
        if own.is_some_and(|own| follows(next.seq, own)) {
            return Break::Changed { seq, part: Part::Content };
        }
        if follows(next.seq, &self.link) {
            return Break::Changed { seq, part: Part::Chain };
        }
        if follows(seq, before) {
            // The next one belongs here. Does this one belong after it?
            let after_next = <&Chain>::try_from(next_chain).map(|chain| self.numbered(next.seq).link(chain));
            let swapped = after_next.is_ok_and(|link| link == *self.chain);
            return if swapped { Break::Swapped { seq } } else { Break::Inserted { seq } };
        }
        let count = own.and_then(|own| (1..=REMOVED).find(|count| follows(next.seq + count, own)));
        count.map_or(Break::Replaced { seq }, |count| Break::Removed { at: seq, count })
    }

    /// The same where no record follows; a head of it may tell.
    pub fn judge_last(&self, evidence: Option<&Evidence>) -> Break {
        let known = evidence.filter(|evidence| evidence.seq == self.seq).and_then(|e| e.chain.ok());
        let part = match known {
            Some(known) if known == *self.chain => Part::Content,
            Some(known) if known == self.link => Part::Chain,
            Some(_) => return Break::Replaced { seq: self.seq },
            None => Part::Either,
        };
        Break::Changed { seq: self.seq, part }
    }
}
