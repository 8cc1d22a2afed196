//! What `kdp xmldsig verify` says, in kk, ru and en.

use kdp::text::Lang;
use kdp::trust::Distrust;

/// The words around the findings.
pub struct Words {
    /// Above each signature.
    pub signature: &'static str,
    /// Who signed.
    pub signer: &'static str,
    /// Who issued the certificate.
    pub issuer: &'static str,
    /// From when to when.
    pub valid: &'static str,
    /// How it was signed.
    pub algorithm: &'static str,
    /// Number of an organisation.
    pub bin: &'static str,
    /// Number of a person.
    pub iin: &'static str,
    /// Before what is known of revocation.
    pub revocation: &'static str,
    /// Neither list nor service was given.
    pub not_checked: &'static str,
    /// It is not.
    pub not_revoked: &'static str,
    /// Before a time.
    pub revoked_since: &'static str,
    /// Before a time.
    pub stale_since: &'static str,
    /// Nobody says.
    pub revocation_unknown: &'static str,
    /// Before the reason.
    pub no: &'static str,
    /// The verdict.
    pub accepted: &'static str,
    /// The other one.
    pub refused: &'static str,
}

/// The words of a language.
pub fn words(lang: Lang) -> &'static Words {
    match lang {
        Lang::Kk => &Words {
            signature: "Қолтаңба",
            signer: "қол қойған",
            issuer: "сертификатты берген",
            valid: "мерзімі",
            algorithm: "алгоритм",
            bin: "БСН",
            iin: "ЖСН",
            revocation: "кері қайтарылуы",
            not_checked: "тексерілмеді: --crl немесе --ocsp көрсетіңіз",
            not_revoked: "кері қайтарылмаған",
            revoked_since: "кері қайтарылған, мына сәттен бастап:",
            stale_since: "тізім мына сәттен бастап ескірген:",
            revocation_unknown: "анықталмады: кейінірек қайталаңыз немесе орталықтың тізімін беріңіз",
            no: "ЖОҚ",
            accepted: "қабылданды: барлық қолтаңба дұрыс",
            refused: "қабылданбады",
        },
        Lang::Ru => &Words {
            signature: "Подпись",
            signer: "подписал",
            issuer: "выдал сертификат",
            valid: "срок",
            algorithm: "алгоритм",
            bin: "БИН",
            iin: "ИИН",
            revocation: "отзыв",
            not_checked: "не проверялся: укажите --crl или --ocsp",
            not_revoked: "не отозван",
            revoked_since: "отозван с",
            stale_since: "список устарел с",
            revocation_unknown: "неизвестно: повторите позже или укажите список центра",
            no: "НЕТ",
            accepted: "принято: все подписи верны",
            refused: "не принято",
        },
        Lang::En => &Words {
            signature: "Signature",
            signer: "signed by",
            issuer: "issued by",
            valid: "valid",
            algorithm: "algorithm",
            bin: "BIN",
            iin: "IIN",
            revocation: "revocation",
            not_checked: "not checked: give --crl or --ocsp",
            not_revoked: "not revoked",
            revoked_since: "revoked since",
            stale_since: "the list is stale since",
            revocation_unknown: "not known: try again later, or give the list of the authority",
            no: "NO",
            accepted: "accepted: every signature holds",
            refused: "refused",
        },
    }
}

/// What is checked of a signature, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Its elements, reference, transforms and algorithms.
    Form,
    /// The digest.
    Content,
    /// The signature value.
    Value,
    /// Validity and usage of the certificate.
    Certificate,
    /// The path to an authority.
    Issuer,
}

impl Step {
    /// Its name in JSON.
    pub fn code(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Content => "content",
            Self::Value => "value",
            Self::Certificate => "certificate",
            Self::Issuer => "issuer",
        }
    }

    /// Its name for people.
    pub fn title(self, lang: Lang) -> &'static str {
        let [kk, ru, en] = match self {
            Self::Form => ["пішімі", "форма", "form"],
            Self::Content => ["құжат", "документ", "document"],
            Self::Value => ["қолтаңба", "подпись", "signature"],
            Self::Certificate => ["сертификат", "сертификат", "certificate"],
            Self::Issuer => ["куәландырушы орталық", "удостоверяющий центр", "authority"],
        };
        choose(lang, kk, ru, en)
    }

    /// What it says when it holds.
    pub fn good(self, lang: Lang) -> &'static str {
        let [kk, ru, en] = match self {
            Self::Form => ["дұрыс", "правильная", "right"],
            Self::Content => [
                "қол қойылғаннан кейін өзгермеген",
                "после подписания не изменён",
                "not changed after it was signed",
            ],
            Self::Value => [
                "осы сертификаттың кілтімен жасалған",
                "сделана ключом этого сертификата",
                "made by the key of this certificate",
            ],
            Self::Certificate => [
                "жарамды және қол қоюға арналған",
                "действует и предназначен для подписи",
                "in force and meant for signing",
            ],
            Self::Issuer => ["сенімді", "доверенный", "trusted"],
        };
        choose(lang, kk, ru, en)
    }
}

/// Why a step does not hold, and what to do.
pub fn why(error: Distrust, lang: Lang) -> String {
    match error {
        Distrust::Structure(at) | Distrust::NotOne(at) => match lang {
            Lang::Kk => format!("қолтаңба құрылымы дұрыс емес: {at}"),
            Lang::Ru => format!("подпись построена неверно: {at}"),
            Lang::En => format!("the signature is malformed at {at}"),
        },
        Distrust::Algorithm(at) => match lang {
            Lang::Kk => format!("{at} алгоритмі қабылданбайды: RSA-SHA256 және екі ГОСТ қана қабылданады"),
            Lang::Ru => format!("алгоритм {at} не принимается: принимаются RSA-SHA256 и два ГОСТ"),
            Lang::En => format!("the algorithm of {at} is not accepted: RSA-SHA256 and the two of ГОСТ are"),
        },
        other => match of_signature(other).or_else(|| of_certificate(other)) {
            Some([kk, ru, en]) => choose(lang, kk, ru, en).to_owned(),
            None => other.to_string(),
        },
    }
}

/// What is wrong with a signature or its document, in the three languages.
fn of_signature(error: Distrust) -> Option<[&'static str; 3]> {
    Some(match error {
        Distrust::Unsigned => [
            "түбір элементте ds:Signature жоқ",
            "в корневом элементе нет ds:Signature",
            "the root element holds no ds:Signature",
        ],
        Distrust::SignatureMisplaced => [
            "ds:Signature түбір элементтен тереңірек тұр: ол түбірдің тікелей ішінде болуы керек",
            "ds:Signature стоит глубже корневого элемента: она должна быть его непосредственным потомком",
            "a ds:Signature stands deeper than as a child of the root element",
        ],
        Distrust::TooManySignatures => [
            "қолтаңба тым көп: ең көбі 8",
            "слишком много подписей: не более 8",
            "too many signatures: at most 8",
        ],
        Distrust::NotTheData => [
            "Reference басқа нәрсеге сілтейді: URI бос немесе түбір элементтің Id мәні болуы керек",
            "Reference указывает на другое: URI должен быть пустым или содержать Id корневого элемента",
            "the Reference names something else: URI must be empty or the Id of the root element",
        ],
        Distrust::IdNotUnique => [
            "көрсетілген Id құжатта бірнеше рет кездеседі",
            "указанный Id встречается в документе несколько раз",
            "the Id of the Reference stands in the document more than once",
        ],
        Distrust::DataTransforms => [
            "түрлендірулер дәл екеу болуы керек: enveloped-signature, содан кейін C14N 1.0",
            "преобразований должно быть ровно два: enveloped-signature, затем C14N 1.0",
            "the transforms must be exactly two: enveloped-signature, then C14N 1.0",
        ],
        Distrust::DataCanonicalization => [
            "CanonicalizationMethod — C14N 1.0 немесе exclusive C14N болуы керек, PrefixList болмауы керек",
            "CanonicalizationMethod должен быть C14N 1.0 или exclusive C14N, без PrefixList",
            "CanonicalizationMethod must be C14N 1.0 or exclusive C14N, without a PrefixList",
        ],
        Distrust::Comment => [
            "ds:Signature ішінде түсініктеме бар",
            "внутри ds:Signature стоит комментарий",
            "a comment stands inside ds:Signature",
        ],
        Distrust::Base64 => {
            ["base64 мәні бұзылған", "значение base64 повреждено", "a base64 value is malformed"]
        }
        Distrust::NotCanonical => [
            "құжаттың канондық түрі жоқ: аттар кеңістігі салыстырмалы URI арқылы берілген",
            "у документа нет канонической формы: пространство имён задано относительным URI",
            "the document has no canonical form: a namespace is a relative URI",
        ],
        Distrust::DataDigest => {
            ["қол қойылғаннан кейін өзгертілген", "изменён после подписания", "changed after it was signed"]
        }
        Distrust::SignatureValue | Distrust::Gost(_) => [
            "осы сертификаттың кілтімен жасалмаған немесе бұзылған",
            "сделана не ключом этого сертификата или повреждена",
            "not made by the key of this certificate, or damaged",
        ],
        _ => return None,
    })
}

/// What is wrong with a certificate, in the three languages.
fn of_certificate(error: Distrust) -> Option<[&'static str; 3]> {
    Some(match error {
        Distrust::KeyKind => [
            "сертификат кілті қолтаңба алгоритміне сәйкес келмейді",
            "ключ сертификата не подходит к алгоритму подписи",
            "the key of the certificate does not fit the algorithm of the signature",
        ],
        Distrust::KeyMalformed | Distrust::CertificateMalformed => {
            ["сертификатты оқу мүмкін емес", "сертификат не читается", "the certificate cannot be read"]
        }
        Distrust::Expired => [
            "мерзімі өткен; қол қойылған кездегі жағдайды --at арқылы тексеріңіз",
            "срок истёк; на время подписания проверьте ключом --at",
            "expired; give --at to check for the time of signing",
        ],
        Distrust::NotYetValid => ["әлі күшіне енген жоқ", "ещё не действует", "not valid yet"],
        Distrust::Usage => [
            "деректерге қол қоюға арналмаған: digitalSignature және nonRepudiation керек",
            "не предназначен для подписи данных: нужны digitalSignature и nonRepudiation",
            "not meant for signing data: digitalSignature and nonRepudiation are needed",
        ],
        Distrust::Untrusted => [
            "белгісіз; сенімді болса, сертификатын --trust арқылы беріңіз",
            "неизвестен; если ему можно доверять, укажите его сертификат ключом --trust",
            "unknown; if it can be trusted, name its certificate by --trust",
        ],
        Distrust::IssuerSignature => [
            "аты сенімді орталықтікі, бірақ сертификатқа оның кілтімен қол қойылмаған",
            "имя доверенного центра, но сертификат подписан не его ключом",
            "it has the name of a trusted one, but another key signed the certificate",
        ],
        Distrust::IssuerAlgorithm => [
            "сертификатқа қабылданбайтын алгоритммен қол қойылған",
            "сертификат подписан алгоритмом, который не принимается",
            "the certificate is signed by an algorithm that is not accepted",
        ],
        _ => return None,
    })
}

/// The common name in the text of a distinguished name, or all of it.
pub fn name(text: &str) -> String {
    let begins = |part: &str| part.split_once('=').is_some_and(|(kind, _)| is_type(kind));
    let mut parts = text.split(", ").skip_while(|part| !part.starts_with("CN="));
    let Some(first) = parts.next().and_then(|part| part.strip_prefix("CN=")) else { return text.to_owned() };
    // A comma may stand in a name: it goes on until a part that begins with a type of attribute.
    parts.take_while(|part| !begins(part)).fold(first.to_owned(), |name, part| name + ", " + part)
}

fn is_type(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
}

fn choose(lang: Lang, kk: &'static str, ru: &'static str, en: &'static str) -> &'static str {
    match lang {
        Lang::Kk => kk,
        Lang::Ru => ru,
        Lang::En => en,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_name_is_found_in_any_place() {
        for (text, expected) in [
            ("C=KZ, O=АО «Банк», CN=ИС «BANK»", "ИС «BANK»"),
            ("CN=ТЕСТОВ ТЕСТ, serialNumber=IIN800101399015, C=KZ", "ТЕСТОВ ТЕСТ"),
            ("CN=Bank, the first, C=KZ", "Bank, the first"),
            ("C=KZ, O=Bank", "C=KZ, O=Bank"),
            ("", ""),
        ] {
            assert_eq!(name(text), expected);
        }
    }

    #[test]
    fn every_reason_that_a_file_can_meet_is_told_in_three_languages() {
        for error in [
            Distrust::Unsigned,
            Distrust::SignatureMisplaced,
            Distrust::TooManySignatures,
            Distrust::NotOne("Reference"),
            Distrust::Structure("KeyInfo"),
            Distrust::NotTheData,
            Distrust::IdNotUnique,
            Distrust::DataTransforms,
            Distrust::DataCanonicalization,
            Distrust::NotCanonical,
            Distrust::Algorithm("SignatureMethod"),
            Distrust::Comment,
            Distrust::Base64,
            Distrust::DataDigest,
            Distrust::SignatureValue,
            Distrust::KeyKind,
            Distrust::CertificateMalformed,
            Distrust::Expired,
            Distrust::NotYetValid,
            Distrust::Usage,
            Distrust::Untrusted,
            Distrust::IssuerSignature,
            Distrust::IssuerAlgorithm,
        ] {
            let [kk, ru, en] = Lang::ALL.map(|lang| why(error, lang));
            assert!(kk != ru && ru != en && kk != en, "{error:?}: {en}");
        }
    }
}
