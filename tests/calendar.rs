//! The working days of Kazakhstan: the terms of calendar.md, what was known when, and the laws of counting.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/operator.rs"]
mod operator;

use kdp::consent::calendar::{Act, Calendar, DayRow, Deadline, FirstDay, Nature, Week};
use proptest::prelude::*;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use time::Date;
use time::macros::date;

static CALENDAR: LazyLock<Calendar> = LazyLock::new(|| Calendar::built_in().unwrap());

fn fifteen(from: Date) -> Deadline {
    CALENDAR.due(from, 15, FirstDay::Next, None).unwrap()
}

/// Skipped days but for plain Saturdays and Sundays, as `month-day reason`.
fn holidays(deadline: &Deadline) -> Vec<String> {
    let short = |date: Date| date.to_string()[5..].to_owned();
    let named = deadline.skipped.iter().filter(|day| day.act.is_some());
    named.map(|day| format!("{} {}", short(day.date), day.en)).collect()
}

#[test]
fn filed_on_5_march_2026_a_term_skips_womens_day_and_nauryz() {
    let deadline = fifteen(date!(2026 - 03 - 05));
    assert_eq!(deadline.due, date!(2026 - 04 - 01));
    assert_eq!(
        holidays(&deadline),
        [
            "03-08 International Women's Day",
            "03-09 International Women's Day (moved from 2026-03-08)",
            "03-21 Nauryz meiramy",
            "03-22 Nauryz meiramy",
            "03-23 Nauryz meiramy",
            "03-24 Nauryz meiramy (moved from 2026-03-21)",
            "03-25 Nauryz meiramy (moved from 2026-03-22)",
        ]
    );
    let dates: Vec<String> =
        deadline.skipped.iter().map(|day| day.date.to_string()[5..].to_owned()).collect();
    assert_eq!(
        dates,
        [
            "03-07", "03-08", "03-09", "03-14", "03-15", "03-21", "03-22", "03-23", "03-24", "03-25",
            "03-28", "03-29"
        ]
    );
    assert!(!deadline.provisional);
}

#[test]
fn saturday_4_may_2024_works_and_8_may_is_off() {
    let deadline = fifteen(date!(2024 - 04 - 22));
    assert_eq!(deadline.due, date!(2024 - 05 - 16));
    assert_eq!(
        holidays(&deadline),
        [
            "05-01 Day of Unity of the People of Kazakhstan",
            "05-07 Defender of the Fatherland Day",
            "05-08 day off (moved from 2024-05-04)",
            "05-09 Victory Day",
        ]
    );
    assert!(deadline.skipped.iter().all(|day| day.date != date!(2024 - 05 - 04)));
    assert!(deadline.skipped.iter().any(|day| day.date == date!(2024 - 05 - 05) && day.kk == "жексенбі"));
    assert!(!deadline.provisional);
}

#[test]
fn sunday_5_january_2025_works() {
    let deadline = fifteen(date!(2024 - 12 - 20));
    assert_eq!(deadline.due, date!(2025 - 01 - 15));
    assert_eq!(
        holidays(&deadline),
        [
            "01-01 New Year",
            "01-02 New Year",
            "01-03 day off (moved from 2025-01-05)",
            "01-07 Orthodox Christmas"
        ]
    );
    assert!(CALENDAR.is_working(date!(2025 - 01 - 05), None));
    assert!(!deadline.provisional);
}

#[test]
fn on_31_august_2026_people_work_but_calendars_of_2025_say_they_do_not() {
    let filed = date!(2026 - 08 - 14);
    let now = fifteen(filed);
    assert_eq!(now.due, date!(2026 - 09 - 04));
    let sunday = now.skipped.iter().find(|day| day.date == date!(2026 - 08 - 30)).unwrap();
    assert_eq!(sunday.en, "Sunday; 30 August is no longer a holiday");
    let then = CALENDAR.due(filed, 15, FirstDay::Next, Some(date!(2025 - 12 - 31))).unwrap();
    assert_eq!(then.due, date!(2026 - 09 - 07));
    assert_eq!(holidays(&then), ["08-30 Constitution Day", "08-31 Constitution Day (moved from 2026-08-30)"]);
    assert!(!now.provisional && !then.provisional);
    for (known, works) in [(date!(2026 - 03 - 17), false), (date!(2026 - 03 - 18), true)] {
        assert_eq!(CALENDAR.is_working(date!(2026 - 08 - 31), Some(known)), works, "known on {known}");
    }
}

#[test]
fn on_16_march_2026_people_work_because_15_march_is_celebrated_from_2027() {
    let deadline = fifteen(date!(2026 - 02 - 24));
    assert_eq!(deadline.due, date!(2026 - 03 - 18));
    assert_eq!(
        holidays(&deadline),
        ["03-08 International Women's Day", "03-09 International Women's Day (moved from 2026-03-08)"]
    );
    assert!(CALENDAR.is_working(date!(2026 - 03 - 16), None));
    assert!(!CALENDAR.is_working(date!(2027 - 03 - 15), None));
    assert!(CALENDAR.is_working(date!(2027 - 03 - 15), Some(date!(2026 - 03 - 17))), "nobody knew it then");
}

#[test]
fn republic_day_2026_moves_to_26_october() {
    let deadline = fifteen(date!(2026 - 10 - 05));
    assert_eq!(deadline.due, date!(2026 - 10 - 27));
    assert_eq!(holidays(&deadline), ["10-25 Republic Day", "10-26 Republic Day (moved from 2026-10-25)"]);
}

#[test]
fn over_the_end_of_2026_a_term_is_provisional() {
    let deadline = fifteen(date!(2026 - 12 - 14));
    assert_eq!(deadline.due, date!(2027 - 01 - 08));
    assert_eq!(
        holidays(&deadline),
        [
            "12-16 Independence Day",
            "01-01 New Year",
            "01-02 New Year",
            "01-04 New Year (moved from 2027-01-02)",
            "01-07 Orthodox Christmas",
        ]
    );
    assert!(deadline.provisional);
    assert!(!fifteen(date!(2026 - 12 - 01)).provisional, "it ends on 22 December");
    let then = CALENDAR.due(date!(2026 - 03 - 05), 15, FirstDay::Next, Some(date!(2025 - 11 - 30))).unwrap();
    assert_eq!(
        (then.due, then.provisional),
        (date!(2026 - 04 - 01), true),
        "the calendar of 2026 was not out"
    );
}

/// calendar.md: the days off from Monday to Friday and the weekends that work.
#[test]
fn three_years_are_as_published() {
    let expected: [(i32, &str, &str); 3] = [
        (
            2024,
            "01-01 01-02 03-08 03-21 03-22 03-25 05-01 05-07 05-08 05-09 07-08 08-30 10-25 12-16",
            "05-04",
        ),
        (
            2025,
            "01-01 01-02 01-03 01-07 03-10 03-21 03-24 03-25 05-01 05-07 05-09 06-06 07-07 09-01 10-27 12-16",
            "01-05",
        ),
        (2026, "01-01 01-02 01-07 03-09 03-23 03-24 03-25 05-01 05-07 05-11 05-27 07-06 10-26 12-16", ""),
    ];
    for (year, off, work) in expected {
        let weekday = |date: &Date| date.weekday().number_days_from_monday() < 5;
        let days = || days_of(year);
        let short = |date: Date| date.to_string()[5..].to_owned();
        let found: Vec<_> =
            days().filter(|d| weekday(d) && !CALENDAR.is_working(*d, None)).map(short).collect();
        assert_eq!(found.join(" "), off, "days off of {year}");
        let found: Vec<_> =
            days().filter(|d| !weekday(d) && CALENDAR.is_working(*d, None)).map(short).collect();
        assert_eq!(found.join(" "), work, "working weekends of {year}");
        assert!(CALENDAR.year(year, None).confirmed, "{year}");
    }
}

fn days_of(year: i32) -> impl Iterator<Item = Date> {
    let first = Date::from_ordinal_date(year, 1).unwrap();
    std::iter::successors(Some(first), |day| day.next_day()).take_while(move |day| day.year() == year)
}

#[test]
fn kurban_ait_2024_fell_on_a_sunday_and_did_not_move() {
    let monday = date!(2024 - 06 - 17);
    assert!(CALENDAR.is_working(monday, None));
    assert!(!CALENDAR.is_working(monday, Some(date!(2024 - 06 - 06))), "the calendar of the year had it off");
    let sunday = CALENDAR.year(2024, None).days.into_iter().find(|day| day.date == date!(2024 - 06 - 16));
    assert_eq!(sunday.unwrap().ru, "первый день Курбан-айта");
}

#[test]
fn what_has_no_table_follows_from_the_fixed_dates() {
    let off_2027: Vec<Date> = CALENDAR.year(2027, None).days.iter().map(|day| day.date).collect();
    let date = |month: u8, day| Date::from_calendar_date(2027, month.try_into().unwrap(), day).unwrap();
    let expected = [
        (1, 1),
        (1, 2),
        (1, 4), // 2 January is a Saturday
        (1, 7),
        (3, 8),
        (3, 15),
        (3, 21),
        (3, 22),
        (3, 23),
        (3, 24), // 21 March is a Sunday
        (5, 1),
        (5, 3), // 1 May is a Saturday
        (5, 7),
        (5, 9),
        (5, 10), // 9 May is a Sunday
        (5, 16), // Kurban-ait, a Sunday: 17 May works
        (7, 6),
        (10, 25),
        (12, 16),
    ];
    assert_eq!(off_2027, expected.map(|(month, day)| date(month, day)));
    assert!(CALENDAR.is_working(date!(2027 - 05 - 17), None));
    // 1 and 2 January 2028 are a weekend: two days move. Christmas and Kurban-ait are Fridays.
    for day in [date!(2028 - 01 - 03), date!(2028 - 01 - 04), date!(2028 - 01 - 07), date!(2028 - 05 - 05)] {
        assert!(!CALENDAR.is_working(day, None), "{day}");
    }
    assert!(CALENDAR.is_working(date!(2028 - 01 - 05), None));
    // 7 January 2029 is a Sunday and does not move.
    assert!(CALENDAR.is_working(date!(2029 - 01 - 08), None));
    // 22 March 2032 is Nauryz and, by the estimate, Kurban-ait: the holiday moves past the 23rd.
    assert!(!CALENDAR.is_working(date!(2032 - 03 - 24), None), "21 March is a Sunday");
    assert!(!CALENDAR.is_working(date!(2032 - 03 - 25), None), "22 March is a day off anyway");
    assert!(CALENDAR.is_working(date!(2032 - 03 - 26), None));
    let far = CALENDAR.year(2050, None);
    assert!(!far.confirmed && far.unconfirmed.is_empty(), "nothing confirms a year without an estimate");
}

#[test]
fn under_a_six_day_week_saturdays_work_and_saturday_holidays_do_not_move() {
    let six = Calendar::of_week(Week::SixDay).unwrap();
    // What the Ministry published for six-day weeks in 2026: 8 March to the 9th, 22 March to the 24th.
    for (day, works) in [
        (date!(2026 - 02 - 28), true),
        (date!(2026 - 03 - 09), false),
        (date!(2026 - 03 - 21), false),
        (date!(2026 - 03 - 24), false),
        (date!(2026 - 03 - 25), true),
        (date!(2026 - 05 - 11), true),
        (date!(2026 - 05 - 27), false),
        (date!(2026 - 08 - 31), true),
        (date!(2025 - 01 - 03), false),
        (date!(2025 - 01 - 05), true),
        (date!(2024 - 05 - 08), true),
    ] {
        assert_eq!(six.is_working(day, None), works, "{day}");
    }
    assert!(!six.is_working(date!(2026 - 08 - 31), Some(date!(2025 - 12 - 31))));
    let deadline = six.due(date!(2026 - 03 - 05), 15, FirstDay::Next, None).unwrap();
    // 6, 7, 10–14, 16–20, 25–27 March
    assert_eq!((deadline.due, deadline.provisional), (date!(2026 - 03 - 27), true));
}

#[test]
fn day_one_is_the_day_of_filing_if_configured_so_and_it_works() {
    let due = |from, days| CALENDAR.due(from, days, FirstDay::Same, None).unwrap();
    assert_eq!(due(date!(2026 - 03 - 05), 15).due, date!(2026 - 03 - 31));
    assert_eq!(due(date!(2026 - 03 - 05), 1).due, date!(2026 - 03 - 05));
    assert_eq!(due(date!(2026 - 03 - 07), 15), fifteen(date!(2026 - 03 - 07)), "a Saturday is no day 1");
    assert!(due(date!(2027 - 01 - 05), 1).provisional);
    assert!(CALENDAR.due(date!(2026 - 12 - 31), 0, FirstDay::Next, None).is_some_and(|d| !d.provisional));
}

#[test]
fn reminders_and_days_left_agree_with_the_deadline() {
    let from = date!(2026 - 03 - 05);
    let nth = |day| CALENDAR.nth(from, day, FirstDay::Next).unwrap();
    assert_eq!(
        [nth(5), nth(10), nth(14), nth(15)],
        [date!(2026 - 03 - 13), date!(2026 - 03 - 20), date!(2026 - 03 - 31), date!(2026 - 04 - 01)]
    );
    let due = nth(15);
    for (today, left) in [
        (date!(2026 - 03 - 05), 16),
        (date!(2026 - 03 - 06), 15),
        (date!(2026 - 03 - 07), 14),
        (date!(2026 - 03 - 31), 2),
        (date!(2026 - 04 - 01), 1),
        (date!(2026 - 04 - 02), 0),
    ] {
        assert_eq!(CALENDAR.left(today, due), left, "on {today}");
    }
}

#[test]
fn beyond_the_range_of_dates_there_is_no_deadline() {
    assert_eq!(CALENDAR.due(date!(2026 - 03 - 05), u32::MAX, FirstDay::Next, None), None);
    assert_eq!(CALENDAR.nth(date!(9999 - 12 - 20), 15, FirstDay::Next), None);
}

fn row(date: Date, nature: Nature, published: Date) -> DayRow {
    let text = |lang: &str| format!("{lang}: {nature:?}");
    DayRow {
        date,
        nature,
        kk: text("kk"),
        ru: text("ru"),
        en: text("en"),
        act: "Приказ № 1".to_owned(),
        published,
    }
}

#[test]
fn a_loaded_act_moves_a_deadline_from_its_publication_on() {
    let monday = date!(2026 - 03 - 16);
    let published = date!(2026 - 03 - 10);
    let loaded = CALENDAR.clone().with(&[row(monday, Nature::Off, published)]);
    let due = |known| loaded.due(date!(2026 - 02 - 24), 15, FirstDay::Next, known).unwrap();
    assert_eq!(due(None).due, date!(2026 - 03 - 19));
    assert!(
        due(None).skipped.iter().any(|day| day.date == monday && day.act.as_deref() == Some("Приказ № 1"))
    );
    assert_eq!(due(Some(date!(2026 - 03 - 09))).due, date!(2026 - 03 - 18));
    assert_eq!(due(Some(published)).due, date!(2026 - 03 - 19));
}

#[test]
fn of_two_rows_the_later_published_holds_and_of_equals_the_later_added() {
    let day = date!(2026 - 06 - 15);
    let (early, late) = (date!(2026 - 05 - 01), date!(2026 - 06 - 01));
    let works = |rows: &[DayRow]| CALENDAR.clone().with(rows).is_working(day, None);
    let off = |published| row(day, Nature::Off, published);
    let work = |published| row(day, Nature::Work, published);
    assert!(!works(&[off(early)]));
    assert!(works(&[off(early), work(late)]));
    assert!(works(&[work(late), off(early)]), "the order of loading does not matter");
    assert!(works(&[off(early), work(early)]));
    assert!(!works(&[work(early), off(early)]));
}

#[test]
fn an_act_that_speaks_of_every_day_off_confirms_a_year() {
    let published = date!(2026 - 12 - 04);
    let wanting = CALENDAR.year(2027, None).unconfirmed;
    assert!(wanting.contains(&date!(2027 - 05 - 16)), "Kurban-ait is an estimate even on a Sunday");
    assert!(!wanting.contains(&date!(2027 - 03 - 21)), "a Sunday is off anyway");
    let mut rows: Vec<DayRow> = wanting.iter().map(|day| row(*day, Nature::Off, published)).collect();
    let filed = date!(2026 - 12 - 14);
    let confirmed = CALENDAR.clone().with(&rows);
    assert!(confirmed.year(2027, None).confirmed);
    assert!(!confirmed.due(filed, 15, FirstDay::Next, None).unwrap().provisional);
    let before = Some(date!(2026 - 12 - 03));
    assert!(confirmed.due(filed, 15, FirstDay::Next, before).unwrap().provisional, "not published yet");
    rows.pop();
    assert!(CALENDAR.clone().with(&rows).due(filed, 15, FirstDay::Next, None).unwrap().provisional);
}

#[test]
fn the_example_act_is_read() {
    let text = include_str!("../deploy/calendar-act.example.toml");
    let act = Act::parse(text).unwrap();
    let calendar = CALENDAR.clone().with(&act.days);
    for day in act.days {
        assert_eq!(calendar.is_working(day.date, None), day.nature == Nature::Work, "{}", day.date);
        assert_ne!(CALENDAR.is_working(day.date, None), day.nature == Nature::Work, "it changes nothing");
    }
}

fn any_date() -> impl Strategy<Value = Date> {
    (0_i64..3600).prop_map(|days| date!(2024 - 01 - 01) + time::Duration::days(days))
}

proptest! {
    #[test]
    fn a_deadline_is_the_nth_working_day_after_the_filing(from in any_date(), n in 1_u32..60, six in any::<bool>()) {
        let calendar = Calendar::of_week(if six { Week::SixDay } else { Week::FiveDay }).unwrap();
        let deadline = calendar.due(from, n, FirstDay::Next, None).unwrap();
        prop_assert!(deadline.due > from);
        prop_assert!(calendar.is_working(deadline.due, None));
        let days = || std::iter::successors(from.next_day(), |day| day.next_day())
            .take_while(|day| *day <= deadline.due);
        let (working, off): (Vec<Date>, Vec<Date>) = days().partition(|day| calendar.is_working(*day, None));
        prop_assert_eq!(working.len(), n as usize);
        prop_assert_eq!(off, deadline.skipped.iter().map(|day| day.date).collect::<Vec<_>>());
        for day in &deadline.skipped {
            prop_assert!(!day.kk.is_empty() && !day.ru.is_empty() && !day.en.is_empty());
        }
        prop_assert_eq!(calendar.left(from.next_day().unwrap(), deadline.due), n);
        prop_assert_eq!(calendar.nth(from, n, FirstDay::Next), Some(deadline.due));
    }

    #[test]
    fn a_later_filing_and_a_longer_term_never_end_earlier(from in any_date(), n in 0_u32..60, same in any::<bool>()) {
        let first = if same { FirstDay::Same } else { FirstDay::Next };
        let due = |from, n| CALENDAR.due(from, n, first, None).unwrap().due;
        prop_assert!(due(from, n) <= due(from.next_day().unwrap(), n));
        prop_assert!(due(from, n) < due(from, n + 1) || (n == 0 && same));
        prop_assert!(due(from, n) <= CALENDAR.due(from, n, FirstDay::Next, None).unwrap().due);
    }

    #[test]
    fn what_was_known_does_not_change_by_what_is_published_later(
        day in any_date(), published in any_date(), known in any_date(), off in any::<bool>(),
    ) {
        let nature = if off { Nature::Off } else { Nature::Work };
        let loaded = CALENDAR.clone().with(&[row(day, nature, published)]);
        if published > known {
            let known = Some(known);
            prop_assert_eq!(loaded.is_working(day, known), CALENDAR.is_working(day, known));
        }
    }
}

/// Runs `kdp calendar` with the arguments of one line; exit code, stdout and stderr.
fn kdp(line: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
    let arguments: Vec<&str> = std::iter::once("calendar").chain(line.split(' ')).collect();
    let output = operator::act(command.args(&arguments), &arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn due_prints_the_date_alone_and_then_each_skipped_day() {
    let (code, text, _) = kdp("due --from 2026-03-05 --working-days 15");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((code, lines[0], lines.len()), (Some(0), "2026-04-01", 13), "{text}");
    assert_eq!(lines[1], "2026-03-07  Saturday");
    assert!(lines[3].starts_with("2026-03-09  International Women's Day (moved from 2026-03-08)"), "{text}");
    assert!(lines[3].ends_with("ст. 5; производственный календарь на 2026 год"), "{text}");
    for (lang, saturday) in [("kk", "сенбі"), ("ru", "суббота")] {
        let (_, text, _) = kdp(&format!("due --from 2026-03-05 --lang {lang}"));
        assert_eq!(text.lines().nth(1), Some(&*format!("2026-03-07  {saturday}")));
    }
}

#[test]
fn due_tells_what_was_known_what_is_provisional_and_which_day_is_the_first() {
    for (line, due, provisional) in [
        ("due --from 2026-08-14", "2026-09-04", false),
        ("due --from 2026-08-14 --known 2025-12-31", "2026-09-07", false),
        ("due --from 2026-12-14", "2027-01-08", true),
        ("due --from 2026-12-14 --lang kk", "2027-01-08", true),
        ("due --from 2026-03-05 --first-day same", "2026-03-31", false),
        ("due --from 2026-03-05 --week six-day", "2026-03-27", true),
        ("due --from 2026-03-05 --working-days 1", "2026-03-06", false),
    ] {
        let (code, text, _) = kdp(line);
        assert_eq!((code, text.lines().next()), (Some(0), Some(due)), "{line}");
        let last = text.lines().last().unwrap();
        assert_eq!(last.starts_with("provisional: "), provisional, "{line}: {last}");
    }
    let (_, text, _) = kdp("due --from 2026-12-14 --json");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["due"], "2027-01-08");
    assert_eq!(value["provisional"], true);
    assert_eq!(value["skipped"][0]["date"], "2026-12-16");
    assert_eq!(value["skipped"][0]["ru"], "День Независимости");
    assert_eq!(value["skipped"][1]["act"], serde_json::Value::Null);
}

#[test]
fn show_lists_a_year_with_natures_reasons_and_acts() {
    let (code, text, _) = kdp("show --year 2024 --lang ru");
    assert_eq!(code, Some(0));
    let line = |date: &str| text.lines().find(|line| line.starts_with(date)).unwrap_or_default().to_owned();
    assert!(
        line("2024-05-04  Sat  work    2024-04-18  рабочий день").contains("Приказ и.о. Министра"),
        "{text}"
    );
    assert!(!line("2024-06-17  Mon  work    2024-06-07").is_empty(), "{text}");
    assert!(!text.contains("provisional"), "{text}");
    let (_, then, _) = kdp("show --year 2024 --known 2024-01-31");
    assert!(then.contains("2024-06-17  Mon  off     2023-12-31  first day of Kurban-ait"), "{then}");
    let (_, next, _) = kdp("show --year 2027");
    assert!(
        next.lines()
            .last()
            .unwrap()
            .starts_with("provisional: no acts confirm 2027 yet; it needs 2027-01-01")
    );
    let (_, json, _) = kdp("show --year 2026 --json");
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (value["provisional"].as_bool(), value["unconfirmed"].as_array().map(Vec::len)),
        (Some(false), Some(0))
    );
    assert!(
        value["days"]
            .as_array()
            .unwrap()
            .iter()
            .any(|day| day["date"] == "2026-08-31" && day["nature"] == "work")
    );
}

#[test]
fn what_is_no_date_or_no_term_is_wrong_use() {
    for (line, why) in [
        ("due --from 2026-3-5", "a date is written as 2026-03-05"),
        ("due --from 2026-02-30", "a date is written as 2026-03-05"),
        ("due --from 2026-03-05 --working-days 0", "1..=10000"),
        ("due --from 9999-12-20", "beyond the year 9999"),
        ("due --from 2026-03-05 --first-day last", "must be next or same"),
        ("due --from 2026-03-05 --lang de", "must be kk, ru or en"),
    ] {
        let (code, out, err) = kdp(line);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{line}");
        assert!(err.contains(why), "{line}: {err}");
    }
}

/// An installation with key files and a database: the path of its configuration.
fn installation(directory: &Path) -> String {
    let file = |name: &str| directory.join(name).display().to_string();
    let pki = |name: &str| format!("{}/fixtures/pki/{name}", env!("CARGO_MANIFEST_DIR"));
    let key = file("service.key.pem");
    fs::copy(pki("service.key.pem"), &key).unwrap();
    Command::new("chmod").args(["600", &key]).status().unwrap();
    let text = format!(
        "environment = \"test\"\n[database]\nurl = \"sqlite://{}\"\nseal_keys = \"{}\"\nlookup_key = \"{}\"\n\
         [trust]\nauthorities = [\"{}\"]\ncertificate = \"{}\"\nkey = \"{key}\"\n",
        file("kdp.db"),
        file("seal.keys"),
        file("lookup.key"),
        pki("ca.pem"),
        pki("service.cert.pem"),
    );
    let config = file("kdp.toml");
    fs::write(&config, text).unwrap();
    for arguments in [&["keys", "init"][..], &["migrate"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
        let output = command.args(arguments).args(["--config", &config]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    config
}

#[test]
fn a_loaded_act_counts_in_its_installation_and_not_outside() {
    let directory = tempfile::tempdir().unwrap();
    let config = installation(directory.path());
    let example = format!("{}/deploy/calendar-act.example.toml", env!("CARGO_MANIFEST_DIR"));
    let first = |line: &str| kdp(line).1.lines().next().unwrap_or_default().to_owned();
    let term = "due --from 2027-03-25 --working-days 1";
    assert_eq!(first(&format!("{term} --config {config}")), "2027-03-26");

    let (code, text, err) = kdp(&format!("load {example} --config {config}"));
    assert_eq!((code, text.lines().last()), (Some(0), Some("2 days loaded, 0 open terms moved")), "{err}");
    assert_eq!(first(&format!("{term} --config {config}")), "2027-03-29");
    assert_eq!(first(&format!("{term} --config {config} --known 2027-01-19")), "2027-03-26");
    assert_eq!(first(term), "2027-03-26");
    let (_, year, _) = kdp(&format!("show --year 2027 --config {config}"));
    assert!(year.contains("2027-02-27  Sat  work    2027-01-20"), "{year}");

    let (code, text, _) = kdp(&format!("load {example} --config {config} --json"));
    assert_eq!(
        (code, text.trim()),
        (Some(0), r#"{"days":[],"moved":[]}"#),
        "loaded twice, it changes nothing"
    );
}

#[test]
fn an_act_that_makes_no_sense_is_refused_and_nothing_is_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let config = installation(directory.path());
    let example = include_str!("../deploy/calendar-act.example.toml");
    let act = directory.path().join("act.toml").display().to_string();
    for (text, code, why) in [
        (example.replace("2027-03-26\"\nnature", "2127-03-26\"\nnature"), 1, "the years 2000 to 2100"),
        (example.replace("nature = \"off\"", "nature = \"of\""), 2, "unknown variant `of`"),
        (String::new(), 2, "no [[days]]"),
    ] {
        fs::write(&act, text).unwrap();
        let (found, out, err) = kdp(&format!("load {act} --config {config}"));
        assert_eq!((found, out.as_str()), (Some(code), ""), "{err}");
        assert!(err.contains(why), "{err}");
    }
    let (_, year, _) = kdp(&format!("show --year 2027 --config {config}"));
    assert!(!year.contains("2027-02-27") && !year.contains("2027-03-26"), "{year}");
}
