//! What the checks of F-6 found and expected, in the language of the report: the journal keeps it in English.

use crate::text::Lang;

/// English, Kazakh, Russian.
const PHRASES: [[&str; 3]; 30] = [
    ["not suspended", "тоқтатыла тұрмаған", "не приостановлен"],
    ["suspended", "тоқтатыла тұрған", "приостановлен"],
    ["no entry named", "жазба көрсетілмеген", "запись не указана"],
    ["a list of ServiceIDs is enough", "ServiceID тізімі жеткілікті", "достаточно списка ServiceID"],
    [
        "an entry of this initiator in force",
        "осы бастамашының қолданыстағы жазбасы",
        "действующая запись этого инициатора",
    ],
    ["unknown", "белгісіз", "неизвестно"],
    ["no ServiceID", "ServiceID жоқ", "нет ServiceID"],
    ["a proactive service of this BIN", "осы БСН-нің проактивті қызметі", "проактивная услуга этого БИН"],
    ["absent", "жоқ", "отсутствует"],
    ["no longer provided", "енді көрсетілмейді", "больше не оказывается"],
    ["allowed", "рұқсат берілген", "разрешено"],
    ["not allowed", "рұқсат берілмеген", "не разрешено"],
    ["for another method", "басқа тәсіл үшін", "для другого способа"],
    ["no longer in force", "күші жойылған", "больше не действует"],
    ["not confirmed", "расталмаған", "не подтверждено"],
    ["present", "бар", "есть"],
    [
        "a compact JWS signed by a registered key of the initiator",
        "бастамашының тіркелген кілтімен қол қойылған ықшам JWS",
        "компактный JWS, подписанный зарегистрированным ключом инициатора",
    ],
    ["verified", "тексерілді", "проверена"],
    ["another cbin", "басқа cbin", "другой cbin"],
    ["an unknown word", "белгісіз сөз", "неизвестное слово"],
    ["bound to this subject", "осы субъектіге байланған", "привязан к этому субъекту"],
    ["uin, if any, is the subject's", "uin болса, субъектінікі", "uin, если есть, — этого субъекта"],
    ["bound to another subject", "басқа субъектіге байланған", "привязан к другому субъекту"],
    ["not bound", "байланбаған", "не привязан"],
    [
        "bound to this subject by uin",
        "uin арқылы осы субъектіге байланған",
        "привязан к этому субъекту через uin",
    ],
    [
        "iat, exp and nbf must be Unix seconds",
        "iat, exp, nbf Unix секундтары болуы керек",
        "iat, exp и nbf — секунды Unix",
    ],
    ["exp is not after iat", "exp iat-тан кейін емес", "exp не позже iat"],
    ["the token lives too long", "токен тым ұзақ жарамды", "токен действует слишком долго"],
    ["the token is from the future", "токен болашақтан", "токен из будущего"],
    ["the token is expired", "токеннің мерзімі өткен", "срок токена истёк"],
];

/// The same with a value in it, `@`; what begins with `@` comes last.
const WITH_VALUE: [[&str; 3]; 8] = [
    [
        "iat and exp around @ s apart",
        "iat пен exp мына уақыт маңында: @ с аралық",
        "iat и exp около @ с друг от друга",
    ],
    ["at most @ s", "ең көбі @ с", "не более @ с"],
    [
        "a ground in force for method @",
        "@-тәсілдің қолданыстағы негізі",
        "действующее основание для способа @",
    ],
    ["ended @", "аяқталды: @", "закончилась @"],
    ["begins @", "басталады: @", "начинается @"],
    ["@ not agreed", "@ келісілмеген", "не согласовано: @"],
    ["@ ms", "@ мс", "@ мс"],
    ["@ s", "@ с", "@ с"],
];

/// The text in a language; `None`: it is not one of these, such as the words of a library.
pub fn say(text: &str, lang: Lang) -> Option<String> {
    let choose = |[en, kk, ru]: [&'static str; 3]| match lang {
        Lang::Kk => kk,
        Lang::Ru => ru,
        Lang::En => en,
    };
    if let Some(phrase) = PHRASES.iter().find(|phrase| phrase[0] == text) {
        return Some(choose(*phrase).to_owned());
    }
    if let Some((id, number)) = text.split_once(", revision ") {
        return Some(format!("{id}, {} {number}", choose(["revision", "редакциясы", "редакция"])));
    }
    WITH_VALUE.iter().find_map(|phrase| {
        let (before, after) = phrase[0].split_once('@')?;
        let value = text.strip_prefix(before)?.strip_suffix(after)?;
        let value = value.replace(", at most ", choose([", at most ", ", ең көбі ", ", не более "]));
        Some(choose(*phrase).replace('@', &value))
    })
}

/// The same; what is none of these stays, as numbers and names do.
pub fn said(text: &str, lang: Lang) -> String {
    say(text, lang).unwrap_or_else(|| text.to_owned())
}
