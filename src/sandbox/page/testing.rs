//! The ten answers of each integration application (I-11), and why others do not count.

use super::word::said;
use crate::clock;
use crate::onboarding::Application;
use crate::onboarding::testing::{Answer, Testing, count};
use crate::sandbox::Sandbox;
use crate::sandbox::route::{Outcome, busy};
use crate::store::StoreError;
use crate::store::register::Kind;
use crate::text::Lang;
use serde_json::{Map, Value, json};

impl Sandbox {
    /// Integration applications with their test, oldest first: `[{"id", "sender", "bin", "name", "stage", "due", "entries",
    /// "needed", "counted", "extra", "not_counted"}]`; of those that do not count, `why` says it in three languages.
    pub(super) async fn ten_answers(&self) -> Outcome {
        let mut shown = Vec::new();
        for revision in self.app.store.latest(Kind::Application).await.map_err(busy)? {
            let unreadable = |_| busy(StoreError::Unreadable("registered.record"));
            let application: Application = serde_json::from_str(&revision.record).map_err(unreadable)?;
            shown.push(self.tested(&application).await.map_err(busy)?);
        }
        Ok(Value::Array(shown))
    }

    async fn tested(&self, application: &Application) -> Result<Value, StoreError> {
        let form = application.form();
        let since = application.history().first().map_or(0, |step| step.at);
        let decided = self.app.store.decided(form.sender_id.clone(), since).await?;
        let answers: Vec<Answer> = decided.iter().filter_map(|one| one.answer(application)).collect();
        let Testing { counted, extra, not_counted, needed } = count(application, &answers);
        let not_counted = not_counted.iter().map(|one| {
            let why: Map<String, Value> =
                Lang::ALL.into_iter().map(|lang| (lang.code().to_owned(), json!(one.text(lang)))).collect();
            json!({ "answer": told(&one.answer), "why": why })
        });
        Ok(json!({
            "id": application.id(), "sender": form.sender_id, "bin": form.organisation.bin,
            "name": form.organisation.name, "stage": application.stage().code(),
            "title": said(|lang| application.stage().title(lang)),
            "due": application.due().map(|due| due.to_string()),
            "entries": application.approval().map(|approved| &approved.entries), "needed": needed,
            "counted": counted.iter().map(told).collect::<Vec<_>>(),
            "extra": extra.iter().map(told).collect::<Vec<_>>(),
            "not_counted": not_counted.collect::<Vec<_>>(),
        }))
    }
}

fn told(answer: &Answer) -> Value {
    json!({
        "at": clock::text(answer.at), "decision_id": answer.decision, "request_id": answer.request,
        "method": answer.method.map(crate::consent::method::Method::number), "services": answer.services,
    })
}
