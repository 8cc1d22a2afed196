//! `kdp seal-key`: the key changes while the service runs.

use super::{Installation, Process, grant, refused, sqlite};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

fn list(installation: &Installation) -> Value {
    serde_json::from_str(&installation.run(&["seal-key", "list", "--count", "--json"])).unwrap()
}

/// Waits until everything is sealed by the key that seals.
#[expect(clippy::disallowed_methods, reason = "another process takes real time")]
fn settled(installation: &Installation) -> Value {
    for _ in 0..200 {
        let state = list(installation);
        if state["done"] == true {
            return state;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it is never done: {}", list(installation));
}

/// As if the keys had changed so long ago.
#[expect(clippy::disallowed_methods, reason = "the time of a file is real")]
fn age(file: &Path, seconds: u64) {
    let then = SystemTime::now() - Duration::from_secs(seconds);
    fs::File::options().write(true).open(file).unwrap().set_modified(then).unwrap();
}

#[test]
fn the_sealing_key_changes_under_a_running_service_and_the_old_one_goes() {
    let installation = Installation::complete();
    let keys = installation.file("seal.keys");
    let (service, public, admin) = Process::serve(&installation.config());
    for n in 0..4 {
        grant(&installation, public, n);
    }
    refused(&installation.try_run(&["seal-key", "remove", "1"]), "seals now");
    refused(&installation.try_run(&["seal-key", "remove", "7"]), "no key 7");
    installation.run(&["seal-key", "add"]);
    assert_eq!(fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o600);
    // At once, without a signal.
    grant(&installation, public, 10);
    let newest = "SELECT hex(substr(person, 1, 4)) FROM access_request ORDER BY seq DESC LIMIT 1";
    assert_eq!(sqlite(&installation.file("kdp.db"), newest), "00000002\n");
    refused(&installation.try_run(&["seal-key", "remove", "1"]), "within the last minute");
    let state = settled(&installation);
    assert_eq!(
        (&state["keys"][0]["number"], &state["keys"][0]["seals"]),
        (&json!(2), &json!(true)),
        "{state}"
    );
    assert!(state["keys"][0]["there"].as_u64() > Some(10) && state["keys"][1]["there"] == 0, "{state}");
    let metrics = super::process_metrics(admin);
    assert!(metrics.contains("kdp_reseal_values_left 0"), "{metrics}");
    age(&keys, 61);
    installation.run(&["seal-key", "remove", "1"]);
    assert!(
        !fs::read_to_string(&keys).unwrap().contains("\n1 ")
            && list(&installation)["keys"].as_array().unwrap().len() == 1
    );
    grant(&installation, public, 11);
    assert_eq!(service.terminate().code, Some(0));
    let (service, public, _) = Process::serve(&installation.config());
    grant(&installation, public, 3);
    assert_eq!(service.terminate().code, Some(0));
    let told = sqlite(
        &installation.file("kdp.db"),
        "SELECT operator || ' ' || outcome FROM journal WHERE outcome LIKE '%seal%'",
    );
    let told: Vec<&str> = told.lines().collect();
    assert_eq!(told[..2], ["admin sealing key 2 is added", " sealing anew by key 2"], "{told:?}");
    assert!(told[2].starts_with(" sealed anew by key 2: ") && told[2].ends_with(" 0 unreadable"), "{told:?}");
    assert_eq!(told[3..], ["admin sealing key 1 is removed"], "{told:?}");
}

#[test]
fn a_key_that_is_needed_is_not_removed_however_old_the_file_is() {
    let installation = Installation::complete();
    installation.run(&["seal-key", "add"]);
    age(&installation.file("seal.keys"), 3600);
    let before = fs::read(installation.file("seal.keys")).unwrap();
    refused(&installation.try_run(&["seal-key", "remove", "1"]), "values are sealed by key 1");
    assert_eq!(fs::read(installation.file("seal.keys")).unwrap(), before);
    let state = list(&installation);
    assert_eq!((&state["done"], &state["left"]), (&json!(false), &Value::Null), "{state}");
    let (service, ..) = Process::serve(&installation.config());
    settled(&installation);
    assert_eq!(service.terminate().code, Some(0));
    installation.run(&["seal-key", "remove", "1"]);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "another process takes real time")]
fn sealing_anew_goes_on_after_kill_9() {
    let installation = Installation::complete();
    let (service, public, _) = Process::serve(&installation.config());
    grant(&installation, public, 0);
    assert_eq!(service.terminate().code, Some(0));
    // Many rows of one kind: copies of the sealed key, each in a place that it was not sealed for, would be lost; so rows
    // of the register that are not sealed make the way long, and what is sealed stands at its end.
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO registered SELECT 'calendar', printf('9%05d', i), 1, 0, '[]' FROM n";
    sqlite(&installation.file("kdp.db"), many);
    installation.run(&["seal-key", "add"]);
    let mut killed = 0;
    for round in 0..4 {
        let (service, ..) = Process::serve(&installation.config());
        std::thread::sleep(Duration::from_millis(150 + 170 * round));
        service.signal("KILL");
        let _ = service.end();
        killed += u32::from(list(&installation)["done"] == false);
    }
    assert!(killed > 1, "it was never in the middle");
    let (service, public, _) = Process::serve(&installation.config());
    let state = settled(&installation);
    assert_eq!(state["keys"][1]["there"], 0, "{state}");
    grant(&installation, public, 0);
    assert_eq!(service.terminate().code, Some(0));
    let began = "SELECT count(*) FROM journal WHERE outcome = 'sealing anew by key 2'";
    assert_eq!(sqlite(&installation.file("kdp.db"), began), "1\n");
    installation.run(&["journal", "verify"]);
}

#[test]
fn keys_come_from_a_command_and_follow_it_after_sighup() {
    let installation = Installation::complete();
    let (keys, program) = (installation.file("seal.keys"), installation.file("hsm"));
    fs::write(&program, format!("#!/bin/sh\necho a-secret-of-the-module >&2\ncat {}\n", keys.display()))
        .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let line = format!("seal_keys = \"{}\"", keys.display());
    installation.reconfigure(&line, &format!("seal_command = [\"{}\"]", program.display()));
    let ended = installation.try_run(&["check"]);
    assert!(
        ended.code == Some(2) && ended.err.contains("seal_keys and database.seal_command"),
        "{}",
        ended.err
    );
    installation.reconfigure("seal_command", "seal_keys = \"\"\nseal_command");
    installation.run(&["check"]);
    refused(&installation.try_run(&["seal-key", "add"]), "database.seal_command");
    let (mut service, public, _) = Process::serve(&installation.config());
    grant(&installation, public, 0);
    let old = fs::read_to_string(&keys).unwrap();
    fs::write(&keys, format!("5 {}\n{old}", "5a".repeat(32))).unwrap();
    service.signal("HUP");
    service.await_line("sealing keys were read anew");
    grant(&installation, public, 1);
    assert_eq!(settled(&installation)["keys"][0]["number"], 5);
    fs::write(&program, "#!/bin/sh\necho a-secret-of-the-module >&2\nexit 1\n").unwrap();
    service.signal("HUP");
    service.await_line("the command failed");
    grant(&installation, public, 2);
    let gone = service.terminate();
    assert!(
        gone.code == Some(0) && !gone.log.iter().any(|line| line.contains("a-secret")),
        "its stderr was logged"
    );
    let ended = installation.try_run(&["check"]);
    assert!(ended.code == Some(1) && ended.out.contains("hsm: the command failed"), "{}", ended.out);
    assert!(!ended.out.contains("a-secret") && !ended.err.contains("a-secret"));
}

#[test]
fn check_tells_that_the_keys_are_not_those_of_the_database() {
    let installation = Installation::complete();
    fs::write(installation.file("seal.keys"), format!("1 {}\n", "5a".repeat(32))).unwrap();
    let ended = installation.try_run(&["check"]);
    assert!(ended.code == Some(1) && ended.out.contains("the keys do not open"), "{}", ended.out);
}

#[test]
fn check_warns_of_a_key_that_has_sealed_half_of_what_it_may() {
    let installation = Installation::complete();
    let database = installation.file("kdp.db");
    sqlite(&database, "INSERT OR REPLACE INTO counter VALUES ('seals-by 1', 2147483647)");
    assert!(!installation.run(&["check"]).contains("sealing key 1"));
    sqlite(&database, "INSERT OR REPLACE INTO counter VALUES ('seals-by 1', 2147483648)");
    let told = installation.run(&["check"]);
    assert!(told.contains("warning: sealing key 1 has sealed 2147483648 values"), "{told}");
    assert!(installation.run(&["seal-key", "list"]).contains("add another"));
}
