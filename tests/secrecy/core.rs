//! A crash leaves no picture of the memory, which holds keys and persons.

use super::story::Sandbox;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command};

/// A user who has nothing.
const NOBODY: u32 = 65534;

/// The limit of core files, as the kernel has it for a process: now, and at most.
fn core_limit(child: &Child) -> [String; 2] {
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    let mut words = line.split_whitespace().map(str::to_owned);
    [words.next().unwrap(), words.next().unwrap()]
}

/// Ends it by SIGABRT; whether the kernel says that a core was left.
fn abort(child: &mut Child) -> bool {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", "ABRT", &id]).status().unwrap().success());
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(6));
    status.core_dumped()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a shell becomes another program within real time")]
fn sigabrt_leaves_no_core_file_where_another_process_may_leave_one() {
    let directory = tempfile::tempdir().unwrap();
    let freely = format!("ulimit -c unlimited 2>/dev/null; cd {}; exec \"$@\"", directory.path().display());
    let shell = |words: &[&str]| {
        let mut command = Command::new("sh");
        command.args(["-c", &freely, "sh"]).args(words);
        command
    };
    let mut other = shell(&["sleep", "60"]).spawn().unwrap();
    // The shell sets the limit, then becomes the other.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let [_, most] = core_limit(&other);
    abort(&mut other);
    let (data, log) = (directory.path().join("data"), directory.path().join("log"));
    let program = env!("CARGO_BIN_EXE_kdp");
    let mut sandbox = Sandbox::start_by(shell(&[program]), &data, &log);
    assert_eq!(core_limit(&sandbox.child), ["0", "0"], "the other might have left {most} bytes");
    assert!(!abort(&mut sandbox.child), "the kernel says that it left a core");
    for folder in [directory.path(), &data] {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            let start = if path.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
            assert!(!(start.starts_with(b"\x7fELF") && is_of_kdp(&start)), "{} is a core", path.display());
        }
    }
}

/// Not of the process that is allowed to leave one.
fn is_of_kdp(core: &[u8]) -> bool {
    core.windows(11).any(|part| part == b"kdp sandbox")
}

/// Whoever keeps its memory to itself belongs to root in `/proc`, and no other process of its own user looks into it.
#[test]
fn another_process_of_the_same_user_cannot_read_its_memory() {
    let directory = tempfile::tempdir().unwrap();
    let (data, log) = (directory.path().join("data"), directory.path().join("log"));
    let is_root = rustix::process::geteuid().is_root();
    let program = directory.path().join("kdp");
    if fs::hard_link(env!("CARGO_BIN_EXE_kdp"), &program).is_err() {
        fs::copy(env!("CARGO_BIN_EXE_kdp"), &program).unwrap();
    }
    let mut command = if is_root {
        // As somebody else than root, to whom everything belongs anyway.
        fs::create_dir(&data).unwrap();
        chown(&data, Some(NOBODY), Some(NOBODY)).unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command
    } else {
        Command::new("env")
    };
    command.arg(&program);
    let sandbox = Sandbox::start_by(command, &data, &log);
    let owner = fs::metadata(format!("/proc/{}/environ", sandbox.child.id())).unwrap().uid();
    assert_eq!(owner, 0, "its user may look into it");
}
