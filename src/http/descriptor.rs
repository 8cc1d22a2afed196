//! How many files and connections the operating system lets the process have.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are not for connections: the database, lists, what is opened for a moment.
const OTHERS: usize = 128;

/// Takes as many as are to be had; answers with how many of them may be connections, if there is a bound.
pub(super) fn for_connections() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let most = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if setrlimit(Resource::Nofile, most).is_ok() {
            limit.current = limit.maximum;
        }
    }
    let all = limit.current.map_or(usize::MAX, |all| usize::try_from(all).unwrap_or(usize::MAX));
    // Where there are few, half.
    all.saturating_sub(OTHERS).max(all / 2)
}
