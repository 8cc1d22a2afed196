//! The checks that a decision names, in the law's order.

use super::{Lang, pick, table};

table! {
    /// One named check of F-6. The table is in the law's order, then come the checks that the
    /// service adds. A method runs a subset of them in this order.
    pub enum Check: Row {
        SenderKnown {
            code: "sender-known", paragraph: "F-6",
            kk: "Жіберуші сервиске белгілі",
            ru: "Отправитель известен сервису",
            en: "The sender is known to the service",
        }
        SenderAuthenticated {
            code: "sender-authenticated", paragraph: "F-7 11)",
            kk: "Жіберуші аутентификациядан өтті",
            ru: "Отправитель прошёл аутентификацию",
            en: "The sender is authenticated",
        }
        BinOfSender {
            code: "bin-of-sender", paragraph: "F-6",
            kk: "Сұрау салудағы БСН жіберушіге тиесілі",
            ru: "БИН запроса принадлежит отправителю",
            en: "The BIN of the request is the sender's",
        }
        IinWellFormed {
            code: "iin-well-formed", paragraph: "F-6",
            kk: "Субъектінің ЖСН-і дұрыс құрылған",
            ru: "ИИН субъекта составлен верно",
            en: "The IIN of the subject is well formed",
        }
        MethodAllowed {
            code: "method-allowed", paragraph: "F-4",
            kk: "Сұрау салу тәсіліне бастамашыға рұқсат берілген",
            ru: "Способ запроса разрешён инициатору",
            en: "The method is allowed to the initiator",
        }
        DirectoryEntry {
            code: "directory-entry", paragraph: "F-7 5)",
            kk: "Анықтамалық жазбасы бар және қолданыста",
            ru: "Запись справочника известна и действует",
            en: "The directory entry is known and in force",
        }
        ServicesAllowed {
            code: "services-allowed", paragraph: "F-7 5)",
            kk: "Сұратылған сервистер бастамашыға келісілген",
            ru: "Запрошенные сервисы согласованы инициатору",
            en: "The services asked for are agreed for the initiator",
        }
        TermWithinAgreement {
            code: "term-within-agreement", paragraph: "F-7 5)",
            kk: "Токен мерзімі келісілген мерзімнен аспайды",
            ru: "Срок токена не превышает согласованного",
            en: "The life of the token is within what was agreed",
        }
        OvtPresent {
            code: "ovt-present", paragraph: "F-7 8)",
            kk: "Верификация токені берілген және оқылады",
            ru: "Токен верификации передан и читается",
            en: "The verification token is present and readable",
        }
        OvtSignature {
            code: "ovt-signature", paragraph: "F-6",
            kk: "Верификация токенінің қолтаңбасы бастамашының тіркелген ЭЦҚ-сына сәйкес",
            ru: "Подпись токена верификации соответствует зарегистрированной ЭЦП инициатора",
            en: "The signature of the verification token matches the registered key of the initiator",
        }
        ProactiveCode {
            code: "proactive-code", paragraph: "F-6",
            kk: "Проактивті қызмет коды осы БСН-ге тиесілі",
            ru: "Код проактивной услуги принадлежит этому БИН",
            en: "The proactive service code belongs to this BIN",
        }
        LoggingAllowed {
            code: "logging-allowed", paragraph: "F-4 4)",
            kk: "Осы БСН-ге хаттамалау режиміне рұқсат берілген",
            ru: "Этому БИН разрешён режим протоколирования",
            en: "Logging mode is allowed to this BIN",
        }
        OvtBin {
            code: "ovt-bin", paragraph: "F-6",
            kk: "Верификация токеніндегі БСН сұрау салудағы БСН-ге тең",
            ru: "БИН в токене верификации равен БИН запроса",
            en: "The BIN in the verification token is that of the request",
        }
        OvtMethod {
            code: "ovt-method", paragraph: "F-6",
            kk: "Келісім алу жолы (mcheck) осы тәсілге рұқсат етілген",
            ru: "Способ получения согласия (mcheck) допустим для этого способа запроса",
            en: "The way the consent was obtained (mcheck) is allowed for this method",
        }
        OvtDate {
            code: "ovt-date", paragraph: "F-6",
            kk: "Верификация токенінің қалыптастырылған күні жарамды",
            ru: "Дата формирования токена верификации допустима",
            en: "The date of formation of the verification token is acceptable",
        }
        Ground {
            code: "ground", paragraph: "F-7 7)",
            kk: "Негіздеме анықтамалықта бар және осы тәсілге рұқсат етілген",
            ru: "Основание есть в справочнике и допустимо для этого способа",
            en: "The ground is in the directory of grounds and allowed for the method",
        }
        InitiatorActive {
            code: "initiator-active", paragraph: "F-6, ext",
            kk: "Бастамашы тоқтатыла тұрмаған",
            ru: "Инициатор не приостановлен",
            en: "The initiator is not suspended",
        }
        SubjectOpen {
            code: "subject-open", paragraph: "P-7-3",
            kk: "Субъектінің деректері бұғатталмаған, жаңа сұрау салулар тоқтатылмаған",
            ru: "Данные субъекта не заблокированы, новые запросы им не приостановлены",
            en: "The subject is neither blocked nor has frozen new requests",
        }
        OvtSubject {
            code: "ovt-subject", paragraph: "F-6, ext",
            kk: "Верификация токені осы субъектіге берілген",
            ru: "Токен верификации выдан на этого субъекта",
            en: "The verification token is for this subject",
        }
        WithinLimits {
            code: "within-limits", paragraph: "F-6, ext",
            kk: "Сұрау салулар саны шектен аспайды",
            ru: "Число запросов не превышает предела",
            en: "The number of requests is within the limits",
        }
        ConsentNotRevoked {
            code: "consent-not-revoked", paragraph: "F-19",
            kk: "Келісім берілгеннен кейін кері қайтарып алынбаған",
            ru: "Согласие не отозвано после того, как было дано",
            en: "The consent was not revoked after it was given",
        }
        OvtUnused {
            code: "ovt-unused", paragraph: "F-6, ext",
            kk: "Верификация токені осы субъект пен сервистер үшін әлі пайдаланылмаған",
            ru: "Токен верификации ещё не использован для этого субъекта и сервисов",
            en: "The verification token is not yet used for this subject and these services",
        }
        RequestKnown {
            code: "request-known", paragraph: "F-6",
            kk: "Қайталама сұрау салудағы request_id осы субъект пен бастамашыға тиесілі",
            ru: "Повторный запрос: request_id относится к этому субъекту и инициатору",
            en: "Repeat request: request_id belongs to this subject and initiator",
        }
        RequestInProgress {
            code: "request-in-progress", paragraph: "F-6",
            kk: "Осы субъект пен сервистер бойынша жауабын күткен басқа сұрау салу жоқ",
            ru: "Нет другого запроса по этому субъекту и сервисам, ожидающего ответа",
            en: "No other request for this subject and these services is in progress",
        }
        SubjectNumber {
            code: "subject-number", paragraph: "F-6",
            kk: "Субъектінің телефон нөмірі БМГ-де табылды",
            ru: "Номер телефона субъекта найден в БМГ",
            en: "The phone number of the subject is found in BMG",
        }
        SubjectAnswer {
            code: "subject-answer", paragraph: "F-4 1)",
            kk: "Субъект SMS арқылы келісім берді",
            ru: "Субъект дал согласие ответом на SMS",
            en: "The subject agreed by SMS",
        }
        OneTimeCode {
            code: "one-time-code", paragraph: "F-4 5)",
            kk: "Бір реттік код дұрыс және мерзімі өтпеген",
            ru: "Одноразовый код верен и не просрочен",
            en: "The one-time code is right and in time",
        }
    }
}

struct Row {
    paragraph: &'static str,
    kk: &'static str,
    ru: &'static str,
    en: &'static str,
}

impl Check {
    /// Paragraph of the law: `F-7 8)`; with `, ext` where the check is the service's own addition
    /// to that paragraph.
    #[must_use]
    pub const fn paragraph(self) -> &'static str {
        self.row().paragraph
    }

    /// What is true when the check passes, a phrase of at most 200 characters.
    #[must_use]
    pub const fn title(self, lang: Lang) -> &'static str {
        pick!(self.row(), lang)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_keeps_the_order_of_the_law_for_every_method() {
        let position = |code: &str| Check::ALL.iter().position(|check| check.code() == code).unwrap();
        let orders = [
            "sender-known sender-authenticated bin-of-sender iin-well-formed method-allowed \
             directory-entry services-allowed term-within-agreement ovt-present",
            "ovt-present ovt-signature proactive-code ovt-bin ovt-method ovt-date ground",
            "ovt-present ovt-signature logging-allowed ovt-bin ovt-date ground ovt-unused",
            "term-within-agreement request-in-progress subject-number subject-answer",
        ];
        for order in orders {
            let positions: Vec<_> = order.split_whitespace().map(position).collect();
            assert!(positions.is_sorted(), "{order}");
        }
    }
}
