//! The directory of a sandbox that is not running, and commands beside it.

use crate::options::options;
use crate::sqlite::sqlite;
use kdp::sandbox::start;
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Behaves with yes in the sandbox.
pub const SUBJECT: &str = "800101399015";
/// Another.
pub const OTHER: &str = "870108499012";

pub struct Office {
    directory: tempfile::TempDir,
}

/// What a command came to.
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ended {
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    #[track_caller]
    pub fn refused(self, code: &str) -> String {
        assert_eq!(self.code, 1, "{}{}", self.out, self.err);
        assert!(self.err.contains(&format!("kdp: {code}: ")), "{}", self.err);
        self.err
    }
}

impl Office {
    pub fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sandbox = options(&directory.path().join("data"));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async { start(sandbox, None).await.unwrap().stop().await });
        Self { directory }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn data(&self) -> String {
        self.path("data").display().to_string()
    }

    /// A command by one of the sandbox's operators, who needs no password.
    pub fn by(&self, name: &str, arguments: &[&str]) -> Ended {
        self.fed(name, "", arguments)
    }

    /// The same with something on stdin.
    pub fn fed(&self, name: &str, input: &str, arguments: &[&str]) -> Ended {
        let at = ["--data", &self.data(), "--operator", name];
        run(input, self.directory.path(), &[arguments, &at].concat())
    }

    pub fn json(&self, name: &str, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.by(name, &[arguments, &["--json"]].concat()).done()).unwrap()
    }

    /// A command that looks at something harmless, by somebody who brings this password.
    pub fn knock(&self, name: &str, password: &str) -> Ended {
        end(self.knocking(name, password))
    }

    /// The same, under way.
    pub fn knocking(&self, name: &str, password: &str) -> Child {
        let file = self.secret(password);
        let words = ["ground", "list", "--data", &self.data(), "--operator", name, "--password-file"];
        begin(self.directory.path(), &[&words[..], &[file.to_str().unwrap()]].concat())
    }

    /// A command on the same database as by a configuration: there everybody logs in.
    pub fn configured(&self, name: &str, arguments: &[&str]) -> Ended {
        let file = self.path(&format!("data/operators/{name}.password")).display().to_string();
        self.unnamed(&[arguments, &["--operator", name, "--password-file", &file]].concat())
    }

    /// The same by nobody.
    pub fn unnamed(&self, arguments: &[&str]) -> Ended {
        let (at, data) = (self.path("kdp.toml"), self.data());
        let text = format!(
            "environment = \"test\"\n[database]\nurl = \"sqlite://{data}/kdp.db\"\n\
             seal_keys = \"{data}/seal.keys\"\nlookup_key = \"{data}/lookup.key\"\n"
        );
        fs::write(&at, text).unwrap();
        run("", self.directory.path(), &[arguments, &["--config", "kdp.toml"]].concat())
    }

    /// The password that the sandbox gave somebody.
    pub fn password(&self, name: &str) -> String {
        fs::read_to_string(self.path(&format!("data/operators/{name}.password"))).unwrap()
    }

    /// A file that holds a secret.
    pub fn secret(&self, text: &str) -> PathBuf {
        let number = fs::read_dir(self.directory.path()).unwrap().count();
        let path = self.path(&format!("secret-{number}"));
        write_secret(&path, text);
        path
    }

    /// Time passes.
    pub fn advance(&self, milliseconds: i64) {
        let path = self.path("data/sandbox.json");
        let mut kept: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        kept["clock_offset"] = (kept["clock_offset"].as_i64().unwrap() + milliseconds).into();
        fs::write(path, kept.to_string()).unwrap();
    }

    pub fn sql(&self, sql: &str) -> String {
        sqlite(&self.path("data/kdp.db"), sql).trim_end().to_owned()
    }

    /// Who did what of these kinds, oldest first: `operator|outcome`.
    pub fn journal(&self, kind: &str) -> Vec<String> {
        let sql = format!("SELECT operator, outcome FROM journal WHERE kind = '{kind}' ORDER BY seq");
        self.sql(&sql).lines().map(str::to_owned).collect()
    }
}

/// Runs a command in `at` to its end.
pub fn run(input: &str, at: &Path, arguments: &[&str]) -> Ended {
    let mut child = begin(at, arguments);
    // A command that reads nothing may have ended by now.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    end(child)
}

/// Begins a command in `at`; nobody is logged in by the environment.
pub fn begin(at: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
    for name in ["KDP_OPERATOR", "KDP_OPERATOR_PASSWORD_FILE", "KDP_OPERATOR_CODE_FILE"] {
        command.env_remove(name);
    }
    let command = command.args(arguments).current_dir(at);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What it came to.
pub fn end(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// Writes a file that only its owner can read.
pub fn write_secret(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}
