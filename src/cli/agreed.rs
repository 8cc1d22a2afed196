//! What directory entries, grounds and proactive services have in common: they are agreed with somebody, for a time.

use super::{Failure, Result, argument, say};
use kdp::clock;
use kdp::consent::directory::Name;
use kdp::consent::method::MAX_TERM;
use kdp::registry::{Registry, Role};

/// Whether it is in force at `at`; times are Unix seconds.
pub fn state(valid_from: i64, expires_at: Option<i64>, at: i64) -> String {
    match expires_at {
        Some(end) if end <= at => format!("ended {}", time(end)),
        _ if at < valid_from => format!("begins {}", time(valid_from)),
        Some(end) => format!("until {}", time(end)),
        None => "in force".to_owned(),
    }
}

/// Unix seconds in words.
pub fn time(seconds: i64) -> String {
    clock::text(seconds.saturating_mul(1000))
}

/// A span in the largest unit that it is a number of, as the flags take it.
pub fn span(seconds: u64) -> String {
    let units = [(86_400, "d"), (3600, "h"), (60, "m")];
    let unit = units.iter().find(|(length, _)| seconds > 0 && seconds.is_multiple_of(*length));
    unit.map_or_else(|| format!("{seconds}s"), |(length, name)| format!("{}{name}", seconds / length))
}

/// A name in both languages of the state.
pub fn name(kk: &str, ru: &str) -> Result<Name> {
    Ok(Name { kk: argument::line("--name-kk", kk)?, ru: argument::line("--name-ru", ru)? })
}

/// Only what was agreed with an initiator is of use: its BIN must be registered.
pub fn bin(registry: &Registry, text: &str) -> Result<String> {
    let bin = argument::bin("--bin", text)?;
    let mut senders = registry.senders.values();
    if senders.any(|sender| sender.bin == bin && sender.record.role == Role::Initiator) {
        return Ok(bin.as_str().to_owned());
    }
    Err(Failure::refused("--bin: no initiator of this BIN is registered: `kdp initiator add` comes first"))
}

/// The period of a service, seconds: longer than a token may live is nonsense.
pub fn period(seconds: u64) -> Result<u64> {
    match seconds {
        0 => Err(Failure::refused("--period: a token of no life would be of no use")),
        _ if seconds > u64::from(MAX_TERM) => Err(Failure::refused("--period: at most 366 days")),
        _ => Ok(seconds),
    }
}

/// When something ends that would end at `expires_at` without this; times are Unix seconds. `None`: it has ended.
pub fn end(expires_at: Option<i64>, wish: Option<i64>, now: i64) -> Result<Option<i64>> {
    if expires_at.is_some_and(|end| end <= now) {
        return Ok(None);
    }
    match wish {
        // What was granted under it was granted rightly.
        Some(at) if at < now => Err(Failure::refused("--at: nothing ends in the past")),
        wish => Ok(Some(wish.unwrap_or(now))),
    }
}

/// The end that a flag names, Unix seconds: not before the beginning, and not past.
pub fn expiry(wish: Option<i64>, valid_from: i64, now: i64) -> Result<Option<i64>> {
    match wish {
        Some(end) if end <= valid_from => Err(Failure::refused("--expires: ends before it begins")),
        Some(end) if end <= now => Err(Failure::refused("--expires: is past")),
        end => Ok(end),
    }
}

/// Says which `ServiceIDs` nobody owns: no data can be had by them, for nobody checks their tokens.
pub fn warn_of_unowned(registry: &Registry, services: &[String]) {
    for service in services {
        let mut senders = registry.senders.values().map(|sender| &sender.record);
        if !senders.any(|record| record.role == Role::Owner && record.allowance.services.contains(service)) {
            say(&format!("{service}: no owner of this ServiceID is registered (`kdp owner add`)"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_does_not_end_again_and_nothing_ends_in_the_past() {
        assert_eq!(end(None, None, 100).unwrap(), Some(100));
        assert_eq!(end(Some(200), Some(150), 100).unwrap(), Some(150));
        assert_eq!(end(Some(100), Some(150), 100).unwrap(), None);
        assert!(end(None, Some(99), 100).is_err());
    }

    #[test]
    fn an_end_comes_after_the_beginning_and_after_now() {
        assert_eq!(expiry(Some(300), 200, 100).unwrap(), Some(300));
        assert_eq!(expiry(None, 200, 100).unwrap(), None);
        assert!(expiry(Some(200), 200, 100).is_err() && expiry(Some(90), 0, 100).is_err());
    }

    #[test]
    fn a_span_is_written_as_it_is_read() {
        for text in ["90d", "36h", "15m", "61s", "0s"] {
            assert_eq!(argument::seconds(text).map(span), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_period_is_some_time_up_to_366_days() {
        assert!(period(0).is_err() && period(366 * 86_400 + 1).is_err());
        assert_eq!(period(366 * 86_400).unwrap(), 366 * 86_400);
    }

    #[test]
    fn the_state_is_that_of_the_time_asked_about() {
        assert_eq!(state(0, None, 5), "in force");
        assert!(state(6, None, 5).starts_with("begins 1970"));
        assert!(state(0, Some(5), 5).starts_with("ended 1970"));
        assert!(state(0, Some(6), 5).starts_with("until 1970"));
    }
}
