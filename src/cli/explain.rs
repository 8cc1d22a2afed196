//! `kdp explain`: the doctor of integrators.

use super::access::{Access, Login};
use super::argument::{self, Installation, Location};
use super::{Exit, Failure, Outcome, Result};
use kdp::explain::{Rehearsal, Report, decision, explain};
use kdp::operator::duty::Errand;
use kdp::random::Id;
use kdp::sandbox::mask::{World, mask};
use kdp::text::Lang;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

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
/// With --decision it tells of a decision that was made, in the same codes and words, by the id that every answer and fault
/// carries; each such look is journalled. An id of another sender than --for names is as unknown as one that never was, and
/// so is a fault before the sender was proven (such as KDP401): only without --for is it told.
///
/// With --mask it writes a copy to hand on with a question: persons, organisations, secrets and keys are replaced by made-up
/// ones (a number has the right control digit and may by chance be somebody's), and it is signed anew with the same mistake. The copy is explained and searched before it is
/// written; where the failure would not be the same, or anything would be left, nothing is written and the exit code is 1.
///
/// Exit 0: the service would accept the message; 1: it would refuse it; 2: the file is not readable; 3: only the service decides.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp explain envelope.xml --data sandbox-data --at 2026-04-01T12:00:00+05:00 --lang ru\n  kdp explain --decision 019d4788-1a00-7d1c-9f0e-6d0b1f2a3c4d --for bank_kdp --config kdp.toml\n  kdp explain envelope.xml --mask masked.xml --lang ru\n  kdp explain masked.xml --world masked.xml.world.json --lang ru"
)]
pub struct Args {
    /// The envelope, as it was sent
    #[arg(required_unless_present = "decision", conflicts_with = "decision")]
    file: Option<PathBuf>,
    /// Tell of a decision that was made, by the id in its answer, as the journal keeps it
    #[arg(long, value_name = "ID", conflicts_with = "at")]
    decision: Option<String>,
    /// Only if it is a decision about this sender: its senderId or BIN. Give it whenever its owner asks you
    #[arg(long = "for", value_name = "SENDER", requires = "decision")]
    whose: Option<String>,
    /// Write a copy that can be shown to anybody: who and what it is about replaced, the failure kept. Beside it comes
    /// OUT.world.json, in which --world explains it
    #[arg(long, value_name = "OUT", conflicts_with_all = ["decision", "world"])]
    mask: Option<PathBuf>,
    /// Explain a masked copy, in the world that was written with it; needs no installation, and no service says so
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "data", "at", "decision"])]
    world: Option<PathBuf>,
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
    /// Print {"accepted", "verdict", "causes", "steps"}, and with --world {"world": "file"}
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    login: Login,
}

/// Explains.
pub async fn run(args: Args, errand: Errand) -> Result {
    if let Some(world) = &args.world {
        let world: World = serde_json::from_slice(&argument::file(world)?)?;
        let message = argument::file(args.file.as_deref().unwrap_or(Path::new("-")))?;
        let opened = world.open().await?;
        let report = explain(&opened.rehearsal, &message, args.lang).await;
        return Ok(elsewhere(&report, &args));
    }
    let sandbox = || args.config.is_none().then(|| PathBuf::from(SANDBOX));
    let place = Location { data: args.data.clone().or_else(sandbox), config: args.config.clone() };
    let access = Installation { place, login: args.login.clone() }.open_as(errand).await?;
    if let Some(id) = &args.decision {
        return decided(&access, id, &args).await;
    }
    let message = argument::file(args.file.as_deref().unwrap_or(Path::new("-")))?;
    let rehearsal = access.rehearse(args.at.unwrap_or_else(|| access.now())).await?;
    if let Some(out) = &args.mask {
        let shown = masked(&rehearsal, &message, out, &args).await?;
        return if args.config.is_some() { access.look("mask", None, shown).await } else { Ok(shown) };
    }
    let report = explain(&rehearsal, &message, args.lang).await;
    let told = told(&report, args.json);
    // It may tell what became of a subject: of a block, or of a revocation.
    if args.config.is_some() { access.look("explain", None, told).await } else { Ok(told) }
}

/// The report, and the verdict as the exit code.
fn told(report: &Report, json: bool) -> Outcome {
    let exit = match (report.verdict.is_judged, report.verdict.is_accepted) {
        (false, _) => Exit::Undecided,
        (true, true) => Exit::Accepted,
        (true, false) => Exit::Refused,
    };
    Outcome { exit, ..Outcome::either(json, &report.json(), || report.text()) }
}

/// The report of what is judged in the world of a file, which says so: it need not be that of any service.
fn elsewhere(report: &Report, args: &Args) -> Outcome {
    let exit = told(report, args.json).exit;
    let mut value = report.json();
    if let Some(object) = value.as_object_mut() {
        object.insert("world".to_owned(), json!("file"));
    }
    let said = match args.lang {
        Lang::Kk => "Сервис емес, осы файлдың әлемі бойынша бағаланды",
        Lang::Ru => "Оценено в мире этого файла, а не сервисом",
        Lang::En => "Judged in the world of this file, not by the service",
    };
    let world = args.world.as_deref().unwrap_or(Path::new("-")).display().to_string();
    let world: String = world.chars().filter(|c| !c.is_control()).collect();
    Outcome { exit, ..Outcome::either(args.json, &value, || format!("{said}: {world}\n{}", report.text())) }
}

/// Writes a masked copy and its world, or neither.
async fn masked(rehearsal: &Rehearsal, message: &[u8], out: &Path, args: &Args) -> Result {
    let copy = mask(rehearsal, message).await;
    let copy = copy.map_err(|error| Failure::refused(error.text(args.lang)))?;
    let world = PathBuf::from(format!("{}.world.json", out.display()));
    let json = format!("{:#}\n", serde_json::to_value(&copy.world)?);
    write(&world, json.as_bytes())?;
    if let Err(failure) = write(out, &copy.message) {
        // A world without its message would be taken for another's.
        let _ = std::fs::remove_file(&world);
        return Err(failure);
    }
    let causes: Vec<&str> = copy.causes.iter().map(|cause| cause.code()).collect();
    let value = json!({ "masked": out.display().to_string(), "world": world.display().to_string(), "causes": causes });
    let text = || {
        let (out, world, causes) = (out.display(), world.display(), causes.join(", "));
        let (written, kept, next) = match args.lang {
            Lang::Kk => ("жазылды", "сақталған себептер", "берер алдында қарап шығыңыз; түсіндіру"),
            Lang::Ru => ("записано", "сохранённые причины", "просмотрите, прежде чем передавать; разбор"),
            Lang::En => ("written", "causes kept", "look it through before you hand it on; to explain it"),
        };
        format!("{written}: {out}, {world}\n{kept}: {causes}\n{next}: kdp explain {out} --world {world}\n")
    };
    Ok(Outcome::either(args.json, &value, text))
}

/// A new file, whatever is in the way.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let cannot = |error: std::io::Error| Failure::unusable(format!("{}: {}", path.display(), error.kind()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(cannot)?;
    file.write_all(bytes).map_err(|error| {
        // Half a file would be taken for a copy, and be in the way of the next.
        let _ = std::fs::remove_file(path);
        cannot(error)
    })
}

/// Tells of a decision. That somebody looked is journalled whether or not there is one.
async fn decided(access: &Access, id: &str, args: &Args) -> Result {
    let unknown = || {
        Failure::refused(match args.lang {
            Lang::Kk => {
                "decision-unknown: мұндай шешім жоқ, немесе ол көрсетілген жіберуші туралы емес; жауаптағы decision_id мәнін тексеріңіз"
            }
            Lang::Ru => {
                "decision-unknown: такого решения нет, или оно не об указанном отправителе; сверьте decision_id с ответом"
            }
            Lang::En => {
                "decision-unknown: there is no such decision, or it is not about that sender; compare decision_id with the answer"
            }
        })
    };
    let id =
        Id::parse(id).ok_or_else(|| Failure::unusable("--decision: must be an id as decision_id is one"))?;
    let registry = access.registry().await?;
    let is_meant = |sender: &str| {
        let bin = registry.senders.get(sender).map(|sender| sender.record.bin.as_str());
        args.whose
            .as_deref()
            .is_none_or(|whose| !sender.is_empty() && (whose == sender || Some(whose) == bin))
    };
    let found = decision(access.journal(), id, is_meant, args.lang).await?;
    let deed = access
        .deed("look", "decision")
        .detail(&json!({ "decision": id.to_string(), "found": found.is_some() }));
    access.note(deed).await?;
    Ok(told(&found.ok_or_else(unknown)?, args.json))
}
