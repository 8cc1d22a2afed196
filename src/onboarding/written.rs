//! How days and moments are written in records and acts.

/// A day as `2026-04-01`.
pub(super) mod day {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use time::Date;
    use time::format_description::BorrowedFormatItem;
    use time::macros::format_description;

    const FORM: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(in crate::onboarding) fn serialize<S: Serializer>(day: &Date, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(day)
    }

    pub(in crate::onboarding) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Date::parse(&text, FORM).map_err(|_| D::Error::custom("not a day as 2026-04-01"))
    }
}

/// Unix milliseconds as `2026-04-01T12:00:00.000+05:00`.
pub(super) mod moment {
    use crate::clock;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(in crate::onboarding) fn serialize<S: Serializer>(at: &i64, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&clock::text(*at))
    }

    pub(in crate::onboarding) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        clock::parse(&text).ok_or_else(|| D::Error::custom("not a time as 2026-04-01T12:00:00.000+05:00"))
    }
}
