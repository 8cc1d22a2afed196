//! `kdp explain`: the doctor of integrators.

use super::access::Login;
use super::argument::{self, Installation, Location};
use super::{Exit, Outcome, Result};
use kdp::explain::explain;
use kdp::operator::duty::Errand;
use kdp::text::Lang;
use std::path::PathBuf;

/// The directory of a sandbox, unless another is named: as of `kdp sandbox`.
const SANDBOX: &str = "sandbox-data";

/// Runs the production checks on a stored envelope and tells of each step what was found and expected, by which paragraph, what the cause is and what to do
///
/// Nothing is kept or sent, and nobody outside is asked: neither БМГ nor 1414 nor an OCSP service. What can be
/// judged after a failure is judged too; what the signature does not vouch for is marked. The verdict is the service's.
///
/// Without --config and --data it is the sandbox in ./sandbox-data. With --config an operator logs in, and it is journalled
/// that there was a look. A one-time code is not judged: the service counts each try.
///
/// Exit 0: the service would accept the message; 1: it would refuse it; 2: the file is not readable, or only the service decides.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp explain envelope.xml --data sandbox-data --at 2026-04-01T12:00:00+05:00 --lang ru"
)]
pub struct Args {
    /// The envelope, as it was sent
    file: PathBuf,
    /// The configuration of a service
    #[arg(long, conflicts_with = "data")]
    config: Option<PathBuf>,
    /// The data directory of a sandbox, running or not; its clock counts, and its operators need no login
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Judge as of this time, xs:dateTime; without it, now
    #[arg(long, value_name = "TIME", value_parser = argument::moment)]
    at: Option<i64>,
    /// Language: kk, ru or en
    #[arg(long, default_value = "en", value_parser = argument::lang)]
    lang: Lang,
    /// Print {"accepted", "verdict", "causes", "steps"}
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    login: Login,
}

/// Explains.
pub async fn run(args: Args, errand: Errand) -> Result {
    let message = argument::file(&args.file)?;
    let sandbox = || args.config.is_none().then(|| PathBuf::from(SANDBOX));
    let place = Location { data: args.data.clone().or_else(sandbox), config: args.config.clone() };
    let access = Installation { place, login: args.login }.open_as(errand).await?;
    let rehearsal = access.rehearse(args.at.unwrap_or_else(|| access.now())).await?;
    let report = explain(&rehearsal, &message, args.lang).await;
    let verdict = &report.verdict;
    let exit = match (verdict.is_judged, verdict.is_accepted) {
        (false, _) => Exit::Unusable,
        (true, true) => Exit::Accepted,
        (true, false) => Exit::Refused,
    };
    let told = Outcome { exit, ..Outcome::either(args.json, &report.json(), || report.text()) };
    // It may tell what became of a subject: of a block, or of a revocation.
    if args.config.is_some() { access.look("explain", None, told).await } else { Ok(told) }
}
