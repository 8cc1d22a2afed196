//! Whose chain the journal of a file is: on a server it gets a name, and under a wrong one its signed heads would no longer
//! be its own, or two chains would be one.
//!
//! The way back needs no such look. A file names no node, so that nothing there contradicts `database.node`. If that node
//! has no chain on the server, the file's begins with the record of the move, every chain of the server stands beside it,
//! whole and with its heads, and the way there again holds it to the same.

use super::table::{HEADS, HEADS_OF_NODE, OF_NODES, TABLES, Table};
use super::{PAGE, Part, Refusal, Row, Side, State, Step, Value};
use crate::journal::head;
use crate::store::StoreError;
use std::ops::ControlFlow;

/// Whether the chain of `source` can be that of the node of `target`. Looks only where a move would write next.
///
/// # Errors
/// [`Refusal::OtherNode`], [`Refusal::NodeTaken`]; [`StoreError`].
pub fn fits(source: &mut dyn Side, target: &mut dyn Side) -> Result<(), Refusal> {
    let Some(node) = target.node().map(str::to_owned) else { return Ok(()) };
    let leaves = match source.state()? {
        State::Empty => false,
        State::InForce => true,
        State::Marked(mark) => mark.step == Step::Leaving,
    };
    if !leaves || target.state()? == State::InForce {
        // There is another refusal for that.
        return Ok(());
    }
    if let Some(signed) = signed_as(source)?.filter(|signed| *signed != node) {
        return Err(Refusal::OtherNode { node, signed });
    }
    let mut others = source.nodes()?;
    if !others.contains(&node) && has_heads_of(source, &node)? {
        others.push(node.clone());
    }
    if others.contains(&node) {
        return Err(Refusal::NodeTaken { node, others: others.join(", ") });
    }
    Ok(())
}

/// The node that the last of its own heads names which names one: those that a file signs name none.
fn signed_as(source: &mut dyn Side) -> Result<Option<String>, StoreError> {
    let mut last = None;
    each(source, &TABLES, HEADS, |row| {
        if let Some(Value::Text(jws)) = row.get(2)
            && let Some(node) = head::unverified_node(jws)
        {
            last = Some(node);
        }
        ControlFlow::Continue(())
    })?;
    Ok(last)
}

fn has_heads_of(source: &mut dyn Side, node: &str) -> Result<bool, StoreError> {
    let mut found = false;
    each(source, &OF_NODES, HEADS_OF_NODE, |row| {
        found = matches!(row.first(), Some(Value::Text(of)) if of == node);
        if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(found)
}

/// Shows rows of a table, in the order of its key, until that is enough.
fn each(
    source: &mut dyn Side,
    tables: &'static [Table],
    name: &str,
    mut look: impl FnMut(&Row) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let Some(table) = tables.iter().find(|table| table.name == name) else { return Ok(()) };
    source.read(&Part { table, node: None }, None)?;
    loop {
        let rows = source.page()?;
        if rows.iter().try_for_each(&mut look).is_break() || rows.len() < PAGE {
            return Ok(());
        }
    }
}
