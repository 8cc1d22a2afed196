//! The parts of a report as people read them, in one language.

use super::figure::Report;
use super::table::Cell;
use super::word::words;
use kdp::text::{Lang, Reason};

/// A table under a heading.
pub struct Section {
    /// What it is about.
    pub heading: String,
    /// Headings of its columns.
    pub columns: Vec<String>,
    /// Its rows, the sums last.
    pub rows: Vec<Vec<String>>,
}

/// The sections; none when there is nobody to report of.
pub fn sections(report: &Report, lang: Lang) -> Vec<Section> {
    if report.initiators.is_empty() {
        return Vec::new();
    }
    vec![
        requests(report, lang),
        outcomes(report, lang),
        waits(report, lang),
        revocations(report, lang),
        checks(report, lang),
    ]
}

/// A section with a row for each initiator and one for all; the name stands last, where it may be long.
fn section(
    report: &Report,
    lang: Lang,
    (heading, columns): (&str, Vec<String>),
    cells: impl Fn(usize) -> Vec<String>,
) -> Section {
    let words = words(lang);
    let mut head = vec![words.bin.to_owned()];
    head.extend(columns);
    head.push(words.name.to_owned());
    let all = (words.total.to_owned(), String::new());
    let rows = report.initiators.iter().chain([&all]).enumerate().map(|(i, (bin, name))| {
        let mut row = vec![bin.clone()];
        row.extend(cells(i));
        row.push(name.clone());
        row
    });
    Section { heading: heading.to_owned(), columns: head, rows: rows.collect() }
}

fn shown(rows: &[Vec<Cell>], i: usize) -> Vec<String> {
    rows.get(i).into_iter().flatten().map(|cell| Report::cell(*cell)).collect()
}

fn requests(report: &Report, lang: Lang) -> Section {
    let words = words(lang);
    let mut columns: Vec<String> = (1..=5).map(|n| format!("{} {n}", words.method)).collect();
    columns.push(words.total.to_owned());
    section(report, lang, (words.requests, columns), |i| shown(&report.requests, i))
}

/// A row for each initiator and outcome: there are too many outcomes for columns.
fn outcomes(report: &Report, lang: Lang) -> Section {
    let words = words(lang);
    let all = words.total.to_owned();
    let bins = report.initiators.iter().map(|(bin, _)| bin).chain([&all]);
    let rows = bins.enumerate().flat_map(|(i, bin)| {
        let names = report.codes.iter().map(String::as_str).chain([words.total]);
        names.zip(shown(&report.outcomes, i)).map(move |(code, count)| {
            let meaning = Reason::from_code(code).map(|reason| reason.text(lang).to_owned());
            vec![bin.clone(), code.to_owned(), count, meaning.unwrap_or_default()]
        })
    });
    let columns = [words.bin, words.outcome, words.count, words.meaning].map(str::to_owned).to_vec();
    Section { heading: words.outcomes.to_owned(), columns, rows: rows.collect() }
}

fn waits(report: &Report, lang: Lang) -> Section {
    let words = words(lang);
    let columns = [words.answered, words.median, words.p90].map(str::to_owned).to_vec();
    section(report, lang, (words.waits, columns), |i| {
        let answered = shown(&report.others, i).into_iter().next().unwrap_or_default();
        let wait = report.waits.get(i).copied().flatten();
        let seconds =
            |of: fn((i64, i64)) -> i64| wait.map_or_else(|| "–".to_owned(), |wait| of(wait).to_string());
        vec![answered, seconds(|wait| wait.0), seconds(|wait| wait.1)]
    })
}

fn revocations(report: &Report, lang: Lang) -> Section {
    let words = words(lang);
    let columns = [words.approved, words.refused, words.lapsed, words.open, words.filed];
    section(report, lang, (words.revocations, columns.map(str::to_owned).to_vec()), |i| {
        shown(&report.revocations, i)
    })
}

fn checks(report: &Report, lang: Lang) -> Section {
    let words = words(lang);
    section(report, lang, (words.checks, vec![words.count.to_owned()]), |i| {
        shown(&report.others, i).into_iter().skip(1).collect()
    })
}
