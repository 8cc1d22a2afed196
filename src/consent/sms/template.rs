//! One message with placeholders, checked when it is read so that writing it cannot fail.

use super::{CAPACITY, MAX_CODE, transliterate};
use crate::consent::transliterate::gsm7_septets;
use std::borrow::Cow;
use std::fmt;

/// What may take the place of a placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Initiator,
    Data,
    Term,
    Reference,
    Code,
}

/// The half of a message that a placeholder stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Kazakh,
    Russian,
}

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(String),
    Slot(Slot, Half),
}

/// A message in Latin letters, in pieces.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pieces: Vec<Piece>,
}

/// Why a message of the configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// Key of the message: `ask`, `ask_code`, `help`, `help_code`, `add_reference`.
    pub message: &'static str,
    /// What is wrong in it.
    pub problem: Problem,
}

/// What is wrong in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Not exactly one ` / ` with text on both sides.
    Halves,
    /// A brace without its partner.
    Brace,
    /// A placeholder that no message or not this one knows.
    Unknown(String),
    /// A half lacks this placeholder.
    Missing(&'static str),
    /// The message of method 5 does not say `KOD {code}`.
    Code,
    /// The text leaves no room for the names within three parts; so many septets too long.
    TooLong(usize),
}

impl std::error::Error for TemplateError {}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SMS message `{}`: ", self.message)?;
        match &self.problem {
            Problem::Halves => f.write_str("needs a Kazakh and a Russian half with one ` / ` between"),
            Problem::Brace => f.write_str("a brace has no partner"),
            Problem::Unknown(name) => write!(f, "has no placeholder {{{name:.32}}}"),
            Problem::Missing(name) => write!(f, "each half needs the placeholder {{{name}}}"),
            Problem::Code => f.write_str("must say `KOD {code}`"),
            Problem::TooLong(septets) => {
                write!(f, "is {septets} septets too long for three parts")
            }
        }
    }
}

const DIVIDER: &str = " / ";
/// What precedes the code in every message that carries one.
const CODE_WORD: &str = "KOD ";
/// Septets that each occurrence of a name is sure to have.
const SURE_NAME: usize = 16;
/// A term of `u64::MAX` seconds, in Russian.
const LONGEST_TERM: usize = 30;
const REFERENCE: usize = 4;

impl Slot {
    const ALL: [Self; 5] = [Self::Initiator, Self::Data, Self::Term, Self::Reference, Self::Code];

    const fn name(self) -> &'static str {
        match self {
            Self::Initiator => "initiator",
            Self::Data => "data",
            Self::Term => "term",
            Self::Reference => "reference",
            Self::Code => "code",
        }
    }

    /// The least room that the value needs whatever it is.
    const fn room(self) -> usize {
        match self {
            Self::Initiator | Self::Data => SURE_NAME,
            Self::Term => LONGEST_TERM,
            Self::Reference => REFERENCE,
            Self::Code => MAX_CODE,
        }
    }
}

impl Template {
    /// Reads a message whose halves must each have every one of `required` and nothing else,
    /// except `{code}` where `with_code`.
    pub(super) fn parse(
        message: &'static str,
        source: &str,
        required: &[Slot],
        with_code: bool,
    ) -> Result<Self, TemplateError> {
        let refuse = |problem| TemplateError { message, problem };
        let (kazakh, russian) = source.split_once(DIVIDER).ok_or_else(|| refuse(Problem::Halves))?;
        let blank = kazakh.trim().is_empty() || russian.trim().is_empty();
        if blank || russian.contains(DIVIDER) {
            return Err(refuse(Problem::Halves));
        }
        let mut pieces = Vec::new();
        read_half(kazakh.trim(), Half::Kazakh, &mut pieces).map_err(refuse)?;
        pieces.push(Piece::Text(DIVIDER.to_owned()));
        read_half(russian.trim(), Half::Russian, &mut pieces).map_err(refuse)?;
        let template = Self { pieces };
        template.has_only(required, with_code).map_err(refuse)?;
        for slot in required {
            for half in [Half::Kazakh, Half::Russian] {
                if !template.slots().any(|found| found == (*slot, half)) {
                    return Err(refuse(Problem::Missing(slot.name())));
                }
            }
        }
        if with_code && !template.says_code() {
            return Err(refuse(Problem::Code));
        }
        let rooms: usize = template.slots().map(|(slot, _)| slot.room()).sum();
        let septets = template.septets(|_, _| Cow::Borrowed("")) + rooms;
        match septets.checked_sub(CAPACITY) {
            None | Some(0) => Ok(template),
            Some(over) => Err(refuse(Problem::TooLong(over))),
        }
    }

    /// Writes the message with a value for each placeholder.
    pub(super) fn write<'v>(&self, value: impl Fn(Slot, Half) -> Cow<'v, str>) -> String {
        let mut written = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => written.push_str(text),
                Piece::Slot(slot, half) => written.push_str(&value(*slot, *half)),
            }
        }
        written
    }

    /// Septets of the message with these values.
    pub(super) fn septets<'v>(&self, value: impl Fn(Slot, Half) -> Cow<'v, str>) -> usize {
        let of = |piece: &Piece| match piece {
            Piece::Text(text) => gsm7_septets(text),
            Piece::Slot(slot, half) => gsm7_septets(&value(*slot, *half)),
        };
        self.pieces.iter().map(of).sum()
    }

    /// How often a placeholder occurs.
    pub(super) fn count(&self, slot: Slot) -> usize {
        self.slots().filter(|(found, _)| *found == slot).count()
    }

    fn slots(&self) -> impl Iterator<Item = (Slot, Half)> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Slot(slot, half) => Some((*slot, *half)),
            Piece::Text(_) => None,
        })
    }

    fn has_only(&self, required: &[Slot], with_code: bool) -> Result<(), Problem> {
        let fits = |slot| required.contains(&slot) || (with_code && slot == Slot::Code);
        match self.slots().find(|(slot, _)| !fits(*slot)) {
            None => Ok(()),
            Some((slot, _)) => Err(Problem::Unknown(slot.name().to_owned())),
        }
    }

    fn says_code(&self) -> bool {
        self.pieces.windows(2).any(|pair| {
            matches!(pair, [Piece::Text(text), Piece::Slot(Slot::Code, _)] if text.ends_with(CODE_WORD))
        })
    }
}

fn read_half(source: &str, half: Half, pieces: &mut Vec<Piece>) -> Result<(), Problem> {
    let mut rest = source;
    while let Some((text, tail)) = rest.split_once('{') {
        let (name, tail) = tail.split_once('}').ok_or(Problem::Brace)?;
        let slot = Slot::ALL.into_iter().find(|slot| slot.name() == name);
        push_text(text, pieces)?;
        pieces.push(Piece::Slot(slot.ok_or_else(|| Problem::Unknown(name.to_owned()))?, half));
        rest = tail;
    }
    push_text(rest, pieces)
}

fn push_text(text: &str, pieces: &mut Vec<Piece>) -> Result<(), Problem> {
    if text.contains('}') {
        return Err(Problem::Brace);
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(transliterate(text)));
    }
    Ok(())
}
