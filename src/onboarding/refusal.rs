//! Why an event of an application changed nothing.

use crate::text::{table, text_and_remedy};

table! {
    /// A refused event: the application stays as it was.
    pub enum Refused: Row {
        FormTooLarge {
            code: "form-too-large",
            kk: ["Өтінім тым үлкен.", "Мәтіндерді қысқартыңыз немесе өтінімді бірнешеге бөліңіз: шек 256 КиБ."],
            ru: ["Заявка слишком велика.", "Сократите тексты или разделите заявку на несколько: предел 256 КиБ."],
            en: ["The application is too large.", "Shorten the texts or split the application: the limit is 256 KiB."],
        }
        PersonNamed {
            code: "person-named",
            kk: ["Мәтінде жеке тұлғаның ЖСН-і бар; ол сақталған жоқ.", "ЖСН-ді алып тастап, қайталаңыз: дербес деректер өтінімде де, себептерде де болмауы керек."],
            ru: ["В тексте есть ИИН физического лица; он не сохранён.", "Уберите ИИН и повторите: персональных данных не должно быть ни в заявке, ни в причинах."],
            en: ["A text holds the IIN of a person; it was not kept.", "Remove the IIN and repeat: personal data belong neither into an application nor into reasons."],
        }
        PrivateKey {
            code: "private-key",
            kk: ["Жабық кілт берілді; ол қабылданған жоқ және сақталған жоқ.",
                 "Бұл кілтті енді пайдаланбаңыз: жаңасын жасап, оның тек ашық бөлігін беріңіз."],
            ru: ["Передан закрытый ключ; он не принят и не сохранён.",
                 "Больше не используйте этот ключ: создайте новый и передайте только открытую часть."],
            en: ["A private key was given; it was neither taken nor kept.",
                 "Do not use this key any more: make a new one and give its public part only."],
        }
        KeyUnfit {
            code: "key-unfit",
            kk: ["Ашық кілт жарамсыз.",
                 "2048-4096 биттік RSA кілтінің PUBLIC KEY немесе CERTIFICATE блогы бар PEM мәтінін беріңіз."],
            ru: ["Открытый ключ непригоден.",
                 "Передайте текст PEM с блоком PUBLIC KEY или CERTIFICATE ключа RSA длиной 2048-4096 бит."],
            en: ["The public key is unfit.",
                 "Give a PEM text with a block PUBLIC KEY or CERTIFICATE of an RSA key of 2048 to 4096 bits."],
        }
        KeyKnown {
            code: "key-known",
            kk: ["Бұл кілт осы өтінім бойынша тіркелген.", "Ештеңе істеудің қажеті жоқ; ауыстыру үшін жаңа кілт беріңіз."],
            ru: ["Этот ключ по заявке уже зарегистрирован.", "Делать ничего не нужно; для замены передайте новый ключ."],
            en: ["This key is registered for the application already.", "Nothing is to be done; to replace it give a new key."],
        }
        KeyUnneeded {
            code: "key-unneeded",
            kk: ["Өтінімде верификация токенін қажет ететін тәсіл жоқ.",
                 "1 және 5-тәсілдерге кілт қажет емес; 2, 3 немесе 4-тәсіл керек болса, жаңа өтінім беріңіз."],
            ru: ["В заявке нет способа, которому нужен токен верификации.",
                 "Для способов 1 и 5 ключ не нужен; если нужен способ 2, 3 или 4, подайте новую заявку."],
            en: ["No method of the application needs a verification token.",
                 "Methods 1 and 5 need no key; for method 2, 3 or 4 file a new application."],
        }
        ReasonsMissing {
            code: "reasons-missing",
            kk: ["Себептері көрсетілмеген.", "Кемінде бір себепті жазыңыз: өтінім қайтарылса да, қабылданбаса да, ұйым себебін білуі керек."],
            ru: ["Причины не указаны.", "Напишите хотя бы одну причину: при возврате и при отказе организация должна её знать."],
            en: ["No reasons are given.", "Write at least one reason: the organisation must know it when an application is returned or refused."],
        }
        ReasonsUnfit {
            code: "reasons-unfit",
            kk: ["Себептер тым көп немесе тым ұзын.", "Ең көбі 100 себеп, әрқайсысы 2000 таңбадан аспасын, басқару таңбаларынсыз."],
            ru: ["Причин слишком много, или они слишком длинные.", "Не больше 100 причин, каждая до 2000 символов без управляющих."],
            en: ["There are too many reasons, or they are too long.", "At most 100 reasons, each of at most 2000 characters without control characters."],
        }
        ObjectionsStand {
            code: "objections-stand",
            kk: ["Қайтаруға жататын ескертулер бар: мақұлдауға болмайды.",
                 "kdp application preflight ескертулерін қараңыз да, өтінімді солармен қайтарыңыз немесе тізілімдерді толықтырыңыз."],
            ru: ["Есть замечания, по которым заявка возвращается: одобрить её нельзя.",
                 "Посмотрите замечания kdp application preflight и верните с ними заявку или дополните справочники."],
            en: ["Objections stand for which an application is returned: it cannot be approved.",
                 "See them by kdp application preflight and return the application with them, or complete the directories."],
        }
        EntriesMismatch {
            code: "entries-mismatch",
            kk: ["Анықтамалық жазбаларының саны мақсаттардың санына тең емес немесе қайталанады.",
                 "Әр мақсатқа ретімен бір жаңа жазба идентификаторын беріңіз."],
            ru: ["Записей справочника не столько, сколько целей, или они повторяются.",
                 "Назначьте каждой цели по порядку одну новую запись справочника."],
            en: ["There are not as many directory entries as purposes, or they repeat.",
                 "Give each purpose, in order, one new id of a directory entry."],
        }
        FormUnchanged {
            code: "form-unchanged",
            kk: ["Қайта берілген өтінім қайтарылғаннан айырмашылығы жоқ.",
                 "Қайтару себептерін қарап, өтінімді түзетіңіз: kdp application show."],
            ru: ["Повторно поданная заявка не отличается от возвращённой.",
                 "Посмотрите причины возврата и исправьте заявку: kdp application show."],
            en: ["The application that is filed again does not differ from the one returned.",
                 "See the reasons it was returned for and correct it: kdp application show."],
        }
        OrganisationChanged {
            code: "organisation-changed",
            kk: ["Қайта берілген өтінім басқа БСН-ге жатады.", "Басқа ұйым үшін жаңа өтінім беріңіз."],
            ru: ["Повторно поданная заявка относится к другому БИН.", "Для другой организации подайте новую заявку."],
            en: ["The application that is filed again is of another BIN.", "File a new application for another organisation."],
        }
        NotUnderReview {
            code: "not-under-review",
            kk: ["Өтінім қаралып жатқан жоқ: бұл шешім оған қолданылмайды.",
                 "Өтінім берілген немесе қайта берілгенде ғана мақұлданады, қайтарылады; күйін kdp application show көрсетеді."],
            ru: ["Заявка не на рассмотрении: такое решение к ней не применимо.",
                 "Одобряют и возвращают поданную заявку или поданный акт; состояние покажет kdp application show."],
            en: ["The application is not under review: this decision does not apply.",
                 "A filed application or act is approved or returned; kdp application show tells the state."],
        }
        NotReturned {
            code: "not-returned",
            kk: ["Өтінім қайтарылған жоқ: оны қайта беруге болмайды.",
                 "Қаралуын күтіңіз немесе өтінімді кері қайтарып алып, жаңасын беріңіз."],
            ru: ["Заявка не возвращена: подать её повторно нельзя.",
                 "Дождитесь рассмотрения или отзовите заявку и подайте новую."],
            en: ["The application was not returned: it cannot be filed again.",
                 "Wait for the review, or withdraw the application and file a new one."],
        }
        NotApproved {
            code: "not-approved",
            kk: ["Өтінім мақұлданбаған: сынақ әлі басталған жоқ.",
                 "Кілттер мен сынақ актісі мақұлданғаннан кейін ғана қабылданады."],
            ru: ["Заявка не одобрена: тестирование ещё не началось.",
                 "Ключи и акт тестирования принимаются только после одобрения."],
            en: ["The application is not approved: testing has not begun.",
                 "Keys and the testing act are taken after the approval only."],
        }
        KeyAwaited {
            code: "key-awaited",
            kk: ["Верификация токендерінің кілті әлі тіркелмеген.",
                 "Кілтті kdp application register-key арқылы тіркеп, сынақты аяқтаңыз."],
            ru: ["Ключ токенов верификации ещё не зарегистрирован.",
                 "Зарегистрируйте ключ через kdp application register-key и завершите тестирование."],
            en: ["The key of the verification tokens is not registered yet.",
                 "Register it by kdp application register-key and finish the testing."],
        }
        TooFewAnswers {
            code: "too-few-answers",
            kk: ["Қауіпсіздік токені бар он табысты жауап жоқ.",
                 "kdp application answers қай жауап неліктен есептелмегенін көрсетеді; жетіспейтінін орындаңыз."],
            ru: ["Нет десяти успешных ответов с токеном безопасности.",
                 "kdp application answers покажет, какой ответ почему не засчитан; получите недостающие."],
            en: ["There are no ten successful answers with a security token.",
                 "kdp application answers shows which answer did not count and why; obtain those that are missing."],
        }
        ActUnreadable {
            code: "act-unreadable",
            kk: ["Сынақ актісі оқылмайды.", "kdp application act берген қол қойылған файлды өзгеріссіз беріңіз."],
            ru: ["Акт тестирования не читается.", "Передайте подписанный файл от kdp application act без изменений."],
            en: ["The testing act is not readable.", "Hand in the signed file of kdp application act unchanged."],
        }
        ActSignature {
            code: "act-signature",
            kk: ["Актінің қолтаңбасы сынақты есептеген сервистің кілттеріне сәйкес келмейді.",
                 "kdp application act берген файлды өзгеріссіз беріңіз; басқа ортада жасалған акт үшін сол ортаның JWKS файлын көрсетіңіз (--jwks)."],
            ru: ["Подпись акта не подходит к ключам сервиса, который засчитал ответы.",
                 "Передайте файл от kdp application act без изменений; для акта другой среды укажите её файл JWKS (--jwks)."],
            en: ["The signature of the act does not fit the keys of the service that counted the answers.",
                 "Hand in the file of kdp application act unchanged; for an act of another environment give its JWKS file (--jwks)."],
        }
        ActOfAnotherApplication {
            code: "act-of-another-application",
            kk: ["Акт басқа өтінім бойынша жасалған.", "Осы өтінімнің актісін жасаңыз: kdp application act."],
            ru: ["Акт составлен по другой заявке.", "Сформируйте акт этой заявки: kdp application act."],
            en: ["The act is of another application.", "Form the act of this application: kdp application act."],
        }
        ActOfAnotherOrganisation {
            code: "act-of-another-organisation",
            kk: ["Актідегі БСН өтінімдегі БСН-ге тең емес.", "Өз ұйымыңыздың актісін беріңіз."],
            ru: ["БИН в акте не равен БИН заявки.", "Передайте акт своей организации."],
            en: ["The BIN of the act is not that of the application.", "Hand in the act of your own organisation."],
        }
        ActMethods {
            code: "act-methods",
            kk: ["Акт өтінімдегі тәсілдердің бәрін қамтымайды.",
                 "Сынақ ортасында барлық тәсілі бар өтінім бойынша акт жасаңыз немесе артық тәсілді алып тастаңыз."],
            ru: ["Акт охватывает не все способы заявки.",
                 "Сформируйте в тестовой среде акт по заявке со всеми способами или уберите лишний способ."],
            en: ["The act does not cover all methods of the application.",
                 "Form an act in the test environment for an application with all methods, or leave a method out."],
        }
        ActServices {
            code: "act-services",
            kk: ["Акт өтінімдегі ServiceID-лердің бәрін қамтымайды.",
                 "Сынақ ортасында барлық ServiceID бар өтінім бойынша акт жасаңыз немесе артығын алып тастаңыз."],
            ru: ["Акт охватывает не все ServiceID заявки.",
                 "Сформируйте в тестовой среде акт по заявке со всеми ServiceID или уберите лишние."],
            en: ["The act does not cover all ServiceIDs of the application.",
                 "Form an act in the test environment for an application with all ServiceIDs, or leave some out."],
        }
        ActAnswersUnknown {
            code: "act-answers-unknown",
            kk: ["Актіде сервис есептемеген жауап бар.", "Актіні жаңадан жасаңыз: kdp application act."],
            ru: ["В акте есть ответ, который сервис не засчитал.", "Сформируйте акт заново: kdp application act."],
            en: ["The act lists an answer that the service did not count.", "Form the act anew: kdp application act."],
        }
        ActTime {
            code: "act-time",
            kk: ["Акт өтінім мақұлданғанға дейін немесе болашақта жасалған.",
                 "Сағаттарды тексеріп, актіні жаңадан жасаңыз: kdp application act."],
            ru: ["Акт составлен до одобрения заявки или в будущем.",
                 "Проверьте часы и сформируйте акт заново: kdp application act."],
            en: ["The act was formed before the approval, or in the future.",
                 "Check the clocks and form the act anew: kdp application act."],
        }
        ActFiled {
            code: "act-filed",
            kk: ["Акт тапсырылған және қаралуда.", "Шешімді күтіңіз; түзету керек болса, акт қайтарылғаннан кейін жаңасын беріңіз."],
            ru: ["Акт уже подан и рассматривается.", "Дождитесь решения; если нужно исправление, подайте новый акт после возврата."],
            en: ["The act is filed and under review.", "Wait for the decision; to correct it, file a new act after it was returned."],
        }
        ActNotFiled {
            code: "act-not-filed",
            kk: ["Сынақ актісі тапсырылмаған: өнеркәсіптік ортаға өткізуге болмайды.",
                 "Ұйым актіні kdp application submit-act арқылы тапсыруы керек."],
            ru: ["Акт тестирования не подан: в промышленную среду перевести нельзя.",
                 "Организация должна подать акт: kdp application submit-act."],
            en: ["The testing act is not filed: the initiator cannot go into production.",
                 "The organisation must file it: kdp application submit-act."],
        }
        Ended {
            code: "application-ended",
            kk: ["Өтінім бойынша іс аяқталған.", "Өзгеріс қажет болса, жаңа өтінім беріңіз."],
            ru: ["Работа по заявке завершена.", "Если нужно изменение, подайте новую заявку."],
            en: ["The application has ended.", "If a change is needed, file a new application."],
        }
        AlreadyFiled {
            code: "already-filed",
            kk: ["Өтінім бұрын берілген.", "Қайтарылған өтінімді kdp application resubmit арқылы қайта беріңіз."],
            ru: ["Заявка уже подана.", "Возвращённую заявку подают через kdp application resubmit."],
            en: ["The application was filed before.", "A returned application is filed again by kdp application resubmit."],
        }
        HistoryFull {
            code: "history-full",
            kk: ["Өтінім бойынша оқиға тым көп.", "Өтінімді кері қайтарып алып, жаңасын беріңіз."],
            ru: ["По заявке слишком много событий.", "Отзовите заявку и подайте новую."],
            en: ["Too much has happened to this application.", "Withdraw it and file a new one."],
        }
    }
}

struct Row {
    kk: [&'static str; 2],
    ru: [&'static str; 2],
    en: [&'static str; 2],
}

text_and_remedy! {
    Refused:
    /// What stands in the way, a sentence of at most 200 characters.
    text;
    /// What to do about it.
    remedy;
}
