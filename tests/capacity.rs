//! The paper on the size of a country says what the model beside the benchmarks says: a figure that was changed in one of the two
//! is changed in both.

#![expect(clippy::cast_precision_loss, reason = "figures are rounded for people")]

#[path = "bench/national/mod.rs"]
mod national;

use std::fs;
use std::path::Path;

const PAPER: &str = "deploy/capacity.md";

fn paper() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAPER)).unwrap()
}

/// Lines without blanks at their ends.
fn trimmed(text: &str) -> Vec<&str> {
    text.trim().lines().map(str::trim_end).collect()
}

/// The block that follows a line of the paper.
fn block<'p>(paper: &'p str, after: &str) -> &'p str {
    let rest = paper.split_once(after).unwrap_or_else(|| panic!("{PAPER} has no line {after:?}")).1;
    rest.split_once("```text\n").unwrap().1.split_once("```").unwrap().0
}

#[test]
fn the_paper_quotes_what_the_model_says_and_the_model_notices_what_is_lost() {
    let (paper, model) = (paper(), national::Paper::write());
    let formulas = block(&paper, "## By formulas");
    assert_eq!(
        trimmed(formulas),
        trimmed(&model.formulas),
        "{PAPER} is not the model's:\n{}",
        model.formulas
    );
    let found = block(&paper, "## By simulation");
    assert_eq!(
        trimmed(found),
        trimmed(&model.simulation),
        "{PAPER} is not the model's:\n{}",
        model.simulation
    );
    let refused = |name: &str| {
        let line = model.simulation.lines().find(|line| line.starts_with(name)).unwrap();
        let share = line.split_ascii_whitespace().rfind(|word| word.ends_with('%')).unwrap();
        share.trim_end_matches('%').parse::<f64>().unwrap()
    };
    assert!(refused("peak, 2 nodes  ") < 0.01);
    assert!(refused("peak, 2 nodes, the leader is lost") > 0.1);
}
