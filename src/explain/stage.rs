//! The steps of an explanation, in the order in which the service takes them.

use crate::text::{Lang, pick, table};

table! {
    /// A step that a message goes through.
    pub enum Stage: Row {
        Size {
            code: "size", paragraph: "ext",
            kk: ["Көлемі", "шектен аспайды"],
            ru: ["Размер", "не больше предела"],
            en: ["Size", "within the limit"],
        }
        Encoding {
            code: "encoding", paragraph: "XML 1.0, 4.3.3",
            kk: ["Кодтауы", "UTF-8"],
            ru: ["Кодировка", "UTF-8"],
            en: ["Encoding", "UTF-8"],
        }
        Xml {
            code: "xml", paragraph: "XML 1.0; Namespaces 1.0",
            kk: ["XML", "дұрыс құрылған, DTD-сіз, шектер ішінде"],
            ru: ["XML", "правильно построен, без DTD, в пределах"],
            en: ["XML", "well formed, without a DTD, within the limits"],
        }
        Envelope {
            code: "envelope", paragraph: "SOAP 1.1, 4; WS-I BP 1.1",
            kk: ["Конверт", "SOAP 1.1: бір Header, содан кейін бір Body"],
            ru: ["Конверт", "SOAP 1.1: один Header, затем один Body"],
            en: ["Envelope", "SOAP 1.1: one Header, then one Body"],
        }
        Profile {
            code: "signature-profile", paragraph: "WS-Security 1.0, 8; XML Signature, 4",
            kk: ["Қолтаңба пішімі", "Security ішінде бір Signature; Body-ге бір Reference; exclusive C14N; RSA-SHA256 немесе ГОСТ"],
            ru: ["Профиль подписи", "одна Signature в Security; один Reference на Body; exclusive C14N; RSA-SHA256 или ГОСТ"],
            en: ["Signature profile", "one Signature in Security; one Reference to the Body; exclusive C14N; RSA-SHA256 or ГОСТ"],
        }
        KeyInfo {
            code: "key-info", paragraph: "X.509 Token Profile, 3.2",
            kk: ["KeyInfo", "сертификат немесе оның issuer мен serial мәні"],
            ru: ["KeyInfo", "сертификат или его issuer и serial"],
            en: ["KeyInfo", "the certificate, or its issuer and serial number"],
        }
        Certificate {
            code: "certificate", paragraph: "RFC 5280, 6",
            kk: ["Сертификат", "тіркелген немесе сенімді орталық ұйымға берген"],
            ru: ["Сертификат", "зарегистрирован или выдан организации доверенным центром"],
            en: ["Certificate", "registered, or issued to an organisation by a trusted authority"],
        }
        Validity {
            code: "validity", paragraph: "RFC 5280, 4.1.2.5, 4.2.1.3",
            kk: ["Мерзімі және мақсаты", "хабарлама кезінде күшінде, қол қоюға арналған"],
            ru: ["Срок и назначение", "действует на время сообщения, для подписи"],
            en: ["Validity and usage", "in force at the time of the message, and for signing"],
        }
        Value {
            code: "signature-value", paragraph: "XML Signature, 3.2.2",
            kk: ["SignatureValue", "SignedInfo-ға осы сертификат кілтінің қолтаңбасы"],
            ru: ["SignatureValue", "подпись ключа этого сертификата под SignedInfo"],
            en: ["SignatureValue", "the signature of this certificate's key over SignedInfo"],
        }
        Digest {
            code: "digest", paragraph: "XML Signature, 3.2.1",
            kk: ["Body дайджесті", "DigestValue мәніне тең"],
            ru: ["Дайджест Body", "равен DigestValue"],
            en: ["Digest of the Body", "equal to DigestValue"],
        }
        Revocation {
            code: "revocation", paragraph: "RFC 5280, 6.3; RFC 6960",
            kk: ["Кері қайтару", "сертификат кері қайтарылмаған"],
            ru: ["Отзыв", "сертификат не отозван"],
            en: ["Revocation", "the certificate is not revoked"],
        }
        Wrapper {
            code: "wrapper", paragraph: "SyncChannel v10",
            kk: ["Операция", "SendMessage немесе sendMessageRequest, ішінде requestInfo мен requestData"],
            ru: ["Операция", "SendMessage или sendMessageRequest с requestInfo и requestData"],
            en: ["Operation", "SendMessage or sendMessageRequest, with requestInfo and requestData"],
        }
        RequestInfo {
            code: "request-info", paragraph: "SyncChannel v10",
            kk: ["requestInfo", "messageId, serviceId, messageDate, sender/senderId"],
            ru: ["requestInfo", "messageId, serviceId, messageDate, sender/senderId"],
            en: ["requestInfo", "messageId, serviceId, messageDate, sender/senderId"],
        }
        Payload {
            code: "payload", paragraph: "SyncChannel v10",
            kk: ["data", "бір data, ішінде элементтер немесе XML мәтіні"],
            ru: ["data", "один data с элементами или текстом XML"],
            en: ["data", "one data, with elements or with XML as text"],
        }
        Sender {
            code: "sender", paragraph: "F-7 11)",
            kk: ["Жіберуші", "тіркелген, құпиясы дұрыс, қол қоюшы оның атынан сөйлей алады"],
            ru: ["Отправитель", "зарегистрирован, секрет верен, подписавший может говорить за него"],
            en: ["Sender", "registered, with the right secret, and who signed may speak for it"],
        }
        Service {
            code: "service", paragraph: "SyncChannel v10",
            kk: ["serviceId", "ұсынылатын сервис"],
            ru: ["serviceId", "сервис, который предоставляется"],
            en: ["serviceId", "a service that is offered"],
        }
        Role {
            code: "role", paragraph: "ext",
            kk: ["Рөлі", "сервис жіберушінің рөліне ашық"],
            ru: ["Роль", "сервис открыт роли отправителя"],
            en: ["Role", "the service is open to the role of the sender"],
        }
        Bin {
            code: "bin", paragraph: "F-6",
            kk: ["БСН", "company_bin жіберушінің БСН-іне тең"],
            ru: ["БИН", "company_bin равен БИН отправителя"],
            en: ["BIN", "company_bin is the BIN of the sender"],
        }
        Data {
            code: "data", paragraph: "F-7",
            kk: ["Деректер", "міндетті элементтер бар, мәндері дұрыс"],
            ru: ["Данные", "обязательные элементы есть, значения верны"],
            en: ["Data", "mandatory elements are there, and values are right"],
        }
        Check {
            code: "check", paragraph: "F-6",
            kk: ["Тексеру", "F-6 шарты орындалған"],
            ru: ["Проверка", "условие F-6 выполнено"],
            en: ["Check", "the condition of F-6 holds"],
        }
        Decision {
            code: "decision", paragraph: "F-6",
            kk: ["Шешім", "сұрау салу қабылданған"],
            ru: ["Решение", "запрос принят"],
            en: ["Decision", "the request is accepted"],
        }
    }
}

struct Row {
    paragraph: &'static str,
    kk: [&'static str; 2],
    ru: [&'static str; 2],
    en: [&'static str; 2],
}

impl Stage {
    /// The law or the standard that asks for it; `ext`: the service itself.
    #[must_use]
    pub const fn paragraph(self) -> &'static str {
        self.row().paragraph
    }

    /// Its name for people.
    #[must_use]
    pub const fn title(self, lang: Lang) -> &'static str {
        let [title, _] = pick!(self.row(), lang);
        title
    }

    /// What is expected.
    #[must_use]
    pub const fn expected(self, lang: Lang) -> &'static str {
        let [_, expected] = pick!(self.row(), lang);
        expected
    }
}
