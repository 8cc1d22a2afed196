//! What a request whose dry run was asked for would lead to next.

use super::{Lang, pick, table};

table! {
    /// What comes after the checks that a dry run shows.
    pub enum Next: Row {
        Refuse {
            code: "refuse",
            kk: "Сұрау салудан осы себеппен бас тартылады.",
            ru: "В запросе было бы отказано по этой причине.",
            en: "The request would be refused for this reason.",
        }
        AskBySms {
            code: "ask-by-sms",
            kk: "Субъектінің нөмірі БМГ-ден сұралады, субъектіге келісім туралы SMS жіберіледі; жауап PENDING болады.",
            ru: "Номер субъекта был бы запрошен в БМГ, субъект получил бы SMS с вопросом о согласии; ответ — PENDING.",
            en: "BMG would be asked for the subject's number and the subject asked for consent by SMS; the answer: PENDING.",
        }
        SendCode {
            code: "send-code",
            kk: "Субъектінің нөмірі БМГ-ден сұралады, субъектіге бір реттік коды бар SMS жіберіледі; жауап PENDING болады.",
            ru: "Номер субъекта был бы запрошен в БМГ, субъект получил бы SMS с одноразовым кодом; ответ — PENDING.",
            en: "BMG would be asked for the subject's number and a one-time code sent by SMS; the answer: PENDING.",
        }
        IssueToken {
            code: "issue-token",
            kk: "Егер субъект пен верификация токенінің күйі рұқсат етсе, қауіпсіздік токені бірден беріледі.",
            ru: "Токен безопасности был бы выдан сразу, если это позволят состояние субъекта и токена верификации.",
            en: "The security token would be issued at once, unless the state of subject or verification token forbids it.",
        }
    }
}

struct Row {
    kk: &'static str,
    ru: &'static str,
    en: &'static str,
}

impl Next {
    /// What would happen, one sentence of at most 200 characters.
    #[must_use]
    pub const fn text(self, lang: Lang) -> &'static str {
        pick!(self.row(), lang)
    }
}
