//! `kdp application list` and `show`.

use super::{Case, Place, Site};
use crate::cli::{Outcome, Result, registration};
use kdp::clock;
use kdp::onboarding::{Application, Event, Remark, Step};
use kdp::operator::duty::Errand;
use kdp::random::Id;
use kdp::store::register::Kind;
use kdp::text::Lang;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Lists the applications, oldest first; a review that is overdue says so
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp application list --config kdp.toml --open")]
pub struct List {
    /// Leave out those that ended: in production, refused, withdrawn
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    place: Place,
    /// Print an array of {"id", "state", "bin", "name", "due", "overdue"}
    #[arg(long)]
    json: bool,
}

/// Shows an application: where it stands, what comes next, and all that happened
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp application show 019d46dd-ca80-7abc-8def-0123456789ab --config kdp.toml --lang ru"
)]
pub struct Show {
    /// Which application
    id: String,
    #[command(flatten)]
    place: Place,
    /// Print the application as it is kept, with "due" and "overdue"
    #[arg(long)]
    json: bool,
}

/// Lists.
pub async fn list(args: &List, errand: Errand) -> Result {
    let site = Site::open(&args.place, errand).await?;
    let mut applications = Vec::new();
    for revision in site.access.latest(Kind::Application).await? {
        let application: Application = serde_json::from_str(&revision.record)?;
        if !(args.open && application.stage().has_ended()) {
            applications.push(application);
        }
    }
    let value: Vec<Value> = applications.iter().map(|one| summary(one, site.now)).collect();
    Ok(Outcome::either(args.json, &Value::Array(value), || {
        let rows = applications.iter().map(|one| {
            let form = one.form();
            let due = one.due().map(|due| due.to_string()).unwrap_or_default();
            let late = if one.overdue(site.now) { " overdue" } else { "" };
            let name = &form.organisation.name;
            let name = if site.lang == Lang::Kk { &name.kk } else { &name.ru };
            vec![
                one.id().to_owned(),
                one.stage().code().to_owned(),
                form.organisation.bin.clone(),
                format!("{due}{late}"),
                name.clone(),
            ]
        });
        registration::listed(
            &["ID", "STATE", "BIN", "REVIEW UNTIL", "NAME"],
            rows.collect(),
            "no applications",
        )
    }))
}

/// Shows one.
pub async fn show(args: &Show, errand: Errand) -> Result {
    let case = Case::open(&args.place, &args.id, errand).await?;
    let Case { site, application, .. } = &case;
    let mut value = serde_json::to_value(application)?;
    if let (Some(fields), Value::Object(more)) = (value.as_object_mut(), summary(application, site.now)) {
        fields.insert("stage".to_owned(), more.get("state").cloned().unwrap_or_default());
        fields.extend(more.into_iter().filter(|(name, _)| name == "due" || name == "overdue"));
    }
    let shown = Outcome::either(args.json, &value, || text(application, site));
    site.access.look("application", Id::parse(application.id()), shown).await
}

fn summary(application: &Application, now: i64) -> Value {
    json!({
        "id": application.id(), "state": application.stage().code(),
        "bin": application.form().organisation.bin, "name": application.form().organisation.name,
        "due": application.due().map(|due| due.to_string()), "overdue": application.overdue(now),
    })
}

fn text(application: &Application, site: &Site) -> String {
    let (form, lang) = (application.form(), site.lang);
    let stage = application.stage();
    let methods: Vec<String> = application.methods().iter().map(|m| m.number().to_string()).collect();
    let due = application.due().map(|due| {
        let late = if application.overdue(site.now) { " (overdue)" } else { "" };
        format!("{due}{late}")
    });
    let entries = application.approval().map(|approved| approved.entries.join(", "));
    let mut text = registration::fields([
        ("id", application.id().to_owned()),
        ("state", format!("{} ({})", stage.code(), stage.title(lang))),
        ("next", stage.next(lang).to_owned()),
        ("review until", due.unwrap_or_default()),
        ("organisation", format!("{} / {}", form.organisation.name.kk, form.organisation.name.ru)),
        ("bin", form.organisation.bin.clone()),
        ("sender-id", form.sender_id.clone()),
        ("methods", methods.join(", ")),
        ("entries", entries.unwrap_or_default()),
    ]);
    for (number, purpose) in (1..).zip(&form.purposes) {
        let name = if lang == Lang::Kk { &purpose.name.kk } else { &purpose.name.ru };
        let _ = writeln!(text, "purpose {number}: {name}: {}", purpose.service_ids.join("; "));
    }
    for step in application.history() {
        let _ = writeln!(text, "{}  {}", clock::text(step.at), did(step));
        for remark in remarks(step) {
            let _ = writeln!(text, "    {}", said(remark, lang));
        }
    }
    text
}

/// What happened, in a few words.
fn did(step: &Step) -> String {
    match &step.event {
        Event::Submit { due, .. } => format!("submitted, review until {due}"),
        Event::Return { .. } => "returned".to_owned(),
        Event::Resubmit { due, .. } => format!("submitted again, review until {due}"),
        Event::Approve(approval) => format!("approved: {}", approval.entries().join(", ")),
        Event::RegisterKey { .. } => "key registered".to_owned(),
        Event::SubmitAct(filing) => format!("testing act submitted, signed by {}", filing.kid()),
        Event::Accept => "act accepted".to_owned(),
        Event::Refuse { .. } => "refused".to_owned(),
        Event::Withdraw => "withdrawn".to_owned(),
        Event::Redate { due } => format!("working days changed, review until {due}"),
    }
}

fn remarks(step: &Step) -> &[Remark] {
    match &step.event {
        Event::Return { remarks } | Event::Refuse { remarks } => remarks,
        _ => &[],
    }
}

fn said(remark: &Remark, lang: Lang) -> String {
    match remark {
        Remark::Words(text) => text.clone(),
        Remark::Objection(one) => {
            format!("{} {}: {} {}", one.field, one.rule.code(), one.rule.text(lang), one.rule.remedy(lang))
        }
    }
}
