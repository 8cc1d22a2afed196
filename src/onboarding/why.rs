//! Why an answer is not one of the ten (I-11).

use crate::text::{table, text_and_remedy};

table! {
    /// Why an answer did not count.
    pub enum Why: Row {
        BeforeApproval {
            code: "before-approval",
            kk: ["Жауап өтінім мақұлданғанға дейін алынған.", "Сұрау салуды мақұлданғаннан кейін қайталаңыз."],
            ru: ["Ответ получен до одобрения заявки.", "Повторите запрос после одобрения."],
            en: ["The answer was given before the application was approved.", "Ask again after the approval."],
        }
        AfterAct {
            code: "after-act",
            kk: ["Жауап сынақ актісі тапсырылғаннан кейін алынған.", "Ештеңе істеудің қажеті жоқ; акт қайтарылса, жауап жаңа актіде есептеледі."],
            ru: ["Ответ получен после подачи акта тестирования.", "Делать ничего не нужно; если акт вернут, ответ войдёт в новый."],
            en: ["The answer was given after the testing act was filed.", "Nothing is to be done; if the act is returned, the answer counts for a new one."],
        }
        Waiting {
            code: "waiting",
            kk: ["Бұл субъектіден жауап күту туралы хабар: онда токен жоқ.", "Сол request_id мәнімен қайталаңыз: токен бар жауап есептеледі."],
            ru: ["Это сообщение об ожидании ответа субъекта: токена в нём нет.", "Повторите запрос с тем же request_id: засчитывается ответ с токеном."],
            en: ["This answer says that the subject is awaited: it holds no token.", "Repeat with the same request_id: the answer with the token counts."],
        }
        NotValid {
            code: "not-valid",
            kk: ["Жауапта рұқсат жоқ.", "Төмендегі себепті жойып, сұрау салуды қайталаңыз."],
            ru: ["В доступе отказано.", "Устраните указанную причину и повторите запрос."],
            en: ["The answer is no grant.", "Remove the reason that is given and ask again."],
        }
        NoToken {
            code: "no-token",
            kk: ["Жауапта қауіпсіздік токені жоқ.", "Токен алу үшін сұрау салуды dry_run элементінсіз жіберіңіз."],
            ru: ["В ответе нет токена безопасности.", "Чтобы получить токен, направьте запрос без dry_run."],
            en: ["The answer holds no security token.", "To obtain a token send the request without dry_run."],
        }
        TokenRepeated {
            code: "token-repeated",
            kk: ["Бұрын есептелген токен қайта берілген.", "Жаңа токен алыңыз: басқа субъект, басқа ServiceID немесе жаңа ovt."],
            ru: ["Повторно выдан уже засчитанный токен.", "Получите новый токен: другой субъект, другие ServiceID или новый ovt."],
            en: ["A token that was counted before was answered again.", "Obtain a new token: another subject, other ServiceIDs, or a new ovt."],
        }
        MethodOutside {
            code: "method-outside",
            kk: ["Өтінімде мұндай тәсіл жоқ.", "Өтінімде аталған тәсілмен сұраңыз."],
            ru: ["Этого способа нет в заявке.", "Запрашивайте способом, указанным в заявке."],
            en: ["This method is not applied for.", "Ask by a method of the application."],
        }
        EntryUnnamed {
            code: "entry-unnamed",
            kk: ["Сұрау салуда directory_id жоқ.", "directory_id элементінде осы өтінімнің анықтамалық жазбасын көрсетіңіз."],
            ru: ["В запросе нет directory_id.", "Укажите в directory_id запись справочника этой заявки."],
            en: ["The request names no directory_id.", "Name in directory_id the directory entry of this application."],
        }
        EntryOutside {
            code: "entry-outside",
            kk: ["Анықтамалық жазбасы осы өтінімге жатпайды.", "directory_id элементінде осы өтінімнің жазбасын көрсетіңіз."],
            ru: ["Запись справочника не относится к этой заявке.", "Укажите в directory_id запись этой заявки."],
            en: ["The directory entry is not of this application.", "Name in directory_id an entry of this application."],
        }
        ServiceOutside {
            code: "service-outside",
            kk: ["Сұралған ServiceID өтінімнің осы мақсатында жоқ.", "access_name ішінде тек осы мақсаттың ServiceID атауларын қалдырыңыз."],
            ru: ["Запрошенного ServiceID нет в этой цели заявки.", "Оставьте в access_name только ServiceID этой цели."],
            en: ["A ServiceID that was asked for is not of this purpose.", "Keep in access_name the ServiceIDs of this purpose only."],
        }
    }
}

struct Row {
    kk: [&'static str; 2],
    ru: [&'static str; 2],
    en: [&'static str; 2],
}

text_and_remedy! {
    Why:
    /// Why it did not count, a sentence.
    text;
    /// What to do so that the next one counts.
    remedy;
}
