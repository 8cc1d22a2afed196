//! A login at a terminal, which the program `script` (util-linux) plays.

use crate::first::Empty;
use crate::office::write_secret;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

/// Answers what a command asks, question by question; gives what the terminal showed, and whether it ended well.
fn talk(empty: &Empty, command: &str, answers: &[(&str, &str)]) -> (String, bool) {
    let command = format!("{} {command} --config kdp.toml", env!("CARGO_BIN_EXE_kdp"));
    let mut child = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .current_dir(empty.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program script is needed (Debian: bsdutils)");
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut shown, mut from) = (Vec::new(), 0);
    for (question, answer) in answers {
        let mut byte = [0];
        while !String::from_utf8_lossy(&shown[from..]).contains(question) {
            assert_eq!(stdout.read(&mut byte).unwrap(), 1, "{question}: {}", String::from_utf8_lossy(&shown));
            shown.push(byte[0]);
        }
        from = shown.len();
        writeln!(stdin, "{answer}").unwrap();
    }
    stdout.read_to_end(&mut shown).unwrap();
    (String::from_utf8(shown).unwrap(), child.wait().unwrap().success())
}

#[test]
fn a_terminal_is_asked_for_what_is_missing_and_does_not_show_a_password() {
    const OLD: &str = "correct horse battery";
    const NEW: &str = "another horse battery";
    let empty = Empty::new("");
    write_secret(&empty.path("password"), OLD);
    empty.add("a.serikov", "security-officer").done();
    let login = [("operator: ", "a.serikov"), ("password: ", OLD)];
    let change = [&login[..], &[("new password: ", NEW), ("the same again: ", NEW)]].concat();
    let (shown, done) = talk(&empty, "operator password", &change);
    assert!(done && shown.contains("a.serikov: password changed"), "{shown}");
    assert!(!shown.contains("horse"), "{shown}");
    let (shown, done) = talk(&empty, "ground list", &login);
    assert!(!done && shown.contains("operator-login") && !shown.contains("horse"), "{shown}");
    let different = [("password: ", NEW), ("new password: ", OLD), ("the same again: ", NEW)];
    let (shown, done) = talk(&empty, "operator password --operator a.serikov", &different);
    assert!(!done && shown.contains("the two are not the same"), "{shown}");
}
