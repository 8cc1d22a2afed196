//! What an owner that checks a security token by itself is told: `kdp token verify` and the library for C.

use super::{table, text_and_remedy};

table! {
    /// What comes of an offline check of a security token (F-14), from the token on to its place in a status list.
    pub enum Verdict: Row {
        Valid { code: "valid", class: Class::Accepted,
            kk: ["жарамды, кері қайтарып алынбаған", "Деректерді беруге болады; тізім берілген уақыттан кейін не болғанын тек сервис біледі."],
            ru: ["действителен, не отозван", "Данные можно выдать; что произошло после выпуска списка, знает только сервис."],
            en: ["valid, and not revoked", "The data may be handed over; what happened since the list was issued only the service knows."],
        }
        UnderReview { code: "under-review", class: Class::Accepted,
            kk: ["жарамды; кері қайтарып алу өтінімі қаралуда", "Шешім шыққанша токен қолданылады (F-18)."],
            ru: ["действителен; заявка на отзыв на рассмотрении", "До решения по заявке токен действует (F-18)."],
            en: ["valid; an application to revoke it is under review", "The token serves until the application is decided (F-18)."],
        }
        RevocationUnknown { code: "revocation-unknown", class: Class::Unasked,
            kk: ["жарамды (кері қайтарып алынғаны белгісіз: мәртебелер тізімі берілген жоқ)", "Деректерді бермес бұрын KDP_CHECK_TOKEN сервисін шақырыңыз, не /token-status тізімін беріңіз."],
            ru: ["действителен (отозван ли он, неизвестно: списка статусов нет)", "До выдачи данных вызовите KDP_CHECK_TOKEN или передайте список /token-status."],
            en: ["valid (whether it was revoked is not known offline)", "Before data are handed over call KDP_CHECK_TOKEN, or bring the list of /token-status."],
        }
        TokenUnreadable { code: "token-unreadable", class: Class::Unusable,
            kk: ["бұл ықшам JWS емес", "Токенді өзгертпей беріңіз: нүктемен бөлінген base64url-дің үш бөлігі, 16 КиБ-тан аспайды."],
            ru: ["это не компактный JWS", "Передайте токен без изменений: три части base64url через точку, не больше 16 КиБ."],
            en: ["this is no compact JWS", "Hand the token over unchanged: three parts of base64url between dots, 16 KiB at most."],
        }
        TokenMalformed { code: "token-malformed", class: Class::Refused,
            kk: ["токен дұрыс құрылмаған", "Мұндай токенді сервис шығармайды: деректерді бермеңіз."],
            ru: ["токен построен неверно", "Такой токен сервис не выпускает: не выдавайте данные."],
            en: ["the token is malformed", "The service issues no such token: do not hand data over."],
        }
        TokenAlgorithm { code: "token-algorithm", class: Class::Refused,
            kk: ["токеннің алгоритмі қабылданбайды", "Қауіпсіздік токендеріне RS256 ғана қойылады: деректерді бермеңіз."],
            ru: ["алгоритм токена не принимается", "Токены безопасности подписаны только RS256: не выдавайте данные."],
            en: ["the token's algorithm is refused", "Security tokens are signed with RS256 alone: do not hand data over."],
        }
        TokenKind { code: "token-kind", class: Class::Refused,
            kk: ["бұл қауіпсіздік токені емес", "Верификация токені (ovt), түбіртек немесе тізім деректерге құқық бермейді; бастамашыдан code элементіндегі токенді сұраңыз."],
            ru: ["это не токен безопасности", "Токен верификации (ovt), квитанция или список прав на данные не дают; запросите у инициатора токен из элемента code."],
            en: ["not a security token", "A verification token (ovt), a receipt or a list gives no right to data; ask the initiator for the token of the element code."],
        }
        TokenKeyUnknown { code: "token-key-unknown", class: Class::Refused,
            kk: ["токеннің кілті белгісіз", "Сервистің кілттерін /.well-known/jwks.json мекенжайынан қайта алыңыз; токендегі кілтке сенуге болмайды."],
            ru: ["ключ токена неизвестен", "Получите ключи сервиса заново по /.well-known/jwks.json; ключу из самого токена верить нельзя."],
            en: ["the token's key is unknown", "Fetch the keys of the service anew from /.well-known/jwks.json; a key in the token itself is not to be believed."],
        }
        TokenSignature { code: "token-signature", class: Class::Refused,
            kk: ["токеннің қолтаңбасы қате", "Токен өзгертілген немесе қолдан жасалған: деректерді бермей, сервис операторына хабарлаңыз."],
            ru: ["подпись токена неверна", "Токен изменён или подделан: не выдавайте данные и сообщите оператору сервиса."],
            en: ["the token's signature is wrong", "The token was changed or forged: do not hand data over, and tell the operator of the service."],
        }
        TokenNotYetValid { code: "token-not-yet-valid", class: Class::Refused,
            kk: ["токеннің мерзімі әлі басталған жоқ", "Өз сағатыңызды тексеріңіз; токеннің уақыттары Unix секундтарында."],
            ru: ["срок токена ещё не наступил", "Проверьте свои часы; времена токена — в секундах Unix."],
            en: ["the token is not valid yet", "Check your clock; the times of a token are Unix seconds."],
        }
        TokenExpired { code: "token-expired", class: Class::Refused,
            kk: ["токеннің мерзімі өтті", "Бастамашы жаңа рұқсат алуы керек."],
            ru: ["срок токена истёк", "Инициатору нужно получить новое разрешение."],
            en: ["the token is expired", "The initiator has to obtain access anew."],
        }
        SubjectDiffers { code: "subject-differs", class: Class::Refused,
            kk: ["токен басқа субъект туралы", "Бұл адамның деректерін бермеңіз: токен басқа адамға шығарылған."],
            ru: ["токен о другом субъекте", "Не выдавайте данные этого человека: токен выпущен для другого."],
            en: ["it is about another subject", "Do not hand over the data of this person: the token was issued for another."],
        }
        ServiceDiffers { code: "service-differs", class: Class::Refused,
            kk: ["токен бұл ServiceID-ге қол жеткізуге құқық бермейді", "Бастамашы осы ServiceID үшін рұқсат алуы керек."],
            ru: ["токен не даёт доступа к этому ServiceID", "Инициатору нужно получить доступ к этому ServiceID."],
            en: ["it gives no access to this ServiceID", "The initiator has to obtain access to this ServiceID."],
        }
        InitiatorDiffers { code: "initiator-differs", class: Class::Refused,
            kk: ["токен басқа бастамашыға шығарылған", "Сұраушының БСН-і токендегі cbin-ге тең болуы керек: деректерді бермеңіз."],
            ru: ["токен выпущен другому инициатору", "БИН запросившего должен быть равен cbin токена: не выдавайте данные."],
            en: ["it was issued to another initiator", "The BIN of who asks must be the token's cbin: do not hand data over."],
        }
        Revoked { code: "revoked", class: Class::Refused,
            kk: ["токен кері қайтарып алынған немесе тоқтатылған", "Деректерді бермеңіз; бастамашы субъектінің жаңа келісімін алуы керек."],
            ru: ["токен отозван или прекращён", "Не выдавайте данные; инициатору нужно новое согласие субъекта."],
            en: ["the token was revoked or ended", "Do not hand data over; the initiator needs a new consent of the subject."],
        }
        Suspended { code: "suspended", class: Class::Refused,
            kk: ["токеннің қолданылуы уақытша тоқтатылған", "Шектеу алынғанша деректерді бермеңіз."],
            ru: ["действие токена приостановлено", "Не выдавайте данные, пока приостановка не снята."],
            en: ["the token is suspended", "Do not hand data over until that is lifted."],
        }
        StatusAbsent { code: "status-absent", class: Class::Refused,
            kk: ["токенде мәртебелер тізіміндегі орны көрсетілмеген", "Мұндай токен тізім бойынша тексерілмейді: KDP_CHECK_TOKEN сервисін шақырыңыз."],
            ru: ["в токене нет места в списке статусов", "По списку такой токен не проверить: вызовите KDP_CHECK_TOKEN."],
            en: ["the token names no place in a status list", "No list tells about it: call KDP_CHECK_TOKEN."],
        }
        StatusElsewhere { code: "status-elsewhere", class: Class::Refused,
            kk: ["токеннің орны басқа тізімде", "Токеннің status мекенжайындағы тізімді алыңыз."],
            ru: ["место токена в другом списке", "Возьмите список по адресу из status токена."],
            en: ["the token's place is in another list", "Take the list of the address in the token's status."],
        }
        StatusBeyond { code: "status-beyond", class: Class::Refused,
            kk: ["токеннің орны тізімнің соңынан кейін", "Деректерді бермеңіз; KDP_CHECK_TOKEN сервисін шақырыңыз."],
            ru: ["место токена за концом списка", "Не выдавайте данные; вызовите KDP_CHECK_TOKEN."],
            en: ["the token's place is beyond the end of the list", "Do not hand data over; call KDP_CHECK_TOKEN."],
        }
        ListMalformed { code: "list-malformed", class: Class::Refused,
            kk: ["мәртебелер тізімі дұрыс құрылмаған", "Тізімді /token-status мекенжайынан қайта алып, өзгертпей сақтаңыз."],
            ru: ["список статусов построен неверно", "Получите список заново по /token-status и храните его без изменений."],
            en: ["the status list is malformed", "Fetch the list anew from /token-status, and keep it unchanged."],
        }
        ListAlgorithm { code: "list-algorithm", class: Class::Refused,
            kk: ["мәртебелер тізімінің алгоритмі қабылданбайды", "Тізімге RS256 ғана қойылады; оны сервистің өзінен алыңыз."],
            ru: ["алгоритм списка статусов не принимается", "Список подписан только RS256; получите его у самого сервиса."],
            en: ["the status list's algorithm is refused", "A list is signed with RS256 alone; fetch it from the service itself."],
        }
        ListKind { code: "list-kind", class: Class::Refused,
            kk: ["бұл мәртебелер тізімі емес", "typ мәні statuslist+jwt болуы керек: /token-status жауабын беріңіз."],
            ru: ["это не список статусов", "typ должен быть statuslist+jwt: передайте ответ /token-status."],
            en: ["not a status list", "Its typ must be statuslist+jwt: bring what /token-status answers."],
        }
        ListKeyUnknown { code: "list-key-unknown", class: Class::Refused,
            kk: ["мәртебелер тізімінің кілті белгісіз", "Сервистің кілттерін /.well-known/jwks.json мекенжайынан қайта алыңыз."],
            ru: ["ключ списка статусов неизвестен", "Получите ключи сервиса заново по /.well-known/jwks.json."],
            en: ["the status list's key is unknown", "Fetch the keys of the service anew from /.well-known/jwks.json."],
        }
        ListSignature { code: "list-signature", class: Class::Refused,
            kk: ["мәртебелер тізімінің қолтаңбасы қате", "Тізім өзгертілген: оны сервистен қайта алыңыз."],
            ru: ["подпись списка статусов неверна", "Список изменён: получите его у сервиса заново."],
            en: ["the status list's signature is wrong", "The list was changed: fetch it from the service anew."],
        }
        ListNotYetValid { code: "list-not-yet-valid", class: Class::Refused,
            kk: ["мәртебелер тізімі болашақта шығарылған", "Өз сағатыңызды тексеріңіз."],
            ru: ["список статусов выпущен в будущем", "Проверьте свои часы."],
            en: ["the status list was issued in the future", "Check your clock."],
        }
        ListStale { code: "list-stale", class: Class::Refused,
            kk: ["мәртебелер тізімі ескірген", "Жаңа тізімді алыңыз. Сервис қолжетімсіз болса, тізімнің рұқсат етілген жасын өзіңіз белгілеңіз (--list-max-age); exp-тен кейін ол бәрібір жарамсыз."],
            ru: ["список статусов устарел", "Получите свежий список. Если сервис недоступен, задайте допустимый возраст сами (--list-max-age); после exp он не годится в любом случае."],
            en: ["the status list is stale", "Fetch a fresh list. While the service is away, say how old it may be (--list-max-age); after its exp it serves nobody."],
        }
        ListExpired { code: "list-expired", class: Class::Refused,
            kk: ["мәртебелер тізімінің мерзімі өтті", "Жаңа тізімді алыңыз; ескісі бойынша деректер берілмейді."],
            ru: ["срок списка статусов истёк", "Получите свежий список; по истёкшему данные не выдают."],
            en: ["the status list is expired", "Fetch a fresh list; by an expired one no data are handed over."],
        }
        KeysMalformed { code: "keys-malformed", class: Class::Unusable,
            kk: ["кілттер жиыны оқылмайды", "/.well-known/jwks.json жауабын өзгертпей беріңіз (UTF-8, 256 КиБ-тан аспайды)."],
            ru: ["набор ключей не читается", "Передайте ответ /.well-known/jwks.json без изменений (UTF-8, не больше 256 КиБ)."],
            en: ["the key set is not readable", "Bring what /.well-known/jwks.json answers, unchanged (UTF-8, 256 KiB at most)."],
        }
        KeysUnsafe { code: "keys-unsafe", class: Class::Unusable,
            kk: ["кілттер жиынында құпия кілт бар немесе kid қайталанады", "Мұндай жиынды сервис жарияламайды: оны /.well-known/jwks.json мекенжайынан қайта алыңыз."],
            ru: ["в наборе ключей есть секретный ключ или kid повторяется", "Такого набора сервис не публикует: получите его заново по /.well-known/jwks.json."],
            en: ["the key set holds a secret, or a kid twice", "The service publishes no such set: fetch it anew from /.well-known/jwks.json."],
        }
        KeysWeak { code: "keys-weak", class: Class::Unusable,
            kk: ["кілттер жиынында әлсіз кілт бар", "RSA кілті 2048–4096 бит болуы керек: жиынды қайта алыңыз."],
            ru: ["в наборе ключей слабый ключ", "Ключ RSA должен иметь от 2048 до 4096 бит: получите набор заново."],
            en: ["the key set holds a weak key", "An RSA key must have 2048 to 4096 bits: fetch the set anew."],
        }
        QuestionMalformed { code: "question-malformed", class: Class::Unusable,
            kk: ["сұрақ дұрыс берілмеген", "ЖСН, ServiceID, БСН мен уақыттарды тексеріңіз; сағат айырмасы 0-ден 600 секундқа дейін."],
            ru: ["вопрос задан неверно", "Проверьте ИИН, ServiceID, БИН и времена; допуск часов от 0 до 600 секунд."],
            en: ["the question is not put right", "Check IIN, ServiceID, BIN and times; clocks may differ by 0 to 600 seconds."],
        }
    }
}

/// What a verdict comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Everything that was brought holds, and the list does not say no.
    Accepted,
    /// The token holds, and no list was brought.
    Unasked,
    /// A no.
    Refused,
    /// A no as well: what was brought cannot be judged.
    Unusable,
}

struct Row {
    class: Class,
    /// What it is, and what to do.
    kk: [&'static str; 2],
    ru: [&'static str; 2],
    en: [&'static str; 2],
}

impl Verdict {
    /// What it comes to.
    #[must_use]
    pub const fn class(self) -> Class {
        self.row().class
    }
}

text_and_remedy! {
    Verdict:
    /// What it is: a part of a sentence.
    text;
    /// What to do.
    remedy;
}
