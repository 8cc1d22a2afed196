//! What the payload of `KDP_SERVICE` says, parsed (F-7, wire.md 2.1).

use crate::consent::identity::{Bin, Iin, ServiceIds};
use crate::consent::method::{Ask, Method};
use crate::random::Id;
use crate::registry::Sender;
use crate::service::payload::{DataError, Fields, malformed};
use crate::text::{Flaw, Lang, Reason};

/// The elements of the contract, then ours.
pub const NAMES: &[&str] = &[
    "uin",
    "company",
    "company_bin",
    "company_responsible",
    "employee_name",
    "access_name",
    "personal_data_name",
    "expiresIn",
    "omit-sms",
    "ovt",
    "method",
    "directory_id",
    "ground_id",
    "proactive_code",
    "auth_token",
    "request_id",
    "code",
    "lang",
    "cancel",
    "dry_run",
];

/// A repeat of an earlier request.
pub struct Repeat {
    /// As it came; what is no id of ours is unknown.
    pub id: Option<Id>,
    /// Must be the request's.
    pub iin: Iin,
    /// Must be the request's.
    pub bin: Bin,
    /// The one-time code, as it was typed.
    pub code: Option<String>,
    /// The initiator takes its request or token back.
    pub cancel: bool,
    /// The decision about it that is journalled already.
    pub decided: Option<String>,
}

/// One of the two things the service is asked.
pub enum Request {
    /// A new ask.
    Ask(Box<Ask>),
    /// A new ask of which only the checks are wanted.
    DryRun(Box<Ask>),
    /// A repeat by `request_id`.
    Repeat(Repeat),
}

impl Request {
    /// Reads the fields.
    ///
    /// # Errors
    /// [`DataError`] about the first element that is wrong.
    pub fn read(fields: &Fields, sender: &Sender) -> Result<Self, DataError> {
        if fields.get("lang").is_some_and(|code| Lang::parse(code).is_none()) {
            return Err(malformed("lang", Flaw::Language));
        }
        let iin = fields.need_iin("uin")?;
        let bin = fields.need_bin("company_bin")?;
        let cancel = fields.boolean("cancel")?.unwrap_or(false);
        let dry_run = fields.boolean("dry_run")?.unwrap_or(false);
        if dry_run {
            // What goes on about a request that exists depends on its state, which a dry run must not tell.
            let given = [
                ("request_id", fields.get("request_id").is_some()),
                ("code", fields.get("code").is_some()),
                ("cancel", cancel),
            ];
            if let Some((name, _)) = given.into_iter().find(|(_, given)| *given) {
                return Err(contradiction("dry_run", name));
            }
        }
        if let Some(id) = fields.get("request_id") {
            let code = fields.get("code").map(str::to_owned);
            let repeat = Repeat { id: Id::parse(id), iin, bin, code, cancel, decided: None };
            return Ok(Self::Repeat(repeat));
        }
        if cancel {
            return Err(DataError::new(Reason::ElementMissing, "request_id", Flaw::Missing));
        }
        let directory_id = fields.get("directory_id").map(str::to_owned);
        let services = match (fields.get("access_name"), &directory_id) {
            (Some(list), _) => {
                Some(ServiceIds::parse(list).ok_or_else(|| malformed("access_name", Flaw::ServiceIds))?)
            }
            (None, Some(_)) => None,
            (None, None) => return Err(DataError::new(Reason::ElementMissing, "access_name", Flaw::Missing)),
        };
        let data = match fields.get("personal_data_name") {
            Some(data) => data.to_owned(),
            None if directory_id.is_some() || sender.record.allowance.legacy => String::new(),
            None => return Err(DataError::new(Reason::ElementMissing, "personal_data_name", Flaw::Missing)),
        };
        let text = |name| fields.get(name).unwrap_or_default().to_owned();
        let ask = Box::new(Ask {
            iin,
            bin,
            responsible: text("company_responsible"),
            employee: text("employee_name"),
            services,
            data,
            expires_in_ms: match fields.get("expiresIn") {
                None => 0,
                Some(ms) => ms
                    .parse::<u64>()
                    .ok()
                    .filter(|_| ms.bytes().all(|b| b.is_ascii_digit()))
                    .ok_or_else(|| malformed("expiresIn", Flaw::Milliseconds))?,
            },
            method: method(fields)?,
            ovt: fields.get("ovt").map(str::to_owned),
            directory_id,
            ground_id: fields.get("ground_id").map(str::to_owned),
            proactive_code: fields.get("proactive_code").map(str::to_owned),
        });
        Ok(if dry_run { Self::DryRun(ask) } else { Self::Ask(ask) })
    }
}

/// The sign of the method (F-7 6): `method`, else `omit-sms`; a contradiction names both.
fn method(fields: &Fields) -> Result<Method, DataError> {
    let omit_sms = fields.boolean("omit-sms")?;
    let Some(number) = fields.get("method") else {
        return match omit_sms {
            Some(true) => Ok(Method::OwnMeans),
            Some(false) => Ok(Method::Sms),
            None => Err(DataError::new(Reason::ElementMissing, "omit-sms", Flaw::Missing)),
        };
    };
    let method = number
        .parse::<u8>()
        .ok()
        .filter(|_| number.len() == 1)
        .and_then(|n| Method::try_from(n).ok())
        .ok_or_else(|| malformed("method", Flaw::MethodNumber))?;
    match omit_sms {
        Some(omit) if omit != method.needs_ovt() => Err(contradiction("method", "omit-sms")),
        _ => Ok(method),
    }
}

fn contradiction(one: &str, other: &str) -> DataError {
    DataError {
        reason: Reason::ElementsContradict,
        elements: vec![one.to_owned(), other.to_owned()],
        flaw: Flaw::Contradict,
    }
}
