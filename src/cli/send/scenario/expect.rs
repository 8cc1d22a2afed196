//! What must come of a call.

use super::value::{Unfilled, Values};
use crate::cli::send::answer::Answer;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What an answer must say; what is left out may be anything.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// `data/status`.
    status: Option<String>,
    /// `data/reason`.
    reason: Option<String>,
    /// `responseInfo/status/code`.
    code: Option<String>,
    /// `errorCode` of a SOAP fault; without it there must be none.
    fault: Option<String>,
    /// Elements of `data` by their paths.
    #[serde(default)]
    data: BTreeMap<String, Wanted>,
}

/// What an element must be.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Wanted {
    /// There, or not.
    There(bool),
    /// This number.
    Number(i64),
    /// This text; of several elements of the name, one.
    Text(String),
    /// A text with this in it.
    Part(Part),
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    contains: String,
}

/// Elements whose value a report may show: what they say is about nobody, and secret to nobody.
const SHOWN: [&str; 12] = [
    "status",
    "reason",
    "state",
    "active",
    "revocation_pending",
    "deadline",
    "working_days_left",
    "expires_at",
    "poll_after",
    "next",
    "passed",
    "name",
];

impl Expect {
    /// The same with the values that it names.
    pub fn filled(&self, values: &Values) -> Result<Self, Unfilled> {
        let maybe = |text: &Option<String>| text.as_deref().map(|text| values.fill(text)).transpose();
        let wanted = |wanted: &Wanted| {
            Ok(match wanted {
                Wanted::Text(text) => Wanted::Text(values.fill(text)?),
                Wanted::Part(part) => Wanted::Part(Part { contains: values.fill(&part.contains)? }),
                other => other.clone(),
            })
        };
        Ok(Self {
            status: maybe(&self.status)?,
            reason: maybe(&self.reason)?,
            code: maybe(&self.code)?,
            fault: maybe(&self.fault)?,
            data: self
                .data
                .iter()
                .map(|(name, value)| Ok((name.clone(), wanted(value)?)))
                .collect::<Result<_, _>>()?,
        })
    }

    /// What the answer says otherwise, a line each; nothing: it is what was expected.
    pub fn differences(&self, answer: &Answer) -> Vec<String> {
        if let Some((code, message)) = answer.fault() {
            return match &self.fault {
                Some(fault) if fault == code => Vec::new(),
                Some(fault) => vec![format!("fault: {code}, expected {fault}")],
                None => vec![format!("fault: {code} {message}, expected an answer")],
            };
        }
        let mut lines = Vec::new();
        if let Some(fault) = &self.fault {
            lines.push(format!("fault: none, expected {fault}"));
        }
        let told = [
            ("code", &self.code, answer.code()),
            ("status", &self.status, answer.data("status")),
            ("reason", &self.reason, answer.data("reason")),
        ];
        for (name, wanted, found) in told {
            if let Some(wanted) = wanted.as_deref().filter(|wanted| Some(*wanted) != found) {
                lines.push(format!("{name}: {}, expected {wanted}", found.unwrap_or("none")));
            }
        }
        lines.extend(self.data.iter().filter_map(|(name, wanted)| wanted.difference(name, answer)));
        // Whatever was expected, the reason says most of what went otherwise.
        if let Some(reason) = answer.data("reason").filter(|_| !lines.is_empty() && self.reason.is_none()) {
            lines.push(format!("(reason: {reason})"));
        }
        lines
    }
}

impl Wanted {
    fn difference(&self, name: &str, answer: &Answer) -> Option<String> {
        let found: Vec<&str> = answer.values(name).into_iter().filter(|value| !value.is_empty()).collect();
        let (is_so, wanted) = match self {
            Self::There(wanted) => {
                let word = if *wanted { "one" } else { "none" };
                (found.is_empty() != *wanted, word.to_owned())
            }
            Self::Number(number) => (found.contains(&number.to_string().as_str()), number.to_string()),
            Self::Text(text) => (found.contains(&text.as_str()), text.clone()),
            Self::Part(Part { contains }) => {
                (found.iter().any(|value| value.contains(contains)), format!("…{contains}…"))
            }
        };
        let found = found.first().copied();
        let is_shown = name.rsplit('/').next().is_some_and(|name| SHOWN.contains(&name));
        (!is_so).then(|| match (found, self) {
            (Some(_), Self::There(_)) => format!("{name}: one, expected none"),
            (Some(_), _) if !is_shown => format!("{name}: another value than was expected"),
            (None, _) if !is_shown => format!("{name}: none, expected one"),
            (found, _) => format!("{name}: {}, expected {wanted}", found.unwrap_or("none")),
        })
    }
}
