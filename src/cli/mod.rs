//! The command line: one file a command. Results go to stdout, messages to stderr, and the exit code says
//! 0 (done, accepted), 1 (refused) or 2 (not readable, not reachable, wrong use).

mod access;
mod agreed;
mod application;
mod argument;
mod backup;
mod calendar;
mod cert;
mod check;
mod directory;
mod docs;
mod explain;
mod ground;
mod incident;
mod initiator;
mod journal;
mod keys;
mod migrate;
mod operator;
mod ovt;
mod owner;
mod pair;
mod proactive;
mod registration;
mod report;
mod restore;
mod sandbox;
mod seal;
mod send;
mod sender;
mod serve;
mod subject;
mod token;
mod trusted;
mod xmldsig;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use kdp::operator::duty::Errand;
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
    Backup(backup::Args),
    Restore(restore::Args),
    #[command(name = "seal-key")]
    SealKey(seal::Args),
    Initiator(initiator::Args),
    Owner(owner::Args),
    Directory(directory::Args),
    Ground(ground::Args),
    Proactive(proactive::Args),
    Subject(subject::Args),
    Incident(incident::Args),
    Report(report::Args),
    Operator(operator::Args),
    Journal(journal::Args),
    Keys(keys::Args),
    Cert(cert::Args),
    Ovt(ovt::Args),
    Token(token::Args),
    Xmldsig(xmldsig::Args),
    Send(Box<send::Args>),
    Explain(Box<explain::Args>),
    Docs(docs::Args),
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
    /// 3
    Undecided,
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
    /// What a stranger's file says in control characters is not said to the terminal.
    pub fn unusable(text: impl Into<String>) -> Self {
        let is_raw = |c: char| c.is_control() && c != '\n';
        Self { text: text.into().replace(is_raw, "\u{FFFD}"), exit: Exit::Unusable }
    }
}

/// Errors that the operator meets are all of the third kind, unless a command says otherwise.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::unusable(error.to_string())
    }
}

/// Reads the command line; a wrong one ends here. The errand is the command's own, by the table of duties.
pub fn parse() -> (Command, Option<Errand>) {
    let matches = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    (cli.command, Errand::of(&words(&matches)))
}

/// The words that choose a command, `initiator add`; with a flag that is of another duty, `migrate --back`.
fn words(matches: &ArgMatches) -> String {
    let (mut words, mut at) = (Vec::new(), matches);
    while let Some((word, below)) = at.subcommand() {
        words.push(word);
        at = below;
    }
    let words = words.join(" ");
    let given = at.ids().filter(|id| at.value_source(id.as_str()) == Some(ValueSource::CommandLine));
    let mut flags = given.map(|id| format!("{words} --{id}"));
    flags.find(|words| Errand::of(words).is_some()).unwrap_or(words)
}

/// Runs a command.
pub async fn run(command: Command, errand: Option<Errand>) -> Result {
    // Nobody may what no duty names.
    let errand = errand.ok_or_else(|| Failure::refused("operator-role: this command stands in no duty"))?;
    match command {
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Serve(args) => serve::run(args).await,
        Command::Check(args) => check::run(&args),
        Command::Application(args) => application::run(*args, errand).await,
        Command::Calendar(args) => calendar::run(args, errand).await,
        Command::Backup(args) => backup::run(args, errand).await,
        Command::Restore(args) => restore::run(args, errand).await,
        Command::SealKey(args) => seal::run(args, errand).await,
        Command::Migrate(args) => migrate::run(&args, errand).await,
        Command::Initiator(args) => Box::pin(initiator::run(args, errand)).await,
        Command::Owner(args) => owner::run(args, errand).await,
        Command::Directory(args) => directory::run(args, errand).await,
        Command::Ground(args) => ground::run(args, errand).await,
        Command::Proactive(args) => proactive::run(args, errand).await,
        Command::Subject(args) => subject::run(args, errand).await,
        Command::Incident(args) => incident::run(args, errand).await,
        Command::Report(args) => report::run(args, errand).await,
        Command::Operator(args) => operator::run(args, errand).await,
        Command::Journal(args) => journal::run(args, errand).await,
        Command::Keys(args) => keys::run(args, errand).await,
        Command::Cert(args) => cert::run(&args).await,
        Command::Ovt(args) => ovt::run(&args),
        Command::Token(args) => token::run(&args),
        Command::Xmldsig(args) => xmldsig::run(&args).await,
        Command::Send(args) => Box::pin(send::run(&args)).await,
        Command::Explain(args) => Box::pin(explain::run(*args, errand)).await,
        Command::Docs(args) => docs::run(&args),
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
        Exit::Undecided => ExitCode::from(3),
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

    /// So many of `what` are done.
    pub fn at(&mut self, number: i64, what: &str) {
        self.steps = u64::try_from(number).unwrap_or(0).saturating_sub(1);
        self.step(what);
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
    use kdp::operator::duty::Duty;

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
    fn every_command_stands_in_the_table_of_duties_and_nothing_else_does() {
        let mut found = Vec::new();
        each(&Cli::command(), "", &mut |path, command| {
            if command.get_subcommands().next().is_none() {
                found.push(path.trim_start().to_owned());
            }
        });
        let mut known: Vec<&str> = Duty::ALL.iter().flat_map(|duty| duty.commands()).copied().collect();
        // A flag with a duty of its own.
        known.retain(|words| !words.contains(" --"));
        found.sort_unstable();
        known.sort_unstable();
        assert_eq!(found, known);
    }

    /// A notice is a letter, an export has a form of its own.
    const NO_JSON: [&str; 4] = ["incident notice", "journal export", "seal-key add", "seal-key remove"];

    #[test]
    fn what_operators_run_can_be_read_by_a_program() {
        each(&Cli::command(), "", &mut |path, command| {
            let errand = Errand::of(path.trim_start()).filter(|errand| errand.duty() != Duty::Open);
            if let Some(errand) = errand.filter(|errand| !NO_JSON.contains(&errand.command())) {
                assert!(command.get_arguments().any(|arg| arg.get_id() == "json"), "{}", errand.command());
            }
        });
    }

    #[test]
    fn the_errand_is_that_of_the_command_that_was_typed() {
        let typed = |line: &str| {
            let matches = Cli::command().try_get_matches_from(line.split(' ')).unwrap();
            Errand::of(&words(&matches)).unwrap().command()
        };
        assert_eq!(typed("kdp subject erase - --config kdp.toml --order x"), "subject erase");
        assert_eq!(typed("kdp check --config subject"), "check");
        assert_eq!(typed("kdp migrate --config back"), "migrate");
        assert_eq!(typed("kdp migrate --json --back --config kdp.toml"), "migrate --back");
        assert_eq!(typed("kdp owner list --config kdp.toml --operator add"), "owner list");
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
