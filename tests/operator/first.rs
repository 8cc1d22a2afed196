//! An installation that nobody has access to yet, and its first operator.

use crate::office::{Ended, begin, end, run, write_secret};
use crate::sqlite::sqlite;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// An installation with key files and a database, and nobody.
pub struct Empty {
    directory: tempfile::TempDir,
}

impl Empty {
    pub fn new(more: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name).display().to_string();
        let text = format!(
            "environment = \"test\"\n[database]\nurl = \"sqlite://{}\"\nseal_keys = \"{}\"\nlookup_key = \"{}\"\n{more}",
            file("kdp.db"),
            file("seal.keys"),
            file("lookup.key"),
        );
        fs::write(directory.path().join("kdp.toml"), text).unwrap();
        let empty = Self { directory };
        empty.run(&["keys", "init"]).done();
        empty.run(&["migrate"]).done();
        empty
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        run("", self.directory.path(), &[arguments, &["--config", "kdp.toml"]].concat())
    }

    fn by(&self, name: &str, file: &str, arguments: &[&str]) -> Ended {
        self.run(&[arguments, &["--operator", name, "--password-file", file]].concat())
    }

    pub fn add(&self, name: &str, roles: &str) -> Ended {
        let words = ["operator", "add", name, "--full-name", "Серіков А.", "--roles", roles];
        self.run(&[&words[..], &["--new-password-file", "password"]].concat())
    }
}

#[test]
fn while_nobody_has_access_only_a_first_security_officer_can_be_added_and_only_once() {
    let empty = Empty::new("");
    for words in [
        &["ground", "list"][..],
        &["keys", "generate"],
        &["operator", "list"],
        &["operator", "restore", "a.serikov"],
        &["subject", "block", "800101399015"],
    ] {
        let err = empty.run(words).refused("operator-none");
        assert!(err.contains("kdp operator add NAME"), "{err}");
    }
    write_secret(&empty.path("password"), "correct horse battery\n");
    let err = empty.add("a.serikov", "registrar").err;
    assert!(err.contains("the first operator is a security-officer"), "{err}");
    let err = empty.add("a.serikov", "security-officer,auditor").err;
    assert!(err.contains("the role stands alone"), "{err}");
    let out = empty.add("a.serikov", "security-officer,registrar").done();
    assert!(!out.contains("password"), "it was chosen, not generated: {out}");
    let last = "SELECT operator, outcome FROM journal ORDER BY seq DESC LIMIT 1";
    assert_eq!(sqlite(&empty.path("kdp.db"), last).trim(), "|first operator added");
    // From now on somebody must log in, for the next one too.
    let ended = empty.add("b.second", "security-officer");
    assert!(ended.code == 2 && ended.err.contains("operator-missing: "), "{}", ended.err);
    empty.by("a.serikov", "password", &["keys", "generate"]).done();
    let last = "SELECT operator, outcome FROM journal ORDER BY seq DESC LIMIT 1";
    assert_eq!(sqlite(&empty.path("kdp.db"), last).trim(), "a.serikov|key");
}

#[test]
fn of_many_who_want_to_be_the_first_one_is() {
    let empty = Empty::new("");
    write_secret(&empty.path("password"), "correct horse battery");
    let wants = |number: usize| {
        let name = format!("officer-{number}");
        let words = ["operator", "add", &name, "--full-name", "X", "--roles", "security-officer"];
        let more = ["--new-password-file", "password", "--config", "kdp.toml"];
        begin(empty.directory.path(), &[&words[..], &more].concat())
    };
    let children: Vec<_> = (0..6).map(wants).collect();
    let done = children.into_iter().map(end).filter(|ended| ended.code == 0).count();
    assert_eq!(done, 1);
    let count = "SELECT count(*) FROM registered WHERE kind = 'operator'";
    assert_eq!(sqlite(&empty.path("kdp.db"), count).trim(), "1");
}

#[test]
fn a_password_comes_from_a_file_of_its_owner_or_by_the_environment_and_must_be_a_good_one() {
    let empty = Empty::new("");
    write_secret(&empty.path("password"), "a.serikov-1234");
    assert!(empty.add("a.serikov", "security-officer").err.contains("does not contain the name"));
    fs::remove_file(empty.path("password")).unwrap();
    write_secret(&empty.path("password"), "correct horse battery");
    empty.add("a.serikov", "security-officer").done();
    fs::set_permissions(empty.path("password"), fs::Permissions::from_mode(0o640)).unwrap();
    let ended = empty.by("a.serikov", "password", &["ground", "list"]);
    assert!(ended.code == 2 && ended.err.contains("chmod 600"), "{}", ended.err);
    fs::set_permissions(empty.path("password"), fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kdp"));
    let command = command.args(["ground", "list", "--config", "kdp.toml"]).current_dir(&empty.directory);
    let command = command.env("KDP_OPERATOR", "a.serikov").env("KDP_OPERATOR_PASSWORD_FILE", "password");
    assert!(command.output().unwrap().status.success());
}

#[test]
fn where_a_second_factor_is_wanted_its_code_must_be_right_and_a_wrong_one_is_counted() {
    let empty = Empty::new("[operators]\nsecond_factor = \"./factor\"\n");
    let program = "#!/bin/sh\nread code\n[ \"$1\" = a.serikov ] && [ \"$code\" = 271828 ] && [ -z \"$KDP_OPERATOR\" ]\n";
    fs::write(empty.path("factor"), program).unwrap();
    fs::set_permissions(empty.path("factor"), fs::Permissions::from_mode(0o755)).unwrap();
    write_secret(&empty.path("password"), "correct horse battery");
    write_secret(&empty.path("right"), "271828\n");
    write_secret(&empty.path("wrong"), "314159\n");
    empty.add("a.serikov", "security-officer").done();
    let with = |code: &str| empty.by("a.serikov", "password", &["ground", "list", "--code-file", code]);
    with("right").done();
    with("wrong").refused("operator-login");
    let guard = || sqlite(&empty.path("kdp.db"), "SELECT wrong FROM operator_guard");
    assert_eq!(guard().trim(), "1");
    with("right").done();
    assert_eq!(guard().trim(), "", "the right one ends the count");
    // Without a code nobody comes in, and nobody waits for one where there is no terminal.
    let ended = empty.by("a.serikov", "password", &["ground", "list"]);
    assert!(ended.code == 2 && ended.err.contains("--code-file"), "{}", ended.err);
}

/// Whoever has neither learns nothing of the one from the other.
#[test]
fn the_second_factor_does_not_tell_whether_the_password_was_right() {
    let empty = Empty::new("[operators]\nsecond_factor = \"./factor\"\n");
    let program = |text: &str| {
        let _ = fs::remove_file(empty.path("factor"));
        fs::write(empty.path("factor"), text).unwrap();
        fs::set_permissions(empty.path("factor"), fs::Permissions::from_mode(0o755)).unwrap();
    };
    program("#!/bin/sh\necho \"$1\" >> asked\nread code\n[ \"$code\" = 271828 ]\n");
    for (name, text) in
        [("password", "correct horse battery"), ("guess", "guess"), ("right", "271828"), ("wrong", "314159")]
    {
        write_secret(&empty.path(name), text);
    }
    empty.add("a.serikov", "security-officer").done();
    let with = |password: &str, code: &str| {
        empty.by("a.serikov", password, &["ground", "list", "--code-file", code])
    };
    let asked = || fs::read_to_string(empty.path("asked")).unwrap_or_default().lines().count();
    let guard = || sqlite(&empty.path("kdp.db"), "SELECT wrong FROM operator_guard").trim().to_owned();
    // It is asked for everybody: how long it takes tells nothing.
    let refused = |ended: Ended| ended.refused("operator-login");
    assert_eq!(refused(with("guess", "right")), refused(with("password", "wrong")));
    assert_eq!((asked(), guard().as_str()), (2, "2"));
    // One that cannot judge is told, to everybody alike, and nobody tries it for nothing.
    program("no program");
    let (one, other) = (with("guess", "right"), with("password", "right"));
    assert_eq!((one.code, one.err.contains("operators.second_factor")), (2, true), "{}", one.err);
    assert_eq!((&one.err, one.code), (&other.err, other.code));
    assert_eq!(guard(), "4");
    program("#!/bin/sh\necho \"$1\" >> asked\nexit 0\n");
    refused(with("guess", "right"));
    // While the name is locked, nothing is set to work, and everybody is told the same.
    for (password, code) in [("guess", "wrong"), ("password", "wrong"), ("password", "right")] {
        with(password, code).refused("operator-locked");
    }
    assert_eq!((asked(), guard().as_str()), (3, "5"));
    let locked = "SELECT count(*) FROM journal WHERE kind = 'login' AND outcome = 'locked'";
    assert_eq!(sqlite(&empty.path("kdp.db"), locked).trim(), "3");
}

#[test]
fn check_says_who_is_wanting_before_anybody_is_missed() {
    let empty = Empty::new("");
    let found = |text: &str| empty.run(&["check"]).out.contains(text);
    assert!(found("warning: nobody has access: `kdp operator add`"));
    write_secret(&empty.path("password"), "correct horse battery");
    empty.add("a.serikov", "security-officer").done();
    assert!(!found("nobody has access") && !found("second_factor"));
    sqlite(&empty.path("kdp.db"), "INSERT INTO subject (id, hash, seen) VALUES (100001, NULL, 0)");
    assert!(found("warning: operators.second_factor is not set, and more than 100 000 subjects are known"));
    let text = fs::read_to_string(empty.path("kdp.toml")).unwrap();
    fs::write(empty.path("kdp.toml"), text + "[operators]\nsecond_factor = \"/nonexistent\"\n").unwrap();
    assert!(found("warning: operators.second_factor: /nonexistent is not there"));
}
