//! `kdp report`: figures of a period for the authorised body.

mod figure;
mod html;
mod section;
mod table;
mod word;

use super::argument::{self, Installation};
use super::{Failure, Outcome, Result};
use figure::Report;
use kdp::consent::revocation::midnight;
use kdp::operator::duty::Errand;
use kdp::text::Lang;
use section::sections;
use std::fmt::Write as _;
use time::Date;

/// Prints the figures of a period: requests, outcomes, waiting times, revocations and token checks of each initiator.
///
/// A count below --suppress is shown as "<5"; where one could be computed from the sums, another is left out too, as "*".
/// Where that does not help either, as in very small tables, the limit is raised for the table.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp report --from 2026-01-01 --to 2026-04-01 --config kdp.toml --lang kk"
)]
pub struct Args {
    /// The first day, Astana time
    #[arg(long, value_name = "DATE", value_parser = argument::date)]
    from: Date,
    /// The day after the last
    #[arg(long, value_name = "DATE", value_parser = argument::date)]
    to: Date,
    #[command(flatten)]
    at: Installation,
    /// Counts below this are suppressed; 0: none are
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = threshold)]
    suppress: u64,
    /// Language of the headings: kk, ru or en
    #[arg(long, default_value = "ru", value_parser = argument::lang)]
    lang: Lang,
    #[arg(help = "Print {from, to, suppressed_below, initiators: [...], total}", long)]
    json: bool,
    /// Print a page that can be read and printed by itself
    #[arg(long, conflicts_with = "json")]
    html: bool,
}

/// Smaller counts than 3 are hardly hidden: "less than 2" is nearly a count.
fn threshold(text: &str) -> std::result::Result<u64, &'static str> {
    let number = text.parse::<u64>().ok().filter(|n| *n == 0 || (3..=1000).contains(n));
    number.ok_or("must be 0 or 3 to 1000")
}

/// Reports.
pub async fn run(args: Args, errand: Errand) -> Result {
    let wrong = || Failure::unusable("--to: must come after --from");
    let (from, to) =
        midnight(args.from).zip(midnight(args.to)).filter(|(from, to)| from < to).ok_or_else(wrong)?;
    let access = args.at.open_as(errand).await?;
    let registry = access.registry().await?;
    // What lies ahead has not happened: a review that is open now has not lapsed yet.
    let figures = access.figures(from, to.min(access.now() + 1)).await?;
    let report = Report::new((args.from, args.to), figures, &registry, args.suppress);
    if args.json {
        return Ok(Outcome::accepted(format!("{}\n", report.value())));
    }
    let (words, sections) = (word::words(args.lang), sections(&report, args.lang));
    if args.html {
        return Ok(Outcome::accepted(html::page(&report, words, &sections, args.lang)));
    }
    let mut text = format!("{}\n{}\n", words.title, report.period(words));
    for section in &sections {
        let rows = std::iter::once(&section.columns).chain(&section.rows).cloned().collect::<Vec<_>>();
        let _ = write!(text, "\n{}\n{}", section.heading, argument::table(&rows));
    }
    if sections.is_empty() {
        let _ = writeln!(text, "\n{}", words.nothing);
    } else if args.suppress > 0 {
        let _ = writeln!(text, "\n{}", Report::legend(words));
    }
    Ok(Outcome::accepted(text))
}
