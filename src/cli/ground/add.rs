//! `kdp ground add`.

use super::shipped;
use crate::cli::argument::{self, Installation};
use crate::cli::{Failure, Outcome, Result, agreed, registration, say};
use kdp::config::Environment;
use kdp::consent::directory::{Confirmation, Ground, Name, in_force};
use kdp::consent::method::Method;
use kdp::operator::duty::Errand;
use kdp::store::register::Item;
use serde_json::json;

/// Registers a ground, by hand or from those that come with the program
///
/// Where the configuration says production, only with the act and the name of who held the text against it; elsewhere
/// an unconfirmed ground is taken too, and works on that test installation alone. With --shipped, texts that are given
/// stand in place of those that came.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp ground add --config kdp.toml --shipped L-9-2 --act '94-V,9,2)' --confirmed-by 'registrar-3'"
)]
pub struct Add {
    /// Id that requests name; the shipped one's own, when it is not given
    #[arg(required_unless_present = "shipped")]
    id: Option<String>,
    #[command(flatten)]
    at: Installation,
    #[arg(help = "Take one of `kdp ground shipped`", long, value_name = "ID")]
    shipped: Option<String>,
    /// What it says, in Kazakh
    #[arg(long, required_unless_present = "shipped")]
    text_kk: Option<String>,
    /// The same in Russian
    #[arg(long, required_unless_present = "shipped")]
    text_ru: Option<String>,
    /// Methods that it is a ground for: 3, 4 or both; 4 for a shipped one
    #[arg(long, value_delimiter = ',', value_parser = argument::method, required_unless_present = "shipped")]
    methods: Vec<Method>,
    /// Where it stands: act, article, subparagraph
    #[arg(long, required_unless_present = "shipped")]
    source: Option<String>,
    /// Cases of it need no integration application (I-3)
    #[arg(long)]
    exempt: bool,
    /// From when on it is no longer in force
    #[arg(long, value_name = "TIME", value_parser = argument::moment)]
    expires: Option<i64>,
    /// The act that the text was held against: name, number, date, article
    #[arg(long, requires = "confirmed_by")]
    act: Option<String>,
    /// Who held it against the act
    #[arg(long, value_name = "NAME", requires = "act")]
    confirmed_by: Option<String>,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Registers.
pub async fn run(args: Add, errand: Errand) -> Result {
    let access = args.at.open_as(errand).await?;
    let config = access.config();
    let (registry, now) = (access.registry().await?, access.now());
    let confirmed = match (&args.act, &args.confirmed_by) {
        (Some(act), Some(operator)) => Some(Confirmation {
            act: argument::line("--act", act)?,
            operator: argument::line("--confirmed-by", operator)?,
            at: now,
        }),
        _ if config.environment == Environment::Production => {
            return Err(Failure::refused(
                "a production directory takes a ground only with --act and --confirmed-by: who held it against which act",
            ));
        }
        _ => None,
    };
    let mut ground = read(&args, confirmed)?;
    ground.expires_at = agreed::expiry(ground.expires_at, i64::MIN, now / 1000)?;
    let before = registry.grounds.get(&ground.id);
    if before.is_some_and(|before| in_force(before.expires_at, now / 1000)) {
        return Err(Failure::refused(format!(
            "{} is registered already; `kdp ground end` ends it",
            ground.id
        )));
    }
    if ground.confirmed.is_none() {
        say("unconfirmed: no production installation takes this ground");
    }
    let (id, after) = (ground.id.clone(), before.map_or(0, |before| before.revision));
    let detail = registration::detail(json!({
        "methods": ground.methods, "source": ground.source, "exempt": ground.exempt,
        "act": ground.confirmed.as_ref().map(|confirmed| &confirmed.act), "expires_at": ground.expires_at,
    }));
    let revision = registration::register(&access, Item::Ground(ground), after, "added", detail).await?;
    let value = json!({ "id": id, "revision": revision });
    Ok(Outcome::either(args.json, &value, || format!("{id}: registered as revision {revision}\n")))
}

/// The ground that the flags describe.
fn read(args: &Add, confirmed: Option<Confirmation>) -> Result<Ground> {
    let shipped = args.shipped.as_deref().map(shipped::find).transpose()?;
    let text = |flag: &str, given: Option<&String>, own: Option<&String>| -> Result<String> {
        match (given, own) {
            (Some(text), _) => argument::line(flag, text),
            (None, Some(own)) => Ok(own.clone()),
            (None, None) => Err(Failure::unusable(format!("{flag} is needed"))),
        }
    };
    let mut methods = args.methods.clone();
    if methods.is_empty() {
        methods.push(Method::Logging);
    }
    methods.sort_unstable();
    methods.dedup();
    if methods.iter().any(|method| !matches!(method, Method::Proactive | Method::Logging)) {
        return Err(Failure::unusable("--methods: only methods 3 and 4 have grounds (F-7 7)"));
    }
    let of = |field: fn(&shipped::Shipped) -> &String| shipped.as_ref().map(field);
    Ok(Ground {
        id: argument::id("ID", &text("ID", args.id.as_ref(), of(|ground| &ground.id))?)?,
        revision: 0,
        text: Name {
            kk: text("--text-kk", args.text_kk.as_ref(), of(|ground| &ground.kk))?,
            ru: text("--text-ru", args.text_ru.as_ref(), of(|ground| &ground.ru))?,
        },
        methods,
        source: text("--source", args.source.as_ref(), of(|ground| &ground.source))?,
        exempt: args.exempt || shipped.as_ref().is_some_and(|ground| ground.exempt),
        confirmed,
        expires_at: args.expires.map(|at| at.div_euclid(1000)),
    })
}
