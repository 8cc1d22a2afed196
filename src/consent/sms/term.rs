//! The life of a token in the words of an SMS.

use std::time::Duration;

pub(super) fn in_kazakh(term: Duration) -> String {
    // After a number a Kazakh noun stays in the singular.
    words(term, |_, unit| match unit {
        Unit::Day => "kun",
        Unit::Hour => "sagat",
        Unit::Minute => "minut",
    })
}

/// As the object of `на`: the accusative.
pub(super) fn in_russian(term: Duration) -> String {
    words(term, |number, unit| {
        let [one, few, many] = match unit {
            Unit::Day => ["den", "dnya", "dnei"],
            Unit::Hour => ["chas", "chasa", "chasov"],
            Unit::Minute => ["minutu", "minuty", "minut"],
        };
        match (number % 10, number % 100) {
            (_, 11..=14) => many,
            (1, _) => one,
            (2..=4, _) => few,
            _ => many,
        }
    })
}

#[derive(Clone, Copy)]
enum Unit {
    Day,
    Hour,
    Minute,
}

/// Rounds up, so that the subject is never told a shorter term than the token has.
fn words(term: Duration, name: fn(u64, Unit) -> &'static str) -> String {
    const DAY: u64 = 86_400;
    let seconds = term.as_secs().saturating_add(u64::from(term.subsec_nanos() > 0));
    let hours = seconds.div_ceil(3_600);
    let minutes = seconds.div_ceil(60);
    let amounts = if seconds >= DAY {
        [(hours / 24, Unit::Day), (hours % 24, Unit::Hour)]
    } else {
        [(minutes / 60, Unit::Hour), (minutes % 60, Unit::Minute)]
    };
    let [(large, larger), (small, smaller)] = amounts;
    let write = |number, unit| format!("{number} {}", name(number, unit));
    match (large, small) {
        (0, _) => write(small, smaller),
        (_, 0) => write(large, larger),
        _ => format!("{} {}", write(large, larger), write(small, smaller)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_told_in_two_units_and_rounded_up() {
        let terms = [
            (0, "0 minut", "0 minut"),
            (1, "1 minut", "1 minutu"),
            (600, "10 minut", "10 minut"),
            (601, "11 minut", "11 minut"),
            (3_599, "1 sagat", "1 chas"),
            (5_400, "1 sagat 30 minut", "1 chas 30 minut"),
            (7_320, "2 sagat 2 minut", "2 chasa 2 minuty"),
            (86_399, "24 sagat", "24 chasa"),
            (86_400, "1 kun", "1 den"),
            (86_401, "1 kun 1 sagat", "1 den 1 chas"),
            (86_400 * 12, "12 kun", "12 dnei"),
            (86_400 * 22, "22 kun", "22 dnya"),
            (86_400 * 90, "90 kun", "90 dnei"),
            (86_400 * 121, "121 kun", "121 den"),
        ];
        for (seconds, kazakh, russian) in terms {
            let term = Duration::from_secs(seconds);
            assert_eq!((in_kazakh(term).as_str(), in_russian(term).as_str()), (kazakh, russian));
        }
        assert_eq!(in_kazakh(Duration::from_millis(60_001)), "2 minut");
        assert!(in_russian(Duration::MAX).len() <= 30);
    }
}
