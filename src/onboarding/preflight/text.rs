//! Rules that every text and every list of the form is held against.

use super::Report;
use crate::consent::directory::Name;
use crate::consent::identity::Iin;
use crate::onboarding::rule::Rule;

/// Longest name or reference, characters.
pub const NAME: usize = 300;
/// Longest description, characters.
pub const DESCRIPTION: usize = 4000;
/// Longest list.
pub const LIST: usize = 50;

/// Whether nothing but blanks is in it.
pub fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Whether twelve digits in a row are the number of a person: in that of an organisation the fifth is 4 or more.
pub fn names_person(text: &str) -> bool {
    let runs = text.split(|c: char| !c.is_ascii_digit());
    runs.filter(|run| Iin::parse(run).is_ok())
        .any(|run| run.as_bytes().get(4).is_some_and(|digit| *digit < b'4'))
}

/// Objects to a text that is longer than `most` characters, holds control characters other than line breaks, or names
/// a person by the IIN.
pub fn fits(text: &str, most: usize, field: &str, report: &mut Report) {
    if names_person(text) {
        report.object(Rule::PersonNamed, field, "");
    }
    let length = text.chars().count();
    if length > most {
        report.object(Rule::TextUnfit, field, format_args!("{length} > {most}"));
    } else if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        report.object(Rule::TextUnfit, field, "");
    }
}

/// Objects to a list that is too long; answers with what is to be looked at.
pub fn bounded<'a, T>(list: &'a [T], field: &str, report: &mut Report) -> &'a [T] {
    if list.len() > LIST {
        report.object(Rule::TooMany, field, format_args!("{} > {LIST}", list.len()));
    }
    list.get(..LIST).unwrap_or(list)
}

/// Objects to a name that is missing in one of the two languages.
pub fn named(name: &Name, field: &str, report: &mut Report) {
    for (lang, text) in [("kk", &name.kk), ("ru", &name.ru)] {
        let field = format!("{field}/{lang}");
        if is_blank(text) {
            report.object(Rule::NameMissing, field, "");
        } else {
            fits(text, NAME, &field, report);
        }
    }
}
