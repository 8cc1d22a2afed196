//! Why a request was answered as it was: the stable reason codes of data/reason.

use super::{table, text_and_remedy};

table! {
    /// Reason of an answer (wire.md 4), whether it is a yes, a wait or a no.
    pub enum Reason: Row {
        Granted {
            code: "granted", paragraph: "F-6",
            kk: ["Қол жеткізуге рұқсат берілді: қауіпсіздік токені шығарылды.",
                 "code элементіндегі токенді expires_at мерзімі өткенше деректердің меншік иесіне беріңіз."],
            ru: ["Доступ разрешён: токен безопасности выдан.",
                 "Передайте токен из элемента code собственнику данных до наступления expires_at."],
            en: ["Access is granted: the security token is issued.",
                 "Hand the token in code to the owner of the data before expires_at."],
        }
        Waiting {
            code: "waiting", paragraph: "F-6",
            kk: ["Субъектінің жауабы күтілуде.",
                 "Сұрау салуды poll_after секундтан кейін жауаптағы request_id мәнімен қайталаңыз; 5-тәсілде субъект айтқан code мәнін қосыңыз. Екінші SMS жіберілмейді."],
            ru: ["Ожидание ответа от субъекта.",
                 "Повторите запрос через poll_after секунд с request_id из ответа; при способе 5 добавьте code, названный субъектом. Второе SMS не отправляется."],
            en: ["Waiting for the answer of the subject.",
                 "Repeat the request after poll_after seconds with the request_id of the answer; for method 5 add the code the subject told you. No second SMS is sent."],
        }
        SubjectRefused {
            code: "subject-refused", paragraph: "F-6",
            kk: ["Субъект дербес деректеріне қол жеткізуге рұқсат бермеді.",
                 "Деректерді алуға болмайды. Жаңа сұрау салуды субъектімен келіскеннен кейін ғана жіберіңіз."],
            ru: ["Субъект отказал в доступе к персональным данным.",
                 "Получать данные нельзя. Новый запрос направляйте только после разговора с субъектом."],
            en: ["The subject refused access to the personal data.",
                 "The data may not be obtained. Send a new request only after you have spoken with the subject."],
        }
        SubjectReportedFraud {
            code: "subject-reported-fraud", paragraph: "F-6, ext",
            kk: ["Субъект алаяқтық туралы хабарлады; сұрау салудан бас тартылды.",
                 "Сұрау салуды қайталамаңыз. Оны қай қызметкер және қандай негізде жібергенін анықтаңыз: сервис операторына ескерту берілді."],
            ru: ["Субъект сообщил о мошенничестве; в доступе отказано.",
                 "Не повторяйте запрос. Выясните, какой сотрудник и на каком основании его направил: оператор сервиса оповещён."],
            en: ["The subject reported fraud; access is refused.",
                 "Do not repeat the request. Find out which employee sent it and why: the operator of the service has been alerted."],
        }
        NoAnswer {
            code: "no-answer", paragraph: "F-6",
            kk: ["Субъект белгіленген уақытта жауап бермеді.",
                 "Субъектіге 1414 нөмірінен SMS келетінін ескертіп, request_id көрсетпей жаңа сұрау салу жіберіңіз."],
            ru: ["Субъект не ответил в отведённое время.",
                 "Предупредите субъекта об SMS с номера 1414 и направьте новый запрос без request_id."],
            en: ["The subject did not answer in time.",
                 "Tell the subject to expect an SMS from 1414 and send a new request without request_id."],
        }
        NoPhone {
            code: "no-phone", paragraph: "F-6",
            kk: ["Субъектінің телефон нөмірі мобильді азаматтар базасында (БМГ) табылмады.",
                 "Субъект нөмірін электрондық үкімет порталында тіркеуі керек; содан кейін жаңа сұрау салу жіберіңіз."],
            ru: ["Номер телефона субъекта не найден в базе мобильных граждан (БМГ).",
                 "Субъекту нужно зарегистрировать номер на портале электронного правительства; затем направьте новый запрос."],
            en: ["No phone number of the subject is found in the base of mobile citizens (BMG).",
                 "The subject must register a number at the e-government portal; then send a new request."],
        }
        CodeWrong {
            code: "code-wrong", paragraph: "F-4 5)",
            kk: ["Бір реттік код қате.",
                 "SMS-тегі KOD сөзінен кейінгі таңбаларды субъектімен салыстырып, дәл сол request_id мәнімен қайталаңыз; әрекет саны шектеулі."],
            ru: ["Одноразовый код неверен.",
                 "Сверьте с субъектом символы после слова KOD в SMS и повторите запрос с тем же request_id; число попыток ограничено."],
            en: ["The one-time code is wrong.",
                 "Compare the characters after KOD in the SMS with the subject and repeat with the same request_id; attempts are limited."],
        }
        CodeExpired {
            code: "code-expired", paragraph: "F-4 5)",
            kk: ["Бір реттік кодтың қолданылу мерзімі өтті.",
                 "request_id көрсетпей жаңа сұрау салу жіберіңіз: субъект жаңа код алады."],
            ru: ["Срок действия одноразового кода истёк.",
                 "Направьте новый запрос без request_id: субъект получит новый код."],
            en: ["The one-time code has expired.",
                 "Send a new request without request_id: the subject will receive a new code."],
        }
        CodeAttempts {
            code: "code-attempts", paragraph: "F-4 5)",
            kk: ["Бір реттік кодты енгізу әрекеттері таусылды; сұрау салу жабылды.",
                 "request_id көрсетпей жаңа сұрау салу жіберіп, кодты субъект алған SMS-тегідей енгізіңіз."],
            ru: ["Попытки ввода одноразового кода исчерпаны; запрос закрыт.",
                 "Направьте новый запрос без request_id и введите код точно так, как он указан в SMS субъекта."],
            en: ["The attempts at the one-time code are used up; the request is closed.",
                 "Send a new request without request_id and enter the code exactly as in the subject's SMS."],
        }
        OvtMissing {
            code: "ovt-missing", paragraph: "F-7 8)",
            kk: ["Сұрау салуда верификация токені (ovt) жоқ.",
                 "2, 3 және 4-тәсілдер үшін ovt элементін беріңіз; келісім әлі алынбаса, 1-тәсілді қолданыңыз (omit-sms = false)."],
            ru: ["В запросе нет токена верификации (ovt).",
                 "Для способов 2, 3 и 4 передайте элемент ovt; если согласия ещё нет, используйте способ 1 (omit-sms = false)."],
            en: ["The request has no verification token (ovt).",
                 "Methods 2, 3 and 4 need the element ovt; if there is no consent yet, use method 1 (omit-sms = false)."],
        }
        OvtMalformed {
            code: "ovt-malformed", paragraph: "F-7 8)",
            kk: ["Верификация токені (ovt) оқылмайды немесе онда міндетті өріс жоқ.",
                 "Үш бөліктен тұратын ықшам JWS беріңіз; cbin, mcheck, iat, exp міндетті, iat пен exp сан болуы керек, өріс атауы қайталанбасын."],
            ru: ["Токен верификации (ovt) не читается, или в нём нет обязательного поля.",
                 "Передайте компактный JWS из трёх частей; cbin, mcheck, iat, exp обязательны, iat и exp числами, имена полей без повторов."],
            en: ["The verification token (ovt) is not readable or lacks a mandatory claim.",
                 "Send a compact JWS of three parts; cbin, mcheck, iat, exp are mandatory, iat and exp are numbers, no claim occurs twice."],
        }
        OvtAlgorithm {
            code: "ovt-algorithm", paragraph: "F-6",
            kk: ["Верификация токенінің қолтаңба алгоритмі қабылданбайды.",
                 "Токенге тіркелген кілтіңізге сәйкес алгоритммен (мысалы RS256) қол қойыңыз; none және HS* ешқашан қабылданбайды."],
            ru: ["Алгоритм подписи токена верификации не принимается.",
                 "Подпишите ovt алгоритмом вашего зарегистрированного ключа (например RS256); none и HS* не принимаются никогда."],
            en: ["The signature algorithm of the verification token is not accepted.",
                 "Sign the ovt with the algorithm of your registered key (for example RS256); none and HS* are never accepted."],
        }
        OvtKeyUnknown {
            code: "ovt-key-unknown", paragraph: "I-10",
            kk: ["Верификация токеніне қол қойылған кілт бастамашыға тіркелмеген.",
                 "Бастамашының ЭЦҚ кілтінің ашық бөлігін тіркеңіз (Интеграция қағидалары, 10-тармақ); токеннің ішіндегі кілт қабылданбайды."],
            ru: ["Ключ, которым подписан токен верификации, не зарегистрирован за инициатором.",
                 "Зарегистрируйте открытую часть ключа ЭЦП инициатора (Правила интеграции, пункт 10); ключ из самого токена не принимается."],
            en: ["The key that signed the verification token is not registered for the initiator.",
                 "Register the public part of the initiator's key (Integration rules, paragraph 10); a key inside the token is not accepted."],
        }
        OvtSignature {
            code: "ovt-signature", paragraph: "F-6",
            kk: ["Верификация токенінің қолтаңбасы бастамашының тіркелген ЭЦҚ-сына сәйкес келмейді.",
                 "Токенге тіркелген кілттің жабық бөлігімен қол қойып, оны өзгеріссіз, жол ауыстырусыз және бос орынсыз беріңіз."],
            ru: ["Подпись токена верификации не соответствует зарегистрированной ЭЦП инициатора.",
                 "Подпишите ovt закрытой частью зарегистрированного ключа и передайте без изменений, переносов строк и пробелов."],
            en: ["The signature of the verification token does not match the registered key of the initiator.",
                 "Sign the ovt with the private part of the registered key and send it unchanged, without line breaks and blanks."],
        }
        OvtBin {
            code: "ovt-bin", paragraph: "F-6",
            kk: ["Верификация токеніндегі БСН сұрау салудағы БСН-ге тең емес.",
                 "Токеннің cbin өрісінде company_bin элементіндегі 12 таңбалы БСН-ді жол түрінде көрсетіңіз."],
            ru: ["БИН в токене верификации не равен БИН запроса.",
                 "Укажите в поле cbin токена тот же БИН, что в company_bin: строка из 12 цифр."],
            en: ["The BIN in the verification token is not that of the request.",
                 "Put the BIN of company_bin into the claim cbin: a string of 12 digits."],
        }
        OvtMethod {
            code: "ovt-method", paragraph: "F-6",
            kk: ["Келісім алу жолы (mcheck) сұрау салудың осы тәсіліне жарамайды.",
                 "2-тәсіл: NONE мәнінен басқасының бәрі; 3-тәсіл: BIO, DS немесе PC; 4-тәсіл: тек NONE."],
            ru: ["Способ получения согласия (mcheck) недопустим для этого способа запроса.",
                 "Способ 2: любое значение, кроме NONE; способ 3: BIO, DS или PC; способ 4: только NONE."],
            en: ["The way the consent was obtained (mcheck) is not allowed for this method.",
                 "Method 2: any value but NONE; method 3: BIO, DS or PC; method 4: only NONE."],
        }
        OvtDate {
            code: "ovt-date", paragraph: "F-6",
            kk: ["Верификация токенінің күні жарамсыз: мерзімі өткен, әлі басталмаған немесе тым ұзақ.",
                 "Жаңа токен жасаңыз: iat болашақта, exp өткенде болмасын, арасы келісілген шектен аспасын; сағатыңызды дәл уақытпен салыстырыңыз."],
            ru: ["Дата токена верификации недопустима: он просрочен, ещё не действует или действует слишком долго.",
                 "Сформируйте новый ovt: iat не в будущем, exp не в прошлом, между ними не больше согласованного; сверьте часы с точным временем."],
            en: ["The date of the verification token is not acceptable: expired, not yet valid, or valid for too long.",
                 "Make a new ovt: iat not in the future, exp not in the past, no more between them than agreed; set your clock right."],
        }
        OvtSubject {
            code: "ovt-subject", paragraph: "F-6, ext",
            kk: ["Верификация токені басқа субъектіге берілген немесе субъектіге байланбаған.",
                 "Токеннің uin өрісінде сұрау салудағы субъектінің ЖСН-ін көрсетіңіз."],
            ru: ["Токен верификации выдан на другого субъекта или не привязан к субъекту.",
                 "Укажите в поле uin токена ИИН субъекта из запроса."],
            en: ["The verification token is for another subject or bound to none.",
                 "Put the IIN of the request's subject into the claim uin."],
        }
        OvtUsed {
            code: "ovt-used", paragraph: "F-6, ext",
            kk: ["Верификация токені осы субъект үшін бұрын пайдаланылған.",
                 "Келісімді қайта алып, жаңа ovt жасаңыз; сол токенмен қайталағанда method, ground_id және proactive_code өзгермеуі керек."],
            ru: ["Токен верификации для этого субъекта уже использован.",
                 "Получите согласие снова и сформируйте новый ovt; при повторе с тем же ovt не меняйте method, ground_id и proactive_code."],
            en: ["The verification token was already used for this subject.",
                 "Obtain consent again and make a new ovt; when you repeat with the same ovt keep method, ground_id and proactive_code."],
        }
        ProactiveCode {
            code: "proactive-code", paragraph: "F-6",
            kk: ["Проактивті қызмет коды көрсетілмеген немесе осы БСН-ге тиесілі емес.",
                 "proactive_code элементінде 3-тәсіл үшін сіздің БСН-ге тіркелген кодты беріңіз."],
            ru: ["Код проактивной услуги не указан или не принадлежит этому БИН.",
                 "Передайте в proactive_code код, зарегистрированный за вашим БИН для способа 3."],
            en: ["The proactive service code is missing or does not belong to this BIN.",
                 "Send in proactive_code the code registered for your BIN and method 3."],
        }
        GroundUnknown {
            code: "ground-unknown", paragraph: "F-7 7)",
            kk: ["Негіздеме көрсетілмеген, анықтамалықта жоқ немесе осы тәсілге жарамайды.",
                 "ground_id элементінде негіздемелер анықтамалығындағы сіздің тәсілге (3 немесе 4) рұқсат етілген идентификаторды беріңіз."],
            ru: ["Основание не указано, отсутствует в справочнике или недопустимо для этого способа.",
                 "Передайте в ground_id идентификатор из справочника оснований, допустимый для вашего способа (3 или 4)."],
            en: ["The ground is missing, not in the directory of grounds, or not allowed for this method.",
                 "Send in ground_id an id of the directory of grounds that is allowed for your method (3 or 4)."],
        }
        LoggingNotAllowed {
            code: "logging-not-allowed", paragraph: "F-4 4)",
            kk: ["Осы БСН-ге хаттамалау режиміне рұқсат берілмеген.",
                 "Келісімді басқа тәсілмен алыңыз немесе Заңның 9-бабындағы негіз бойынша 4-тәсілді уәкілетті органмен келісіңіз."],
            ru: ["Этому БИН не разрешён режим протоколирования.",
                 "Получите согласие другим способом или согласуйте способ 4 с уполномоченным органом по основанию статьи 9 Закона."],
            en: ["Logging mode is not allowed to this BIN.",
                 "Obtain consent by another method, or agree method 4 with the authorised body on a ground of article 9 of the Law."],
        }
        MethodNotAllowed {
            code: "method-not-allowed", paragraph: "F-4",
            kk: ["Бастамашыға сұрау салудың осы тәсіліне рұқсат берілмеген.",
                 "method және omit-sms мәндерін тексеріңіз; жаңа тәсілге сынақ хаттамаларымен өтінім беріңіз (Интеграция қағидалары, 7 және 8-тармақтар)."],
            ru: ["Инициатору не разрешён этот способ запроса.",
                 "Проверьте method и omit-sms; на новый способ подайте заявку с протоколами тестирования (Правила интеграции, пункты 7 и 8)."],
            en: ["This method is not allowed to the initiator.",
                 "Check method and omit-sms; for a new method file an application with test protocols (Integration rules, paragraphs 7 and 8)."],
        }
        ServiceNotAllowed {
            code: "service-not-allowed", paragraph: "F-7 5)",
            kk: ["Сұратылған сервистердің кемінде біреуі бастамашыға келісілмеген.",
                 "access_name ішінде тек келісілген ServiceID атауларын «;» арқылы қалдырыңыз немесе жетіспейтініне өтінім беріңіз."],
            ru: ["Хотя бы один из запрошенных сервисов не согласован инициатору.",
                 "Оставьте в access_name только согласованные ServiceID через «;» или подайте заявку на недостающий."],
            en: ["At least one of the services asked for is not agreed for the initiator.",
                 "Keep in access_name only agreed ServiceIDs, separated by ';', or file an application for the missing one."],
        }
        TermTooLong {
            code: "term-too-long", paragraph: "F-7 5)",
            kk: ["Токеннің сұратылған мерзімі келісілген мерзімнен ұзақ.",
                 "expiresIn мәнін (миллисекундпен) азайтыңыз немесе 0 беріңіз: сонда келісілген мерзім қолданылады."],
            ru: ["Запрошенный срок токена больше согласованного.",
                 "Уменьшите expiresIn (в миллисекундах) или передайте 0: тогда действует согласованный срок."],
            en: ["The life asked for the token is longer than agreed.",
                 "Lower expiresIn (milliseconds) or send 0: then the agreed period applies."],
        }
        DirectoryUnknown {
            code: "directory-unknown", paragraph: "F-7 5)",
            kk: ["Бастамашыда мұндай анықтамалық жазбасы жоқ.",
                 "directory_id элементінде өзіңізге тіркелген жазбаның идентификаторын беріңіз; басқа ұйымның жазбасы қабылданбайды."],
            ru: ["У инициатора нет такой записи справочника.",
                 "Передайте в directory_id идентификатор записи, зарегистрированной за вами; запись другой организации не принимается."],
            en: ["The initiator has no such directory entry.",
                 "Send in directory_id the id of an entry registered for you; an entry of another organisation is not accepted."],
        }
        DirectoryExpired {
            code: "directory-expired", paragraph: "F-7 5)",
            kk: ["Анықтамалық жазбасы қолданыста емес: мерзімі өткен немесе әлі басталмаған.",
                 "Жазбаны ұзартуға өтінім беріңіз немесе directory_id элементінде қолданыстағы басқа жазбаны көрсетіңіз."],
            ru: ["Запись справочника не действует: срок истёк или ещё не начался.",
                 "Подайте заявку на продление записи или укажите в directory_id другую, действующую."],
            en: ["The directory entry is not in force: its period has ended or not begun.",
                 "File an application to prolong the entry, or name another one in force in directory_id."],
        }
        SubjectFrozen {
            code: "subject-frozen", paragraph: "F-6, ext",
            kk: ["Субъект өз деректері бойынша жаңа сұрау салуларды тоқтатып қойған.",
                 "Тоқтатуды тек субъектінің өзі алып тастай алады; оған хабарласыңыз, қайталай беру көмектеспейді."],
            ru: ["Субъект приостановил новые запросы к своим данным.",
                 "Снять приостановку может только сам субъект: обратитесь к нему, повторы не помогут."],
            en: ["The subject has frozen new requests for the own data.",
                 "Only the subject can lift the freeze: contact the subject; repeating does not help."],
        }
        SubjectBlocked {
            code: "subject-blocked", paragraph: "P-7-3",
            kk: ["Субъектінің дербес деректері бұғатталған.",
                 "Бұғат алынғанша сұрау салулар қабылданбайды және токендер қолданылмайды; сұрақтармен уәкілетті органға жүгініңіз."],
            ru: ["Персональные данные субъекта заблокированы.",
                 "До разблокирования запросы не принимаются и токены не действуют; с вопросами обратитесь в уполномоченный орган."],
            en: ["The personal data of the subject are blocked.",
                 "Until they are unblocked no request is taken and no token works; ask the authorised body."],
        }
        LimitReached {
            code: "limit-reached", paragraph: "F-6, ext",
            kk: ["Сұрау салулар санының шегіне жеттіңіз.",
                 "Кейінірек қайталаңыз; шек субъектіге, бастамашыға және тәулікке есептеледі, ал uin өрісі жоқ ovt субъектілердің шектеулі санына жарайды."],
            ru: ["Достигнут предел числа запросов.",
                 "Повторите позже; предел считается на субъекта, инициатора и сутки, а ovt без поля uin годится для ограниченного числа субъектов."],
            en: ["The limit on the number of requests is reached.",
                 "Try again later; limits count per subject, initiator and day, and an ovt without uin serves a limited number of subjects."],
        }
        RequestUnknown {
            code: "request-unknown", paragraph: "F-6",
            kk: ["Осы субъект пен бастамашыға мұндай request_id бар сұрау салу табылмады.",
                 "request_id, uin және company_bin бастапқы сұрау салудағыдай болуы керек; әйтпесе request_id көрсетпей жаңасын жіберіңіз."],
            ru: ["Для этого субъекта и инициатора нет запроса с таким request_id.",
                 "request_id, uin и company_bin должны быть теми же, что в первом запросе; иначе направьте новый запрос без request_id."],
            en: ["There is no request with this request_id for this subject and initiator.",
                 "request_id, uin and company_bin must be those of the first request; else send a new request without request_id."],
        }
        TokenExpired {
            code: "token-expired", paragraph: "F-14",
            kk: ["Қауіпсіздік токенінің қолданылу мерзімі өтті.",
                 "Жаңа келісім алу үшін request_id көрсетпей жаңа сұрау салу жіберіңіз."],
            ru: ["Срок действия токена безопасности истёк.",
                 "Направьте новый запрос без request_id, чтобы получить новое согласие."],
            en: ["The security token has expired.",
                 "Send a new request without request_id to obtain a new consent."],
        }
        Revoked {
            code: "revoked", paragraph: "F-19",
            kk: ["Келісім кері қайтарып алынды; қауіпсіздік токені белсенді емес.",
                 "Токенді пайдаланбаңыз; кері қайтарып алғаннан кейін берілген жаңа келісім қажет, бұрынғы ovt пен request_id жарамайды."],
            ru: ["Согласие отозвано; токен безопасности не активный.",
                 "Не используйте токен; нужно новое согласие, данное после отзыва: прежние ovt и request_id не подходят."],
            en: ["The consent is revoked; the security token is not active.",
                 "Do not use the token; a consent given after the revocation is needed: the old ovt and request_id do not serve."],
        }
        Cancelled {
            code: "cancelled", paragraph: "F-6, ext",
            kk: ["Сұрау салуды немесе токенді бастамашының өзі тоқтатты.",
                 "Қол жеткізу қайта қажет болса, request_id және cancel көрсетпей жаңа сұрау салу жіберіңіз."],
            ru: ["Запрос или токен прекращён самим инициатором.",
                 "Если доступ снова нужен, направьте новый запрос без request_id и cancel."],
            en: ["The initiator itself ended the request or the token.",
                 "If access is needed again, send a new request without request_id and cancel."],
        }
        Suspended {
            code: "suspended", paragraph: "F-14, ext",
            kk: ["Бастамашының сервиске қол жеткізуі уақытша тоқтатылған.",
                 "Сервис тіркеушісіне жүгініңіз; қайта қосылғанша сұрау салулар қабылданбайды және токендер қолданылмайды."],
            ru: ["Доступ инициатора к сервису приостановлен.",
                 "Обратитесь к регистратору сервиса; до возобновления запросы не принимаются и токены не действуют."],
            en: ["The initiator is suspended.",
                 "Contact the registrar of the service; until the suspension is lifted no request is taken and no token works."],
        }
        BmgUnavailable {
            code: "bmg-unavailable", paragraph: "F-6",
            kk: ["Мобильді азаматтар базасы (БМГ) жауап бермейді.",
                 "Күту жүріп жатқанда request_id мәнімен қайталаңыз: сервис өзі қайта сұрайды; аяқталған болса, кейін жаңа сұрау салу жіберіңіз."],
            ru: ["База мобильных граждан (БМГ) не отвечает.",
                 "Пока идёт ожидание, повторяйте с request_id: сервис сам опрашивает базу; если оно окончено, позже направьте новый запрос."],
            en: ["The base of mobile citizens (BMG) does not answer.",
                 "While the request waits, repeat with request_id: the service keeps trying; once it has ended, send a new one later."],
        }
        SmsNotSent {
            code: "sms-not-sent", paragraph: "F-4 1)",
            kk: ["Субъектіге 1414 арқылы SMS жіберілмеді.",
                 "Күту жүріп жатқанда request_id мәнімен қайталаңыз: сервис өзі қайта жібереді; аяқталған болса, кейін жаңа сұрау салу жіберіңіз."],
            ru: ["Не удалось отправить субъекту SMS через 1414.",
                 "Пока идёт ожидание, повторяйте с request_id: сервис сам отправляет снова; если оно окончено, позже направьте новый запрос."],
            en: ["The SMS to the subject could not be sent through 1414.",
                 "While the request waits, repeat with request_id: the service keeps trying; once it has ended, send a new one later."],
        }
        SmsUndelivered {
            code: "sms-undelivered", paragraph: "F-4 1), ext",
            kk: ["Субъектіге жіберілген SMS телефонға жетпеді: 1414 оны жеткізе алмады немесе мерзімі өтті.",
                 "Субъект телефонын қоссын немесе БМГ-дегі нөмірін тексерсін; содан кейін жаңа сұрау салу жіберіңіз."],
            ru: ["SMS не дошло до телефона субъекта: 1414 не смогла его доставить, или истёк его срок.",
                 "Пусть субъект включит телефон или проверит свой номер в БМГ; затем направьте новый запрос."],
            en: ["The SMS did not reach the subject's phone: 1414 could not deliver it, or it expired.",
                 "Let the subject switch the phone on, or check the number in the base of mobile citizens; then send a new request."],
        }
        ApplicationUnknown {
            code: "application-unknown", paragraph: "F-18",
            kk: ["Мұндай кері қайтарып алу өтінімі табылмады.",
                 "application_id мәнін сіздің БСН бойынша KDP_LIST_TO_REVOKE қайтарған тізімнен алыңыз."],
            ru: ["Такая заявка на отзыв не найдена.",
                 "Возьмите application_id из списка KDP_LIST_TO_REVOKE вашего БИН."],
            en: ["There is no such revocation application.",
                 "Take application_id from the list that KDP_LIST_TO_REVOKE gives for your BIN."],
        }
        AlreadyDecided {
            code: "already-decided", paragraph: "F-18",
            kk: ["Өтінім бойынша шешім қабылданған немесе қарау мерзімі өткен.",
                 "Шешімді өзгертуге болмайды; өтінімнің күйін KDP_REVOKE немесе KDP_LIST_TO_REVOKE арқылы қараңыз."],
            ru: ["По заявке уже принято решение, или срок её рассмотрения истёк.",
                 "Решение не меняется; состояние заявки смотрите через KDP_REVOKE или KDP_LIST_TO_REVOKE."],
            en: ["The application was decided already, or the term of its review has ended.",
                 "A decision is not changed; see the state of the application by KDP_REVOKE or KDP_LIST_TO_REVOKE."],
        }
        TokenUnknown {
            code: "token-unknown", paragraph: "F-16",
            kk: ["Осы субъектіде мұндай токен жоқ.",
                 "uin мен token_id (немесе request_id) бір токенге жататынын KDP_PERSONALDATA арқылы тексеріңіз."],
            ru: ["У этого субъекта нет такого токена.",
                 "Проверьте через KDP_PERSONALDATA, что uin и token_id (или request_id) относятся к одному токену."],
            en: ["This subject has no such token.",
                 "Check by KDP_PERSONALDATA that uin and token_id (or request_id) belong to one token."],
        }
        NothingToRevoke {
            code: "nothing-to-revoke", paragraph: "F-16",
            kk: ["Токен қазірдің өзінде белсенді емес: кері қайтарып алатын ештеңе жоқ.",
                 "Өтінім қажет емес: мерзімі өткен немесе тоқтатылған токен бойынша деректер берілмейді."],
            ru: ["Токен уже не активен: отзывать нечего.",
                 "Заявка не нужна: по истёкшему или прекращённому токену данные не выдаются."],
            en: ["The token is not active any more: there is nothing to revoke.",
                 "No application is needed: no data are handed over on a token that has expired or ended."],
        }
        KeyDistrusted {
            code: "key-distrusted", paragraph: "F-14, ext",
            kk: ["Токенге қол қойылған сервис кілтіне сенім жоқ.",
                 "Бұл токенді қабылдамаңыз; бастамашы жаңа токен сұрауы керек."],
            ru: ["Ключ сервиса, которым подписан токен, лишён доверия.",
                 "Не принимайте этот токен; инициатору нужно запросить новый."],
            en: ["The key of the service that signed the token is distrusted.",
                 "Do not accept this token; the initiator must ask for a new one."],
        }
        NotCollected {
            code: "not-collected", paragraph: "F-6, ext",
            kk: ["Субъект келіскен, бірақ бастамашы токенді уақытында алмады.",
                 "Жаңа сұрау салу жіберіп, оны әр poll_after секунд сайын request_id мәнімен қайталаңыз."],
            ru: ["Субъект согласился, но инициатор не забрал токен вовремя.",
                 "Направьте новый запрос и повторяйте его с request_id через каждые poll_after секунд."],
            en: ["The subject agreed, but the initiator did not collect the token in time.",
                 "Send a new request and repeat it with request_id every poll_after seconds."],
        }
        DryRun {
            code: "dry-run", paragraph: "F-6, ext",
            kk: ["Сынақ сұрау салуының барлық тексерулері өтті; ештеңе жіберілген және берілген жоқ.",
                 "Токен алу үшін сол сұрау салуды dry_run элементінсіз жіберіңіз."],
            ru: ["Все проверки пробного запроса пройдены; ничего не отправлено и не выдано.",
                 "Чтобы получить токен, направьте тот же запрос без dry_run."],
            en: ["All checks of the dry run pass; nothing was sent or issued.",
                 "To obtain a token send the same request without dry_run."],
        }
        ElementMissing {
            code: "element-missing", paragraph: "F-7",
            kk: ["Сұрау салуда міндетті элемент жоқ немесе ол бос.",
                 "status/message атаған элементті толтырыңыз; элементтер атаусыз кеңістікте немесе түгел KDP кеңістігінде болуы керек."],
            ru: ["В запросе нет обязательного элемента, или он пуст.",
                 "Заполните элемент, названный в status/message; элементы data либо все без пространства имён, либо все в пространстве KDP."],
            en: ["A mandatory element of the request is missing or empty.",
                 "Fill in the element named in status/message; children of data are all in no namespace or all in that of KDP."],
        }
        ElementMalformed {
            code: "element-malformed", paragraph: "F-7",
            kk: ["Элементтің мәні дұрыс емес.",
                 "status/message атаған элементті түзетіңіз: ЖСН мен БСН 12 цифр және бақылау цифры дұрыс, expiresIn бүтін миллисекунд."],
            ru: ["Значение элемента составлено неверно.",
                 "Исправьте элемент, названный в status/message: ИИН и БИН 12 цифр с верным контрольным разрядом, expiresIn целые миллисекунды."],
            en: ["The value of an element is ill-formed.",
                 "Correct the element named in status/message: IIN and BIN are 12 digits with a right control digit, expiresIn whole milliseconds."],
        }
        ElementRepeated {
            code: "element-repeated", paragraph: "F-7, ext",
            kk: ["Элемент бірнеше рет берілген.",
                 "status/message атаған элементті бір рет қана қалдырыңыз; ServiceID атауларын бір access_name ішінде «;» арқылы жазыңыз."],
            ru: ["Элемент передан несколько раз.",
                 "Оставьте элемент, названный в status/message, один раз; несколько ServiceID пишите в одном access_name через «;»."],
            en: ["An element is given more than once.",
                 "Keep the element named in status/message once; several ServiceIDs go into one access_name, separated by ';'."],
        }
        ElementUnknown {
            code: "element-unknown", paragraph: "F-7, ext",
            kk: ["Сұрау салуда белгісіз элемент бар.",
                 "status/message атаған элементтің жазылуын XSD бойынша тексеріңіз (әріп регистрі маңызды) немесе оны алып тастаңыз."],
            ru: ["В запросе есть неизвестный элемент.",
                 "Проверьте написание элемента, названного в status/message, по XSD (регистр букв важен) или уберите его."],
            en: ["The request has an unknown element.",
                 "Check the spelling of the element named in status/message against the XSD (case matters) or remove it."],
        }
        ElementsContradict {
            code: "elements-contradict", paragraph: "F-7 6)",
            kk: ["Сұрау салу элементтері бір-біріне қайшы.",
                 "status/message атаған екі элементті үйлестіріңіз: 1 және 5-тәсілде omit-sms = false, 3 және 4-тәсілде true."],
            ru: ["Элементы запроса противоречат друг другу.",
                 "Согласуйте два элемента, названные в status/message: для способов 1 и 5 omit-sms = false, для 3 и 4 true."],
            en: ["Elements of the request contradict each other.",
                 "Make the two elements named in status/message agree: methods 1 and 5 go with omit-sms = false, 3 and 4 with true."],
        }
        MessageDate {
            code: "message-date", paragraph: "F-7, ext",
            kk: ["messageDate рұқсат етілген уақыт аралығынан тыс.",
                 "messageDate элементінде жіберу сәтін уақыт белдеуімен көрсетіңіз: 24 сағаттан ескі, 5 минуттан артық болашақта болмасын."],
            ru: ["messageDate вне допустимого промежутка времени.",
                 "Укажите в messageDate время отправки с часовым поясом: не старше 24 часов и не дальше 5 минут в будущем."],
            en: ["messageDate is outside the accepted window.",
                 "Put the time of sending with its offset into messageDate: not older than 24 hours, not more than 5 minutes ahead."],
        }
        ServiceFailure {
            code: "service-failure", paragraph: "F-6, ext",
            kk: ["Сервис сұрау салуды өз қатесінен орындай алмады.",
                 "Дәл сол хабарламаны қайталаңыз: бұл қауіпсіз; қате қайталанса, decision_id мәнін сервис операторына хабарлаңыз."],
            ru: ["Сервис не выполнил запрос по своей вине.",
                 "Повторите то же сообщение: это безопасно; если ошибка остаётся, сообщите decision_id оператору сервиса."],
            en: ["The service failed to carry out the request.",
                 "Repeat the same message: it is safe; if the failure stays, give decision_id to the operator of the service."],
        }
    }
}

struct Row {
    paragraph: &'static str,
    kk: [&'static str; 2],
    ru: [&'static str; 2],
    en: [&'static str; 2],
}

impl Reason {
    /// Paragraph of the law: `F-4 5)`, `I-10`, `P-7-3`; with `, ext` where the rule is the
    /// service's own addition to that paragraph.
    #[must_use]
    pub const fn paragraph(self) -> &'static str {
        self.row().paragraph
    }
}

text_and_remedy! {
    Reason:
    /// What was decided, a sentence of at most 200 characters: `data/reason_text`.
    text;
    /// What the caller must do next, at most 200 characters, naming the elements of the request.
    remedy;
}
