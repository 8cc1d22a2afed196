//! The report, for programs and for people.

use super::{Report, State, Step, Verdict};
use crate::text::{Cause, FaultCode, Lang, Reason};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The words around the findings.
struct Words {
    found: &'static str,
    expected: &'static str,
    cause: &'static str,
    code: &'static str,
    warning: &'static str,
    remedy: &'static str,
    unverified: &'static str,
    accepted: &'static str,
    refused: &'static str,
    undecided: &'static str,
}

fn words(lang: Lang) -> Words {
    match lang {
        Lang::Kk => Words {
            found: "табылды",
            expected: "күтілді",
            cause: "себебі",
            code: "коды",
            warning: "ескерту",
            remedy: "не істеу керек",
            unverified: "бұдан әрі: қолтаңбамен расталмаған",
            accepted: "қабылданды",
            refused: "қабылданбады",
            undecided: "шешілмеді",
        },
        Lang::Ru => Words {
            found: "найдено",
            expected: "ожидалось",
            cause: "причина",
            code: "код",
            warning: "предупреждение",
            remedy: "что делать",
            unverified: "дальше: не подтверждено подписью",
            accepted: "принято",
            refused: "не принято",
            undecided: "не решено",
        },
        Lang::En => Words {
            found: "found",
            expected: "expected",
            cause: "cause",
            code: "code",
            warning: "warning",
            remedy: "remedy",
            unverified: "from here on: not vouched for by the signature",
            accepted: "accepted",
            refused: "refused",
            undecided: "not decided",
        },
    }
}

impl Step {
    /// The stable word of the step: that of the check, if it is one.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.check.map_or(self.stage.code(), crate::text::Check::code)
    }

    /// Its name for people.
    #[must_use]
    pub fn title(&self, lang: Lang) -> &'static str {
        self.check.map_or(self.stage.title(lang), |check| check.title(lang))
    }

    /// The law or the standard that asks for it.
    #[must_use]
    pub fn paragraph(&self) -> &'static str {
        self.check.map_or(self.stage.paragraph(), crate::text::Check::paragraph)
    }

    /// What to do about a step that failed: what mends its causes, or what the code says.
    fn remedies(&self, lang: Lang) -> Vec<&'static str> {
        if !self.causes.is_empty() {
            return self.causes.iter().map(|cause| cause.remedy(lang)).collect();
        }
        let of_reason = |code| Reason::from_code(code).map(|reason| reason.remedy(lang));
        let of_fault = |code| FaultCode::from_code(code).map(|fault| fault.remedy(lang));
        self.code.and_then(|code| of_reason(code).or_else(|| of_fault(code))).into_iter().collect()
    }

    fn json(&self, lang: Lang) -> Value {
        let state = match self.state {
            State::Passed => "passed",
            State::Failed => "failed",
            State::Open => "not-judged",
        };
        json!({
            "step": self.code(), "title": self.title(lang), "state": state, "verified": self.is_verified,
            "found": self.found, "expected": self.expected, "paragraph": self.paragraph(), "code": self.code,
            "causes": self.causes.iter().map(|cause| json!({
                "cause": cause.code(), "text": cause.text(lang),
            })).collect::<Vec<_>>(),
            "remedies": self.remedies(lang),
        })
    }

    fn write(&self, out: &mut String, lang: Lang) {
        let words = words(lang);
        let sign = match self.state {
            State::Passed => '+',
            State::Failed => '-',
            State::Open => '?',
        };
        let _ = write!(out, "{sign} {}", self.title(lang));
        if self.state == State::Passed && !self.found.is_empty() && self.causes.is_empty() {
            let _ = write!(out, ": {}", self.found);
        }
        out.push('\n');
        let mut line = |name: &str, text: &str| {
            let _ = writeln!(out, "    {name}: {text}");
        };
        match self.state {
            State::Passed => {
                for cause in &self.causes {
                    line(words.warning, &format!("{}: {}", cause.code(), cause.text(lang)));
                    line(words.remedy, cause.remedy(lang));
                }
            }
            State::Failed => {
                line(words.found, &self.found);
                line(words.expected, &format!("{} [{}]", self.expected, self.paragraph()));
                for cause in &self.causes {
                    line(words.cause, cause.code());
                }
                if let Some(code) = self.code {
                    line(words.code, code);
                }
                for remedy in self.remedies(lang) {
                    line(words.remedy, remedy);
                }
            }
            State::Open => line(words.found, &self.found),
        }
    }
}

impl Report {
    /// The causes of the steps that failed, in order, each once; then what it warns of.
    #[must_use]
    pub fn causes(&self) -> Vec<Cause> {
        let (failed, warned): (Vec<_>, Vec<_>) =
            self.steps.iter().partition(|step| step.state == State::Failed);
        let mut causes = Vec::new();
        for cause in failed.into_iter().chain(warned).flat_map(|step| &step.causes) {
            if !causes.contains(cause) {
                causes.push(*cause);
            }
        }
        causes
    }

    /// `{"accepted" (null: only the service decides it), "verdict": {"code", "status", "reason", "text", "remedy"}, "causes": [code], "steps": [{"step",
    /// "title", "state", "verified", "found", "expected", "paragraph", "code", "causes": [{"cause",
    /// "text"}], "remedies"}]}`; `state` is `passed`, `failed`
    /// or `not-judged`.
    #[must_use]
    pub fn json(&self) -> Value {
        let Verdict { code, word, reason, text, remedy, is_accepted, is_judged } = &self.verdict;
        json!({
            "accepted": is_judged.then_some(is_accepted),
            "verdict": {
                "code": code, "status": word, "reason": reason.map(crate::text::Reason::code), "text": text,
                "remedy": remedy,
            },
            "causes": self.causes().iter().map(|cause| cause.code()).collect::<Vec<_>>(),
            "steps": self.steps.iter().map(|step| step.json(self.lang)).collect::<Vec<_>>(),
        })
    }

    /// The same for a terminal; ends with a line break.
    #[must_use]
    pub fn text(&self) -> String {
        let words = words(self.lang);
        let mut out = String::new();
        let mut was_verified = true;
        for step in &self.steps {
            if was_verified && !step.is_verified {
                let _ = writeln!(out, "--- {} ---", words.unverified);
            }
            was_verified = step.is_verified;
            step.write(&mut out, self.lang);
        }
        let Verdict { code, word, reason, text, remedy, is_accepted, is_judged } = &self.verdict;
        let mut codes = vec![*code];
        codes.extend(word.as_deref());
        codes.extend(reason.map(crate::text::Reason::code));
        let verdict = match (is_judged, is_accepted) {
            (false, _) => words.undecided,
            (true, true) => words.accepted,
            (true, false) => words.refused,
        };
        let _ = writeln!(out, "{verdict}: {}: {text}", codes.join(", "));
        if !remedy.is_empty() {
            let _ = writeln!(out, "{}: {remedy}", words.remedy);
        }
        // Names in a message are a stranger's, and are shown on a terminal.
        out.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
    }
}
