//! The report to the authorised body.

use super::past::{Grant, Past};
use super::{BIN, Installation, SUBJECT};
use serde_json::{Value, json};

const SUBJECTS: [&str; 3] = [SUBJECT, "810102499019", "820103399015"];

/// Twelve tokens of method 2, seven refusals by SMS, six token checks, two applications for revocation; all of today.
fn busy() -> (Installation, [String; 2]) {
    let installation = Installation::peopled();
    let past = Past::of(installation.at());
    let begin = past.now() - 200_000;
    let granted: Vec<_> = (0..12)
        .map(|i| {
            let iin = SUBJECTS[i % 3];
            past.grant(&Grant { iin, at: begin + i64::try_from(i).unwrap(), days: 2, place: i as u64 })
        })
        .collect();
    for (i, iin) in (0..7).zip(SUBJECTS.iter().cycle()) {
        past.refused(iin, begin + 20 + i, 10_000 * (i + 1));
    }
    granted.iter().take(6).for_each(|request| past.check(request, begin + 100_000));
    granted.iter().skip(6).take(2).for_each(|request| past.contest(request, begin + 100_000));
    let day = |at: i64| kdp::clock::text(at)[..10].to_owned();
    (installation, [day(begin), day(begin + 2 * super::past::DAY)])
}

#[test]
fn the_figures_of_a_period_are_counted_and_small_ones_suppressed() {
    let (installation, [from, to]) = busy();
    let report = |more: &[&str]| -> Value {
        installation.json(&[&["report", "--from", &from, "--to", &to], more].concat())
    };
    let all = report(&["--suppress", "0"]);
    let bank = &all["initiators"][0];
    assert_eq!((&bank["bin"], &bank["name"]), (&json!(BIN), &json!("Банк")));
    assert_eq!(bank["requests"], json!({ "1": 7, "2": 12, "3": 0, "4": 0, "5": 0, "total": 19 }));
    assert_eq!((&bank["outcomes"]["granted"], &bank["outcomes"]["waiting"]), (&json!(12), &json!(7)));
    assert_eq!(bank["waiting"], json!({ "answered": 7, "median_seconds": 40, "p90_seconds": 70 }));
    assert_eq!((&bank["revocations"]["filed"], &bank["revocations"]["open"]), (&json!(2), &json!(2)));
    assert_eq!(bank["token_checks"], 6);
    assert_eq!(all["total"]["requests"], bank["requests"]);

    // A period that reaches into the future does not let a review lapse that is open.
    let ahead = ["report", "--from", &from, "--to", "2999-01-01", "--suppress", "0"];
    assert_eq!(installation.json(&ahead)["initiators"][0]["revocations"]["open"], 2);

    let told = report(&[]);
    assert_eq!(told["suppressed_below"], 5);
    let bank = &told["initiators"][0];
    // Three zeros stand for each other: their sum with the shown ones tells that all are 0 — so one more is left out.
    assert_eq!((&bank["requests"]["3"], &bank["requests"]["4"]), (&json!("<5"), &json!("<5")));
    assert!(bank["requests"].as_object().unwrap().values().any(|cell| cell == "*"), "{bank}");
    assert_eq!((&bank["revocations"]["filed"], &bank["revocations"]["open"]), (&json!("<5"), &json!("<5")));
    let strict = report(&["--suppress", "8"]);
    assert_eq!(strict["initiators"][0]["token_checks"], "<8");
    assert_eq!(strict["total"]["token_checks"], "<8", "the sum of one gives it away");
    assert_eq!(
        strict["initiators"][0]["waiting"],
        json!({ "answered": "<8", "median_seconds": null, "p90_seconds": null })
    );
    let text = told.to_string();
    for subject in SUBJECTS {
        assert!(!text.contains(subject));
    }
}

#[test]
fn a_report_reads_in_three_languages_and_as_a_page() {
    let (installation, [from, to]) = busy();
    let report =
        |more: &[&str]| installation.run(0, &[&["report", "--from", &from, "--to", &to], more].concat()).0;
    for (lang, heading) in [
        ("kk", "Келісімді кері қайтарып алу өтінімдері"),
        ("ru", "Заявки на отзыв согласия"),
        ("en", "Applications for revocation"),
    ] {
        let text = report(&["--lang", lang]);
        assert!(text.contains(heading) && text.contains(BIN) && text.contains("<N: "), "{text}");
        let page = report(&["--lang", lang, "--html"]);
        assert!(
            page.starts_with("<!DOCTYPE html>") && page.contains(&format!("<html lang=\"{lang}\">")),
            "{page}"
        );
        assert!(
            page.contains(heading) && page.contains("<td>&lt;5</td>") && !page.contains("<td><5"),
            "{page}"
        );
        assert_eq!(page.matches("<table>").count(), page.matches("</table>").count());
    }
    assert!(report(&[]).starts_with("Отчёт"), "Russian is the default");
}

#[test]
fn a_period_without_anything_is_said_to_be_so_and_a_wrong_one_refused() {
    let (installation, _) = busy();
    let report = |code, more: &[&str]| installation.run(code, &[&["report"], more].concat());
    let (out, _) = report(0, &["--from", "2020-01-01", "--to", "2020-04-01", "--lang", "en"]);
    assert!(out.contains("2020-01-01 – 2020-03-31") && out.contains("nothing to show"), "{out}");
    for (more, name) in [
        (&["--from", "2026-04-01", "--to", "2026-04-01"][..], "--to"),
        (&["--from", "2026-04-01", "--to", "2026-01-01"], "--to"),
        (&["--from", "yesterday", "--to", "2026-01-01"], "--from"),
        (&["--from", "2026-01-01", "--to", "2026-02-01", "--suppress", "2"], "--suppress"),
        (&["--from", "2026-01-01", "--to", "2026-02-01", "--html", "--json"], "--html"),
    ] {
        let (out, err) = report(2, more);
        assert!(out.is_empty() && err.contains(name), "{more:?}: {err}");
    }
}
