//! Guesses: counted before they are answered, whoever makes them and however many at once.

use crate::office::{Office, end};

const QUARTER: i64 = 15 * 60_000;

#[test]
fn five_wrong_passwords_lock_a_name_out_also_for_the_right_one_and_each_five_more_for_twice_as_long() {
    let office = Office::open();
    let right = office.password("registrar");
    for _ in 0..4 {
        office.knock("registrar", "wrong").refused("operator-login");
    }
    // The right one ends the count.
    office.knock("registrar", &right).done();
    for span in [QUARTER, 2 * QUARTER] {
        for _ in 0..5 {
            office.knock("registrar", "wrong").refused("operator-login");
        }
        let err = office.knock("registrar", &right).refused("operator-locked");
        assert!(err.contains("locked until 20"), "{err}");
        office.knock("registrar", "wrong").refused("operator-locked");
        office.advance(span - 60_000);
        office.knock("registrar", &right).refused("operator-locked");
        // Another name is not concerned.
        office.knock("auditor", &office.password("auditor")).done();
        office.advance(2 * 60_000);
    }
    office.knock("registrar", &right).done();
    let logins = office.journal("login");
    let count = |outcome: &str| logins.iter().filter(|line| **line == format!("registrar|{outcome}")).count();
    assert_eq!((count("wrong"), count("wrong, locked"), count("locked"), count("right")), (12, 2, 6, 2));
}

#[test]
fn a_name_that_nobody_has_is_answered_and_locked_like_one_that_somebody_has() {
    let office = Office::open();
    let answers = |name: &str| -> Vec<String> {
        let answer = |_| office.knock(name, "wrong").err.chars().filter(|c| !c.is_ascii_digit()).collect();
        (0..7).map(answer).collect()
    };
    let unknown = answers("nobody");
    assert_eq!(unknown, answers("registrar"));
    assert!(unknown[4].contains("operator-login") && unknown[5].contains("operator-locked"));
    // What was typed for a name may be a password: it is not kept.
    assert_eq!(office.sql("SELECT count(*) FROM journal WHERE kind = 'login' AND operator = ''"), "7");
    let guards = office.sql("SELECT group_concat(name) FROM operator_guard");
    assert!(!guards.contains("nobody") && !guards.contains("registrar"), "{guards}");
}

#[test]
fn twenty_guesses_at_once_gain_no_sixth_answer() {
    let office = Office::open();
    let guesses: Vec<_> =
        (0..20).map(|number| office.knocking("registrar", &format!("guess {number}"))).collect();
    let answers: Vec<_> = guesses.into_iter().map(end).collect();
    let told = |code: &str| answers.iter().filter(|ended| ended.err.contains(code)).count();
    assert_eq!((told("operator-login"), told("operator-locked")), (5, 15));
    assert_eq!(office.sql("SELECT wrong FROM operator_guard"), "5");
    // Nor does the right one among them, once five were wrong.
    office.knock("registrar", &office.password("registrar")).refused("operator-locked");
}

#[test]
fn many_right_logins_at_once_lock_nobody_out() {
    let office = Office::open();
    let right = office.password("registrar");
    let all: Vec<_> = (0..12).map(|_| office.knocking("registrar", &right)).collect();
    assert!(all.into_iter().map(end).all(|ended| ended.code == 0));
}

#[test]
fn a_sandboxs_operators_log_in_where_a_configuration_leads_to_their_database() {
    let office = Office::open();
    let ended = office.unnamed(&["ground", "list", "--operator", "officer"]);
    assert!(ended.code == 2 && ended.err.contains("operator-missing"), "{}", ended.err);
    office.configured("officer", &["ground", "list"]).done();
}
