//! The token status list of a running service: where each new token stands in it, and the list as it is published.
//! Changes are read from the database when somebody asks and the last list has become old.

use crate::config::Config;
use crate::registry::Registry;
use crate::store::{Store, StoreError};
use crate::token::security::Status;
use crate::token::status_list::{Published, Standing, StatusLists};
use tokio::sync::Mutex;

/// Places that are allotted to this process at a time: those that a restart leaves are lost, and cost a quarter byte
/// each.
const BLOCK: u64 = 256;
/// Least time between two readings of the changes, milliseconds.
const LEAST_MS: i64 = 500;

/// See the module.
pub struct StatusBook {
    /// The next place, and the end of those allotted.
    places: Mutex<(u64, u64)>,
    lists: StatusLists,
    /// How far the changes were read, and when, Unix milliseconds.
    read: Mutex<(i64, i64)>,
}

impl StatusBook {
    /// The book of a service with this configuration, whose `listen.base_url` is known.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let base = if config.token.status_url.is_empty() {
            let service = config.listen.base_url.trim_end_matches("/shep/sync");
            format!("{service}/token-status")
        } else {
            config.token.status_url.clone()
        };
        let lists = StatusLists::new(base, config.token.status_ttl_seconds);
        Self { places: Mutex::new((0, 0)), lists, read: Mutex::new((0, i64::MIN)) }
    }

    /// A place for a new token.
    ///
    /// # Errors
    /// [`StoreError`] when none could be allotted.
    pub async fn place(&self, store: &dyn Store) -> Result<u64, StoreError> {
        let mut places = self.places.lock().await;
        if places.0 == places.1 {
            let first = store.allot(BLOCK).await?;
            *places = (first, first + BLOCK);
        }
        let place = places.0;
        places.0 += 1;
        Ok(place)
    }

    /// What a token says of its place.
    #[must_use]
    pub fn claim(&self, place: u64) -> Status {
        self.lists.claim(place)
    }

    /// The list of this number as it is published at `at` (Unix milliseconds); `None`: there is none yet. It is at most
    /// a ttl old.
    ///
    /// # Errors
    /// [`StoreError`] when the changes cannot be read or the list cannot be signed.
    pub async fn published(
        &self,
        store: &dyn Store,
        registry: &Registry,
        list: u64,
        at: i64,
    ) -> Result<Option<Published>, StoreError> {
        if self.lists.due(list, at) {
            self.read(store, at).await?;
        }
        let key =
            registry.keys.current(at / 1000).map_err(|_| StoreError::Setup("no signing key".to_owned()))?;
        self.lists
            .published(list, at, key.signer(), key.kid())
            .map_err(|_| StoreError::Setup("the status list could not be signed".to_owned()))
    }

    /// Takes up what has changed since the last time.
    async fn read(&self, store: &dyn Store, at: i64) -> Result<(), StoreError> {
        // Held meanwhile: whoever asks for a list waits for its changes.
        let mut read = self.read.lock().await;
        // A list that does not exist is always due: asking for it must not read the database each time.
        if (0..LEAST_MS).contains(&at.saturating_sub(read.1)) {
            return Ok(());
        }
        loop {
            let changes = store.status_changes(read.0).await?;
            for (place, standing) in &changes.entries {
                self.lists.apply(*place, Standing::from_bits(*standing));
            }
            if let Some(last) = changes.allotted.checked_sub(1) {
                self.lists.extend(last);
            }
            if changes.entries.is_empty() {
                read.1 = at;
                return Ok(());
            }
            read.0 = changes.last;
        }
    }
}
