//! A scenario as it is written: TOML, checked as a whole before anything is sent.

use super::expect::Expect;
use super::value::{Unfilled, Values};
use crate::cli::send::Args;
use clap::Parser as _;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use toml::{Table, Value};

/// What is done, in order.
pub struct Scenario {
    /// What it is about.
    pub title: String,
    /// Values that it begins with; the command line may say others.
    pub values: BTreeMap<String, String>,
    /// Where its calls go, unless one or the command line says otherwise.
    pub url: Option<String>,
    /// One after the other.
    pub steps: Vec<Step>,
}

/// One step.
pub struct Step {
    /// What it shows.
    pub name: String,
    /// What it does.
    pub action: Action,
}

/// What a step does.
#[derive(Clone)]
pub enum Action {
    /// A call, by the options of `kdp send`, and what must come of it.
    Send(Sending),
    /// Reads an SMS of a sandbox.
    Sms(Sms),
    /// Answers one.
    Reply(Reply),
    /// Moves the clock of a sandbox.
    Clock(Clock),
}

/// A call.
#[derive(Clone)]
pub struct Sending {
    options: Table,
    /// `None`: it must be a success, as `kdp send` means it.
    pub expect: Option<Expect>,
    /// Values by their names, and the elements of the answer that hold them.
    pub keep: BTreeMap<String, String>,
}

/// The SMS that a phone of the sandbox got since the last call.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sms {
    /// The number, digits.
    pub to: String,
    /// What stands before the word that is kept.
    pub after: String,
    /// The value that it becomes.
    pub keep: String,
    /// How long it is awaited, seconds.
    #[serde(default = "usual_wait")]
    pub wait: u64,
}

fn usual_wait() -> u64 {
    10
}

/// What a subject answers.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The number, digits.
    pub from: String,
    /// The SMS.
    pub text: String,
}

/// As the sandbox takes it: one of the two.
#[derive(Clone, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// An ISO 8601 duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advance: Option<String>,
    /// A date and time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    title: String,
    #[serde(default)]
    values: BTreeMap<String, String>,
    #[serde(default)]
    send: Table,
    step: Vec<WrittenStep>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStep {
    name: String,
    send: Option<Table>,
    sms: Option<Sms>,
    reply: Option<Reply>,
    clock: Option<Clock>,
    expect: Option<Expect>,
    #[serde(default)]
    keep: BTreeMap<String, String>,
}

impl Scenario {
    /// Reads one; says of a wrong one which step is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let written: Written =
            toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        let mut known = Values::new(written.values.clone());
        let mut steps = Vec::with_capacity(written.step.len());
        for (number, step) in (1..).zip(written.step) {
            let wrong = |why: String| format!("step {number}, {}: {why}", step.name);
            let name = step.name.clone();
            let action = step.action(&written.send).map_err(wrong)?;
            let wrong = |why: String| format!("step {number}, {name}: {why}");
            let filled = action.filled(&known).map_err(|unfilled| wrong(unfilled.to_string()))?;
            if let (Action::Send(asked), Action::Send(filled)) = (&action, &filled)
                && asked.options == filled.options
            {
                asked.args().map_err(wrong)?;
            }
            for kept in action.keeps() {
                known.keep(kept, String::new());
            }
            steps.push(Step { name, action });
        }
        if steps.is_empty() {
            return Err("there is no [[step]] in it".to_owned());
        }
        let url = written.send.get("url").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { title: written.title, values: written.values, url, steps })
    }
}

impl WrittenStep {
    fn action(&self, usual: &Table) -> Result<Action, String> {
        let mut actions: Vec<Action> = Vec::new();
        if let Some(own) = &self.send {
            let mut options = usual.clone();
            options.extend(own.clone());
            let (expect, keep) = (self.expect.clone(), self.keep.clone());
            actions.push(Action::Send(Sending { options, expect, keep }));
        } else if self.expect.is_some() || !self.keep.is_empty() {
            return Err("expect and keep stand beside send".to_owned());
        }
        actions.extend(self.sms.clone().map(Action::Sms));
        actions.extend(self.reply.clone().map(Action::Reply));
        actions.extend(self.clock.clone().map(Action::Clock));
        match (actions.pop(), actions.pop()) {
            (Some(action), None) => Ok(action),
            _ => Err("exactly one of send, sms, reply and clock says what it does".to_owned()),
        }
    }
}

impl Action {
    /// The values that it keeps.
    pub fn keeps(&self) -> impl Iterator<Item = &str> {
        let (sent, read) = match self {
            Self::Send(sending) => (Some(sending.keep.keys()), None),
            Self::Sms(sms) => (None, Some(&sms.keep)),
            Self::Reply(_) | Self::Clock(_) => (None, None),
        };
        sent.into_iter().flatten().chain(read).map(String::as_str)
    }

    /// The same with the values that it names.
    pub fn filled(&self, values: &Values) -> Result<Self, Unfilled> {
        let fill = |text: &str| values.fill(text);
        let maybe = |text: &Option<String>| text.as_deref().map(fill).transpose();
        Ok(match self {
            Self::Send(Sending { options, expect, keep }) => Self::Send(Sending {
                options: filled_table(options, values)?,
                expect: expect.as_ref().map(|expect| expect.filled(values)).transpose()?,
                keep: keep.clone(),
            }),
            Self::Sms(sms) => Self::Sms(Sms { to: fill(&sms.to)?, after: fill(&sms.after)?, ..sms.clone() }),
            Self::Reply(Reply { from, text }) => Self::Reply(Reply { from: fill(from)?, text: fill(text)? }),
            Self::Clock(Clock { advance, set }) => {
                Self::Clock(Clock { advance: maybe(advance)?, set: maybe(set)? })
            }
        })
    }
}

fn filled_table(table: &Table, values: &Values) -> Result<Table, Unfilled> {
    table.iter().map(|(key, value)| Ok((key.clone(), filled_value(value, values)?))).collect()
}

fn filled_value(value: &Value, values: &Values) -> Result<Value, Unfilled> {
    Ok(match value {
        Value::String(text) => Value::String(values.fill(text)?),
        Value::Array(each) => {
            Value::Array(each.iter().map(|value| filled_value(value, values)).collect::<Result<_, _>>()?)
        }
        Value::Table(table) => Value::Table(filled_table(table, values)?),
        other => other.clone(),
    })
}

/// What belongs to the run as a whole.
const OF_THE_RUN: [&str; 8] = ["print", "json", "save", "scenario", "junit", "value", "help", "version"];

#[derive(clap::Parser)]
#[command(no_binary_name = true, disable_help_flag = true)]
struct Line {
    #[command(flatten)]
    args: Args,
}

impl Sending {
    /// The options as those of the command line; `file` is the payload's, which has no name there.
    pub fn args(&self) -> Result<Args, String> {
        let (mut words, mut file) = (Vec::new(), None);
        for (key, value) in &self.options {
            if OF_THE_RUN.contains(&key.as_str()) {
                return Err(format!("{key} is no option of a step"));
            }
            match value {
                Value::String(path) if key == "file" => file = Some(path.clone()),
                value => words.extend(option(key, value)?),
            }
        }
        words.extend(file.into_iter().flat_map(|path| ["--".to_owned(), path]));
        let line = Line::try_parse_from(words).map_err(|error| {
            let text = error.to_string();
            text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
        })?;
        Ok(line.args)
    }
}

fn option(key: &str, value: &Value) -> Result<Vec<String>, String> {
    let said = |value: &dyn std::fmt::Display| vec![format!("--{key}={value}")];
    Ok(match value {
        Value::Boolean(true) => vec![format!("--{key}")],
        Value::Boolean(false) => Vec::new(),
        Value::String(text) => said(text),
        Value::Integer(number) => said(number),
        Value::Float(number) => said(number),
        Value::Datetime(time) => said(time),
        Value::Array(each) => {
            let each: Vec<_> = each.iter().map(|value| option(key, value)).collect::<Result<_, _>>()?;
            each.concat()
        }
        Value::Table(pairs) => {
            let pair = |(name, value): (&String, &Value)| match value {
                Value::String(text) => Ok(format!("--{key}={name}={text}")),
                Value::Integer(_) | Value::Boolean(_) | Value::Datetime(_) => {
                    Ok(format!("--{key}={name}={value}"))
                }
                _ => Err(format!("{key}: {name} must be text")),
            };
            pairs.iter().map(pair).collect::<Result<_, _>>()?
        }
    })
}

/// Files that a scenario names stand beside it, unless their paths are absolute.
pub fn stand_in(args: &mut Args, folder: &Path) {
    let single = [
        &mut args.request,
        &mut args.key,
        &mut args.cert,
        &mut args.password_file,
        &mut args.auth_token_file,
        &mut args.tls_ca,
        &mut args.payload.ovt_key,
    ];
    for path in single.into_iter().flatten().chain(&mut args.trust) {
        *path = folder.join(&*path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        Scenario::parse(&format!("title = 't'\n{text}")).err().unwrap_or_else(|| panic!("{text} was taken"))
    }

    #[test]
    fn what_is_wrong_is_told_with_the_step_before_anything_is_sent() {
        for (text, told) in [
            ("", "missing field `step`"),
            ("step = []", "no [[step]]"),
            ("[[step]]\nname = 'n'", "step 1, n: exactly one of send"),
            ("[[step]]\nname = 'n'\nsend = {}\nclock = { advance = 'PT1M' }", "exactly one of"),
            (
                "[[step]]\nname = 'n'\nclock = { advance = 'PT1M' }\nexpect = { status = 'VALID' }",
                "beside send",
            ),
            ("[[step]]\nname = 'n'\nsend = { uni = '1' }", "unexpected argument '--uni'"),
            ("[[step]]\nname = 'n'\nsend = { method = 6 }", "--method"),
            ("[[step]]\nname = 'n'\nsend = { json = true }", "json is no option of a step"),
            ("[[step]]\nname = 'n'\nsend = { uin = '${who}' }", "${who} is no value"),
            ("[[step]]\nname = 'n'\nsend = { uin = '${who' }", "${ is not closed"),
            ("[[step]]\nname = 'n'\nsend = {}\nexpect = { statsu = 'VALID' }", "statsu"),
            (
                "[[step]]\nname = 'n'\nsend = {}\nexpect = { data = { a = '${later}' } }\n",
                "${later} is no value",
            ),
            ("[[stepp]]\nname = 'n'", "stepp"),
        ] {
            assert!(wrong(text).contains(told), "{}", wrong(text));
        }
    }

    #[test]
    fn the_options_of_a_step_are_those_of_the_command_line_and_win_over_the_scenarios() {
        let text = "title = 't'\nvalues = { who = '800101399015' }\nsend = { as = 'bank', lang = 'kk', term = '10m' }\n\
            [[step]]\nname = 'n'\nsend = { file = 'r.xml', lang = 'en', term = false, dry-run = true, method = 1, \
            service = ['A', 'B'], uin = '${who}', set = { company = '-x', employee_name = 'y' } }";
        let scenario = Scenario::parse(text).unwrap();
        let values = Values::new(scenario.values.clone());
        let Action::Send(sending) = scenario.steps[0].action.filled(&values).unwrap() else { panic!() };
        let mut args = sending.args().unwrap();
        stand_in(&mut args, Path::new("/folder"));
        assert_eq!(args.request.as_deref(), Some(Path::new("/folder/r.xml")));
        assert_eq!(args.peer.as_deref(), Some("bank"));
        let payload = crate::cli::send::payload::Payload::of_flags(&args.payload).unwrap();
        let told: Vec<_> = payload.fields().collect();
        for pair in [
            ("uin", "800101399015"),
            ("access_name", "A;B"),
            ("lang", "en"),
            ("dry_run", "true"),
            ("company", "-x"),
            ("employee_name", "y"),
            ("omit-sms", "false"),
        ] {
            assert!(told.contains(&pair), "{pair:?} in {told:?}");
        }
        assert!(payload.get("expiresIn").is_none());
    }
}
