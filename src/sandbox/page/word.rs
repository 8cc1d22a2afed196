//! The words of the service's own tables, for the page: one source with the answers.

use crate::onboarding::stage::Stage;
use crate::text::{Check, FaultCode, Lang, Reason};
use serde_json::{Map, Value, json};

/// Reasons, checks, faults and stages by code: `{"kk", "ru", "en"}`, with the paragraph of the law where there is one and
/// with what to do about a no.
pub fn all() -> Value {
    let reasons = Reason::ALL.iter().map(|one| {
        let told = json!({
            "paragraph": one.paragraph(),
            "text": said(|lang| one.text(lang)), "remedy": said(|lang| one.remedy(lang)),
        });
        (one.code().to_owned(), told)
    });
    let checks = Check::ALL.iter().map(|one| {
        let told = json!({ "paragraph": one.paragraph(), "text": said(|lang| one.title(lang)) });
        (one.code().to_owned(), told)
    });
    let faults = FaultCode::ALL.iter().map(|one| {
        let told = json!({ "text": said(|lang| one.message(lang)), "remedy": said(|lang| one.remedy(lang)) });
        (one.code().to_owned(), told)
    });
    let stages = Stage::ALL.iter().map(|one| {
        let told = json!({ "text": said(|lang| one.title(lang)), "remedy": said(|lang| one.next(lang)) });
        (one.code().to_owned(), told)
    });
    json!({
        "reasons": reasons.collect::<Map<_, _>>(), "checks": checks.collect::<Map<_, _>>(),
        "faults": faults.collect::<Map<_, _>>(), "stages": stages.collect::<Map<_, _>>(),
    })
}

/// A text in each language.
pub fn said(text: impl Fn(Lang) -> &'static str) -> Value {
    Lang::ALL.into_iter().map(|lang| (lang.code().to_owned(), json!(text(lang)))).collect()
}
