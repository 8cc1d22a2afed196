//! Dates as text: ISO 8601, `2026-03-09`, in serde and in messages alike.

use serde::de::{Deserializer, Visitor};
use serde::ser::Serializer;
use time::Date;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

const FORM: StaticFormatDescription = format_description!("[year]-[month]-[day]");

/// A date as ISO 8601 writes it, `2026-03-09`: ten characters, no sign.
#[must_use]
pub fn parse(text: &str) -> Option<Date> {
    if text.len() == 10 && text.starts_with(|c: char| c.is_ascii_digit()) {
        Date::parse(text, FORM).ok()
    } else {
        None
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
pub fn serialize<S: Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(date)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    deserializer.deserialize_str(Text)
}

/// A list of such dates.
pub fn deserialize_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Date>, D::Error> {
    let texts: Vec<String> = serde::Deserialize::deserialize(deserializer)?;
    texts.iter().map(|text| Text.visit_str(text)).collect()
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Date;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("a date in quotation marks, as \"2026-03-09\"")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Date, E> {
        parse(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}
