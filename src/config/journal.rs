//! What becomes of the journal beside the database.

use super::ConfigError;
use crate::journal::target::Target;
use serde::Deserialize;

/// Longest `journal.head_seconds`: what no head covers in [`crate::journal::verify::GRACE`], breaks the journal.
pub const SLOWEST: u32 = 300;

section! {
    /// `[journal]`
    Journal {
        /// How often the end of the journal is signed while it grows, seconds; at most [`SLOWEST`].
        head_seconds: u32 = 60,
        /// Syslog that each record is handed to: `udp://`, `tcp://` or `unix://`; empty: none.
        syslog: String = String::new(),
        /// File that each record is appended to; empty: none.
        file: String = String::new(),
        /// How far a target may be behind until exchanges are refused, seconds; 0: never.
        most_behind_seconds: u32 = 0,
    }
}

impl Journal {
    /// Where its records are handed to.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn targets(&self) -> Result<Vec<Target>, ConfigError> {
        let named = |key: &str, why: &str| ConfigError::Value(format!("journal.{key} {why}"));
        let syslog = Target::syslog(&self.syslog).map_err(|why| named("syslog", why))?;
        let file = Target::file(&self.file).map_err(|why| named("file", why))?;
        Ok(syslog.into_iter().chain(file).collect())
    }

    /// Whether its values make sense together.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.head_seconds > SLOWEST {
            return Err(ConfigError::Value(format!("journal.head_seconds must be at most {SLOWEST}")));
        }
        if self.targets()?.is_empty() && self.most_behind_seconds > 0 {
            let text = "journal.most_behind_seconds needs journal.syslog or journal.file";
            return Err(ConfigError::Value(text.to_owned()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_cannot_be_signed_so_seldom_that_verification_would_miss_them() {
        let seldom = |head_seconds| Journal { head_seconds, ..Journal::default() }.check();
        assert!(seldom(SLOWEST).is_ok());
        assert!(seldom(SLOWEST + 1).is_err_and(|error| error.to_string().contains("at most 300")));
        assert!(i64::from(SLOWEST) * 1000 * 6 <= crate::journal::verify::GRACE);
    }
}
