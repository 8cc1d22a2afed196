//! Mutations of DER: values are changed, moved, left out, and the lengths around them set right, so that an
//! input gets past the outermost value.

use crate::splice::{Dice, give, mutated};
use kdp::trust::der::{self, tag};
use std::ops::Range;

/// Deepest value that is looked at.
const DEPTH: usize = 24;
/// Most values that are looked at.
const MOST: usize = 4000;

/// A mutation for `fuzz_mutator!`.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut dice = Dice::new(seed);
    let result = if dice.below(4) == 0 { None } else { change(&data[..size], &mut dice) };
    give(result, data, size, max_size)
}

fn change(bytes: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let mut values = Vec::new();
    collect(bytes, 0, 0, &mut values);
    let chosen = dice.of(&values)?.clone();
    let other = dice.of(&values).map(|range| bytes[range.clone()].to_vec())?;
    let raw = &bytes[chosen.clone()];
    let (form, header, _) = der::header(raw).ok()?;
    let content = &raw[header..];
    let new = match dice.below(10) {
        0..=2 => der::value(form, &mutated(content)),
        3 => [raw, raw].concat(),
        4 => Vec::new(),
        5 => other,
        6 => [raw, &other].concat(),
        7 => der::value(*dice.of(&TAGS)?, content),
        8 => der::value(form, &content[..dice.below(content.len() + 1)]),
        _ => long_form(form, content, 1 + dice.below(4)),
    };
    replaced(bytes, 0, &chosen, &new, 0)
}

const TAGS: [u8; 18] = [
    tag::BOOLEAN,
    tag::INTEGER,
    tag::BIT_STRING,
    tag::OCTET_STRING,
    tag::NULL,
    tag::OID,
    tag::ENUMERATED,
    tag::UTF8_STRING,
    tag::PRINTABLE_STRING,
    tag::UTC_TIME,
    tag::GENERALIZED_TIME,
    tag::SEQUENCE,
    tag::SET,
    0xa0,
    0xa1,
    0xa2,
    0x80,
    0x82,
];

/// A length in more bytes than it needs: BER, not DER.
fn long_form(form: u8, content: &[u8], count: usize) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let digits = &length[length.len() - count..];
    let first = 0x80 | u8::try_from(count).unwrap_or(1);
    [&[form, first], digits, content].concat()
}

/// Where the values stand, those inside of others too.
fn collect(bytes: &[u8], base: usize, depth: usize, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some((end, inner)) = value_at(bytes, at).filter(|_| found.len() < MOST && depth < DEPTH) {
        found.push(base + at..base + end);
        if let Some(inner) = inner {
            collect(&bytes[inner..end], base + inner, depth + 1, found);
        }
        at = end;
    }
}

/// The end of the value at `at`, and where values inside it begin, if there are any.
fn value_at(bytes: &[u8], at: usize) -> Option<(usize, Option<usize>)> {
    let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
    let (form, header, length) = der::header(rest).ok()?;
    let (start, end) = (at + header, at + header + length);
    let content = bytes.get(start..end)?;
    // Keys, signatures and extensions are values in strings.
    let inner = match form {
        _ if form & 0x20 != 0 => Some(start),
        tag::OCTET_STRING if is_value(content) => Some(start),
        tag::BIT_STRING if content.first() == Some(&0) && is_value(&content[1..]) => Some(start + 1),
        _ => None,
    };
    Some((end, inner))
}

fn is_value(bytes: &[u8]) -> bool {
    der::header(bytes).is_ok_and(|(_, header, length)| header + length == bytes.len())
}

/// The input with something else in place of one value, and the lengths of those around it.
fn replaced(bytes: &[u8], base: usize, at: &Range<usize>, new: &[u8], depth: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len() + new.len());
    let mut position = 0;
    while let Some((end, inner)) = value_at(bytes, position) {
        let own = base + position..base + end;
        let holds = own.start <= at.start && at.end <= own.end;
        match inner.filter(|_| holds && depth < DEPTH) {
            _ if own == *at => out.extend_from_slice(new),
            Some(inner) => {
                let start = position + der::header(&bytes[position..]).ok()?.1;
                let inside = replaced(&bytes[inner..end], base + inner, at, new, depth + 1)?;
                let content = [&bytes[start..inner], &inside].concat();
                out.extend_from_slice(&der::value(bytes[position], &content));
            }
            None => out.extend_from_slice(&bytes[position..end]),
        }
        position = end;
    }
    out.extend_from_slice(&bytes[position..]);
    Some(out)
}
