//! Codes and texts of SOAP faults: the message was not understood, trusted or let in.

use super::{Lang, pick, table};

table! {
    /// errorCode of a fault (wire.md 4). `SCE…` are ШЭП's, `KDP…` are the service's own.
    pub enum FaultCode: Row {
        Format {
            code: "SCE001", status: 500, blame: Blame::Client,
            kk: ["Хабарлама форматқа сәйкес келмейді.",
                 "Конвертті сервистің WSDL және XSD сипаттамаларымен (?wsdl) салыстырыңыз: SOAP 1.1, UTF-8, DTD мен өңдеу нұсқауларынсыз, әр элемент бір рет."],
            ru: ["Сообщение не соответствует формату.",
                 "Сверьте конверт с WSDL и XSD сервиса (?wsdl): SOAP 1.1, UTF-8, без DTD и инструкций обработки, каждый элемент один раз."],
            en: ["The message does not match the format.",
                 "Hold the envelope against the WSDL and XSDs (?wsdl): SOAP 1.1, UTF-8, no DTD, no processing instruction, each element once."],
        }
        ServiceUnknown {
            code: "SCE004", status: 500, blame: Blame::Client,
            kk: ["Мұндай serviceId бар сервис табылмады.",
                 "requestInfo ішіндегі serviceId мәнін түзетіңіз, мысалы KDP_SERVICE."],
            ru: ["Сервис с таким serviceId не найден.",
                 "Исправьте serviceId в requestInfo, например KDP_SERVICE."],
            en: ["There is no service with this serviceId.",
                 "Correct serviceId in requestInfo, for example KDP_SERVICE."],
        }
        TransportCertificate {
            code: "SCE005", status: 500, blame: Blame::Client,
            kk: ["Транспорттық қолтаңбаның сертификаты жарамсыз.",
                 "Жүйеңізге тіркелген немесе ҰКО берген қолданыстағы сертификатпен қол қойыңыз; мерзімін, мақсатын және кері қайтарылмағанын тексеріңіз."],
            ru: ["Сертификат транспортной подписи недействителен.",
                 "Подпишите действующим сертификатом, зарегистрированным для вашей системы или выданным НУЦ; проверьте срок, назначение и отзыв."],
            en: ["The certificate of the transport signature is not valid.",
                 "Sign with a certificate in force, registered for your system or issued by NUC; check its period, key usage and revocation."],
        }
        TransportSignature {
            code: "SCE006", status: 500, blame: Blame::Client,
            kk: ["Транспорттық қолтаңба қате.",
                 "Body бөлігіне соңғы қадамда қол қойып, кейін өзгертпеңіз: wsu:Id бойынша бір Reference, exclusive C14N, SHA-1 жарамайды."],
            ru: ["Транспортная подпись неверна.",
                 "Подписывайте Body последним шагом и больше не меняйте: один Reference на wsu:Id тела, exclusive C14N, SHA-1 не принимается."],
            en: ["The transport signature is wrong.",
                 "Sign the Body last and change nothing after it: one Reference to the wsu:Id of the Body, exclusive C14N, no SHA-1."],
        }
        TransportUnsigned {
            code: "SCE007", status: 500, blame: Blame::Client,
            kk: ["Хабарламаға қол қойылмаған.",
                 "Тақырыпқа (Header) Body бөлігіне қойылған бір ds:Signature қолтаңбасы бар wsse:Security қосыңыз."],
            ru: ["Сообщение не подписано.",
                 "Добавьте в заголовок (Header) элемент wsse:Security с одной подписью ds:Signature над Body."],
            en: ["The message is not signed.",
                 "Add wsse:Security with one ds:Signature over the Body to the Header."],
        }
        DataCertificate {
            code: "SCE015", status: 500, blame: Blame::Client,
            kk: ["Деректерге қойылған қолтаңбаның сертификаты жарамсыз.",
                 "Деректерге ҰКО берген қолданыстағы сертификатпен қол қойыңыз; мерзімін, мақсатын және кері қайтарылмағанын тексеріңіз."],
            ru: ["Сертификат подписи под данными недействителен.",
                 "Подпишите данные действующим сертификатом НУЦ; проверьте срок, назначение и отзыв."],
            en: ["The certificate of the signature on the data is not valid.",
                 "Sign the data with a certificate of NUC in force; check its period, key usage and revocation."],
        }
        DataSignature {
            code: "SCE016", status: 500, blame: Blame::Client,
            kk: ["Деректерге қойылған қолтаңба қате.",
                 "data элементіне тіркестірілген (enveloped) XMLDSig қолтаңбасын қойып, кейін data мазмұнын өзгертпеңіз."],
            ru: ["Подпись под данными неверна.",
                 "Подпишите data вложенной (enveloped) подписью XMLDSig и после этого не меняйте содержимое data."],
            en: ["The signature on the data is wrong.",
                 "Sign data with an enveloped XMLDSig signature and do not change the content of data afterwards."],
        }
        DataUnsigned {
            code: "SCE017", status: 500, blame: Blame::Client,
            kk: ["Деректерге қол қойылмаған.",
                 "Бұл жүйе үшін data элементіндегі қолтаңба міндетті: enveloped XMLDSig қолтаңбасын қосыңыз."],
            ru: ["Данные не подписаны.",
                 "Для этой системы подпись под data обязательна: добавьте вложенную (enveloped) подпись XMLDSig."],
            en: ["The data are not signed.",
                 "A signature on data is mandatory for this peer: add an enveloped XMLDSig signature."],
        }
        Internal {
            code: "SCE909", status: 500, blame: Blame::Server,
            kk: ["Сервистің ішкі қатесі.",
                 "Сұрау салуды қайталаңыз; қате қайталанса, errorData ішіндегі шешім нөмірін сервис операторына хабарлаңыз."],
            ru: ["Внутренняя ошибка сервиса.",
                 "Повторите запрос; если ошибка повторится, сообщите оператору сервиса номер решения из errorData."],
            en: ["Internal error of the service.",
                 "Repeat the request; if the error stays, give the operator of the service the decision id in errorData."],
        }
        SenderNotAuthenticated {
            code: "KDP401", status: 500, blame: Blame::Client,
            kk: ["Жіберуші аутентификациядан өтпеді.",
                 "senderId, password және auth_token мәндерін тексеріңіз; өзі қол қоятын жүйенің сертификатындағы БСН жіберушінің БСН-іне тең болуы керек."],
            ru: ["Отправитель не прошёл аутентификацию.",
                 "Проверьте senderId, password и auth_token; если система подписывает сама, БИН сертификата должен быть равен БИН отправителя."],
            en: ["The sender is not authenticated.",
                 "Check senderId, password and auth_token; if your system signs itself, the BIN of its certificate must be the sender's."],
        }
        SenderForbidden {
            code: "KDP403", status: 500, blame: Blame::Client,
            kk: ["Жіберушіге бұл әрекетке рұқсат жоқ.",
                 "Тек өз рөліңізге арналған сервистерді шақырыңыз; company_bin жіберушінің тіркелген БСН-іне тең болуы керек."],
            ru: ["Отправителю это действие не разрешено.",
                 "Вызывайте только сервисы своей роли; company_bin должен быть равен зарегистрированному БИН отправителя."],
            en: ["The sender may not do this.",
                 "Call only the services of your role; company_bin must be the registered BIN of the sender."],
        }
        MessageIdReused {
            code: "KDP409", status: 500, blame: Blame::Client,
            kk: ["Осы messageId немесе correlationId басқа мазмұнмен бұрын қабылданған.",
                 "Жаңа хабарламаға жаңа идентификатор беріңіз; қайталағанда Body мазмұнын өзгертпеңіз."],
            ru: ["Этот messageId или correlationId уже получен с другим содержанием.",
                 "Для нового сообщения возьмите новый идентификатор; при повторе не меняйте Body."],
            en: ["This messageId or correlationId was received before with another body.",
                 "Take a new id for a new message; leave the Body unchanged when you repeat one."],
        }
        TooLarge {
            code: "KDP413", status: 413, blame: Blame::Client,
            kk: ["Хабарлама тым үлкен.",
                 "Хабарлама денесін кішірейтіңіз: әдепкі шегі 1 МиБ."],
            ru: ["Сообщение слишком большое.",
                 "Уменьшите тело сообщения: предел по умолчанию 1 МиБ."],
            en: ["The message is too large.",
                 "Make the body smaller: the limit is 1 MiB by default."],
        }
        TooMany {
            code: "KDP429", status: 429, blame: Blame::Server,
            kk: ["Сұрау салулар тым көп.",
                 "Сұрау салу жиілігін азайтып, сол хабарламаны кейінірек қайталаңыз: ол өңделген жоқ."],
            ru: ["Слишком много запросов.",
                 "Снизьте частоту запросов и повторите это сообщение позже: оно не обработано."],
            en: ["Too many requests.",
                 "Lower your rate and repeat this message later: it was not processed."],
        }
        Overloaded {
            code: "KDP503", status: 503, blame: Blame::Server,
            kk: ["Сервис шамадан тыс жүктелген.",
                 "Сол хабарламаны Retry-After көрсеткен уақыттан кейін қайталаңыз: ол өңделген жоқ."],
            ru: ["Сервис перегружен.",
                 "Повторите это сообщение через время из Retry-After: оно не обработано."],
            en: ["The service is overloaded.",
                 "Repeat this message after the time in Retry-After: it was not processed."],
        }
    }
}

struct Row {
    status: u16,
    blame: Blame,
    kk: [&'static str; 2],
    ru: [&'static str; 2],
    en: [&'static str; 2],
}

enum Blame {
    Client,
    Server,
}

impl FaultCode {
    /// What happened, a sentence of at most 200 characters, without the code.
    #[must_use]
    pub const fn message(self, lang: Lang) -> &'static str {
        let [message, _] = pick!(self.row(), lang);
        message
    }

    /// What the caller must do, for errorData; at most 200 characters.
    #[must_use]
    pub const fn remedy(self, lang: Lang) -> &'static str {
        let [_, remedy] = pick!(self.row(), lang);
        remedy
    }

    /// HTTP status of the answer: 500 as SOAP 1.1 section 6.2 demands, except 413, 429 and 503.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        self.row().status
    }

    /// Whether faultcode is `Client`: the same message would fail again (SOAP 1.1 section 4.4.1).
    /// `TooMany` is of the class `Server`: the message may pass later without a change.
    #[must_use]
    pub const fn is_client_fault(self) -> bool {
        matches!(self.row().blame, Blame::Client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_three_faults_leave_http_500() {
        for fault in FaultCode::ALL {
            let expected = match fault.code() {
                "KDP413" => 413,
                "KDP429" => 429,
                "KDP503" => 503,
                _ => 500,
            };
            assert_eq!(fault.http_status(), expected, "{}", fault.code());
        }
    }

    #[test]
    fn a_message_that_may_pass_later_is_no_client_fault() {
        let server = FaultCode::ALL.iter().filter(|fault| !fault.is_client_fault());
        let codes: Vec<_> = server.map(|fault| fault.code()).collect();
        assert_eq!(codes, ["SCE909", "KDP429", "KDP503"]);
    }

    #[test]
    fn every_fault_code_of_the_specification_exists() {
        let specified = "SCE001 SCE004 SCE005 SCE006 SCE007 SCE015 SCE016 SCE017 SCE909 \
            KDP401 KDP403 KDP409 KDP413 KDP429 KDP503";
        let codes: Vec<_> = FaultCode::ALL.iter().map(|fault| fault.code()).collect();
        assert_eq!(codes, specified.split_whitespace().collect::<Vec<_>>());
    }
}
