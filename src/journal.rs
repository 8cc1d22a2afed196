//! The journal as a chain (P 7 4), 5), 6)): each record holds a hash of itself and of the one before it, so that
//! whoever changes, removes or inserts one must make all later ones anew. Its heads are signed ([`head`]), so that making
//! them anew does not help: [`verify`] names the first record or head that does not hold. [`export`] takes a part of it
//! out for the authorised body, [`forward`] hands each record on as it is made ([`syslog`], or a file), and [`outside`] holds
//! the journal against what left it so.

pub mod export;
pub mod exported;
pub mod forward;
pub mod head;
pub mod keep;
pub mod line;
pub mod metric;
pub mod outside;
pub mod sink;
pub mod syslog;
pub mod target;
pub mod verify;

use ring::digest::{Context, SHA256};

/// What the chain begins with.
pub const GENESIS: Chain = [0; 32];

/// The chain up to a record: SHA-256 of the record and of the chain before it.
pub type Chain = [u8; 32];

/// A record as it stands in the journal; nothing in it names a person but `subject`, a number that leads to nobody
/// once the subject was erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From 1, without gaps.
    pub seq: i64,
    /// Unix milliseconds.
    pub at: i64,
    /// `decision`, `fault`, `event`, `registration`, …
    pub kind: String,
    /// Operator who did it; empty: none did.
    pub operator: String,
    /// Decision id.
    pub decision: Option<[u8; 16]>,
    /// `senderId`.
    pub sender: String,
    /// The sender's own id of the message, numbers of persons in it masked.
    pub message_id: String,
    /// Digest of the verified Body.
    pub message: Option<[u8; 32]>,
    /// `serviceId`.
    pub service: String,
    /// Access request, application or incident concerned.
    pub request: Option<[u8; 16]>,
    /// The subject's number.
    pub subject: Option<i64>,
    /// Reason, fault code or event name.
    pub outcome: String,
    /// JSON.
    pub detail: String,
}

/// A record with the chain up to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chained {
    /// The record.
    pub entry: Entry,
    /// As stored, or as an export says.
    pub chain: Chain,
}

/// A record as bytes, of which nobody knows yet whether they are of the right form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored<'a> {
    /// See [`Entry`], here and below.
    pub seq: i64,
    /// Unix milliseconds.
    pub at: i64,
    /// Kind.
    pub kind: &'a [u8],
    /// Operator.
    pub operator: &'a [u8],
    /// Decision id.
    pub decision: Option<&'a [u8]>,
    /// `senderId`.
    pub sender: &'a [u8],
    /// Id of the message.
    pub message_id: &'a [u8],
    /// Digest of the Body.
    pub message: Option<&'a [u8]>,
    /// `serviceId`.
    pub service: &'a [u8],
    /// Request.
    pub request: Option<&'a [u8]>,
    /// Number of the subject.
    pub subject: Option<i64>,
    /// Outcome.
    pub outcome: &'a [u8],
    /// Detail.
    pub detail: &'a [u8],
}

impl Entry {
    /// The record as bytes.
    #[must_use]
    pub fn stored(&self) -> Stored<'_> {
        Stored {
            seq: self.seq,
            at: self.at,
            kind: self.kind.as_bytes(),
            operator: self.operator.as_bytes(),
            decision: self.decision.as_ref().map(|id| &id[..]),
            sender: self.sender.as_bytes(),
            message_id: self.message_id.as_bytes(),
            message: self.message.as_ref().map(|digest| &digest[..]),
            service: self.service.as_bytes(),
            request: self.request.as_ref().map(|id| &id[..]),
            subject: self.subject,
            outcome: self.outcome.as_bytes(),
            detail: self.detail.as_bytes(),
        }
    }

    /// See [`Stored::link`].
    #[must_use]
    pub fn link(&self, before: &Chain) -> Chain {
        self.stored().link(before)
    }
}

impl Stored<'_> {
    /// SHA-256 of `before`, the chain up to the record before this one, and of all fields in their order; each field
    /// is preceded by its length (four bytes, big-endian), or by `ff ff ff ff` alone where there is none.
    #[must_use]
    pub fn link(&self, before: &Chain) -> Chain {
        let mut context = Context::new(&SHA256);
        context.update(b"kdp journal 1");
        context.update(before);
        let mut field = |bytes: Option<&[u8]>| {
            // A field of 4 GiB does not exist; it would be taken for none, which changes the hash as well.
            let length = bytes.map_or(u32::MAX, |bytes| u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            context.update(&length.to_be_bytes());
            context.update(bytes.unwrap_or_default());
        };
        field(Some(&self.seq.to_be_bytes()));
        field(Some(&self.at.to_be_bytes()));
        field(Some(self.kind));
        field(Some(self.operator));
        field(self.decision);
        field(Some(self.sender));
        field(Some(self.message_id));
        field(self.message);
        field(Some(self.service));
        field(self.request);
        field(self.subject.map(i64::to_be_bytes).as_ref().map(|number| &number[..]));
        field(Some(self.outcome));
        field(Some(self.detail));
        let mut link = [0; 32];
        link.copy_from_slice(context.finish().as_ref());
        link
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            seq: 1,
            at: 1_775_026_800_000,
            kind: "decision".to_owned(),
            operator: String::new(),
            decision: Some([1; 16]),
            sender: "bank".to_owned(),
            message_id: "m".to_owned(),
            message: Some([2; 32]),
            service: "KDP_SERVICE".to_owned(),
            request: None,
            subject: Some(7),
            outcome: "granted".to_owned(),
            detail: "{}".to_owned(),
        }
    }

    #[test]
    fn a_change_of_any_field_or_of_what_stands_before_changes_the_link() {
        let text = |text: &str| text.to_owned();
        let others = [
            Entry { seq: 2, ..entry() },
            Entry { at: 1, ..entry() },
            Entry { kind: text("fault"), ..entry() },
            Entry { operator: text("a"), ..entry() },
            Entry { decision: None, ..entry() },
            Entry { sender: text("akimat"), ..entry() },
            Entry { message_id: text(""), ..entry() },
            Entry { message: None, ..entry() },
            Entry { service: text(""), ..entry() },
            Entry { request: Some([0; 16]), ..entry() },
            Entry { subject: None, ..entry() },
            Entry { subject: Some(8), ..entry() },
            Entry { outcome: text("revoked"), ..entry() },
            Entry { detail: text(""), ..entry() },
            // Parts cannot run into each other.
            Entry { outcome: text("granted{"), detail: text("}"), ..entry() },
        ];
        let mut links: Vec<_> = others.iter().map(|other| other.link(&GENESIS)).collect();
        links.push(entry().link(&GENESIS));
        links.push(entry().link(&[1; 32]));
        let count = links.len();
        links.sort_unstable();
        links.dedup();
        assert_eq!(links.len(), count);
    }

    #[test]
    fn the_link_is_the_one_that_is_documented() {
        // Computed apart, by the description of `Stored::link`.
        assert_eq!(
            crate::store::seal::hex(&entry().link(&GENESIS)),
            "a490c61c32835e856394804c096ef3e4892f71c3b9b863bceb231b3932bddaad"
        );
    }
}
