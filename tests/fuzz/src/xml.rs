//! Mutations of XML: elements are moved, repeated, left out, wrapped, and attributes exchanged. Wrapped and
//! doubled signatures and Bodies come of this.

use crate::splice::{Dice, give, mutated};
use std::ops::Range;

/// A mutation for `fuzz_mutator!`. Some begin from one of `sound`, the messages that are believed: of what
/// libFuzzer keeps, hardly any still is, and an attack begins from one.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32, sound: &[Vec<u8>]) -> usize {
    let mut dice = Dice::new(seed);
    let result = match dice.below(6) {
        0 => None,
        1..=3 => change(&data[..size], &mut dice),
        _ => dice.of(sound).cloned().map(|mut message| {
            for _ in 0..=dice.below(4) {
                message = change(&message, &mut dice).unwrap_or(message);
            }
            message
        }),
    };
    give(result, data, size, max_size)
}

fn change(bytes: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let elements = elements(bytes);
    let one = dice.of(&elements)?.clone();
    let other = dice.of(&elements)?.clone();
    let (raw, open) = (&bytes[one.all.clone()], &bytes[one.open.clone()]);
    let put =
        |range: Range<usize>, new: &[u8]| Some([&bytes[..range.start], new, &bytes[range.end..]].concat());
    match dice.below(10) {
        0 => put(one.all.clone(), &[raw, raw].concat()),
        1 => put(one.all.clone(), b""),
        // Into another, at its beginning; or in its place; or behind it.
        2 => put(other.open.end..other.open.end, raw),
        3 => put(other.all.clone(), raw),
        4 => put(other.all.end..other.all.end, raw),
        5 => {
            let around = &bytes[other.open.clone()];
            let name: Vec<u8> = around[1..].iter().copied().take_while(|byte| is_name(*byte)).collect();
            put(one.all.clone(), &[around, raw, b"</", &name, b">"].concat())
        }
        6 => put(one.open.end..one.open.end, dice.of(&PIECES)?),
        7 => {
            let (own, theirs) = (attributes(open), attributes(&bytes[other.open.clone()]));
            let theirs = theirs.get(dice.below(theirs.len()))?;
            let theirs = bytes[other.open.start + theirs.start..other.open.start + theirs.end].to_vec();
            let at = match own.get(dice.below(own.len() + 1)) {
                Some(at) => one.open.start + at.start..one.open.start + at.end,
                None => one.open.end - 1..one.open.end - 1,
            };
            put(at, &theirs)
        }
        8 => put(one.open.clone(), &mutated(open)),
        _ => {
            let content = one.open.end..one.close;
            put(content.clone(), &mutated(&bytes[content]))
        }
    }
}

const PIECES: [&[u8]; 9] = [
    b"<!---->",
    b"<?x y?>",
    b"<![CDATA[x]]>",
    b"&#13;",
    b"&#x10FFFF;",
    b" ",
    b"\r\n",
    b"<x xmlns=\"\"/>",
    b"<y xmlns=\"relative\"/>",
];

/// Where an element stands, its first tag, and where its last tag begins.
#[derive(Clone)]
struct Place {
    all: Range<usize>,
    open: Range<usize>,
    close: usize,
}

/// The elements, as far as tags fit each other.
fn elements(bytes: &[u8]) -> Vec<Place> {
    let (mut open, mut found) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(start) = bytes[at..].iter().position(|byte| *byte == b'<').map(|found| at + found) {
        let Some(end) = bytes[start..].iter().position(|byte| *byte == b'>').map(|found| start + found + 1)
        else {
            break;
        };
        at = end;
        match bytes.get(start + 1) {
            Some(b'/') => {
                if let Some(tag) = open.pop() {
                    let tag: Range<usize> = tag;
                    found.push(Place { all: tag.start..end, open: tag, close: start });
                }
            }
            Some(b'!' | b'?') | None => {}
            Some(_) if bytes[end - 2] == b'/' => {}
            Some(_) => open.push(start..end),
        }
    }
    found
}

/// The attributes of a tag, with the blank before them.
fn attributes(tag: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = tag[at..].iter().position(u8::is_ascii_whitespace).map(|found| at + found) {
        let quote =
            tag[start..].iter().position(|byte| matches!(byte, b'"' | b'\'')).map(|found| start + found);
        let Some(first) = quote else { break };
        let Some(last) = tag[first + 1..].iter().position(|byte| *byte == tag[first]) else { break };
        at = first + last + 2;
        found.push(start..at);
    }
    found
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_' | b'.') || byte >= 0x80
}
