//! Points of time in DER (RFC 5280, 4.1.2.5), and in texts.

use crate::trust::der::{DerError, Value, tag};
use time::{Date, Month, OffsetDateTime, Time};

/// Reads `UTCTime` or `GeneralizedTime`: to the second, of UTC. Unix seconds.
///
/// # Errors
/// [`DerError`].
pub fn read(value: Value<'_>) -> Result<i64, DerError> {
    let (year, rest) = match value.tag {
        tag::UTC_TIME => {
            let (digits, rest) = value.content.split_at_checked(2).ok_or(DerError)?;
            let year = number(digits)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        tag::GENERALIZED_TIME => {
            let (digits, rest) = value.content.split_at_checked(4).ok_or(DerError)?;
            (number(digits)?, rest)
        }
        _ => return Err(DerError),
    };
    let [digits @ .., b'Z'] = rest else { return Err(DerError) };
    let mut parts = [0; 5];
    if digits.len() != 2 * parts.len() {
        return Err(DerError);
    }
    for (part, digits) in parts.iter_mut().zip(digits.chunks(2)) {
        *part = u8::try_from(number(digits)?).map_err(|_| DerError)?;
    }
    let [month, day, hour, minute, second] = parts;
    let month = Month::try_from(month).map_err(|_| DerError)?;
    let date = Date::from_calendar_date(year, month, day).map_err(|_| DerError)?;
    let time = Time::from_hms(hour, minute, second).map_err(|_| DerError)?;
    Ok(date.with_time(time).assume_utc().unix_timestamp())
}

fn number(digits: &[u8]) -> Result<i32, DerError> {
    digits.iter().try_fold(0, |number, digit| {
        if digit.is_ascii_digit() { Ok(number * 10 + i32::from(digit - b'0')) } else { Err(DerError) }
    })
}

/// `at` (Unix seconds) as `2026-04-01T12:00:00Z`.
#[must_use]
pub fn text(at: i64) -> String {
    let at = at.clamp(0, 253_402_300_799);
    let Ok(at) = OffsetDateTime::from_unix_timestamp(at) else { return String::new() };
    let (date, time) = (at.date(), at.time());
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    let (hour, minute, second) = time.as_hms();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(tag: u8, text: &str) -> Result<i64, DerError> {
        read(Value { tag, content: text.as_bytes(), raw: &[] })
    }

    #[test]
    fn both_forms_are_read_to_the_second_and_nothing_else_is() {
        let at = 1_775_044_800;
        assert_eq!(read_text(tag::UTC_TIME, "260401120000Z"), Ok(at));
        assert_eq!(read_text(tag::GENERALIZED_TIME, "20260401120000Z"), Ok(at));
        assert_eq!(text(at), "2026-04-01T12:00:00Z");
        assert_eq!(read_text(tag::UTC_TIME, "500101000000Z"), Ok(-631_152_000));
        for (tag, wrong) in [
            (tag::UTC_TIME, ""),
            (tag::UTC_TIME, "260401120000"),
            (tag::UTC_TIME, "2604011200Z"),
            (tag::UTC_TIME, "260401120000+0500"),
            (tag::UTC_TIME, "261301120000Z"),
            (tag::UTC_TIME, "260230120000Z"),
            (tag::UTC_TIME, "260401240000Z"),
            (tag::UTC_TIME, "2604011200a0Z"),
            (tag::UTC_TIME, "20260401120000Z"),
            (tag::GENERALIZED_TIME, "260401120000Z"),
            (tag::GENERALIZED_TIME, "20260401120000.5Z"),
            (tag::INTEGER, "260401120000Z"),
        ] {
            assert_eq!(read_text(tag, wrong), Err(DerError), "{wrong}");
        }
    }
}
