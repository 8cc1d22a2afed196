//! What becomes of the journal beside the database.

use super::ConfigError;
use crate::journal::target::Target;
use serde::Deserialize;

section! {
    /// `[journal]`
    Journal {
        /// How often the end of the journal is signed while it grows, seconds.
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
        if self.targets()?.is_empty() && self.most_behind_seconds > 0 {
            let text = "journal.most_behind_seconds needs journal.syslog or journal.file";
            return Err(ConfigError::Value(text.to_owned()));
        }
        Ok(())
    }
}
