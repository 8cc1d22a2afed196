//! Operators of installations that tests make by hand: a command is run by one who may.

use kdp::operator::duty::Errand;
use kdp::operator::{Role, Roles};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Registrar, security officer and support; an auditor is added when one is needed.
pub const ADMIN: &str = "admin";
/// Of everybody here, with the name behind it turned round.
const PASSWORD: &str = "correct horse battery";

/// Makes the first operator of an installation; `false`: it does not come to that.
fn first(config: &str) -> bool {
    let (file, roles) = (new_password(config, ADMIN), "registrar,security-officer,support");
    let file = file.to_str().unwrap();
    let words =
        ["operator", "add", ADMIN, "--full-name", "Admin", "--roles", roles, "--new-password-file", file];
    let made = kdp(&[&words[..], &["--config", config]].concat()).output().unwrap().status.success();
    if !made {
        fs::remove_file(file).unwrap();
    }
    made
}

/// Adds an operator with one role, who has changed the password; answers with its file.
pub fn add(config: &str, name: &str, role: &str) -> PathBuf {
    let (given, own) = (password_file(config, "given"), new_password(config, name));
    let _ = fs::remove_file(&given);
    let add = ["operator", "add", name, "--full-name", name, "--roles", role, "--json", "--config", config];
    let told: serde_json::Value = serde_json::from_slice(&done(act(&mut kdp(&add), &add))).unwrap();
    write(&given, told["password"].as_str().unwrap());
    let own_text = own.to_str().unwrap();
    let change = ["operator", "password", "--new-password-file", own_text, "--config", config];
    done(kdp(&change).args(["--operator", name, "--password-file", given.to_str().unwrap()]));
    own
}

/// Lets somebody run a command who may, if it needs somebody and names nobody. Whoever is missing is added first.
pub fn act<'a>(command: &'a mut Command, arguments: &[&str]) -> &'a mut Command {
    let config = arguments.iter().position(|word| *word == "--config").and_then(|at| arguments.get(at + 1));
    let Some(config) = config.filter(|_| !arguments.contains(&"--operator")) else { return command };
    let errand = arguments.get(..2).and_then(|two| Errand::of(&two.join(" ")));
    let errand = errand.or_else(|| Errand::of(arguments.first()?));
    let Some(duty) = errand.map(Errand::duty).filter(|duty| !duty.roles().is_empty()) else { return command };
    if !password_file(config, ADMIN).exists() && !first(config) {
        return command;
    }
    let admin = Roles::new([Role::Registrar, Role::SecurityOfficer, Role::Support]).unwrap();
    let name = if duty.is_of(&admin) { ADMIN } else { "auditor" };
    if !password_file(config, name).exists() {
        add(config, name, "auditor");
    }
    command.env("KDP_OPERATOR", name).env("KDP_OPERATOR_PASSWORD_FILE", password_file(config, name))
}

/// Where the password of an operator lies: beside the configuration.
pub fn password_file(config: &str, name: &str) -> PathBuf {
    Path::new(config).with_file_name(format!("{name}.password"))
}

fn new_password(config: &str, name: &str) -> PathBuf {
    let file = password_file(config, name);
    write(&file, &format!("{PASSWORD} {}", name.chars().rev().collect::<String>()));
    file
}

fn write(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn kdp(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn done(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
