//! An exported part of the journal, read and held against itself, its heads and its signature; without a database.

use super::export::{Claims, FORM, Header, Line, digest_text};
use super::head::{self, Flaw, Keys};
use super::verify::{Break, Evidence, Found, Verifier};
use super::{Chain, GENESIS};
use crate::store::seal::unhex;
use crate::token::statement::{self, StatementError};
use ring::digest::{Context, SHA256};
use std::collections::VecDeque;
use std::io::{BufRead, Read as _};

/// Longest line, bytes: no record is near it.
const LONGEST: u64 = 8 << 20;

/// Why nothing can be said about a file.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The file.
    #[error("{0}")]
    File(std::io::ErrorKind),
    /// Something else than an export of a journal.
    #[error("not an export of a journal")]
    NotExport,
    /// Of another version of the program.
    #[error("an export of form {0}; this program reads form {FORM}")]
    Form(u32),
}

/// What is wrong with the file beside its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFlaw {
    /// This line is none of an export, or does not belong there.
    Line(u64),
    /// The signature is missing: the end was cut off.
    Unsigned,
    /// The signature is none of the keys.
    Signature(StatementError),
    /// The signature is of a key that is distrusted.
    Distrusted,
    /// The signature is about other lines.
    Digest,
    /// The signature is of another installation than the one that the export names.
    Installation,
    /// When it was exported, the journal did not hold: so the export says itself.
    SaysBroken,
}

impl FileFlaw {
    /// A stable word.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Line(_) => "line",
            Self::Unsigned => "unsigned",
            Self::Signature(StatementError::KeyUnknown) => "signature-key-unknown",
            Self::Signature(_) => "signature",
            Self::Distrusted => "signature-key-distrusted",
            Self::Digest => "digest",
            Self::Installation => "installation",
            Self::SaysBroken => "says-broken",
        }
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What it says of itself; whether that is true, the signature tells.
    pub header: Header,
    /// Of the records and heads.
    pub found: Found,
    /// Of the file.
    pub file: Option<FileFlaw>,
    /// How many heads are signed by keys that the file alone names.
    pub heads_by_file: u64,
}

impl Verdict {
    /// Whether everything holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.found.broken.is_none() && self.file.is_none()
    }
}

/// What an export is held against, beside itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms<'t> {
    /// Keys of the installation: the signature must be of one of them. Without them the keys come from the file, and
    /// nothing tells who made it.
    pub given: Option<&'t Keys>,
    /// Names of keys by which an export is not believed, whoever lists them. Heads of such a key count if the signature
    /// vouches for it: what it signed in its time holds.
    pub distrusted: &'t [String],
    /// What is known from elsewhere: records and the chain up to them, ascending. Those outside of the export are not
    /// looked at; the last record before it is not outside.
    pub known: &'t [(i64, Chain)],
    /// Of which node's chain that is known; `None`: the export is of one.
    pub node: Option<&'t str>,
}

/// Verifies an export: what was found of each chain in it, of one at least. Memory is bounded. `progress` is told the last
/// record.
///
/// # Errors
/// [`Unreadable`].
pub fn verify(
    file: &mut dyn BufRead,
    terms: Terms<'_>,
    mut progress: impl FnMut(i64),
) -> Result<Vec<Verdict>, Unreadable> {
    let mut lines = Lines { file, digest: Context::new(&SHA256), before: String::new(), number: 0 };
    let Next::Line(Line::Export(header)) = lines.next()? else { return Err(Unreadable::NotExport) };
    let mut parts = Vec::new();
    let mut next = Some(*header);
    while let Some(header) = next {
        let place = parts.len();
        let (verdict, following) = part(&mut lines, header, place, terms, &mut progress)?;
        parts.push(verdict);
        next = following;
    }
    let count = parts.len();
    if let Some(last) = parts.last_mut().filter(|last| last.header.nodes.len() > count) {
        // The end was cut off where a part ends.
        last.file.get_or_insert(FileFlaw::Unsigned);
    }
    Ok(parts)
}

/// Verifies the chain that begins with this header; answers with the header of the next one, too.
fn part(
    lines: &mut Lines<'_>,
    header: Header,
    place: usize,
    terms: Terms<'_>,
    progress: &mut impl FnMut(i64),
) -> Result<(Verdict, Option<Header>), Unreadable> {
    if header.form != FORM {
        return Err(Unreadable::Form(header.form));
    }
    let own = Keys::of_jwks(&header.jwks.to_string()).map_err(|_| Unreadable::NotExport)?;
    let chain = unhex(&header.after_chain).ok_or(Unreadable::NotExport)?;
    if header.after < 0 || header.after == 0 && chain != GENESIS {
        return Err(Unreadable::NotExport);
    }
    let node = header.node.as_deref().unwrap_or_default();
    if header.nodes.get(place).is_none_or(|named| named != node) && (place > 0 || !header.nodes.is_empty()) {
        return Err(Unreadable::NotExport);
    }
    let is_known = terms.node.is_none_or(|known| known == node);
    let known = terms.known.iter().copied().filter(|(seq, _)| is_known && *seq >= header.after.max(1));
    let believed = terms.given.unwrap_or(&own).without(terms.distrusted);
    let mut reading = Reading {
        verifier: Verifier::after(header.after, chain),
        broken: None,
        records: 0,
        node: header.node.as_deref(),
        believed: &believed,
        own: &own,
        known: known.collect(),
        heads_by_file: 0,
    };
    reading.expect_known(header.after);
    let (mut signature, mut flaw, mut following) = (None, None, None);
    loop {
        let is_sound = match lines.next()? {
            Next::End => break,
            Next::Line(Line::Export(next)) if signature.is_some() && next.nodes == header.nodes => {
                if header.nodes.len() > place + 1 {
                    following = Some(*next);
                    break;
                }
                false
            }
            // After the signature there is nothing else.
            _ if signature.is_some() => false,
            Next::Line(Line::Record(row)) => row.read().map(|record| reading.record(&record)).is_some(),
            Next::Line(Line::Head(jws)) => {
                reading.head(&jws);
                true
            }
            Next::Line(Line::Signature(jws)) => {
                signature = Some((jws, lines.before.clone()));
                true
            }
            Next::Line(Line::Export(_)) | Next::Strange => false,
        };
        if !is_sound {
            flaw = Some(FileFlaw::Line(lines.number));
            break;
        }
        if reading.records.is_multiple_of(10_000) {
            progress(reading.verifier.seen());
        }
    }
    let records = reading.records;
    let flaw = flaw.or_else(|| match signature {
        None => Some(FileFlaw::Unsigned),
        Some((jws, digest)) => match judge(&jws, (&digest, records), &header.installation, &believed) {
            Some(FileFlaw::Signature(StatementError::KeyUnknown)) if is_distrusted(&jws, &own, terms) => {
                Some(FileFlaw::Distrusted)
            }
            flaw => flaw,
        },
    });
    let heads_by_file = reading.heads_by_file;
    let found = reading.end(flaw.is_none());
    Ok((Verdict { found, header, file: flaw, heads_by_file }, following))
}

/// What is wrong with the signature over so many records in lines of this digest.
fn judge(jws: &str, (digest, records): (&str, u64), installation: &str, keys: &Keys) -> Option<FileFlaw> {
    match statement::verify::<Claims>(statement::EXPORT, jws, keys.set()) {
        Err(error) => Some(FileFlaw::Signature(error)),
        Ok((claims, _)) if claims.sha256 != digest || claims.records != records => Some(FileFlaw::Digest),
        Ok((claims, _)) if claims.iss != installation => Some(FileFlaw::Installation),
        Ok((claims, _)) => {
            let says_broken = claims.broken.is_some() || !claims.contradicted.is_empty();
            says_broken.then_some(FileFlaw::SaysBroken)
        }
    }
}

/// Whether a signature is of a key that would be known, were it not distrusted.
fn is_distrusted(jws: &str, own: &Keys, terms: Terms<'_>) -> bool {
    let known = |keys: &Keys| match statement::verify::<Claims>(statement::EXPORT, jws, keys.set()) {
        Ok((_, key)) => terms.distrusted.iter().any(|kid| kid == key.kid()),
        Err(_) => false,
    };
    known(own) || terms.given.is_some_and(known)
}

struct Reading<'k> {
    verifier: Verifier,
    broken: Option<Break>,
    records: u64,
    node: Option<&'k str>,
    believed: &'k Keys,
    own: &'k Keys,
    /// Ascending, of records that are still to come.
    known: VecDeque<(i64, Chain)>,
    heads_by_file: u64,
}

impl Reading<'_> {
    fn record(&mut self, record: &super::Chained) {
        self.records += 1;
        self.expect_known(record.entry.seq);
        if self.broken.is_none() {
            self.broken = self.verifier.record(&record.entry.stored(), &record.chain).err();
        }
    }

    /// What is known of records up to this one.
    fn expect_known(&mut self, seq: i64) {
        while let Some(known) = self.known.pop_front_if(|(known, _)| *known <= seq) {
            if self.broken.is_none() {
                self.broken = self.verifier.expect(Evidence::outside(known)).err();
            }
        }
    }

    fn head(&mut self, jws: &str) {
        let unknown = Flaw::Statement(StatementError::KeyUnknown);
        let mut read = head::read(jws, self.believed);
        if read.as_ref().is_err_and(|flaw| *flaw == unknown) {
            read = head::read(jws, self.own);
            self.heads_by_file += u64::from(read.is_ok());
        }
        let evidence = match read {
            Ok((head, _))
                if head.node.as_deref().is_some_and(|node| self.node.is_some_and(|own| own != node)) =>
            {
                Evidence { seq: self.verifier.seen(), chain: Err(Flaw::Misplaced), at: None }
            }
            Ok((head, _)) => Evidence { seq: head.seq, chain: Ok(head.chain), at: Some(head.at) },
            Err(flaw) => Evidence { seq: self.verifier.seen(), chain: Err(flaw), at: None },
        };
        if self.broken.is_none() {
            self.broken = self.verifier.expect(evidence).err();
        }
    }

    /// An end that is missing is that of the file, if the file is not whole.
    fn end(self, is_whole: bool) -> Found {
        let Self { verifier, broken, .. } = self;
        match broken {
            Some(_) => verifier.found(broken),
            None if is_whole => verifier.end(),
            None => {
                let found = verifier.clone().end();
                let is_cut = matches!(found.broken, Some(Break::Cut { .. }));
                if is_cut { verifier.found(None) } else { found }
            }
        }
    }
}

enum Next {
    End,
    /// None of an export, or cut off.
    Strange,
    Line(Line),
}

struct Lines<'f> {
    file: &'f mut dyn BufRead,
    digest: Context,
    /// Digest of the lines before this one; of a signature only.
    before: String,
    number: u64,
}

impl Lines<'_> {
    fn next(&mut self) -> Result<Next, Unreadable> {
        let mut text = Vec::new();
        let read = (&mut *self.file).take(LONGEST).read_until(b'\n', &mut text);
        if read.map_err(|error| Unreadable::File(error.kind()))? == 0 {
            return Ok(Next::End);
        }
        self.number += 1;
        let line = text.strip_suffix(b"\n").and_then(|line| serde_json::from_slice(line).ok());
        if matches!(line, Some(Line::Signature(_))) {
            self.before = digest_text(&self.digest);
        }
        self.digest.update(&text);
        Ok(line.map_or(Next::Strange, Next::Line))
    }
}
