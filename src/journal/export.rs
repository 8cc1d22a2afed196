//! A part of the journal for the authorised body: self-contained, signed, verifiable with the binary alone.
//!
//! A file of JSON lines: what it is, with the keys; then the records in order, and after a record the head that covers
//! it; at the end a statement over the SHA-256 of all lines before it. It goes on to the next head after the period, so
//! that a head covers everything in it. No person is in it: subjects are numbers. Where there are nodes, the chain of each
//! follows in the same way; every part names all of them, so that none can be left out.

use super::head::Keys;
use super::verify::witness::{Named, chains, hear};
use super::verify::{self, Evidence, Found, OfNode, Verifier};
use super::{Chained, Entry, GENESIS};
use crate::clock;
use crate::consent::EDITION;
use crate::random::Id;
use crate::store::StoreError;
use crate::store::journal::{Journal, Trail};
use crate::store::seal::{hex, unhex};
use crate::token::key::{KeyError, KeyRing};
use crate::token::statement;
use crate::trust::sign::SignError;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::VecDeque;
use std::io::Write;

/// Version of the form.
pub const FORM: u32 = 1;
/// Records that are read at once.
const BATCH: u32 = 1000;
/// Heads that are read at once.
const HEADS: u32 = 500;

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first: what it is.
    Export(Box<Header>),
    /// A record.
    Record(Box<Row>),
    /// The head that covers the record before it, a compact JWS.
    Head(String),
    /// The last: a statement over all before it, a compact JWS.
    Signature(String),
}

/// What an export says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`FORM`].
    pub form: u32,
    /// `token.issuer`.
    pub installation: String,
    /// The node whose chain it is, where there are nodes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// and the nodes of all parts of the file, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<String>,
    /// Edition of the rules in force at the export.
    pub edition: String,
    /// Version of the program.
    pub program: String,
    /// Records made from then on,
    pub from: String,
    /// to then, which is outside.
    pub to: String,
    /// When it was exported.
    pub exported_at: String,
    /// By whom.
    pub exported_by: String,
    /// The record before the first, 0: none,
    pub after: i64,
    /// and the chain up to it.
    pub after_chain: String,
    /// The keys of heads and of the signature.
    pub jwks: Value,
}

/// A record as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    seq: i64,
    at: i64,
    kind: String,
    operator: String,
    decision: Option<String>,
    sender: String,
    message_id: String,
    message: Option<String>,
    service: String,
    request: Option<String>,
    subject: Option<i64>,
    outcome: String,
    detail: String,
    chain: String,
}

/// What is signed at the end.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claims {
    pub iss: String,
    pub iat: i64,
    /// SHA-256 of the lines before it.
    pub sha256: String,
    pub records: u64,
    /// The first place at which the journal did not hold when it was exported, a word and a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<(String, i64)>,
    /// The same of chains that contradict the heads of other nodes of that time, with the node first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contradicted: Vec<(String, String, i64)>,
}

/// What is to be exported.
pub struct Order {
    /// `token.issuer`.
    pub installation: String,
    /// The chain of this node alone; `None`: of all.
    pub node: Option<String>,
    /// Operator.
    pub by: String,
    /// When, Unix milliseconds.
    pub at: i64,
    /// Records made from then on, Unix milliseconds,
    pub from: i64,
    /// to then, which is outside.
    pub to: i64,
}

/// Why there is no export, or no whole one.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The journal cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing was journalled in that time.
    #[error("the journal has no record of this time")]
    Nothing,
    /// No key signs now.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key does not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The file cannot be written.
    #[error("the export cannot be written: {0}")]
    Write(std::io::ErrorKind),
}

/// Writes the export to `out`, and what was found while it was written, of each chain. Memory is bounded. `progress` is
/// told the last record.
///
/// # Errors
/// [`ExportError`]; then what was written is no export.
pub async fn export(
    journal: &dyn Journal,
    ring: &KeyRing,
    order: &Order,
    out: &mut (dyn Write + Send),
    mut progress: impl FnMut(i64),
) -> Result<Vec<OfNode>, ExportError> {
    let keys = Keys::of_ring(ring);
    let chains = chains(journal, &keys).await?;
    let mut spans = Vec::new();
    for chain in &chains {
        spans.push(Span::of(chain.trail(), order).await?);
    }
    let is_asked = |name: Option<&str>| order.node.is_none() || order.node.as_deref() == name;
    let parts = chains.iter().zip(&spans).filter(|(chain, _)| is_asked(chain.name.as_deref()));
    let parts: Vec<_> = parts.filter_map(|(chain, span)| Some((chain, span.records?))).collect();
    if parts.is_empty() {
        return Err(ExportError::Nothing);
    }
    let within = |place: usize| spans.get(place).map_or((0, 0), |span| span.heads);
    let mut said = hear(&chains, &keys, within, |_| Some(1)).await?;
    let broken = said.iter().filter_map(|(node, said)| Some((node, said.broken.as_ref()?.0)));
    let contradicted = broken.map(|(node, broken)| (node.clone(), broken.code().to_owned(), broken.seq()));
    let contradicted: Vec<_> = contradicted.collect();
    let has_names = parts.len() > 1 || parts.iter().any(|(chain, _)| chain.name.is_some());
    let name = |chain: &Named<'_>| chain.name.clone().unwrap_or_default();
    let nodes = if has_names { parts.iter().map(|(chain, _)| name(chain)).collect() } else { Vec::new() };
    let mut file = File { out, digest: Context::new(&SHA256) };
    let mut all = Vec::new();
    for (chain, (after, last)) in parts {
        let trail = chain.trail();
        let header = Header {
            node: chain.name.clone(),
            nodes: nodes.clone(),
            after,
            after_chain: hex(&verify::chain_up_to(trail, after).await?),
            ..header(order, &keys)
        };
        let (found, records) = file.part(trail, &keys, &header, last, &mut progress).await?;
        let claims = Claims {
            iss: order.installation.clone(),
            iat: order.at.div_euclid(1000),
            sha256: digest_text(&file.digest),
            records,
            broken: found.broken.map(|broken| (broken.code().to_owned(), broken.seq())),
            contradicted: contradicted.clone(),
        };
        let key = ring.current_receipt(order.at / 1000)?;
        let signature = statement::issue(statement::EXPORT, &claims, key.signer(), key.kid())?;
        file.line(&Line::Signature(signature))?;
        all.push(OfNode::new(chain.name.clone(), found).heard(&mut said));
    }
    file.out.flush().map_err(|error| ExportError::Write(error.kind()))?;
    let gone = said.into_iter().filter(|(node, said)| said.broken.is_some() && is_asked(Some(node)));
    all.extend(gone.map(|(node, said)| OfNode::gone(node, said)));
    Ok(all)
}

/// What of a chain belongs to the period.
struct Span {
    /// The record before the first, and the last, or that of the head which covers it; `None`: there are none.
    records: Option<(i64, i64)>,
    /// After which record the heads of that time begin, and to which they go. Of a chain that stood still, its last head,
    /// which was signed anew while others grew.
    heads: (i64, i64),
}

impl Span {
    async fn of(trail: &dyn Trail, order: &Order) -> Result<Self, StoreError> {
        let Some((first, last)) = trail.journal_span(order.from, order.to).await? else {
            let head = trail.journal_end().await?.head;
            return Ok(Self { records: None, heads: head.map_or((0, 0), |head| (head - 1, head)) });
        };
        let covering = trail.heads(last - 1, 1).await?;
        let last = covering.first().map_or(last, |head| head.seq);
        Ok(Self { records: Some((first - 1, last)), heads: (first - 2, last) })
    }
}

/// Without the chain.
fn header(order: &Order, keys: &Keys) -> Header {
    Header {
        node: None,
        nodes: Vec::new(),
        form: FORM,
        installation: order.installation.clone(),
        edition: EDITION.to_owned(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        from: clock::text(order.from),
        to: clock::text(order.to),
        exported_at: clock::text(order.at),
        exported_by: order.by.clone(),
        after: 0,
        after_chain: hex(&GENESIS),
        jwks: statement::jwks(keys.set()),
    }
}

/// The lines that were written so far, as 64 hexadecimal digits.
pub(super) fn digest_text(digest: &Context) -> String {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.clone().finish().as_ref());
    hex(&bytes)
}

struct File<'o> {
    out: &'o mut (dyn Write + Send),
    digest: Context,
}

impl File<'_> {
    /// Writes one chain up to `last`; what was found of it, and how many records it has.
    async fn part(
        &mut self,
        trail: &dyn Trail,
        keys: &Keys,
        header: &Header,
        last: i64,
        progress: &mut impl FnMut(i64),
    ) -> Result<(Found, u64), ExportError> {
        let after = header.after;
        self.line(&Line::Export(Box::new(header.clone())))?;
        let chain = unhex(&header.after_chain).unwrap_or(GENESIS);
        let mut verifier = Verifier::after(after, chain).with_heads_due(keys);
        let (mut broken, mut records) = (None, 0);
        let (mut heads, mut heads_read, mut read) = (VecDeque::new(), after, after);
        while read < last {
            let batch = trail.journal(read, BATCH).await?;
            let Some(end) = batch.last().map(|record| record.entry.seq) else { break };
            for record in batch.into_iter().filter(|record| record.entry.seq <= last) {
                let seq = record.entry.seq;
                if broken.is_none() {
                    broken = verifier.record(&record.entry.stored(), &record.chain).err();
                }
                self.line(&Line::Record(Box::new(Row::of(record))))?;
                records += 1;
                if heads.is_empty() && heads_read < seq {
                    heads.extend(trail.heads(heads_read, HEADS).await?);
                    heads_read = heads.back().map_or(i64::MAX, |head: &super::head::SignedHead| head.seq);
                }
                while let Some(head) = heads.pop_front_if(|head| head.seq <= seq) {
                    if broken.is_none() {
                        broken = verifier.expect(Evidence::of(&head, keys)).err();
                    }
                    self.line(&Line::Head(head.jws))?;
                }
            }
            read = end;
            progress(read.min(last));
        }
        Ok((if broken.is_some() { verifier.found(broken) } else { verifier.end() }, records))
    }

    fn line(&mut self, line: &Line) -> Result<(), ExportError> {
        let failed = |error: std::io::Error| ExportError::Write(error.kind());
        let mut text = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        self.digest.update(&text);
        self.out.write_all(&text).map_err(failed)
    }
}

impl Row {
    fn of(record: Chained) -> Self {
        let id = |id: Option<[u8; 16]>| id.map(|id| Id::from_bytes(id).to_string());
        let Chained { entry, chain } = record;
        Self {
            seq: entry.seq,
            at: entry.at,
            kind: entry.kind,
            operator: entry.operator,
            decision: id(entry.decision),
            sender: entry.sender,
            message_id: entry.message_id,
            message: entry.message.as_ref().map(hex),
            service: entry.service,
            request: id(entry.request),
            subject: entry.subject,
            outcome: entry.outcome,
            detail: entry.detail,
            chain: hex(&chain),
        }
    }

    /// The record; `None`: an id or digest is none.
    pub fn read(self) -> Option<Chained> {
        let id = |text: Option<String>| match text {
            None => Some(None),
            Some(text) => Id::parse(&text).map(|id| Some(*id.as_bytes())),
        };
        let message = match self.message {
            None => None,
            Some(text) => Some(unhex(&text)?),
        };
        let entry = Entry {
            seq: self.seq,
            at: self.at,
            kind: self.kind,
            operator: self.operator,
            decision: id(self.decision)?,
            sender: self.sender,
            message_id: self.message_id,
            message,
            service: self.service,
            request: id(self.request)?,
            subject: self.subject,
            outcome: self.outcome,
            detail: self.detail,
        };
        Some(Chained { entry, chain: unhex(&self.chain)? })
    }
}
