//! What became of the steps, for people and for programs.

use crate::cli::{Exit, Outcome, argument};
use kdp::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use std::time::Duration;

/// What became of a step.
pub enum End {
    /// As it must be.
    Passed,
    /// Otherwise: how, a line each.
    Failed(Vec<String>),
    /// It could not be tried: nobody answers, or its options are wrong.
    Impossible(String),
    /// It needs what an earlier step did not bring.
    Skipped(String),
}

/// A step, told.
pub struct Told {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub end: End,
    /// How long it took.
    pub seconds: Duration,
    /// The decision that the service journalled.
    pub decision: Option<String>,
}

/// All of them.
pub struct Report {
    /// Of the scenario.
    pub title: String,
    /// When it began, Unix milliseconds.
    pub began: i64,
    /// In their order.
    pub steps: Vec<Told>,
}

impl Told {
    /// A step that ended so, nothing else known of it.
    pub fn of(end: End) -> Self {
        Self { name: String::new(), end, seconds: Duration::ZERO, decision: None }
    }

    fn lines(&self) -> &[String] {
        match &self.end {
            End::Passed => &[],
            End::Failed(lines) => lines,
            End::Impossible(line) | End::Skipped(line) => std::slice::from_ref(line),
        }
    }

    /// All that is to be said of how it ended, a line each.
    pub fn why(&self) -> Vec<String> {
        // What a server sends is shown on a terminal.
        let mut why: Vec<String> =
            self.lines().iter().map(|line| line.replace(char::is_control, " ")).collect();
        if let Some(decision) = self.decision.as_ref().filter(|_| !why.is_empty()) {
            why.push(format!("decision {}", decision.replace(char::is_control, " ")));
        }
        why
    }
}

impl End {
    /// Its word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Impossible(_) => "error",
            Self::Skipped(_) => "skipped",
        }
    }
}

impl Report {
    /// An empty one.
    pub fn new(title: &str) -> Self {
        Self { title: title.to_owned(), began: SystemClock.now(), steps: Vec::new() }
    }

    /// One more step.
    pub fn add(&mut self, told: Told) {
        self.steps.push(told);
    }

    /// How many steps ended so.
    pub fn count(&self, word: &str) -> usize {
        self.steps.iter().filter(|told| told.end.word() == word).count()
    }

    /// How long they took together.
    pub fn took(&self) -> Duration {
        self.steps.iter().map(|told| told.seconds).sum()
    }

    /// Prints it.
    pub fn outcome(&self, as_json: bool) -> Outcome {
        let exit = match (self.count("error"), self.count("failed"), self.count("skipped")) {
            (0, 0, 0) => Exit::Accepted,
            (0, _, _) => Exit::Refused,
            _ => Exit::Unusable,
        };
        Outcome { exit, ..Outcome::either(as_json, &self.value(), || self.text()) }
    }

    fn text(&self) -> String {
        let rows: Vec<Vec<String>> = (1..)
            .zip(&self.steps)
            .map(|(number, told)| {
                let word = if matches!(told.end, End::Passed) { "ok" } else { told.end.word() };
                let time = format!("{:.2} s", told.seconds.as_secs_f64());
                vec![word.to_owned(), number.to_string(), told.name.clone(), time]
            })
            .collect();
        let rows = argument::table(&rows);
        let why = |told: &Told| told.why().into_iter().map(|line| format!("         {line}"));
        let mut lines: Vec<String> = rows
            .lines()
            .zip(&self.steps)
            .flat_map(|(row, told)| std::iter::once(row.to_owned()).chain(why(told)))
            .collect();
        let ends: Vec<String> = ["passed", "failed", "error", "skipped"]
            .into_iter()
            .map(|word| (word, self.count(word)))
            .filter(|(word, count)| *word == "passed" || *count > 0)
            .map(|(word, count)| format!("{count} {word}"))
            .collect();
        let (ends, took) = (ends.join(", "), self.took().as_secs_f64());
        lines.push(format!("{}: {ends} of {} steps, {took:.1} s\n", self.title, self.steps.len()));
        lines.join("\n")
    }

    fn value(&self) -> Value {
        let steps: Vec<Value> = self
            .steps
            .iter()
            .map(|told| {
                json!({
                    "name": told.name, "end": told.end.word(), "seconds": told.seconds.as_secs_f64(),
                    "why": told.lines(), "decision_id": told.decision,
                })
            })
            .collect();
        json!({
            "title": self.title, "steps": steps, "passed": self.count("passed"), "failed": self.count("failed"),
            "errors": self.count("error"), "skipped": self.count("skipped"), "seconds": self.took().as_secs_f64(),
        })
    }
}
