//! What left the journal holds it to its word: lines of a target, an export, the service's log. Who rewrites the database
//! does not have these, if they are kept where he cannot write.

use super::Chain;
use super::verify::Break;
use crate::store::StoreError;
use crate::store::journal::Trail;
use crate::store::seal::unhex;
use serde_json::Value;
use std::io::{BufRead, Read as _};

/// Longest line, bytes: no record is near it.
const LONGEST: u64 = 8 << 20;
/// Records that are read at once.
const BATCH: u32 = 1000;
/// What a part of an export begins with.
const HEADER: &str = "{\"export\":";

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum OutsideError {
    /// The journal cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The copy cannot be read.
    #[error("{0}")]
    Read(std::io::ErrorKind),
    /// The copy says nothing of the records that were looked at.
    #[error("no line in it tells the chain of a record that was verified")]
    Nothing,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The first line that contradicts the journal.
    pub broken: Option<Break>,
    /// How many lines agree with it.
    pub values: u64,
}

/// Holds the chain of `node`, from record `from` on, against a copy: each line that tells the chain up to a record. Of an
/// export of several nodes, its own part. The copy is believed as it is. Memory is bounded. `progress` is told the records of the lines.
///
/// The chain itself must have been verified before: only its values are compared.
///
/// # Errors
/// [`OutsideError`].
pub async fn hold(
    journal: &dyn Trail,
    (node, from): (Option<&str>, i64),
    copy: &mut (dyn BufRead + Send),
    mut progress: impl FnMut(i64),
) -> Result<Held, OutsideError> {
    let (mut window, mut bytes) = (Window::default(), Vec::new());
    let (mut values, mut agreed, mut is_another) = (0, from - 1, false);
    loop {
        bytes.clear();
        let read = (&mut *copy).take(LONGEST).read_until(b'\n', &mut bytes);
        if read.map_err(|error| OutsideError::Read(error.kind()))? == 0 {
            break;
        }
        let line = String::from_utf8_lossy(&bytes);
        if line.starts_with(HEADER) {
            let part: Option<Value> = serde_json::from_str(&line).ok();
            let of = part.as_ref().and_then(|part| part.get("export")?.get("node")?.as_str());
            is_another = of.is_some() && node.is_some() && of != node;
        }
        let told = told(&line).filter(|(seq, _)| *seq >= from && !is_another);
        let Some((seq, chain)) = told else { continue };
        let broken = match window.chain(journal, seq).await? {
            None => {
                let last = journal.journal_end().await?.seq;
                // While it was read, more may have been written.
                if seq <= last {
                    Break::Missing { from: seq, to: seq }
                } else {
                    Break::Cut { last, known: seq }
                }
            }
            Some(ours) if ours != chain => {
                Break::Rebuilt { from: agreed.saturating_add(1).min(seq), to: seq }
            }
            Some(_) => {
                (values, agreed) = (values + 1, agreed.max(seq));
                progress(seq);
                continue;
            }
        };
        return Ok(Held { broken: Some(broken), values });
    }
    if values == 0 { Err(OutsideError::Nothing) } else { Ok(Held { broken: None, values }) }
}

/// Chains of records that follow each other.
#[derive(Default)]
struct Window {
    after: i64,
    chains: Vec<Chain>,
}

impl Window {
    /// The chain up to a record; `None`: there is no such record.
    async fn chain(&mut self, journal: &dyn Trail, seq: i64) -> Result<Option<Chain>, StoreError> {
        if self.get(seq).is_none() {
            let records = journal.journal(seq - 1, BATCH).await?;
            self.after = seq - 1;
            let following = records.iter().zip(seq..).take_while(|(record, seq)| record.entry.seq == *seq);
            self.chains = following.map(|(record, _)| record.chain).collect();
        }
        Ok(self.get(seq))
    }

    fn get(&self, seq: i64) -> Option<Chain> {
        let place = usize::try_from(seq.checked_sub(self.after)?.checked_sub(1)?).ok()?;
        self.chains.get(place).copied()
    }
}

/// The record that a line is about, and the chain up to it: a JSON object with `seq` and `chain`, also in `record` (exports,
/// the log); else the structured data of syslog, which stand whole in front also where the message is cut off; else
/// `seq=` and the last `chain=` (the file target). A collector may have put anything around.
fn told(line: &str) -> Option<(i64, Chain)> {
    let object = line.find('{').and_then(|begin| serde_json::from_str::<Value>(line.get(begin..)?).ok());
    let (seq, chain) = if let Some(object) = &object {
        let told = object.get("record").unwrap_or(object);
        (told.get("seq")?.as_i64()?, told.get("chain")?.as_str()?)
    } else if let Some((_, data)) = line.split_once(" seq=\"") {
        let (seq, rest) = data.split_once("\" chain=\"")?;
        (seq.parse().ok()?, rest.get(..64)?)
    } else {
        let (_, seq) = line.split_once("seq=")?;
        let (_, chain) = line.rsplit_once("chain=")?;
        let digits = seq.find(|c: char| !c.is_ascii_digit()).unwrap_or(seq.len());
        (seq.get(..digits)?.parse().ok()?, chain.get(..64)?)
    };
    Some((seq, unhex(chain)?)).filter(|(seq, _)| *seq > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::line::tests::record;
    use crate::journal::syslog::{Origin, counted, datagram};
    use crate::journal::{Chained, Entry, line};
    use crate::store::seal::hex;

    #[test]
    fn a_line_of_any_target_and_of_the_log_tells_its_record() {
        // What a sender writes about itself is no chain of ours.
        let entry = Entry {
            message_id: "seq=9 chain=".to_owned(),
            detail: format!("{{\"a\":\"chain={}\"}}", "00".repeat(32)),
            ..record().entry
        };
        let record = Chained { entry, ..record() };
        let told_by = |text: &str| assert_eq!(told(text), Some((17, record.chain)), "{text}");
        let origin =
            Origin { host: "h".to_owned(), process: 1, installation: "kdp seq=3 chain=4".to_owned() };
        told_by(&line::line(&record));
        told_by(&origin.message(&record));
        told_by(&counted(&origin.message(&record)));
        // Cut off, the header tells.
        let long = Entry { detail: "ұ".repeat(65_000), ..record.entry.clone() };
        told_by(&datagram(origin.message(&Chained { entry: long, ..record.clone() })));
        let chain = hex(&record.chain);
        let logged = format!(r#"{{"message":"journal head","seq":17,"chain":"{chain}"}}"#);
        told_by(&logged);
        told_by(&format!("Nov 22 12:00:00 host kdp[1]: {logged}\n"));
        told_by(&format!(r#"{{"record":{{"seq":17,"at":1,"chain":"{chain}"}}}}"#));
        for none in ["", "seq=17", "chain=00", "{\"seq\":17}", &format!("seq=0 chain={chain}")] {
            assert_eq!(told(none), None, "{none}");
        }
    }
}
