//! The pieces of a message as it is written, well formed or not: names, texts, values of attributes, comments. It decides
//! nothing about a message; it finds what a copy must not show, also where no parser gets to. Outside of the pieces there are
//! only the signs and keywords of XML: what cannot be taken apart with certainty is a piece as a whole.

use super::vocabulary;
use std::ops::Range;

/// Most open elements among which one is sought that is closed.
const DEEP: usize = 256;
/// So many times XML in text is taken apart; beyond, it is text.
const NESTED: u8 = 8;
/// Longest XML declaration, characters.
const DECLARATION: usize = 100;

/// A character, and the bytes of the message that write it: `&amp;` is one.
#[derive(Clone, Copy)]
struct Unit {
    c: char,
    from: usize,
    to: usize,
}

/// Where a piece stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'s> {
    /// Text in the element of this local name; outside of any, empty.
    Text(&'s str),
    /// The value of the attribute of this name, prefix and all.
    Attribute(&'s str),
    /// The name of an element or of an attribute, or the prefix of one.
    Name,
    /// In a comment, an instruction, a declaration, or in what looks like a tag and is none.
    Aside,
}

/// A piece: its text as it is meant, and what each of its characters is written by.
pub struct Piece<'s> {
    /// Where.
    pub place: Place<'s>,
    /// Its text.
    pub text: String,
    units: &'s [Unit],
}

/// What becomes of a message: bytes replaced.
#[derive(Default)]
pub struct Edits(Vec<(Range<usize>, String)>);

impl Piece<'_> {
    /// Replaces the piece by a text that needs no escaping.
    pub fn replace(&self, edits: &mut Edits, text: &str) {
        let (Some(first), Some(last)) = (self.units.first(), self.units.last()) else { return };
        if text.chars().count() != self.units.len() {
            edits.0.push((first.from..last.to, text.to_owned()));
            return;
        }
        // What stays is written as it was.
        for (unit, c) in self.units.iter().zip(text.chars()).filter(|(unit, c)| unit.c != *c) {
            edits.0.push((unit.from..unit.to, c.to_string()));
        }
    }
}

impl Edits {
    /// The message with the edits.
    #[must_use]
    pub fn apply(mut self, message: &str) -> String {
        self.0.sort_by_key(|(range, _)| range.start);
        let (mut out, mut at) = (String::with_capacity(message.len()), 0);
        for (range, text) in self.0.iter().filter(|(range, _)| !range.is_empty()) {
            out.push_str(message.get(at..range.start).unwrap_or_default());
            out.push_str(text);
            at = range.end;
        }
        out + message.get(at..).unwrap_or_default()
    }
}

/// Shows each piece that is not blank; text that is itself XML is taken apart, escaped or in CDATA.
pub fn each(message: &str, visit: &mut dyn FnMut(&Piece<'_>)) {
    let units: Vec<Unit> =
        message.char_indices().map(|(from, c)| Unit { c, from, to: from + c.len_utf8() }).collect();
    walk(&units, ("", 0), visit);
}

/// Goes through all there is; `around`: the element it stands in, and how many times it was text.
fn walk(units: &[Unit], (around, depth): (&str, u8), visit: &mut dyn FnMut(&Piece<'_>)) {
    let mut open: Vec<String> = Vec::new();
    let mut at = 0;
    while let Some(rest) = units.get(at..).filter(|rest| !rest.is_empty()) {
        let name = open.last().map_or(around, String::as_str);
        let end = if starts(rest, "<!--") {
            until(rest, 4, "-->", |inner| show(inner, Place::Aside, visit))
        } else if starts(rest, "<![CDATA[") {
            until(rest, 9, "]]>", |inner| text(inner, (name, depth), visit))
        } else if let Some(end) = declaration(rest) {
            end
        } else if starts(rest, "<?") {
            until(rest, 2, "?>", |inner| show(inner, Place::Aside, visit))
        } else if starts(rest, "<!") {
            let keyword = if starts(rest, "<!DOCTYPE ") { 10 } else { 2 };
            until(rest, keyword, ">", |inner| show(inner, Place::Aside, visit))
        } else if let Some(tag) = Tag::read(rest) {
            tag.show(rest, visit);
            tag.follow(rest, &mut open);
            tag.end
        } else if starts(rest, "<") {
            let next = rest.iter().skip(1).position(|unit| unit.c == '<');
            let end = next.map_or(rest.len(), |next| next + 1);
            show(&decode(rest.get(1..end).unwrap_or_default()), Place::Aside, visit);
            end
        } else {
            let end = rest.iter().position(|unit| unit.c == '<').unwrap_or(rest.len());
            text(&decode(rest.get(..end).unwrap_or_default()), (name, depth), visit);
            end
        };
        at += end.max(1);
    }
}

/// The length of the XML declaration that stands here, if one does.
fn declaration(units: &[Unit]) -> Option<usize> {
    let inner = units.get(5..units.len().min(DECLARATION)).filter(|_| starts(units, "<?xml"))?;
    let end = (0..inner.len()).find(|at| starts(inner.get(*at..).unwrap_or_default(), "?>"))?;
    let text: String = inner.get(..end)?.iter().map(|unit| unit.c).collect();
    vocabulary::is_declaration(&text).then_some(end + 7)
}

/// A tag as XML has them, with names and quoted values and nothing else.
struct Tag {
    is_end: bool,
    is_empty: bool,
    name: Range<usize>,
    /// Names, and what stands between the quotes.
    attributes: Vec<(Range<usize>, Range<usize>)>,
    /// Its length.
    end: usize,
}

impl Tag {
    fn read(units: &[Unit]) -> Option<Self> {
        let is = |at: usize, c: char| units.get(at).is_some_and(|unit| unit.c == c);
        let blanks = |at: usize| {
            let rest = units.get(at..).unwrap_or_default().iter();
            at + rest.take_while(|unit| unit.c.is_ascii_whitespace()).count()
        };
        if !is(0, '<') {
            return None;
        }
        let is_end = is(1, '/');
        let name = name(units, if is_end { 2 } else { 1 })?;
        let (mut at, mut attributes) = (name.end, Vec::new());
        loop {
            let next = blanks(at);
            let is_empty = is(next, '/') && !is_end;
            if is(next + usize::from(is_empty), '>') {
                let end = next + usize::from(is_empty) + 1;
                return Some(Self { is_end, is_empty, name, attributes, end });
            }
            if is_end || next == at {
                return None;
            }
            let attribute = self::name(units, next)?;
            let equals = blanks(attribute.end);
            let quote = blanks(equals + 1);
            let sign = units.get(quote)?.c;
            if !is(equals, '=') || !"\"'".contains(sign) {
                return None;
            }
            let from = quote + 1;
            let value = units.get(from..)?.iter().position(|unit| unit.c == sign || unit.c == '<')?;
            if !is(from + value, sign) {
                return None;
            }
            attributes.push((attribute, from..from + value));
            at = from + value + 1;
        }
    }

    fn show(&self, units: &[Unit], visit: &mut dyn FnMut(&Piece<'_>)) {
        let part = |range: &Range<usize>| units.get(range.clone()).unwrap_or_default();
        for name in std::iter::once(&self.name).chain(self.attributes.iter().map(|(name, _)| name)) {
            for part in part(name).split(|unit| unit.c == ':') {
                show(part, Place::Name, visit);
            }
        }
        for (name, value) in &self.attributes {
            show(&decode(part(value)), Place::Attribute(&written(part(name))), visit);
        }
    }

    /// Keeps account of which elements are open.
    fn follow(&self, units: &[Unit], open: &mut Vec<String>) {
        let name = written(units.get(self.name.clone()).unwrap_or_default());
        let name = name.rsplit(':').next().unwrap_or_default();
        if self.is_end {
            if let Some(back) = open.iter().rev().take(DEEP).position(|open| open == name) {
                open.truncate(open.len() - 1 - back);
            }
        } else if !self.is_empty {
            open.push(name.to_owned());
        }
    }
}

/// The name that begins here, prefix and all.
fn name(units: &[Unit], from: usize) -> Option<Range<usize>> {
    let is_name = |unit: &&Unit| unit.c.is_alphanumeric() || "_-.:".contains(unit.c);
    let rest = units.get(from..)?;
    let first = rest.first()?.c;
    let length = rest.iter().take_while(is_name).count();
    let is_one = first.is_alphabetic() || first == '_';
    is_one.then_some(from..from + length)
}

fn written(units: &[Unit]) -> String {
    units.iter().map(|unit| unit.c).collect()
}

fn starts(units: &[Unit], with: &str) -> bool {
    let mut units = units.iter().map(|unit| unit.c);
    with.chars().all(|c| units.next() == Some(c))
}

/// The end of what `close` closes; without one, all there is.
fn until(units: &[Unit], begin: usize, close: &str, inner: impl FnOnce(&[Unit])) -> usize {
    let found = (begin..units.len()).find(|at| starts(units.get(*at..).unwrap_or_default(), close));
    let end = found.unwrap_or(units.len());
    inner(units.get(begin..end).unwrap_or_default());
    (end + close.len()).min(units.len())
}

fn text(units: &[Unit], (name, depth): (&str, u8), visit: &mut dyn FnMut(&Piece<'_>)) {
    let is_xml = units.iter().find(|unit| !unit.c.is_whitespace()).is_some_and(|unit| unit.c == '<');
    if is_xml && depth < NESTED {
        walk(units, (name, depth + 1), visit);
    } else {
        show(units, if is_xml { Place::Aside } else { Place::Text(name) }, visit);
    }
}

fn show(units: &[Unit], place: Place<'_>, visit: &mut dyn FnMut(&Piece<'_>)) {
    let text = written(units);
    if !text.trim().is_empty() {
        visit(&Piece { place, text, units });
    }
}

/// The characters that references write; a reference to nothing known stays as it is written.
fn decode(units: &[Unit]) -> Vec<Unit> {
    let (mut out, mut at) = (Vec::with_capacity(units.len()), 0);
    while let Some(unit) = units.get(at) {
        let rest = units.get(at..).unwrap_or_default();
        let end = rest.iter().take(12).position(|unit| unit.c == ';').filter(|_| unit.c == '&');
        let named = end.and_then(|end| {
            let name: String = rest.get(1..end)?.iter().map(|unit| unit.c).collect();
            Some((reference(&name)?, end))
        });
        if let Some((c, end)) = named {
            let to = rest.get(end).map_or(unit.to, |last| last.to);
            out.push(Unit { c, from: unit.from, to });
            at += end;
        } else {
            out.push(*unit);
        }
        at += 1;
    }
    out
}

fn reference(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each piece in capitals, and where it stood, but for names.
    fn capitals(message: &str) -> (String, Vec<String>) {
        let (mut edits, mut places) = (Edits::default(), Vec::new());
        each(message, &mut |piece| {
            if piece.place != Place::Name {
                places.push(format!("{:?}", piece.place));
            }
            piece.replace(&mut edits, &piece.text.to_uppercase());
        });
        (edits.apply(message), places)
    }

    #[test]
    fn only_declarations_and_the_signs_of_xml_stay_byte_for_byte() {
        let (text, places) =
            capitals("<?xml version='1.0'?><a:b  x='i' >one &amp; two<!-- c --><d/>&#13;\n e</a:b >");
        assert_eq!(text, "<?xml version='1.0'?><A:B  X='I' >ONE &amp; TWO<!-- C --><D/>&#13;\n E</A:B >");
        assert_eq!(places, ["Attribute(\"x\")", "Text(\"b\")", "Aside", "Text(\"b\")"]);
    }

    #[test]
    fn xml_in_text_is_taken_apart_however_it_is_written() {
        for (message, other) in [
            (
                "<d>&lt;uin a=&quot;v&quot;>x&amp;amp;y&lt;/uin></d>",
                "<D>&lt;UIN A=&quot;V&quot;>X&amp;amp;Y&lt;/UIN></D>",
            ),
            ("<d><![CDATA[<uin>x</uin>]]></d>", "<D><![CDATA[<UIN>X</UIN>]]></D>"),
        ] {
            let (text, places) = capitals(message);
            assert_eq!(text, other);
            assert_eq!(places.last().unwrap(), "Text(\"uin\")");
        }
    }

    #[test]
    fn what_is_broken_is_taken_apart_as_far_as_it_goes() {
        for message in ["<a><b>x</c>y", "<a b='x", "a<", "<!-- x", "<a>&unknown; x</a>", "<![CDATA[x", "&#;"]
        {
            let (text, _) = capitals(message);
            assert!(!text.contains(" x") && !text.contains(">x"), "{text}");
        }
    }
}
