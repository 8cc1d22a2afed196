//! Commands of what is read, as pasted into a shell; only the ports are others than theirs.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// What is pasted, and the lines that stand below it as what it prints.
pub struct Pasted {
    pub script: String,
    pub expected: Vec<String>,
}

/// Runs them one after another in one shell, which stands in `directory`; `before` comes first, `after` behind each. Answers
/// with what each printed and its exit code.
pub fn run(directory: &Path, before: &str, all: &[Pasted], after: &str) -> Vec<(String, i32)> {
    let mut script = format!("exec 2>&1\n{before}\n");
    for (at, Pasted { script: pasted, .. }) in all.iter().enumerate() {
        let _ = writeln!(
            script,
            "{{ {pasted}\n}} > .printed; code=$?; cat .printed\n{after}\necho; echo \"@{at} $code\""
        );
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_kdp")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]).env("PATH", path).current_dir(directory).stdin(Stdio::null());
    let output = tokio::task::block_in_place(|| bash.output()).unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let mut rest = printed.as_str();
    let each = (0..all.len()).map(|at| {
        let (own, others) = rest.split_once(&format!("\n@{at} ")).unwrap_or_else(|| panic!("{printed}"));
        let (code, others) = others.split_once('\n').unwrap();
        rest = others;
        (own.to_owned(), code.parse().unwrap())
    });
    each.collect()
}

/// Whether the lines occur one after another; an ellipsis stands for anything within a line, or for lines.
pub fn assert_printed(Pasted { script, expected }: &Pasted, printed: &str) {
    let mut lines = printed.lines();
    for line in expected.iter().filter(|line| *line != "…") {
        let holds = |own: &str| {
            let mut rest = own;
            line.split('…').enumerate().all(|(at, piece)| match rest.find(piece) {
                Some(found) if at > 0 || found == 0 => {
                    rest = &rest[found + piece.len()..];
                    true
                }
                _ => false,
            })
        };
        assert!(lines.any(holds), "{script}\ndoes not print «{line}» where it should:\n{printed}");
    }
}
