//! The grounds that come with the program: the cases of L-9, as data (`deploy/grounds.toml`).

use crate::cli::{Failure, Outcome, Result, registration};
use serde::Deserialize;
use serde_json::{Value, json};

const TABLE: &str = include_str!("../../../deploy/grounds.toml");

/// A ground as it comes with the program; for method 4 alone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shipped {
    /// Id that requests name.
    pub id: String,
    /// What it says, in Kazakh.
    pub kk: String,
    /// The same in Russian.
    pub ru: String,
    /// Where it stands.
    pub source: String,
    /// I-3: cases of it need no integration application.
    pub exempt: bool,
    /// Whether its number is sure.
    pub number_confirmed: bool,
    /// Whether its wording is sure.
    pub wording_confirmed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    ground: Vec<Shipped>,
}

/// All of them, in the order of the law.
pub fn all() -> Result<Vec<Shipped>> {
    Ok(toml::from_str::<Table>(TABLE)?.ground)
}

/// One of them.
pub fn find(id: &str) -> Result<Shipped> {
    let found = all()?.into_iter().find(|ground| ground.id == id);
    found.ok_or_else(|| Failure::unusable(format!("--shipped: {id} is none of `kdp ground shipped`")))
}

/// Lists them.
pub fn list(as_json: bool) -> Result {
    let grounds = all()?;
    let value = grounds.iter().map(|ground| {
        json!({
            "id": ground.id, "text": { "kk": ground.kk, "ru": ground.ru }, "methods": [4],
            "source": ground.source, "exempt": ground.exempt, "number_confirmed": ground.number_confirmed,
            "wording_confirmed": ground.wording_confirmed,
        })
    });
    Ok(Outcome::either(as_json, &Value::Array(value.collect()), || {
        let sure = |sure| if sure { "confirmed" } else { "unconfirmed" }.to_owned();
        let rows = grounds.iter().flat_map(|ground| {
            let exempt = if ground.exempt { "exempt" } else { "" };
            let row = vec![
                ground.id.clone(),
                ground.source.clone(),
                sure(ground.number_confirmed),
                sure(ground.wording_confirmed),
                exempt.to_owned(),
                format!("ru {}", ground.ru),
            ];
            let mut kk = vec![String::new(); 5];
            kk.push(format!("kk {}", ground.kk));
            [row, kk]
        });
        let heading = ["ID", "SOURCE", "NUMBER", "WORDING", "I-3", "TEXT"];
        registration::listed(&heading, rows.collect(), "")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_each_case_of_the_law_with_what_is_sure_of_it() {
        let grounds = all().unwrap();
        let ids: Vec<&str> = grounds.iter().map(|ground| ground.id.as_str()).collect();
        let numbers = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "9-1", "9-2", "9-3", "10"];
        assert_eq!(ids, numbers.map(|number| format!("L-9-{number}")));
        for (ground, number) in grounds.iter().zip(numbers) {
            assert_eq!(ground.source, format!("94-V 9 {number})"));
            let sure = ["1", "2", "9", "9-2"].contains(&number);
            assert_eq!((ground.exempt, ground.number_confirmed), (sure, sure), "{number}");
            assert!(!ground.wording_confirmed, "nobody has held {number} against the law");
            assert!(
                ground.kk.contains(['қ', 'і', 'ғ', 'ұ', 'ү', 'ө', 'ә', 'ң']) && ground.kk != ground.ru,
                "{number}"
            );
        }
    }

    #[test]
    fn one_is_found_by_its_id_alone() {
        assert!(find("L-9-9-2").unwrap().ru.contains("резервной копии"));
        assert!(find("L-9-11").is_err());
    }
}
