//! Where keys come from: a file that its owner alone may read, or a command, such as one that asks an HSM or a key
//! management service.

use super::SealError;
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::{File, Metadata};
use std::io::{Read, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;
use zeroize::Zeroizing;

/// Longest text of keys, bytes.
const MOST: usize = 64 << 10;
/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// One source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A file.
    File(PathBuf),
    /// A program and its arguments; its stdout is the text.
    Command(Vec<String>),
}

/// What tells one state of a file from another: any change of it makes another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark([i64; 6], u64);

impl KeySource {
    /// Its name in messages.
    #[must_use]
    pub fn name(&self) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            Self::Command(words) => words.first().map(PathBuf::from).unwrap_or_default(),
        }
    }

    /// Reads the text, with what tells this state of a file from another.
    ///
    /// # Errors
    /// [`SealError::Unreadable`], [`SealError::Open`]; of a command [`SealError::Command`].
    pub fn read(&self) -> Result<(Zeroizing<String>, Option<Mark>), SealError> {
        match self {
            Self::File(path) => file(path).map(|(text, mark)| (text, Some(mark))),
            Self::Command(words) => Ok((command(words, PATIENCE)?, None)),
        }
    }

    /// Changes the text of a file in one step: whenever the machine stops, the old or the new one is there, whole, for
    /// its owner alone.
    ///
    /// # Errors
    /// [`SealError`]; the old text stays. [`SealError::Changing`]: another change is on its way, or was broken off.
    pub fn change(
        &self,
        new: impl FnOnce(&str) -> Result<Zeroizing<String>, SealError>,
    ) -> Result<(), SealError> {
        let Self::File(path) = self else {
            return Err(SealError::Command("keys of a command are changed elsewhere"));
        };
        let unreadable = |e: std::io::Error| SealError::Unreadable(e.kind());
        // A link stays a link.
        let path = std::fs::canonicalize(path).map_err(unreadable)?;
        let beside = beside(&path, ".new");
        let file = File::options().write(true).create_new(true).mode(0o600).open(&beside);
        let mut file = file.map_err(|e| match e.kind() {
            std::io::ErrorKind::AlreadyExists => SealError::Changing(beside.clone()),
            kind => SealError::Unreadable(kind),
        })?;
        let changed = self.read().and_then(|(text, _)| {
            let owner = std::fs::metadata(&path).map_err(unreadable)?;
            if rustix::process::geteuid().is_root() {
                std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid())).map_err(unreadable)?;
            }
            file.write_all(new(&text)?.as_bytes()).and_then(|()| file.sync_all()).map_err(unreadable)?;
            std::fs::rename(&beside, &path).map_err(unreadable)
        });
        if changed.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        changed?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(unreadable)
    }

    /// The state of the file now; `None` of a command, or when there is no file.
    #[must_use]
    pub fn mark(&self) -> Option<Mark> {
        match self {
            Self::File(path) => std::fs::metadata(path).ok().map(|meta| mark(&meta)),
            Self::Command(_) => None,
        }
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn mark(meta: &Metadata) -> Mark {
    let inode = i64::from_ne_bytes(meta.ino().to_ne_bytes());
    let (changed, modified) = ((meta.ctime(), meta.ctime_nsec()), (meta.mtime(), meta.mtime_nsec()));
    Mark([inode, changed.0, changed.1, modified.0, modified.1, i64::from(meta.mode())], meta.len())
}

/// Reads a file that nobody but its owner may read.
fn file(path: &Path) -> Result<(Zeroizing<String>, Mark), SealError> {
    let unreadable = |e: std::io::Error| SealError::Unreadable(e.kind());
    let file = File::open(path).map_err(unreadable)?;
    let meta = file.metadata().map_err(unreadable)?;
    if meta.mode() & 0o077 != 0 {
        return Err(SealError::Open);
    }
    Ok((text(file).ok_or(SealError::Format)?, mark(&meta)))
}

/// All of a text of at most [`MOST`] bytes. The space is taken at once: a buffer that grows leaves copies behind.
fn text(source: impl Read) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST + 1));
    source.take(MOST as u64 + 1).read_to_end(&mut bytes).ok().filter(|length| *length <= MOST)?;
    std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
}

/// What a command prints. Its stderr goes nowhere: nobody knows what it might quote.
fn command(words: &[String], patience: Duration) -> Result<Zeroizing<String>, SealError> {
    let (program, arguments) = words.split_first().ok_or(SealError::Command("no program is named"))?;
    // In a group of its own, so that what it started ends with it.
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|_| SealError::Command("the command cannot be started"))?;
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (sender, receiver) = channel();
    let ending = std::thread::Builder::new().name("kdp-keys".to_owned()).spawn(move || {
        let _ = sender.send(outcome(&mut child));
    });
    let outcome = match ending {
        Ok(_) => receiver.recv_timeout(patience),
        Err(_) => return Err(SealError::Command("the command cannot be waited for")),
    };
    outcome.unwrap_or_else(|_| {
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
        Err(SealError::Command("the command took longer than 10 seconds"))
    })
}

fn outcome(child: &mut Child) -> Result<Zeroizing<String>, SealError> {
    let printed = child.stdout.take().and_then(text);
    let ended = child.wait().is_ok_and(|status| status.success());
    // Who prints too much is stopped in the middle, and fails for that.
    let printed = printed.ok_or(SealError::Command("what the command prints is not a text of keys"))?;
    if ended { Ok(printed) } else { Err(SealError::Command("the command failed")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, patience: Duration) -> Result<Zeroizing<String>, SealError> {
        command(&["/bin/sh", "-c", script].map(str::to_owned), patience)
    }

    #[test]
    fn a_command_is_believed_when_it_ends_well_and_in_time() {
        let patience = Duration::from_secs(5);
        assert_eq!(*shell("printf '1 ab'; echo secret >&2", patience).unwrap(), "1 ab");
        for (script, why) in [
            ("printf '1 ab'; exit 3", "failed"),
            ("printf '1 ab'; kill -9 $$", "failed"),
            ("printf '\\377'", "not a text"),
            ("head -c 70000 /dev/zero", "not a text"),
        ] {
            let error = shell(script, patience).unwrap_err().to_string();
            assert!(error.contains(why), "{script}: {error}");
        }
        assert!(command(&["/nonexistent".to_owned()], patience).is_err());
        assert!(command(&[], patience).is_err());
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_all_that_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let lived = directory.path().join("lived");
        let script = format!("(sleep 1; touch {}) & sleep 60", lived.display());
        let error = shell(&script, Duration::from_millis(100)).unwrap_err().to_string();
        assert!(error.contains("longer"), "{error}");
        std::process::Command::new("sleep").arg("1.5").status().unwrap();
        assert!(!lived.exists(), "what it started lived on");
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        std::fs::write(&path, "1 ab").unwrap();
        let source = KeySource::File(path.clone());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(source.read(), Err(SealError::Open)));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let (text, mark) = source.read().unwrap();
        assert!(*text == "1 ab" && mark == source.mark() && mark.is_some());
    }
}
