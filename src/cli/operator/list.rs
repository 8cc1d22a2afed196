//! The list of persons with access, as it is printed (P 5-3, 7-1).

use super::word::{self, Words};
use crate::cli::access::Access;
use crate::cli::{Outcome, Result, argument, registration};
use kdp::clock;
use kdp::operator::{Name, Operator};
use kdp::store::register::{Kind, Revision};
use kdp::text::Lang;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// An account with all that became of it, oldest first; the last is how it stands.
struct Account {
    last: Operator,
    revisions: Vec<(u32, i64, Operator)>,
}

impl Account {
    fn read(revisions: Vec<Revision>) -> Result<Option<Self>> {
        let mut read = Vec::new();
        for revision in revisions {
            read.push((revision.revision, revision.at, serde_json::from_str::<Operator>(&revision.record)?));
        }
        let last = read.last().map(|(_, _, operator)| operator.clone());
        Ok(last.map(|last| Self { last, revisions: read }))
    }

    fn value(&self) -> Value {
        let Operator { name, full_name, roles, since, given_by, dismissed, must_change, .. } = &self.last;
        json!({
            "name": name, "full_name": full_name, "roles": roles, "active": self.last.is_active(),
            "since": clock::text(*since), "given_by": given_by, "must_change_password": must_change,
            "dismissed": dismissed.as_ref().map(|end| json!({ "at": clock::text(end.at), "by": end.by })),
            "history": self.revisions.iter().map(|(revision, at, operator)| json!({
                "revision": revision, "at": clock::text(*at), "step": operator.step, "roles": operator.roles,
                "by": operator.by,
            })).collect::<Vec<_>>(),
        })
    }

    fn row(&self, words: &Words) -> Vec<String> {
        let Operator { name, full_name, roles, since, given_by, dismissed, .. } = &self.last;
        let end = dismissed.as_ref();
        vec![
            name.to_string(),
            full_name.clone(),
            words.roles(roles),
            clock::text(*since),
            by(given_by.as_ref()),
            end.map_or_else(
                || words.active.to_owned(),
                |end| format!("{} {} ({})", words.dismissed, clock::text(end.at), end.by),
            ),
        ]
    }

    fn steps(&self, words: &Words) -> Vec<Vec<String>> {
        let step = |(_, at, operator): &(u32, i64, Operator)| {
            let name = operator.name.to_string();
            let (did, roles) = (words.step(operator.step).to_owned(), words.roles(&operator.roles));
            vec![name, clock::text(*at), did, roles, by(operator.by.as_ref())]
        };
        self.revisions.iter().map(step).collect()
    }
}

fn by(name: Option<&Name>) -> String {
    name.map_or_else(|| "—".to_owned(), ToString::to_string)
}

/// All.
pub async fn all(access: &Access, (history, lang): (bool, Lang), as_json: bool) -> Result {
    let mut accounts = Vec::new();
    for last in access.latest(Kind::Operator).await? {
        accounts.extend(Account::read(access.history(Kind::Operator, &last.id).await?)?);
    }
    let values = accounts.iter().map(Account::value).collect();
    let shown = Outcome::either(as_json, &Value::Array(values), || {
        let words = word::words(lang);
        let rows = accounts.iter().map(|account| account.row(words)).collect();
        let mut text = format!("{}, {}\n", words.title, clock::text(access.now()));
        text.push_str(&table(&words.heading, rows));
        if history {
            let rows = accounts.iter().flat_map(|account| account.steps(words)).collect();
            let _ = write!(text, "\n{}\n{}", words.history, table(&words.steps, rows));
        }
        text
    });
    access.look("operators", None, shown).await
}

/// One, with its history.
pub async fn one(access: &Access, (name, lang): (&Name, Lang), as_json: bool) -> Result {
    let account = Account::read(access.history(Kind::Operator, name.as_str()).await?)?;
    let account = account.ok_or_else(|| registration::unknown(Kind::Operator, name.as_str()))?;
    let shown = Outcome::either(as_json, &account.value(), || {
        let words = word::words(lang);
        let (row, steps) = (account.row(words), account.steps(words));
        format!("{}\n{}", table(&words.heading, vec![row]), table(&words.steps, steps))
    });
    access.look("operators", None, shown).await
}

fn table(heading: &[&str], rows: Vec<Vec<String>>) -> String {
    let heading = heading.iter().map(|&word| word.to_owned()).collect();
    argument::table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
}
