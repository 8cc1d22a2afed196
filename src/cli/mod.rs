//! The command line: one file a command. Results go to stdout, messages to stderr, and the exit code says
//! 0 (done, accepted), 1 (refused) or 2 (not readable, not reachable, wrong use).

mod agreed;
mod application;
mod argument;
mod calendar;
mod cert;
mod check;
mod directory;
mod ground;
mod incident;
mod initiator;
mod keys;
mod migrate;
mod ovt;
mod owner;
mod proactive;
mod registration;
mod report;
mod sandbox;
mod send;
mod sender;
mod serve;
mod subject;
mod token;
mod trusted;
mod xmldsig;

use clap::{Parser, Subcommand};
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

/// КДП: the state service for control of access to personal data of Kazakhstan.
#[derive(Parser)]
#[command(
    name = "kdp",
    version,
    after_help = "Exit codes: 0 done or accepted; 1 refused; 2 not readable, not reachable or wrong use.\n\n\
                  Example:\n  kdp sandbox"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands; what `kdp --help` says of each stands at its arguments.
#[derive(Subcommand)]
pub enum Command {
    Sandbox(sandbox::Args),
    Serve(serve::Args),
    Check(check::Args),
    Application(Box<application::Args>),
    Calendar(calendar::Args),
    Migrate(migrate::Args),
    Initiator(initiator::Args),
    Owner(owner::Args),
    Directory(directory::Args),
    Ground(ground::Args),
    Proactive(proactive::Args),
    Subject(subject::Args),
    Incident(incident::Args),
    Report(report::Args),
    Keys(keys::Args),
    Cert(cert::Args),
    Ovt(ovt::Args),
    Token(token::Args),
    Xmldsig(xmldsig::Args),
    Send(Box<send::Args>),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0
    Accepted,
    /// 1
    Refused,
    /// 2
    Unusable,
}

/// What a command found out.
#[derive(Debug)]
pub struct Outcome {
    /// For stdout; ends with a line break unless it is empty.
    pub text: String,
    /// How it ended.
    pub exit: Exit,
}

/// Why a command found out nothing.
#[derive(Debug)]
pub struct Failure {
    /// For stderr, one line.
    pub text: String,
    /// How it ended.
    pub exit: Exit,
}

/// What a command comes to.
pub type Result<T = Outcome> = std::result::Result<T, Failure>;

impl Outcome {
    /// Done, or accepted.
    pub fn accepted(text: impl Into<String>) -> Self {
        Self { text: text.into(), exit: Exit::Accepted }
    }

    /// Printed as JSON on one line, or as `text` makes it.
    pub fn either(json: bool, value: &serde_json::Value, text: impl FnOnce() -> String) -> Self {
        Self::accepted(if json { format!("{value}\n") } else { text() })
    }
}

impl Failure {
    /// A rule says no.
    pub fn refused(text: impl Into<String>) -> Self {
        Self { text: text.into(), exit: Exit::Refused }
    }

    /// Something cannot be read, reached or understood.
    pub fn unusable(text: impl Into<String>) -> Self {
        Self { text: text.into(), exit: Exit::Unusable }
    }
}

/// Errors that the operator meets are all of the third kind, unless a command says otherwise.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::unusable(error.to_string())
    }
}

/// Runs a command.
pub async fn run(command: Command) -> Result {
    match command {
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Serve(args) => serve::run(args).await,
        Command::Check(args) => check::run(&args),
        Command::Application(args) => application::run(*args).await,
        Command::Calendar(args) => calendar::run(args).await,
        Command::Migrate(args) => migrate::run(&args),
        Command::Initiator(args) => initiator::run(args).await,
        Command::Owner(args) => owner::run(args).await,
        Command::Directory(args) => directory::run(args).await,
        Command::Ground(args) => ground::run(args).await,
        Command::Proactive(args) => proactive::run(args).await,
        Command::Subject(args) => subject::run(args).await,
        Command::Incident(args) => incident::run(args).await,
        Command::Report(args) => report::run(args).await,
        Command::Keys(args) => keys::run(args).await,
        Command::Cert(args) => cert::run(&args).await,
        Command::Ovt(args) => ovt::run(&args),
        Command::Token(args) => token::run(&args),
        Command::Xmldsig(args) => xmldsig::run(&args).await,
        Command::Send(args) => send::run(&args).await,
    }
}

/// Prints what a command came to and turns it into the exit code.
pub fn end(result: Result) -> ExitCode {
    let exit = match result {
        Ok(outcome) => {
            // A reader that has read enough, such as `head`, is no failure.
            let _ = std::io::stdout().write_all(outcome.text.as_bytes());
            outcome.exit
        }
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "kdp: {}", failure.text);
            failure.exit
        }
    };
    match exit {
        Exit::Accepted => ExitCode::SUCCESS,
        Exit::Refused => ExitCode::from(1),
        Exit::Unusable => ExitCode::from(2),
    }
}

/// A message beside the results.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "kdp: {text}");
}

/// How far a long job is, on a terminal; on anything else, nothing.
#[derive(Default)]
pub struct Progress {
    steps: u64,
}

impl Progress {
    /// One more of `what` is done.
    pub fn step(&mut self, what: &str) {
        self.steps += 1;
        let mut terminal = std::io::stderr();
        if terminal.is_terminal() {
            let _ = write!(terminal, "\rkdp: {} {what}", self.steps);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let mut terminal = std::io::stderr();
        if self.steps > 0 && terminal.is_terminal() {
            let _ = writeln!(terminal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn each(command: &clap::Command, path: &str, visit: &mut dyn FnMut(&str, &clap::Command)) {
        visit(path, command);
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            each(sub, &format!("{path} {}", sub.get_name()), visit);
        }
    }

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example_that_parses() {
        each(&Cli::command(), "kdp", &mut |path, command| {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let (_, example) = help.split_once("Example:\n").unwrap_or_else(|| panic!("{path}: no example"));
            for line in example.lines().map(str::trim).filter(|line| line.starts_with("kdp ")) {
                let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches('\'')).collect();
                assert!(line.starts_with(path), "{path}: {line}");
                if let Err(error) = Cli::try_parse_from(words) {
                    panic!("{line}: {error}");
                }
            }
            assert!(example.contains("kdp "), "{path}: the example is none");
        });
    }
}
