//! The clock, passed in: one reading a message.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use time::{OffsetDateTime, UtcOffset};
use tokio::time::Instant;

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

/// How the clock was set while the service ran, by holding it against one that nobody can set.
///
/// Messages are judged by the clock as it is. But for [`DOUBT`] after a step, or until it was taken back, health says
/// `clock`, and nothing is written down that time alone decides ([`crate::job`]).
#[derive(Debug, Default)]
pub struct Steps(Mutex<Stepped>);

#[derive(Debug, Default)]
struct Stepped {
    /// The last readings of both clocks.
    last: Option<(i64, Instant)>,
    /// Sum of the steps, milliseconds, and the largest that it ever was.
    sum: i64,
    peak: i64,
    /// The sum of before the step that is doubted, and until when it is.
    doubted: Option<(i64, Instant)>,
}

/// Least difference that is a step, milliseconds; less is how clocks are kept right.
const STEP: i64 = 10_000;
/// How long a step is doubted.
const DOUBT: Duration = Duration::from_mins(5);

impl Steps {
    fn stepped(&self) -> MutexGuard<'_, Stepped> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compares, once a second or so: `clock` tells `now` (Unix milliseconds). Answers with the step, milliseconds, if there
    /// was one since the last time.
    pub fn tick(&self, now: i64) -> Option<i64> {
        self.stepped().tick(now, Instant::now())
    }

    /// The same, if the clocks are compared at all: who is about to judge by the clock should know.
    pub fn look(&self, now: i64) -> Option<i64> {
        let is_kept = self.stepped().last.is_some();
        if is_kept { self.tick(now) } else { None }
    }

    /// Whether the clock was set lately.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.stepped().is_doubtful(Instant::now())
    }

    /// How far the clock has been set back while the service ran, milliseconds: what was planned before may lie so much later
    /// than was meant.
    #[must_use]
    pub fn set_back(&self) -> i64 {
        self.stepped().set_back()
    }
}

impl Stepped {
    fn tick(&mut self, now: i64, instant: Instant) -> Option<i64> {
        let (then, before) = self.last.replace((now, instant))?;
        let passed = i64::try_from((instant - before).as_millis()).unwrap_or(i64::MAX);
        let step = now.saturating_sub(then).saturating_sub(passed);
        if step.abs() < STEP {
            return None;
        }
        let sum = self.sum;
        self.sum = sum.saturating_add(step);
        self.peak = self.peak.max(self.sum);
        self.doubted = match self.doubted.filter(|(_, until)| *until > instant) {
            Some((right, _)) if (self.sum - right).abs() < STEP => None,
            Some((right, _)) => Some((right, instant + DOUBT)),
            None => Some((sum, instant + DOUBT)),
        };
        Some(step)
    }

    fn is_doubtful(&self, instant: Instant) -> bool {
        self.doubted.is_some_and(|(_, until)| until > instant)
    }

    fn set_back(&self) -> i64 {
        self.peak.saturating_sub(self.sum)
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
    fn a_step_is_told_once_and_doubted_for_five_minutes_or_until_it_is_taken_back() {
        const DAY: i64 = 86_400_000;
        let (mut steps, mut now, mut instant) = (Stepped::default(), 1_000_000_000_000, Instant::now());
        let mut pass = |seconds: i64, moved: i64| {
            instant += Duration::from_secs(seconds.unsigned_abs());
            now += seconds * 1000 + moved;
            (now, instant)
        };
        for (seconds, moved, told, doubtful, set_back, why) in [
            (0, 0, None, false, 0, "the first reading"),
            (3600, 9_000, None, false, 0, "nine seconds in an hour"),
            (1, DAY, Some(DAY), true, 0, "a day ahead"),
            (1, 0, None, true, 0, "told once"),
            (1, -DAY, Some(-DAY), false, DAY, "taken back: what was planned meanwhile lies a day ahead"),
            (1, -DAY, Some(-DAY), true, 2 * DAY, "a day back"),
            (299, 0, None, true, 2 * DAY, "for five minutes"),
            (2, 0, None, false, 2 * DAY, "it stays: so it is right now"),
        ] {
            let at = pass(seconds, moved);
            assert_eq!(steps.tick(at.0, at.1), told, "{why}");
            assert_eq!((steps.is_doubtful(at.1), steps.set_back()), (doubtful, set_back), "{why}");
        }
    }

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
