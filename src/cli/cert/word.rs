//! The words of `kdp cert show` in kk, ru and en.

use super::Problem;
use kdp::text::Lang;
use kdp::trust::role::Role;

/// The words of one language.
pub struct Words {
    pub holder: &'static str,
    pub role: &'static str,
    pub bin: &'static str,
    pub iin: &'static str,
    pub system: &'static str,
    pub key: &'static str,
    pub issuer: &'static str,
    pub path: &'static str,
    pub serial: &'static str,
    pub valid: &'static str,
    /// Before the time asked about.
    pub asked_at: &'static str,
    pub revoked: &'static str,
    pub not_checked: &'static str,
    pub since: &'static str,
    pub stale_since: &'static str,
    pub messages: &'static str,
    pub data: &'static str,
    pub certificates: &'static str,
    pub yes: &'static str,
    pub no: &'static str,
    /// Before each reason why it may not sign.
    pub refused: &'static str,
    roles: [&'static str; 8],
    problems: [&'static str; 9],
}

impl Words {
    /// The name of a role.
    pub fn role_name(&self, role: Role) -> &'static str {
        let [individual, legal, head, right, employee, system, treasury, other] = self.roles;
        match role {
            Role::Individual => individual,
            Role::LegalEntity => legal,
            Role::Head => head,
            Role::SignRight => right,
            Role::Employee => employee,
            Role::InformationSystem => system,
            Role::Treasury => treasury,
            Role::Other => other,
        }
    }

    /// A reason, and what to do.
    pub fn problem(&self, problem: Problem) -> &'static str {
        let [early, expired, usage, key, untrusted, issuer, revoked, stale, unknown] = self.problems;
        match problem {
            Problem::NotYetValid => early,
            Problem::Expired => expired,
            Problem::Usage => usage,
            Problem::Key => key,
            Problem::Untrusted => untrusted,
            Problem::IssuerSignature => issuer,
            Problem::Revoked => revoked,
            Problem::Stale => stale,
            Problem::Unknown => unknown,
        }
    }
}

/// The words of a language.
pub fn words(lang: Lang) -> &'static Words {
    match lang {
        Lang::Kk => &KK,
        Lang::Ru => &RU,
        Lang::En => &EN,
    }
}

const KK: Words = Words {
    holder: "Иесі",
    role: "Түрі",
    bin: "БСН",
    iin: "ЖСН",
    system: "Ақпараттық жүйенің OID-і",
    key: "Кілт",
    issuer: "Берген орталық",
    path: "Тізбек",
    serial: "Сериялық нөмірі",
    valid: "Қолданылу мерзімі",
    asked_at: "тексерілген сәт:",
    revoked: "Кері қайтарылған ба",
    not_checked: "тексерілмеді: --crl немесе --ocsp көрсетіңіз",
    since: "иә, мына сәттен бастап:",
    stale_since: "белгісіз, тізім мына сәттен бастап ескірген:",
    messages: "Хабарламаларға қол қоя ала ма",
    data: "Деректерге қол қоя ала ма",
    certificates: "Сертификат бере ала ма",
    yes: "иә",
    no: "жоқ",
    refused: "Қабылданбайды",
    roles: [
        "жеке тұлға",
        "заңды тұлға",
        "заңды тұлғаның бірінші басшысы",
        "қол қою құқығы бар тұлға",
        "заңды тұлғаның қызметкері",
        "заңды тұлғаның ақпараттық жүйесі",
        "«Қазынашылық-клиент» жүйесінің қатысушысы",
        "заңды тұлғаның басқа түрі",
    ],
    problems: [
        "сертификаттың мерзімі әлі басталған жоқ: сағатты тексеріңіз немесе мерзімі басталғанша күтіңіз",
        "сертификаттың мерзімі өтті: жаңа сертификат алыңыз",
        "сертификат хабарламаларға қол қоюға арналмаған: қол қоюға арналған сертификатты алыңыз",
        "сертификаттың кілті мұнда қабылданбайды: 2048–4096 биттік RSA немесе МЕМСТ кілті керек",
        "сертификатты берген орталық белгісіз: оны --trust арқылы көрсетіңіз",
        "сертификат сенімді орталықтың атын көрсетеді, бірақ оның кілтімен қол қойылмаған: бұл жалған болуы мүмкін",
        "сертификат кері қайтарылған: жаңа сертификат алыңыз",
        "кері қайтарылғандар тізімі ескірген: жаңасын алыңыз",
        "сертификаттың кері қайтарылғаны анықталмады: кейінірек қайталаңыз немесе орталықтың тізімін --crl арқылы беріңіз",
    ],
};

const RU: Words = Words {
    holder: "Владелец",
    role: "Вид",
    bin: "БИН",
    iin: "ИИН",
    system: "OID информационной системы",
    key: "Ключ",
    issuer: "Кем выдан",
    path: "Цепочка",
    serial: "Серийный номер",
    valid: "Срок действия",
    asked_at: "проверено на",
    revoked: "Отозван",
    not_checked: "не проверялось: укажите --crl или --ocsp",
    since: "да, с",
    stale_since: "неизвестно, список устарел с",
    messages: "Может подписывать сообщения",
    data: "Может подписывать данные",
    certificates: "Может выдавать сертификаты",
    yes: "да",
    no: "нет",
    refused: "Не принимается",
    roles: [
        "физическое лицо",
        "юридическое лицо",
        "первый руководитель юридического лица",
        "лицо с правом подписи",
        "сотрудник юридического лица",
        "информационная система юридического лица",
        "участник системы «Казначейство-клиент»",
        "иной вид юридического лица",
    ],
    problems: [
        "срок действия сертификата ещё не начался: проверьте часы или дождитесь начала срока",
        "срок действия сертификата истёк: получите новый сертификат",
        "сертификат не предназначен для подписи сообщений: нужен сертификат для подписи",
        "ключ сертификата здесь не принимается: нужен ключ RSA 2048–4096 бит или ГОСТ",
        "центр, выдавший сертификат, не известен: укажите его через --trust",
        "сертификат называет доверенный центр, но подписан не его ключом: возможна подделка",
        "сертификат отозван: получите новый сертификат",
        "список отозванных сертификатов устарел: получите свежий",
        "отозван ли сертификат, выяснить не удалось: повторите позже или передайте список центра через --crl",
    ],
};

const EN: Words = Words {
    holder: "Holder",
    role: "Kind",
    bin: "BIN",
    iin: "IIN",
    system: "OID of the information system",
    key: "Key",
    issuer: "Issued by",
    path: "Path",
    serial: "Serial number",
    valid: "Valid",
    asked_at: "asked about:",
    revoked: "Revoked",
    not_checked: "not checked: give --crl or --ocsp",
    since: "yes, since",
    stale_since: "unknown, the list is stale since",
    messages: "May sign messages",
    data: "May sign data",
    certificates: "May issue certificates",
    yes: "yes",
    no: "no",
    refused: "Not accepted",
    roles: [
        "individual",
        "legal entity",
        "first head of a legal entity",
        "person with the right to sign",
        "employee of a legal entity",
        "information system of a legal entity",
        "participant of the Treasury's client system",
        "another kind of a legal entity",
    ],
    problems: [
        "the certificate is not valid yet: look at the clock, or wait until it begins",
        "the certificate has expired: get a new one",
        "the certificate is not for signing messages: one for signatures is needed",
        "the certificate's key is not accepted here: an RSA key of 2048 to 4096 bits or one of ГОСТ is needed",
        "the authority that issued the certificate is not known: name it by --trust",
        "the certificate names a trusted authority, but was not signed by its key: it may be forged",
        "the certificate is revoked: get a new one",
        "the list of revoked certificates is stale: get a fresh one",
        "whether the certificate is revoked could not be found out: try again later, or give the authority's list by --crl",
    ],
};
