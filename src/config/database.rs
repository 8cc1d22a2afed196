//! Where the database is, and where its keys come from: of each, a file or a program.

use super::{ConfigError, Database};
use crate::store::location::Location;
use crate::store::postgres::connect::{Address, Place};
use crate::store::seal::source::KeySource;
use std::path::{Path, PathBuf};

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

    pub(super) fn location(&self) -> Result<Location, ConfigError> {
        if let Some(path) = self.url.strip_prefix("sqlite://").filter(|path| path.starts_with('/')) {
            return Ok(Location::File(PathBuf::from(path), self.synchronous));
        }
        if !self.url.starts_with("postgres://") {
            let forms = "database.url must be sqlite:///absolute/path or postgres://user@host/database";
            return Err(ConfigError::Value(forms.to_owned()));
        }
        let host = rustix::system::uname();
        let node =
            if self.node.is_empty() { host.nodename().to_string_lossy() } else { self.node.as_str().into() };
        let address = Address {
            url: &self.url,
            password_file: self.password_file.as_deref(),
            authorities: self.authorities.as_deref(),
            connections: self.connections,
            node: &node,
        };
        let place = Place::read(&address).map_err(|error| ConfigError::Value(error.to_string()))?;
        Ok(Location::Server(Box::new(place)))
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.location()?;
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
