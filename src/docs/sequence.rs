//! Who says what to whom, step by step: each method, the owner's check, a revocation. Pictures are drawn from it.

use crate::text::{Lang, pick};

/// A line of words in each language.
pub struct Words {
    kk: &'static str,
    ru: &'static str,
    en: &'static str,
}

impl Words {
    /// Those of a language.
    pub const fn of(&self, lang: Lang) -> &'static str {
        pick!(self, lang)
    }
}

/// A party of a sequence.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    Subject,
    Initiator,
    Kdp,
    Bmg,
    Sms,
    Owner,
    Egov,
}

impl Actor {
    /// What it is called.
    pub const fn name(self, lang: Lang) -> &'static str {
        const fn words(kk: &'static str, ru: &'static str, en: &'static str) -> Words {
            Words { kk, ru, en }
        }
        match self {
            Self::Subject => words("Субъект", "Субъект", "Subject"),
            Self::Initiator => words("Бастамашы", "Инициатор", "Initiator"),
            Self::Kdp => words("КДП", "КДП", "КДП"),
            Self::Bmg => words("БМГ", "БМГ", "БМГ"),
            Self::Sms => words("1414", "1414", "1414"),
            Self::Owner => words("Меншік иесі", "Собственник", "Owner"),
            Self::Egov => words("Электрондық үкімет", "Электронное правительство", "E-government"),
        }
        .of(lang)
    }
}

/// What kind of step it is; each is drawn in a way of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Somebody asks or tells: a solid line.
    Ask,
    /// The answer to it: a broken line.
    Reply,
    /// Something happens with one party: a box.
    Within,
}

/// One step.
pub struct Step {
    pub kind: Kind,
    pub from: Actor,
    pub to: Actor,
    pub words: Words,
}

/// A sequence.
pub struct Sequence {
    /// By which pages name it.
    pub id: &'static str,
    pub title: Words,
    /// From left to right.
    pub actors: &'static [Actor],
    pub steps: &'static [Step],
}

/// The sequence of this id.
pub fn find(id: &str) -> Option<&'static Sequence> {
    ALL.iter().find(|sequence| sequence.id == id)
}

macro_rules! steps {
    ($($kind:ident $from:ident $to:ident: $kk:literal, $ru:literal, $en:literal;)+) => {
        &[$(Step {
            kind: Kind::$kind,
            from: Actor::$from,
            to: Actor::$to,
            words: Words { kk: $kk, ru: $ru, en: $en },
        }),+]
    };
}

const ALL: &[Sequence] = &[
    Sequence {
        id: "1",
        title: Words {
            kk: "1-тәсіл: 1414 арқылы SMS",
            ru: "Способ 1: SMS через 1414",
            en: "Method 1: SMS through 1414",
        },
        actors: &[Actor::Initiator, Actor::Kdp, Actor::Bmg, Actor::Sms, Actor::Subject],
        steps: steps! {
            Ask Initiator Kdp: "KDP_SERVICE, omit-sms = false", "KDP_SERVICE, omit-sms = false", "KDP_SERVICE, omit-sms = false";
            Within Kdp Kdp: "қолтаңба, жіберуші, 6-тармақтың тексерулері", "подпись, отправитель, проверки пункта 6", "signature, sender, checks of paragraph 6";
            Ask Kdp Bmg: "ЖСН бойынша телефон нөмірі?", "номер телефона по ИИН?", "phone number of this IIN?";
            Reply Bmg Kdp: "нөмір; болмаса NOT_FOUND", "номер; иначе NOT_FOUND", "the number; else NOT_FOUND";
            Reply Kdp Initiator: "PENDING, request_id, poll_after", "PENDING, request_id, poll_after", "PENDING, request_id, poll_after";
            Ask Kdp Sms: "SMS мәтіні", "текст SMS", "text of the SMS";
            Ask Sms Subject: "кім, қандай деректі, қандай мерзімге сұрайды", "кто, какие данные и на какой срок просит", "who asks, which data, for how long";
            Reply Subject Sms: "ИӘ немесе ЖОҚ", "ДА или НЕТ", "YES or NO";
            Ask Sms Kdp: "KDP_SMS_REPLY", "KDP_SMS_REPLY", "KDP_SMS_REPLY";
            Ask Initiator Kdp: "сол request_id бар қайталама сұрау салу", "повторный запрос с тем же request_id", "repeat request with the same request_id";
            Reply Kdp Initiator: "VALID және қауіпсіздік токені; INVALID; 15 минут үнсіздіктен кейін TIMEOUT", "VALID и токен безопасности; INVALID; после 15 минут молчания TIMEOUT", "VALID and the security token; INVALID; TIMEOUT after 15 minutes of silence";
        },
    },
    Sequence {
        id: "2",
        title: Words {
            kk: "2-тәсіл: бастамашының өз құралдары",
            ru: "Способ 2: собственные средства инициатора",
            en: "Method 2: the initiator's own means",
        },
        actors: &[Actor::Subject, Actor::Initiator, Actor::Kdp],
        steps: steps! {
            Ask Subject Initiator: "бастамашы жүйесінде келісім береді: биометрия, ЭЦҚ, Digital ID, OTP, қағаз", "согласие в системе инициатора: биометрия, ЭЦП, Digital ID, OTP, бумага", "consents in the initiator's system: biometrics, signature, digital ID, OTP, paper";
            Within Initiator Initiator: "ovt жасап, өз ЭЦҚ кілтімен қол қояды: cbin, mcheck, iat, exp", "формирует ovt и подписывает своим ключом ЭЦП: cbin, mcheck, iat, exp", "makes the ovt and signs it with its key: cbin, mcheck, iat, exp";
            Ask Initiator Kdp: "KDP_SERVICE, omit-sms = true, ovt", "KDP_SERVICE, omit-sms = true, ovt", "KDP_SERVICE, omit-sms = true, ovt";
            Within Kdp Kdp: "ovt қолтаңбасы тіркелген кілтпен, БСН, mcheck, күні", "подпись ovt зарегистрированным ключом, БИН, mcheck, дата", "ovt: signature by the registered key, BIN, mcheck, date";
            Reply Kdp Initiator: "VALID және қауіпсіздік токені; не INVALID және себебі", "VALID и токен безопасности; или INVALID и причина", "VALID and the security token; or INVALID and the reason";
        },
    },
    Sequence {
        id: "3",
        title: Words {
            kk: "3-тәсіл: проактивті қызмет",
            ru: "Способ 3: проактивная услуга",
            en: "Method 3: proactive service",
        },
        actors: &[Actor::Subject, Actor::Initiator, Actor::Kdp],
        steps: steps! {
            Ask Subject Initiator: "проактивті қызметке келісім: биометрия, ЭЦҚ немесе қағаз", "согласие на проактивную услугу: биометрия, ЭЦП или бумага", "consents to the proactive service: biometrics, signature or paper";
            Within Initiator Initiator: "ovt: mcheck = BIO, DS немесе PC", "ovt: mcheck = BIO, DS или PC", "ovt: mcheck = BIO, DS or PC";
            Ask Initiator Kdp: "KDP_SERVICE, method = 3, ovt, ground_id, proactive_code", "KDP_SERVICE, method = 3, ovt, ground_id, proactive_code", "KDP_SERVICE, method = 3, ovt, ground_id, proactive_code";
            Within Kdp Kdp: "қызмет коды осы БСН-дікі ме, негіздеме анықтамалықта бар ма", "код услуги этого БИН, основание есть в справочнике", "the service's code is of this BIN, the ground is in the directory";
            Reply Kdp Initiator: "VALID, қызмет кезеңіне берілген токен; не INVALID", "VALID и токен на период услуги; или INVALID", "VALID and a token for the service's period; or INVALID";
        },
    },
    Sequence {
        id: "4",
        title: Words {
            kk: "4-тәсіл: хаттамалау режимі",
            ru: "Способ 4: режим протоколирования",
            en: "Method 4: logging mode",
        },
        actors: &[Actor::Initiator, Actor::Kdp],
        steps: steps! {
            Within Initiator Initiator: "келісім алынған жоқ: ovt, mcheck = NONE", "согласия не получали: ovt, mcheck = NONE", "no consent was obtained: ovt, mcheck = NONE";
            Ask Initiator Kdp: "KDP_SERVICE, method = 4, ovt, ground_id", "KDP_SERVICE, method = 4, ovt, ground_id", "KDP_SERVICE, method = 4, ovt, ground_id";
            Within Kdp Kdp: "БСН-ге режимге рұқсат бар ма, негіздеме", "БИН допущен к режиму, основание", "the BIN may use this mode, the ground";
            Reply Kdp Initiator: "VALID, 15 минуттық токен; не INVALID", "VALID и токен на 15 минут; или INVALID", "VALID and a token for 15 minutes; or INVALID";
        },
    },
    Sequence {
        id: "5",
        title: Words {
            kk: "5-тәсіл: SMS-тегі бір реттік код",
            ru: "Способ 5: одноразовый код по SMS",
            en: "Method 5: one-time code by SMS",
        },
        actors: &[Actor::Initiator, Actor::Kdp, Actor::Bmg, Actor::Sms, Actor::Subject],
        steps: steps! {
            Ask Initiator Kdp: "KDP_SERVICE, method = 5", "KDP_SERVICE, method = 5", "KDP_SERVICE, method = 5";
            Ask Kdp Bmg: "ЖСН бойынша телефон нөмірі?", "номер телефона по ИИН?", "phone number of this IIN?";
            Reply Bmg Kdp: "нөмір; болмаса NOT_FOUND", "номер; иначе NOT_FOUND", "the number; else NOT_FOUND";
            Reply Kdp Initiator: "PENDING, request_id", "PENDING, request_id", "PENDING, request_id";
            Ask Kdp Sms: "KOD 123456 бар SMS", "SMS с KOD 123456", "SMS with KOD 123456";
            Ask Sms Subject: "код, кім және не сұрайды", "код, кто и что просит", "the code, who asks and what";
            Ask Subject Initiator: "келіссе, кодты айтады", "если согласен, называет код", "tells the code, if he agrees";
            Ask Initiator Kdp: "сол request_id және code бар қайталама сұрау салу", "повторный запрос с request_id и code", "repeat request with request_id and code";
            Within Kdp Kdp: "код дұрыс па, 5 минут өтпеді ме; әр әрекет алдымен есептеледі", "код верен и не старше 5 минут; попытка сначала учитывается", "the code is right and not older than 5 minutes; the try is counted first";
            Reply Kdp Initiator: "VALID және токен; қате код: PENDING, үшіншісі: INVALID", "VALID и токен; неверный код: PENDING, третий: INVALID", "VALID and the token; a wrong code: PENDING, the third: INVALID";
        },
    },
    Sequence {
        id: "owner",
        title: Words {
            kk: "Меншік иесі деректерді бермей тұрып",
            ru: "Собственник перед передачей данных",
            en: "The owner, before it hands data over",
        },
        actors: &[Actor::Initiator, Actor::Owner, Actor::Kdp],
        steps: steps! {
            Ask Initiator Owner: "деректерге сұрау салу және қауіпсіздік токені", "запрос данных и токен безопасности", "asks for data, with the security token";
            Within Owner Owner: "қолтаңба (JWKS), мерзімі, субъект, ServiceID", "подпись (JWKS), срок, субъект, ServiceID", "signature (JWKS), life, subject, ServiceID";
            Ask Owner Kdp: "KDP_CHECK_TOKEN", "KDP_CHECK_TOKEN", "KDP_CHECK_TOKEN";
            Reply Kdp Owner: "active және түбіртек; қол жеткізу журналға жазылды", "active и квитанция; доступ записан в журнал", "active and a receipt; the access is in the journal";
            Reply Owner Initiator: "деректер немесе бас тарту", "данные или отказ", "the data, or a refusal";
        },
    },
    Sequence {
        id: "revocation",
        title: Words {
            kk: "Келісімді кері қайтарып алу",
            ru: "Отзыв согласия",
            en: "Revocation of the consent",
        },
        actors: &[Actor::Subject, Actor::Egov, Actor::Kdp, Actor::Initiator],
        steps: steps! {
            Ask Subject Egov: "келісімін кері қайтарып алғысы келеді", "хочет отозвать согласие", "wants to revoke the consent";
            Ask Egov Kdp: "KDP_REVOKE", "KDP_REVOKE", "KDP_REVOKE";
            Reply Kdp Egov: "application_id, deadline: 15 жұмыс күні; токен әзірге белсенді", "application_id, deadline: 15 рабочих дней; токен пока активен", "application_id, deadline: 15 working days; the token is still active";
            Ask Initiator Kdp: "KDP_LIST_TO_REVOKE", "KDP_LIST_TO_REVOKE", "KDP_LIST_TO_REVOKE";
            Reply Kdp Initiator: "қаралмаған өтінімдер", "заявки на рассмотрении", "applications under review";
            Ask Initiator Kdp: "KDP_SEND_SOLUTION: approve, не негіздемесі бар refuse", "KDP_SEND_SOLUTION: approve или refuse с основанием", "KDP_SEND_SOLUTION: approve, or refuse with a ground";
            Within Kdp Kdp: "approve немесе мерзімінде жауап жоқ: токен белсенді емес", "approve или нет ответа в срок: токен не активен", "approve, or no answer in time: the token is not active";
            Ask Egov Kdp: "application_id бар KDP_REVOKE", "KDP_REVOKE с application_id", "KDP_REVOKE with application_id";
            Reply Kdp Egov: "күйі, себебі және негіздемесі", "состояние, причина и основание", "the state, the reason and the ground";
        },
    },
];
