//! What stands in `deploy/` is true: metrics, commands, tests and files that it names are there.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// The words of a text that begin with `prefix`, without what follows them.
fn words<'a>(text: &'a str, prefix: &str) -> BTreeSet<&'a str> {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !part_of_name(c)).filter(|word| word.starts_with(prefix)).collect()
}

#[test]
fn every_metric_of_an_alert_is_one_and_every_alert_is_explained() {
    let (alerts, runbook) = (read("deploy/alerts.yml"), read("deploy/runbook.md"));
    let mut sources = String::new();
    collect(&root().join("src"), &mut sources);
    let used = words(&alerts, "kdp_");
    assert!(used.len() > 10);
    for name in used {
        let family = name.trim_start_matches("kdp_").trim_end_matches("_total").trim_end_matches("_count");
        // Those of lists share the beginning of their names.
        let family = family.trim_start_matches("revocation_list_");
        assert!(sources.contains(&format!("\"{family}\"")), "{name} is no metric");
    }
    let named: Vec<&str> = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let explained: Vec<&str> = runbook.lines().filter_map(|line| line.strip_prefix("### Kdp")).collect();
    assert_eq!(
        named.iter().map(|name| name.trim_start_matches("Kdp")).collect::<Vec<_>>(),
        explained,
        "alerts and their sections, in one order"
    );
}

#[test]
fn every_test_that_stands_against_a_threat_exists() {
    let threats = read("deploy/threats.md");
    let rows = threats.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| threat"));
    let mut sources = String::new();
    for folder in ["src", "tests"] {
        collect(&root().join(folder), &mut sources);
    }
    let mut count = 0;
    for row in rows {
        let held_by = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let tests: Vec<&str> = held_by.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "nothing holds: {row}");
        for test in tests {
            let is_file = root().join(test).exists();
            assert!(is_file || sources.contains(&format!("fn {test}(")), "there is no test {test}");
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
}

fn collect(folder: &Path, sources: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_command_of_the_runbook_is_one() {
    for document in ["deploy/runbook.md", "deploy/runbook/restore-backup.sh", "deploy/runbook/rotate-keys.sh"]
    {
        let text = read(document);
        let quoted = text.split('`').skip(1).step_by(2).filter(|quoted| quoted.starts_with("kdp "));
        for command in quoted {
            let words: Vec<&str> = command.split([' ', ';']).skip(1).collect();
            let words: Vec<&str> = words
                .into_iter()
                .take_while(|w| w.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
                .collect();
            let words: Vec<&str> = words.into_iter().filter(|word| !word.starts_with("--")).collect();
            let helped = Command::new(env!("CARGO_BIN_EXE_kdp")).args(&words).arg("--help").output().unwrap();
            assert!(helped.status.success(), "{document}: kdp {}", words.join(" "));
        }
    }
}

/// By systemd itself, where it is installed; `./test` installs it.
#[test]
fn the_unit_is_understood_by_systemd_and_its_exposure_is_low() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("kdp.service");
    // Of the program, only whether it is there would be looked at.
    let text = read("deploy/kdp.service").replace("/usr/bin/kdp", env!("CARGO_BIN_EXE_kdp"));
    std::fs::write(&unit, text).unwrap();
    let analyze = |args: &[&str]| Command::new("systemd-analyze").args(args).arg(&unit).output();
    let Ok(verified) = analyze(&["verify"]) else {
        println!("SKIPPED: systemd-analyze is not installed");
        return;
    };
    let said = String::from_utf8(verified.stderr).unwrap();
    assert!(verified.status.success() && said.is_empty(), "{said}");
    let exposure = String::from_utf8(analyze(&["security", "--offline=true"]).unwrap().stdout).unwrap();
    let level = exposure.lines().last().unwrap().split_whitespace().find_map(|word| word.parse::<f32>().ok());
    assert!(level.unwrap() < 2.0, "{exposure}");
}
