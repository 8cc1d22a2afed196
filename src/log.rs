//! The log: JSON lines on stderr, one for each exchange. What it may hold is decided where it is written.

use crate::consent::identity::Iin;
use std::borrow::Cow;
use std::sync::OnceLock;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

static LEVEL: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts the log at `level`; a second start changes the level alone.
pub fn start(level: &str) {
    let (filter, handle) = reload::Layer::new(filter(level));
    let lines = fmt::layer().json().flatten_event(true).with_target(false).with_writer(std::io::stderr);
    if tracing_subscriber::registry().with(filter).with(lines).try_init().is_ok() {
        let _ = LEVEL.set(handle);
    } else {
        set_level(level);
    }
}

/// Changes the level while serving.
pub fn set_level(level: &str) {
    if let Some(handle) = LEVEL.get() {
        let _ = handle.reload(filter(level));
    }
}

fn filter(level: &str) -> EnvFilter {
    EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"))
}

/// An id of the sender's own making as the log may hold it: some senders make it of the subject's IIN or phone, and
/// such a number is replaced by `…`.
#[must_use]
pub fn id(text: &str) -> Cow<'_, str> {
    let mut words =
        text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| is_of_somebody(word)).peekable();
    if words.peek().is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(words.fold(text.to_owned(), |text, word| text.replace(word, "…")))
}

fn is_of_somebody(word: &str) -> bool {
    let phone = word.len() == 11 && word.starts_with('7') && word.bytes().all(|b| b.is_ascii_digit());
    phone || Iin::parse(word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::id;

    #[test]
    fn a_number_of_a_person_or_a_phone_in_an_id_is_not_shown() {
        assert_eq!(id("800101399015"), "…");
        assert_eq!(id("req-800101399015/77010000001-1"), "req-…/…-1");
        for own in [
            "",
            "1",
            "01a20103-b273-7b75-a632-3bfc34c5ce18",
            "800101399016",
            "a800101399015",
            "20261122015800123",
        ] {
            assert_eq!(id(own), own);
        }
    }
}
