//! The table of duties, held against what each command does for each role.

use crate::office::{Office, SUBJECT, run};
use kdp::operator::Role;
use kdp::operator::duty::Duty;
use std::path::Path;
use std::{fs, thread};

/// Who has which role in a sandbox.
const BY: [(&str, Role); 4] = [
    ("registrar", Role::Registrar),
    ("officer", Role::SecurityOfficer),
    ("auditor", Role::Auditor),
    ("support", Role::Support),
];
/// What its help says of a command.
fn help(command: &str) -> String {
    // A flag of another duty has the help of its command.
    let words = command.split(' ').filter(|word| !word.starts_with("--"));
    let words: Vec<&str> = words.chain(["--help"]).collect();
    run("", Path::new("/"), &words).done()
}

/// The commands that need a role and work on a sandbox, with their duties.
fn commands() -> Vec<(&'static str, Duty)> {
    let duties = Duty::ALL.into_iter().filter(|duty| !duty.roles().is_empty());
    let all = duties.flat_map(|duty| duty.commands().iter().map(move |command| (*command, duty)));
    all.filter(|(command, _)| help(command).contains("--data <DIR>")).collect()
}

/// The example of a command's help, for the data of a sandbox.
fn example(command: &str, data: &str) -> Vec<String> {
    let help = help(command);
    let (_, example) = help.split_once("\nExample:\n").unwrap();
    let example = example.lines().next().unwrap();
    let mut words: Vec<String> = Vec::new();
    let mut quoted = false;
    for word in example.split_whitespace().skip(1) {
        let begins = word.starts_with('\'');
        let text = word.trim_matches('\'').to_owned();
        match words.last_mut().filter(|_| quoted) {
            Some(last) => *last = format!("{last} {text}"),
            None => words.push(text),
        }
        quoted = (quoted || begins) && !word.ends_with('\'');
    }
    if let Some(at) = words.iter().position(|word| word == "--config" || word == "--data") {
        words.drain(at..at + 2);
    }
    // A copy of the database goes beside, not where an installation keeps its own.
    for word in words.iter_mut().filter(|word| word.starts_with("/var/")) {
        *word = word.rsplit('/').next().unwrap().to_owned();
    }
    words.extend(["--data".to_owned(), data.to_owned()]);
    words
}

/// What the examples read.
fn files(at: &Path) {
    let ours = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::copy(ours("deploy/application.example.json"), at.join("form.json")).unwrap();
    fs::copy(ours("deploy/calendar-act.example.toml"), at.join("act.toml")).unwrap();
    fs::copy(ours("fixtures/pki/bank.cert.pem"), at.join("bank.cert.pem")).unwrap();
    for name in ["act.jws", "test-jwks.json", "own-means.pdf"] {
        fs::write(at.join(name), "a.b.c").unwrap();
    }
}

#[test]
fn each_role_is_refused_what_the_table_does_not_give_it_and_nothing_else() {
    let office = Office::open();
    files(&office.path(""));
    let commands = commands();
    assert!(commands.len() > 60, "{commands:?}");
    thread::scope(|scope| {
        for (name, role) in BY {
            let (office, commands) = (&office, &commands);
            scope.spawn(move || {
                for (command, duty) in commands {
                    let words = example(command, &office.data());
                    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
                    words.extend(["--operator", name]);
                    let ended = run(SUBJECT, &office.path(""), &words);
                    let refused = ended.err.contains("kdp: operator-role: ");
                    let may = duty.roles().contains(&role);
                    assert_eq!(refused, !may, "{name}: {words:?}\n{}{}", ended.out, ended.err);
                    assert!(may || ended.code != 0, "{name}: {words:?}");
                }
            });
        }
    });
    // Each attempt is written down.
    let tried = office.sql("SELECT count(*) FROM journal WHERE kind = 'login' AND outcome = 'not allowed'");
    let refused = |role| commands.iter().filter(move |(_, duty)| !duty.roles().contains(&role)).count();
    assert_eq!(tried, Role::ALL.into_iter().map(refused).sum::<usize>().to_string());
}

#[test]
fn the_duties_are_printed_for_people_and_programs() {
    let text = run("", Path::new("/"), &["operator", "duties"]).done();
    assert!(text.contains("\nauditor:\n  journal export\n  report\n"), "{text}");
    let json = run("", Path::new("/"), &["operator", "duties", "--json"]).done();
    let duties: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(duties.as_array().unwrap().len(), Duty::ALL.len());
}

#[test]
fn a_command_that_names_nobody_acts_in_a_sandbox_as_the_first_who_may() {
    let office = Office::open();
    let data = office.data();
    for (words, by) in [
        (&["ground", "end", "L-9-2"][..], "registrar"),
        (&["initiator", "suspend", "bank_kdp", "--reason", "x"], "registrar"),
        (&["subject", "block", SUBJECT], "officer"),
        (&["operator", "list"], "officer"),
    ] {
        run("", &office.path(""), &[words, &["--data", &data]].concat()).done();
        assert_eq!(office.sql("SELECT operator FROM journal ORDER BY seq DESC LIMIT 1"), by, "{words:?}");
    }
}

/// What is not made by an operator must not slip past the one door.
#[test]
fn no_command_opens_a_database_or_makes_a_record_but_through_the_login() {
    fn visit(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, found);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string();
            let door = name.starts_with("src/cli/access");
            for word in ["open_store", "sandbox::open", " Record {", "SqliteStore::open", "dyn Store"] {
                if !door && text.contains(word) {
                    found.push(format!("{name}: {word}"));
                }
            }
        }
    }
    let mut found = Vec::new();
    visit(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli"), &mut found);
    // Whoever restores logs in at the backup, which becomes the database with that record as its last.
    found.retain(|line| !line.starts_with("src/cli/restore.rs: "));
    assert_eq!(found, Vec::<String>::new());
}
