//! What for: services, `ServiceIDs`, data and terms (I-5).

use super::text::{self, is_blank};
use super::{Known, Report};
use crate::consent::identity::ServiceIds;
use crate::onboarding::form::{Form, Purpose};
use crate::onboarding::rule::Rule;
use std::collections::BTreeSet;

/// A business process in fewer characters says nothing.
const SHORT_PROCESS: usize = 80;
/// A period below it is most likely written in another unit, seconds.
const SHORT_PERIOD: u64 = 60;
/// Words that leave open which data are meant: kk, ru, en.
const UNBOUNDED: [&str; 17] = [
    "барлық",
    "барлығы",
    "кез келген",
    "және басқа",
    "т.б",
    "т.с.с",
    "все",
    "всё",
    "любые",
    "и другие",
    "и прочие",
    "и др",
    "и т.д",
    "и пр",
    "all",
    "any",
    "etc",
];

pub fn look(form: &Form, known: &Known, report: &mut Report) {
    if form.purposes.is_empty() {
        report.object(Rule::PurposeMissing, "/purposes", "");
    }
    for (i, purpose) in text::bounded(&form.purposes, "/purposes", report).iter().enumerate() {
        let at = format!("/purposes/{i}");
        repeated(form, i, &at, report);
        text::named(&purpose.name, &format!("{at}/name"), report);
        if !is_blank(&purpose.name.kk) && purpose.name.kk.trim() == purpose.name.ru.trim() {
            report.object(Rule::NameUntranslated, format!("{at}/name"), "");
        }
        process(purpose, &at, report);
        services(form, purpose, &at, known, report);
        data(purpose, &at, report);
        terms(purpose, &at, known, report);
    }
}

/// Objects to the later of two purposes that are one.
fn repeated(form: &Form, at: usize, field: &str, report: &mut Report) {
    let Some((purpose, before)) = form.purposes.get(..=at).and_then(<[_]>::split_last) else {
        return;
    };
    let set =
        |ids: &[String]| -> BTreeSet<String> { ids.iter().map(|id| id.trim().to_lowercase()).collect() };
    let same_text =
        |one: &str, other: &str| !is_blank(one) && one.trim().to_lowercase() == other.trim().to_lowercase();
    let same = before.iter().position(|earlier| {
        same_text(&earlier.name.kk, &purpose.name.kk)
            || same_text(&earlier.name.ru, &purpose.name.ru)
            || !purpose.service_ids.is_empty()
                && set(&earlier.service_ids) == set(&purpose.service_ids)
                && set(&earlier.services) == set(&purpose.services)
    });
    if let Some(earlier) = same {
        report.object(Rule::PurposeRepeated, field, format_args!("/purposes/{earlier}"));
    }
}

fn process(purpose: &Purpose, at: &str, report: &mut Report) {
    let field = format!("{at}/process");
    let length = purpose.process.trim().chars().count();
    if length == 0 {
        report.object(Rule::ProcessMissing, &*field, "");
    } else if length < SHORT_PROCESS {
        report.object(Rule::ProcessShort, &*field, format_args!("{length} < {SHORT_PROCESS}"));
    }
    text::fits(&purpose.process, text::DESCRIPTION, &field, report);
}

fn services(form: &Form, purpose: &Purpose, at: &str, known: &Known, report: &mut Report) {
    let names = format!("{at}/services");
    if purpose.services.iter().all(|name| is_blank(name)) {
        report.object(Rule::ServiceUnnamed, &*names, "");
    }
    for (i, name) in text::bounded(&purpose.services, &names, report).iter().enumerate() {
        text::fits(name, text::NAME, &format!("{names}/{i}"), report);
    }
    let ids = format!("{at}/service_ids");
    if purpose.service_ids.is_empty() {
        report.object(Rule::ServiceIdMissing, &*ids, "");
    }
    let mut seen = BTreeSet::new();
    for (i, id) in text::bounded(&purpose.service_ids, &ids, report).iter().enumerate() {
        let field = format!("{ids}/{i}");
        let is_sound = ServiceIds::collect([id.clone()]).is_some() && !is_blank(id) && id.trim() == id;
        if !is_sound {
            report.object(Rule::ServiceIdMalformed, field, "");
        } else if !seen.insert(id) {
            report.object(Rule::ServiceIdRepeated, field, id);
        } else {
            match known.owners.get(id) {
                None => report.object(Rule::ServiceIdUnowned, field, id),
                Some(owner) if *owner == form.organisation.bin => {
                    report.object(Rule::ServiceIdOwn, field, id);
                }
                Some(_) => {}
            }
        }
    }
}

fn data(purpose: &Purpose, at: &str, report: &mut Report) {
    let field = format!("{at}/data");
    if is_blank(&purpose.data) {
        report.object(Rule::DataMissing, field, "");
        return;
    }
    text::fits(&purpose.data, text::NAME, &field, report);
    if let Some(word) = unbounded(&purpose.data) {
        report.object(Rule::DataUnbounded, field, word);
    }
}

/// The word that leaves open which data are meant; only whole words count.
fn unbounded(data: &str) -> Option<&'static str> {
    let data = data.to_lowercase();
    let is_border = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    UNBOUNDED.into_iter().find(|word| {
        data.match_indices(word).any(|(at, found)| {
            let (before, rest) = data.split_at(at);
            let after = rest.strip_prefix(found).unwrap_or_default();
            is_border(before.chars().next_back()) && is_border(after.chars().next())
        })
    })
}

fn terms(purpose: &Purpose, at: &str, known: &Known, report: &mut Report) {
    let Purpose { period_seconds: period, storage_seconds: storage, processing_seconds: processing, .. } =
        *purpose;
    let most = known.max_term_seconds;
    let field = |name: &str| format!("{at}/{name}");
    if period == 0 {
        report.object(Rule::PeriodMissing, field("period_seconds"), "");
    } else if period > most {
        report.object(Rule::PeriodTooLong, field("period_seconds"), format_args!("{period} > {most}"));
    } else if period < SHORT_PERIOD {
        report.object(Rule::PeriodShort, field("period_seconds"), period);
    }
    if processing == 0 {
        report.object(Rule::ProcessingMissing, field("processing_seconds"), "");
    }
    let ground = &purpose.storage_ground;
    text::fits(&ground.text, text::DESCRIPTION, &field("storage_ground/text"), report);
    text::fits(ground.act.as_deref().unwrap_or_default(), text::NAME, &field("storage_ground/act"), report);
    if storage == 0 {
        return;
    }
    if storage < processing {
        let found = format_args!("{storage} < {processing}").to_string();
        report.object(Rule::StorageBelowProcessing, field("storage_seconds"), found);
    }
    let needed = period.saturating_add(processing);
    if storage > needed {
        let rule = if ground.act().is_some() { Rule::StorageByAct } else { Rule::StorageTooLong };
        let found = format_args!("{storage} > {period} + {processing}").to_string();
        report.object(rule, field("storage_seconds"), found);
    }
    if is_blank(&ground.text) {
        report.object(Rule::StorageGroundMissing, field("storage_ground/text"), "");
    }
}
