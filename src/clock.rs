//! The clock, passed in: one reading a message.

use std::sync::atomic::{AtomicI64, Ordering};
use time::{OffsetDateTime, UtcOffset};

/// Astana time, in which days end and answers are written (UTC+5).
pub const ASTANA: UtcOffset = time::macros::offset!(+5);

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Unix milliseconds.
    fn now(&self) -> i64;
}

/// The host's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the host's clock")]
    fn now(&self) -> i64 {
        let now = OffsetDateTime::now_utc();
        now.unix_timestamp() * 1000 + i64::from(now.millisecond())
    }
}

/// A clock that can be moved: the host's plus an offset, or standing still (tests).
#[derive(Debug, Default)]
pub struct MovableClock {
    /// Milliseconds added to the base.
    offset: AtomicI64,
    standing: bool,
}

impl MovableClock {
    /// Runs with the host, `offset` milliseconds ahead of it.
    #[must_use]
    pub fn running(offset: i64) -> Self {
        Self { offset: AtomicI64::new(offset), standing: false }
    }

    /// Stands at `at` (Unix milliseconds) until it is set.
    #[must_use]
    pub fn standing(at: i64) -> Self {
        Self { offset: AtomicI64::new(at), standing: true }
    }

    fn base(&self) -> i64 {
        if self.standing { 0 } else { SystemClock.now() }
    }

    /// Moves to `at` (Unix milliseconds).
    pub fn set(&self, at: i64) {
        self.offset.store(at.saturating_sub(self.base()), Ordering::SeqCst);
    }

    /// Milliseconds ahead of the base, to be kept over a restart.
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.offset.load(Ordering::SeqCst)
    }
}

impl Clock for MovableClock {
    fn now(&self) -> i64 {
        self.base().saturating_add(self.offset())
    }
}

/// `at` (Unix milliseconds) as `2026-04-01T12:00:00.000+05:00`, the form of all our times.
#[must_use]
pub fn text(at: i64) -> String {
    let Ok(t) = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000_000) else {
        return "9999-12-31T23:59:59.999+05:00".to_owned();
    };
    let Some(t) = t.checked_to_offset(ASTANA) else {
        return "9999-12-31T23:59:59.999+05:00".to_owned();
    };
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}+05:00",
        t.year(),
        u8::from(t.month()),
        t.day(),
        t.hour(),
        t.minute(),
        t.second(),
        t.millisecond()
    )
}

/// Reads an `xs:dateTime` as senders write it: `Z`, `+05:00`, `+0600` or no offset (then Astana time),
/// 0 to 9 fraction digits. Unix milliseconds, or `None`.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, rest) = text.split_once('T')?;
    let mut parts = date.splitn(3, '-');
    let (year, month, day) =
        (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let split = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(split);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut parts = clock.splitn(3, ':');
    let (hour, minute, second) =
        (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let millis = format!("{fraction:0<3}").get(..3)?.parse::<u16>().ok()?;
    let month = time::Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = time::Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()?;
    let small = |n: u16| u8::try_from(n).ok();
    let clock = time::Time::from_hms_milli(small(hour)?, small(minute)?, small(second)?, millis).ok()?;
    let t = time::PrimitiveDateTime::new(date, clock).assume_offset(offset(zone)?);
    i64::try_from(t.unix_timestamp_nanos() / 1_000_000).ok()
}

fn offset(zone: &str) -> Option<UtcOffset> {
    match zone {
        "" => Some(ASTANA),
        "Z" => Some(UtcOffset::UTC),
        _ => {
            let (sign, rest) = zone.split_at_checked(1)?;
            let (hours, minutes) = rest.split_once(':').or_else(|| rest.split_at_checked(2))?;
            let seconds =
                i32::from(digits(hours, 2)?) * 3600 + i32::from(digits(minutes, 2).filter(|m| *m < 60)?) * 60;
            // xs:dateTime ends at fourteen hours.
            (seconds <= 14 * 3600).then_some(())?;
            UtcOffset::from_whole_seconds(if sign == "-" { -seconds } else { seconds }).ok()
        }
    }
}

fn digits(text: &str, count: usize) -> Option<u16> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_date_seen_in_clients_is_read() {
        let noon = parse("2026-04-01T12:00:00+05:00").unwrap();
        for same in [
            "2026-04-01T12:00:00",
            "2026-04-01T07:00:00Z",
            "2026-04-01T13:00:00+06:00",
            "2026-04-01T13:00:00+0600",
            "2026-04-01T12:00:00.0",
            "2026-04-01T12:00:00.000000000+05:00",
        ] {
            assert_eq!(parse(same), Some(noon), "{same}");
        }
        assert_eq!(parse("2026-04-01T12:00:00.123456789+05:00"), Some(noon + 123));
        assert_eq!(text(noon), "2026-04-01T12:00:00.000+05:00");
        assert_eq!(parse(&text(noon + 7)), Some(noon + 7));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for wrong in [
            "",
            "2026-04-01",
            "2026-02-30T12:00:00",
            "2026-04-01T25:00:00",
            "2026-04-01T12:00",
            "2026-04-01T12:00:00.",
            "2026-04-01T12:00:00.1234567890",
            "2026-04-01T12:00:00+99:00",
            "2026-04-01T12:00:00+05",
            "26-04-01T12:00:00",
            "+026-04-01T12:00:00",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_standing_clock_moves_only_when_set() {
        let clock = MovableClock::standing(5);
        assert_eq!(clock.now(), 5);
        clock.set(9);
        assert_eq!((clock.now(), clock.offset()), (9, 9));
    }
}
