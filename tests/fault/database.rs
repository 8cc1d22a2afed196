//! The database: a full disk, a disk that fails, a read-only one, a damaged file.

use super::asker::subjects;
use super::process::{Gone, Process};
use super::shim::{EIO, ENOSPC, EROFS};
use super::*;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

const BEGAN: &str = "the database cannot be used";
const ENDED: &str = "the database can be used again";

/// The fault begins and ends while requests come: each is told the truth, and so are health, figures and log.
fn assert_survives(
    cause: &str,
    begin: impl Fn(&Machine),
    end: impl Fn(&Machine),
    (installation, mut machine): (&Installation, Machine),
) {
    let asker = Asker::new(installation);
    let all: Vec<String> = subjects(20).take(400).collect();
    let mut granted = ask(&machine, &asker, &all[..5]);
    assert_eq!(grants(&granted).len(), 5);
    machine.await_health(200, "ready");

    begin(&machine);
    let during = ask(&machine, &asker, &all[5..205]);
    let refused = during.iter().filter(|(_, told)| *told == Told::NotDone).count();
    assert!(refused > 20, "{cause}: only {refused} of 200 were refused: did the fault happen?");
    machine.await_health(503, cause);
    assert!(machine.figure(&format!("kdp_database_failures_total{{cause=\"{cause}\"}}")) > 0);
    assert_eq!(machine.figure("kdp_database_usable"), 0);
    assert_eq!(Connection::open(machine.admin).get("/health/live").status, 200);
    if refused == during.len() {
        let garbage = Connection::open(machine.public).post(b"<a/>");
        let code = garbage.element("errorCode");
        assert_eq!(code, Some("SCE909"), "a refusal that cannot be journalled is not told as one");
    }
    granted.extend(grants(&during));
    let line = machine.process.await_line(BEGAN);
    assert!(line.contains(cause) && line.contains("ERROR"), "{line}");

    end(&machine);
    machine.await_health(200, "ready");
    assert_eq!(machine.figure("kdp_database_usable"), 1);
    machine.process.await_line(ENDED);
    assert_kept(&machine, &asker, &granted);
    let after = ask(&machine, &asker, &all[205..210]);
    assert_eq!(grants(&after).len(), 5, "it serves again, by itself");
    granted.extend(after);

    // A crash now loses nothing of it.
    machine.process.signal("KILL");
    let Gone { log, .. } = machine.process.end();
    assert_eq!(
        log.iter().filter(|line| line.contains(BEGAN)).count(),
        1,
        "one line when it begins: {}",
        log.join("\n")
    );
    assert!(!log.iter().any(|line| line.contains("was not processed")), "no line for each request");
    if installation.file("kdp.db").exists() {
        let (process, public, admin) = Process::serve(&installation.config());
        let machine = Machine { process, public, admin };
        assert_kept(&machine, &asker, &granted);
    }
}

/// Under the shim, whose faults `Shim`'s functions switch.
fn assert_survives_errno(cause: &str, switch: impl Fn(&Shim, i32), errno: i32) {
    let directory = tempfile::tempdir().unwrap();
    let shim = Shim::new(directory.path());
    let installation = Installation::complete();
    let machine = Machine::start(&installation, &shim);
    assert_survives(cause, |_| switch(&shim, errno), |_| switch(&shim, 0), (&installation, machine));
}

#[test]
fn a_disk_that_reports_enospc_refuses_what_cannot_be_stored_and_serves_again_when_there_is_room() {
    assert_survives_errno("database full", Shim::writes_fail, ENOSPC);
}

#[test]
fn a_disk_that_fails_to_write_refuses_what_cannot_be_stored_and_serves_again_when_it_works() {
    assert_survives_errno("database input or output error", Shim::writes_fail, EIO);
}

#[test]
fn a_disk_that_fails_to_sync_refuses_what_may_not_be_on_it_and_serves_again_when_it_works() {
    assert_survives_errno("database input or output error", Shim::syncs_fail, EIO);
}

#[test]
fn a_file_system_that_turns_read_only_refuses_what_cannot_be_stored_and_serves_again_when_it_is_not() {
    assert_survives_errno("database input or output error", Shim::writes_fail, EROFS);
}

/// Whether this machine lets a process have a file system of its own.
fn may_mount() -> Option<&'static str> {
    ["unshare --mount", "unshare --user --map-root-user --mount"].into_iter().find(|unshare| {
        let script = format!("{unshare} mount -t tmpfs -o size=1m none /mnt 2>/dev/null");
        Command::new("sh").args(["-c", &script]).status().unwrap().success()
    })
}

#[test]
fn a_file_system_of_a_few_mebibytes_fills_up_and_space_that_is_freed_is_used_at_once() {
    let Some(unshare) = may_mount() else {
        // The same fault by another way: what the system call answers.
        return assert_survives_errno("database full", Shim::writes_fail, ENOSPC);
    };
    // A file system of the service's own, which is seen from here through its process.
    let seen = |machine: &Machine, installation: &Installation, name: &str| {
        let directory = installation.directory.path().join("small").join(name);
        let root = Path::new("/proc").join(machine.process.id().to_string()).join("root");
        root.join(directory.strip_prefix("/").unwrap())
    };
    let installation = Installation::complete();
    let small = installation.file("small");
    std::fs::create_dir(&small).unwrap();
    let (db, at) = (installation.file("kdp.db").display().to_string(), small.display().to_string());
    let script = format!(
        "exec {unshare} sh -c 'mount -t tmpfs -o size=3m none {at} && mv {db}* {at}/ && \
         head -c 1200000 /dev/zero >{at}/filler && exec $KDP'"
    );
    installation.reconfigure(&format!("sqlite://{db}"), &format!("sqlite://{at}/kdp.db"));
    let machine = Machine::by_shell(&installation, &script);
    let fill = |machine: &Machine| {
        // What is left goes to the filler but for a little, so that the service is the one that meets the end.
        let filler = File::options().append(true).open(seen(machine, &installation, "filler")).unwrap();
        let end = filler.metadata().unwrap().len();
        let block = vec![1_u8; 64 << 10];
        let mut at = end;
        while filler.write_at(&block, at).is_ok_and(|written| written == block.len()) {
            at += block.len() as u64;
        }
        filler.set_len(at.saturating_sub(128 << 10)).unwrap();
    };
    let free = |machine: &Machine| std::fs::remove_file(seen(machine, &installation, "filler")).unwrap();
    assert_survives("database full", fill, free, (&installation, machine));
}

#[test]
fn a_database_that_can_only_be_read_is_named_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let (installation, shim) = (Installation::complete(), Shim::new(directory.path()));
    shim.opens_fail(EROFS);
    let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
    command.args(["serve", "--config", &installation.config()]).envs(shim.environment());
    let Gone { code, log, .. } = Process::spawn(command).end();
    assert_eq!(code, Some(2));
    assert!(log.last().unwrap().contains("the database is read-only"), "{}", log.join("\n"));
}

/// Makes nonsense of everything but the first page; answers with what was there.
fn spoil(path: &Path) -> Vec<u8> {
    let before = std::fs::read(path).unwrap();
    let nonsense = vec![0xa5_u8; before.len() - 4096];
    File::options().write(true).open(path).unwrap().write_all_at(&nonsense, 4096).unwrap();
    before
}

fn mend(path: &Path, before: &[u8]) {
    File::options().write(true).open(path).unwrap().write_all_at(before, 0).unwrap();
}

#[test]
fn a_damaged_database_is_named_at_the_start_and_by_check() {
    let installation = Installation::complete();
    let before = spoil(&installation.file("kdp.db"));
    let checked = installation.try_run(&["check"]);
    assert_eq!(checked.code, Some(1));
    assert!(checked.out.contains("the database is damaged"), "{}", checked.out);
    let Gone { code, log, .. } = Process::start(&["serve", "--config", &installation.config()]).end();
    assert_eq!(code, Some(2));
    assert!(log.last().unwrap().contains("the database is damaged"), "{}", log.join("\n"));
    mend(&installation.file("kdp.db"), &before);
    assert_eq!(Process::serve(&installation.config()).0.terminate().code, Some(0));
}

#[test]
fn damage_while_serving_stops_all_writing_until_the_file_was_found_whole() {
    let installation = Installation::complete();
    let asker = Asker::new(&installation);
    let (process, public, admin) = Process::serve(&installation.config());
    let mut machine = Machine { process, public, admin };
    let all: Vec<String> = subjects(21).take(30).collect();
    let granted = ask(&machine, &asker, &all[..5]);
    assert_eq!(grants(&granted).len(), 5);
    let path = installation.file("kdp.db");
    let before = spoil(&path);
    machine.await_health(503, "database damaged");
    machine.process.await_line(BEGAN);
    let during = ask(&machine, &asker, &all[5..25]);
    assert_eq!(grants(&during), [], "nothing is built on damage");
    mend(&path, &before);
    machine.await_health(200, "ready");
    machine.process.await_line("found whole");
    assert_kept(&machine, &asker, &granted);
    assert_eq!(grants(&ask(&machine, &asker, &all[25..])).len(), 5);
    assert_eq!(machine.process.terminate().code, Some(0));
}
