//! `kdp check`.

use super::{Exit, Outcome, Result, argument};
use kdp::serve::{Problem, Severity};
use std::path::PathBuf;

/// Reads configuration, keys, certificates and database, and says what is wrong; changes nothing.
///
/// Exit 0: the service can start; 1: it cannot, or must not; 2: the configuration is not readable.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp check --config /etc/kdp/kdp.toml")]
pub struct Args {
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    /// Print {"ok", "problems": [{"severity", "text"}]}
    #[arg(long)]
    json: bool,
}

/// Checks.
pub fn run(args: &Args) -> Result {
    let config = argument::config(&args.config)?;
    Ok(report(&kdp::serve::inspect(&config), args.json))
}

fn report(problems: &[Problem], json: bool) -> Outcome {
    let word = |problem: &Problem| match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let errors = problems.iter().filter(|p| matches!(p.severity, Severity::Error)).count();
    let list: Vec<_> =
        problems.iter().map(|p| serde_json::json!({ "severity": word(p), "text": p.text })).collect();
    let value = serde_json::json!({ "ok": errors == 0, "problems": list });
    let outcome = Outcome::either(json, &value, || {
        let verdict = match errors {
            0 => "ok: the service can start".to_owned(),
            1 => "not ok: 1 error".to_owned(),
            n => format!("not ok: {n} errors"),
        };
        let lines = problems.iter().map(|p| format!("{}: {}", word(p), p.text)).chain([verdict]);
        lines.collect::<Vec<_>>().join("\n") + "\n"
    });
    Outcome { exit: if errors == 0 { Exit::Accepted } else { Exit::Refused }, ..outcome }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(severity: Severity) -> Problem {
        Problem { severity, text: "something".to_owned() }
    }

    #[test]
    fn a_warning_does_not_stop_the_service_and_an_error_does() {
        let warned = report(&[problem(Severity::Warning)], false);
        assert_eq!(warned.exit, Exit::Accepted);
        assert_eq!(warned.text, "warning: something\nok: the service can start\n");
        let wrong = report(&[problem(Severity::Error), problem(Severity::Warning)], true);
        assert_eq!(wrong.exit, Exit::Refused);
        assert!(wrong.text.starts_with(r#"{"ok":false,"problems":[{"severity":"error","#), "{}", wrong.text);
    }
}
