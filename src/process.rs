//! What the process allows others to see of it: its memory holds keys and personal data.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// From here on a crash leaves no core file, neither on disk nor by a program that collects them, and no other process
/// of the same user reads this one's memory. `false`: the kernel refused it.
#[must_use]
pub fn keep_private() -> bool {
    // The limit stops files, "not dumpable" also those that a program collects.
    let hard = Rlimit { current: Some(0), maximum: Some(0) };
    let limited = setrlimit(Resource::Core, hard).is_ok() || getrlimit(Resource::Core).current == Some(0);
    limited && set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok()
}
