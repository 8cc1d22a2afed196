//! Where the keys of the database come from: of each, a file or a program.

use super::{ConfigError, Database};
use crate::store::seal::source::KeySource;
use std::path::Path;

impl Database {
    /// Where the sealing keys come from.
    #[must_use]
    pub fn sealing(&self) -> KeySource {
        source(&self.seal_keys, &self.seal_command)
    }

    /// Where the lookup key comes from.
    #[must_use]
    pub fn lookup(&self) -> KeySource {
        source(&self.lookup_key, &self.lookup_command)
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let sealing = (&self.seal_keys, &self.seal_command, "database.seal_keys and database.seal_command");
        let lookup =
            (&self.lookup_key, &self.lookup_command, "database.lookup_key and database.lookup_command");
        for (file, command, names) in [sealing, lookup] {
            if file.as_os_str().is_empty() == command.is_empty() {
                return Err(ConfigError::Value(format!(
                    "{names}: give one of them and let the other be empty"
                )));
            }
        }
        Ok(())
    }
}

fn source(file: &Path, command: &[String]) -> KeySource {
    if command.is_empty() { KeySource::File(file.to_owned()) } else { KeySource::Command(command.to_vec()) }
}
