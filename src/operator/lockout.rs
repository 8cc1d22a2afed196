//! How long wrong passwords lock a name out (P 7 10).

/// Wrong passwords in a row that lock a name out, and again each further so many.
pub const WRONG: u32 = 5;
/// The first lockout, milliseconds; each further one is twice as long as the one before it.
const FIRST: i64 = 15 * 60_000;
/// The longest.
const LONGEST: i64 = 86_400_000;

/// How long the `wrong`-th wrong password in a row locks out, milliseconds; `None`: it does not.
#[must_use]
pub fn lockout(wrong: u32) -> Option<i64> {
    let times = wrong.checked_div(WRONG).filter(|times| *times > 0 && wrong.is_multiple_of(WRONG))?;
    let doubled = FIRST.checked_shl((times - 1).min(16)).unwrap_or(LONGEST);
    Some(doubled.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fifth_wrong_password_locks_out_twice_as_long_up_to_a_day() {
        let minutes = |wrong| lockout(wrong).map(|span| span / 60_000);
        assert_eq!((0..5).chain(6..10).filter_map(minutes).count(), 0);
        assert_eq!([5, 10, 15, 20].map(minutes), [15, 30, 60, 120].map(Some));
        assert_eq!([35, 40, 4_294_967_295].map(minutes), [960, 1440, 1440].map(Some));
    }
}
