//! What must be true, worked out from what happened and nothing else. It knows the law and the calendar of 2026, and
//! none of the service's code.

use super::service::{ENTRY_PERIOD, MAX_TERM, PROACTIVE_PERIOD};
use kdp::random::Id;
use std::collections::{BTreeMap, BTreeSet};
use time::{Date, Duration, Month, OffsetDateTime, Weekday};

pub const DAY: i64 = 86_400_000;
const ASTANA: i64 = 5 * 3_600_000;

/// Spans of the law, milliseconds: an answer, a one-time code, unreachable gateways, a yes that nobody collects.
pub const ANSWER: i64 = 900_000;
pub const CODE: i64 = 300_000;
pub const RETRY: i64 = 900_000;
pub const COLLECT: i64 = DAY;
/// How far an initiator's clock may be wrong, seconds.
const LEEWAY: i64 = 120;

/// A verification token.
pub struct Ovt {
    pub initiator: usize,
    pub consent: bool,
    pub subject: Option<u64>,
    /// Unix seconds.
    pub iat: i64,
    pub exp: i64,
    pub compact: String,
}

/// What an initiator asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub initiator: usize,
    pub subject: u64,
    pub services: BTreeSet<&'static str>,
    /// Whether the services are named, or left to the entry.
    pub named: bool,
    pub method: u8,
    /// Under the directory entry.
    pub entry: bool,
    /// Seconds; 0: whatever was agreed.
    pub wish: u64,
    pub ovt: usize,
}

/// Where a request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    Seeking {
        until: i64,
    },
    Sending {
        until: i64,
    },
    Waiting {
        until: i64,
        tries: u32,
    },
    Agreed {
        until: i64,
    },
    /// Token by number.
    Granted(usize),
    /// With the words of the answer.
    Over(&'static str, &'static str),
}

pub struct Request {
    pub id: Id,
    pub asked: Asked,
    pub phase: Phase,
    /// Seconds.
    pub term: u64,
    pub reference: String,
    pub code: String,
}

impl Request {
    pub fn is_live(&self) -> bool {
        !matches!(self.phase, Phase::Granted(_) | Phase::Over(..))
    }

    pub fn awaits(&self) -> bool {
        matches!(self.phase, Phase::Sending { .. } | Phase::Waiting { .. })
    }
}

pub struct Token {
    pub request: usize,
    pub compact: String,
    pub jti: String,
    pub place: u64,
    pub issued: i64,
    /// Unix seconds.
    pub expires: i64,
    /// When it ended before that, and why.
    pub ended: Option<(i64, &'static str)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Review {
    Open,
    Approved(i64),
    Refused,
    Lapsed,
}

pub struct Application {
    pub id: String,
    pub token: usize,
    pub filed: i64,
    pub deadline: Date,
    pub review: Review,
}

/// From when to when.
pub type Span = (i64, Option<i64>);

/// Something that tokens rest on: the entry, the ground, the proactive service; its end, Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    Entry,
    Ground,
    Proactive,
}

#[derive(Default)]
pub struct Ledger {
    pub ovts: Vec<Ovt>,
    pub requests: Vec<Request>,
    pub tokens: Vec<Token>,
    pub applications: Vec<Application>,
    /// By (ovt, subject, services): the request that it led to; and by whom each (ovt, subject) was used first, how.
    pub proved: BTreeMap<(usize, u64, BTreeSet<&'static str>), usize>,
    pub proved_by: BTreeMap<(usize, u64), u8>,
    pub blocks: BTreeMap<u64, Vec<Span>>,
    pub frozen: BTreeSet<u64>,
    pub suspensions: BTreeMap<usize, Vec<Span>>,
    pub ends: BTreeMap<Basis, i64>,
    pub days: Days,
}

fn covers(spans: Option<&Vec<Span>>, at: i64) -> bool {
    spans.is_some_and(|spans| spans.iter().any(|(from, to)| *from <= at && to.is_none_or(|to| at < to)))
}

impl Ledger {
    pub fn is_blocked(&self, subject: u64, at: i64) -> bool {
        covers(self.blocks.get(&subject), at)
    }

    pub fn is_suspended(&self, initiator: usize, at: i64) -> bool {
        covers(self.suspensions.get(&initiator), at)
    }

    /// Whether a basis of tokens is over.
    pub fn is_over(&self, basis: Basis, at: i64) -> bool {
        self.ends.get(&basis).is_some_and(|end| at / 1000 >= *end)
    }

    pub fn hold(&self, subject: u64, method: u8, at: i64) -> Option<&'static str> {
        match () {
            () if self.is_blocked(subject, at) => Some("subject-blocked"),
            () if self.frozen.contains(&subject) && method != 4 => Some("subject-frozen"),
            () => None,
        }
    }

    /// Lets time do what it does, whoever is there to see it.
    pub fn pass(&mut self, now: i64) {
        for request in &mut self.requests {
            match request.phase {
                Phase::Seeking { until } if now >= until => {
                    request.phase = Phase::Over("TIMEOUT", "bmg-unavailable");
                }
                Phase::Sending { until } if now >= until => {
                    request.phase = Phase::Over("TIMEOUT", "sms-not-sent");
                }
                Phase::Waiting { until, .. } if now >= until => {
                    request.phase = Phase::Over("TIMEOUT", "no-answer");
                }
                Phase::Agreed { until } if now >= until => {
                    request.phase = Phase::Over("TIMEOUT", "not-collected");
                }
                _ => {}
            }
        }
        for application in &mut self.applications {
            let end = midnight_after(application.deadline);
            if application.review == Review::Open && now >= end {
                application.review = Review::Lapsed;
                let token = &mut self.tokens[application.token];
                if token.ended.is_none() && end < token.expires * 1000 {
                    token.ended = Some((end, "revoked"));
                }
            }
        }
    }

    /// What a token is worth at a time that is not after now.
    pub fn worth(&self, token: usize, at: i64) -> (&'static str, Option<&'static str>) {
        let token = &self.tokens[token];
        let asked = &self.requests[token.request].asked;
        match token.ended {
            _ if at < token.issued => ("unknown", None),
            Some((since, reason)) if at >= since => ("not-active", Some(reason)),
            _ if at >= token.expires * 1000 => ("expired", Some("token-expired")),
            _ if self.is_blocked(asked.subject, at) => ("suspended", Some("subject-blocked")),
            _ if self.is_suspended(asked.initiator, at) => ("suspended", Some("suspended")),
            _ => ("active", None),
        }
    }

    pub fn is_in_force(&self, token: usize, now: i64) -> bool {
        self.tokens[token].ended.is_none() && now < self.tokens[token].expires * 1000
    }

    pub fn open_application(&self, token: usize) -> Option<usize> {
        self.applications.iter().position(|a| a.token == token && a.review == Review::Open)
    }

    /// When the last revocation of this initiator's tokens of this subject took effect.
    pub fn withdrawn(&self, initiator: usize, subject: u64) -> Option<i64> {
        let theirs = |application: &&Application| {
            let asked = &self.requests[self.tokens[application.token].request].asked;
            asked.initiator == initiator && asked.subject == subject
        };
        let effect = |application: &Application| match application.review {
            Review::Approved(at) => Some(at),
            Review::Lapsed => Some(midnight_after(application.deadline)),
            Review::Open | Review::Refused => None,
        };
        self.applications.iter().filter(theirs).filter_map(effect).max()
    }

    /// The first end of what a request rests on.
    fn first_end(&self, asked: &Asked, now: i64) -> Option<i64> {
        let mut bases = Vec::new();
        if asked.entry {
            bases.push(Basis::Entry);
        }
        if matches!(asked.method, 3 | 4) {
            bases.push(Basis::Ground);
        }
        if asked.method == 3 {
            bases.push(Basis::Proactive);
        }
        let ends = bases.iter().filter_map(|basis| self.ends.get(basis)).copied();
        ends.filter(|end| *end > now / 1000).min()
    }

    /// The checks of F-6: services and longest life of the token, seconds, or why not.
    pub fn judge(&self, asked: &Asked, now: i64) -> Result<(BTreeSet<&'static str>, u64), &'static str> {
        let bank = asked.initiator == 0;
        let seconds = now / 1000;
        if self.is_suspended(asked.initiator, now) {
            return Err("suspended");
        }
        if !bank && matches!(asked.method, 3 | 4) {
            return Err("method-not-allowed");
        }
        if asked.entry && !bank {
            return Err("directory-unknown");
        }
        if asked.entry && self.is_over(Basis::Entry, now) {
            return Err("directory-expired");
        }
        let allowed: BTreeSet<_> = if asked.entry { ["A", "B"].into() } else { ["A", "B", "C"].into() };
        let services = if asked.named { asked.services.clone() } else { allowed.clone() };
        if !services.is_subset(&allowed) {
            return Err("service-not-allowed");
        }
        let left = self.first_end(asked, now).map_or(u64::MAX, |end| end.abs_diff(seconds));
        let agreed = if asked.entry { ENTRY_PERIOD } else { MAX_TERM[asked.initiator] };
        let most = if asked.method == 3 { agreed.min(PROACTIVE_PERIOD) } else { agreed }.min(left);
        let term = match asked.wish {
            _ if asked.method == 4 => left.min(900),
            0 => most,
            wish if wish > most => return Err("term-too-long"),
            wish => wish,
        };
        if matches!(asked.method, 2..=4) {
            self.judge_proof(asked, now)?;
        }
        Ok((services, term))
    }

    fn judge_proof(&self, asked: &Asked, now: i64) -> Result<(), &'static str> {
        let (ovt, seconds) = (&self.ovts[asked.ovt], now / 1000);
        let dated = ovt.iat <= seconds + LEEWAY && seconds < ovt.exp + LEEWAY;
        let ground = || if self.is_over(Basis::Ground, now) { Err("ground-unknown") } else { Ok(()) };
        let fits = ovt.consent == (asked.method != 4);
        if ovt.initiator != asked.initiator {
            return Err("ovt-signature");
        }
        if asked.method == 3 && self.is_over(Basis::Proactive, now) {
            return Err("proactive-code");
        }
        match asked.method {
            4 if !dated => return Err("ovt-date"),
            _ if !fits => return Err("ovt-method"),
            _ if !dated => return Err("ovt-date"),
            _ => {}
        }
        if asked.method != 2 {
            ground()?;
        }
        if ovt.subject.is_some_and(|subject| subject != asked.subject) {
            return Err("ovt-subject");
        }
        Ok(())
    }

    /// The same ask in progress.
    pub fn live(&self, asked: &Asked, services: &BTreeSet<&'static str>) -> Option<usize> {
        self.requests.iter().position(|request| {
            let same = request.asked.initiator == asked.initiator && request.asked.subject == asked.subject;
            same && request.is_live() && request.asked.services == *services
        })
    }
}

/// Which days work: Monday to Friday, but for the holidays of 2026 and what acts have made of days since.
#[derive(Default)]
pub struct Days {
    acts: BTreeMap<Date, bool>,
}

const HOLIDAYS: [(u8, u8); 11] =
    [(3, 9), (3, 23), (3, 24), (3, 25), (5, 1), (5, 7), (5, 11), (5, 27), (7, 6), (10, 26), (12, 16)];

pub fn date(at: i64) -> Date {
    OffsetDateTime::from_unix_timestamp((at + ASTANA).div_euclid(1000)).unwrap().date()
}

/// 24:00 of a day in Astana, Unix milliseconds.
pub fn midnight_after(day: Date) -> i64 {
    (day + Duration::DAY).midnight().assume_utc().unix_timestamp() * 1000 - ASTANA
}

impl Days {
    fn works(&self, day: Date) -> bool {
        if let Some(works) = self.acts.get(&day) {
            return *works;
        }
        let holiday = |(month, n): &(u8, u8)| {
            day.year() == 2026 && day.month() == Month::try_from(*month).unwrap() && day.day() == *n
        };
        !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && !HOLIDAYS.iter().any(holiday)
    }

    /// The fifteenth working day after the day of `filed`.
    pub fn deadline(&self, filed: i64) -> Date {
        let mut day = date(filed);
        for _ in 0..15 {
            day += Duration::DAY;
            while !self.works(day) {
                day += Duration::DAY;
            }
        }
        day
    }

    pub fn load(&mut self, day: Date, works: bool) {
        self.acts.insert(day, works);
    }
}

impl Ledger {
    /// An act was loaded: terms that are open count anew, but none ends before today does.
    pub fn redate(&mut self, now: i64) {
        for application in &mut self.applications {
            if application.review == Review::Open {
                application.deadline = self.days.deadline(application.filed).max(date(now));
            }
        }
    }
}
