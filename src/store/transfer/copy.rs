//! Copying and comparing, table by table.

use super::table::{JOURNAL, JOURNAL_OF_NODE, NUMBERED, OF_NODES, TABLES};
use super::{PAGE, Part, Refusal, Row, Side, Value};
use crate::journal::verify::Verifier;
use crate::journal::{GENESIS, Stored};
use crate::store::StoreError;

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// So many rows are there already, from a run before.
    Resumed,
    /// Rows are copied.
    Copying,
    /// Rows are compared.
    Comparing,
}

/// How far a phase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Of which table.
    pub table: &'static str,
    /// Whether that is the end of the table.
    pub is_end: bool,
    /// Rows of all tables that are done, and how many there are.
    pub done: u64,
    /// See `done`.
    pub whole: u64,
}

type Tables = Vec<(&'static str, u64)>;
type Tell<'t> = &'t mut dyn FnMut(&Progress);

/// What moves from there.
fn parts(side: &mut dyn Side) -> Result<Vec<Part>, StoreError> {
    let mut parts: Vec<_> = TABLES.iter().map(|table| Part { table, node: None }).collect();
    for table in &OF_NODES {
        if table.name == JOURNAL_OF_NODE {
            parts.extend(side.nodes()?.into_iter().map(|node| Part { table, node: Some(node) }));
        } else {
            parts.push(Part { table, node: None });
        }
    }
    Ok(parts)
}

/// Parts with their rows.
fn measured(side: &mut dyn Side) -> Result<Vec<(Part, u64)>, StoreError> {
    parts(side)?.into_iter().map(|part| side.count(&part).map(|rows| (part, rows))).collect()
}

/// Rows by table.
pub fn counted(side: &mut dyn Side) -> Result<Tables, StoreError> {
    Ok(summed(&measured(side)?))
}

fn summed(parts: &[(Part, u64)]) -> Tables {
    let names = TABLES.iter().chain(&OF_NODES).map(|table| table.name);
    let of = |name| parts.iter().filter(|(part, _)| part.table.name == name).map(|(_, rows)| rows).sum();
    names.map(|name| (name, of(name))).collect()
}

/// Copies what is not there yet.
pub fn copy(source: &mut dyn Side, target: &mut dyn Side, tell: Tell<'_>) -> Result<Tables, StoreError> {
    let parts = measured(source)?;
    let mut told = Telling::new(Phase::Copying, &parts, tell);
    let mut ends = Vec::new();
    for (part, _) in &parts {
        let last = target.last(part)?;
        let there = if last.is_some() { target.count(part)? } else { 0 };
        told.done += there;
        ends.push(last);
    }
    if told.done > 0 {
        told.resumed();
    }
    for ((part, _), last) in parts.iter().zip(ends) {
        source.read(part, last)?;
        loop {
            let rows = source.page()?;
            target.put(part, &rows)?;
            told.more(part, rows.len());
            if rows.len() < PAGE {
                break;
            }
        }
    }
    for table in NUMBERED {
        let highest = source.highest(table)?;
        target.go_on_behind(table, highest)?;
    }
    target.complete()?;
    Ok(summed(&parts))
}

/// Reads everything on both sides and compares it, value by value; follows the chains of the journal on the target.
pub fn compare(
    source: &mut dyn Side,
    target: &mut dyn Side,
    tables: &[(&'static str, u64)],
    tell: Tell<'_>,
) -> Result<(), Refusal> {
    let (ours, theirs) = (source.nodes()?, target.nodes()?);
    if ours != theirs {
        let node = theirs.iter().find(|node| !ours.contains(node)).or(ours.first()).cloned();
        return Err(Refusal::Different { table: JOURNAL_OF_NODE, key: node.unwrap_or_default() });
    }
    let parts = parts(source)?;
    let mut told = Telling { phase: Phase::Comparing, done: 0, whole: 0, tell };
    told.whole = tables.iter().map(|(_, rows)| rows).sum();
    for part in &parts {
        source.read(part, None)?;
        target.read(part, None)?;
        let mut chain = Follower::new(part);
        loop {
            let (left, arrived) = (source.page()?, target.page()?);
            if let Some(at) = (0..left.len().max(arrived.len())).find(|at| left.get(*at) != arrived.get(*at))
            {
                // Of two that differ the one that comes first is there in excess, or changed.
                let key = |rows: &[Row]| rows.get(at).map(|row| named(row, part));
                let key = key(&left).or_else(|| key(&arrived)).unwrap_or_default();
                return Err(Refusal::Different { table: part.table.name, key });
            }
            chain.follow(&arrived)?;
            told.more(part, arrived.len());
            if arrived.len() < PAGE {
                break;
            }
        }
        chain.end()?;
    }
    for table in NUMBERED {
        if target.keeps_highest(table) && source.highest(table)? != target.highest(table)? {
            return Err(Refusal::Different { table, key: "(the next number)".to_owned() });
        }
    }
    Ok(())
}

/// The key of a row, as it is shown: what could name a person stands in no key.
fn named(row: &Row, part: &Part) -> String {
    let shown = |value: &Value| match value {
        Value::None => "-".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Bytes(bytes) => bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")),
    };
    let key = row.iter().take(part.table.key.len()).map(shown);
    part.node.clone().into_iter().chain(key).collect::<Vec<_>>().join(" ")
}

struct Telling<'t> {
    phase: Phase,
    done: u64,
    whole: u64,
    tell: Tell<'t>,
}

impl<'t> Telling<'t> {
    fn new(phase: Phase, parts: &[(Part, u64)], tell: Tell<'t>) -> Self {
        Self { phase, done: 0, whole: parts.iter().map(|(_, rows)| rows).sum(), tell }
    }

    fn resumed(&mut self) {
        let Self { done, whole, .. } = *self;
        (self.tell)(&Progress { phase: Phase::Resumed, table: "", is_end: false, done, whole });
    }

    fn more(&mut self, part: &Part, rows: usize) {
        self.done += rows as u64;
        let Self { phase, done, whole, .. } = *self;
        (self.tell)(&Progress { phase, table: part.table.name, is_end: rows < PAGE, done, whole });
    }
}

/// Follows a chain of the journal; of other tables, nothing.
struct Follower {
    node: Option<String>,
    is_journal: bool,
    verifier: Option<Verifier>,
}

impl Follower {
    fn new(part: &Part) -> Self {
        let is_journal = [JOURNAL, JOURNAL_OF_NODE].contains(&part.table.name);
        Self { node: part.node.clone(), is_journal, verifier: None }
    }

    fn follow(&mut self, rows: &[Row]) -> Result<(), Refusal> {
        if !self.is_journal {
            return Ok(());
        }
        for row in rows {
            let (record, chain) = record(row).ok_or(StoreError::Unreadable("journal"))?;
            match &mut self.verifier {
                // What stood before the first record, if it is not the first of all, is believed.
                None if record.seq > 1 => {
                    let chain = chain.try_into().map_err(|_| StoreError::Unreadable("journal.chain"))?;
                    self.verifier = Some(Verifier::after(record.seq, chain));
                }
                verifier => {
                    let verifier = verifier.get_or_insert_with(|| Verifier::after(0, GENESIS));
                    let followed = verifier.record(&record, chain);
                    followed.map_err(|broken| Self::broken(self.node.as_ref(), broken.seq()))?;
                }
            }
        }
        Ok(())
    }

    fn end(self) -> Result<(), Refusal> {
        let broken = self.verifier.and_then(|verifier| verifier.end().broken);
        broken.map_or(Ok(()), |broken| Err(Self::broken(self.node.as_ref(), broken.seq())))
    }

    fn broken(node: Option<&String>, seq: i64) -> Refusal {
        Refusal::Broken { node: node.cloned().unwrap_or_default(), seq }
    }
}

/// A row of the journal.
fn record(row: &[Value]) -> Option<(Stored<'_>, &[u8])> {
    let number = |at: usize| match row.get(at)? {
        Value::Number(number) => Some(*number),
        _ => None,
    };
    let text = |at: usize| match row.get(at)? {
        Value::Text(text) => Some(text.as_bytes()),
        _ => None,
    };
    let bytes = |at: usize| match row.get(at)? {
        Value::Bytes(bytes) => Some(bytes.as_slice()),
        _ => None,
    };
    let record = Stored {
        seq: number(0)?,
        at: number(1)?,
        kind: text(2)?,
        operator: text(3)?,
        decision: bytes(4),
        sender: text(5)?,
        message_id: text(6)?,
        message: bytes(7),
        service: text(8)?,
        request: bytes(9),
        subject: number(10),
        outcome: text(11)?,
        detail: text(12)?,
    };
    Some((record, bytes(13)?))
}
