//! The names of the states of an application, and what comes next in each.

use crate::text::{Lang, pick, table};

table! {
    /// The name of a state (I-5 … I-12).
    pub enum Stage: Row {
        Submitted {
            code: "submitted",
            kk: ["Берілді, қаралуда", "Қараушы 10 жұмыс күні ішінде мақұлдайды, себептерімен қайтарады немесе бас тартады."],
            ru: ["Подана, рассматривается", "Рассматривающий в течение 10 рабочих дней одобряет её, возвращает с причинами или отказывает."],
            en: ["submitted, under review", "Within 10 working days the reviewer approves it, returns it with reasons, or refuses it."],
        }
        Returned {
            code: "returned",
            kk: ["Пысықтауға қайтарылды", "Ұйым себептерді жойып, өтінімді қайта береді: kdp application resubmit."],
            ru: ["Возвращена на доработку", "Организация устраняет причины и подаёт заявку снова: kdp application resubmit."],
            en: ["returned for rework", "The organisation removes the reasons and files again: kdp application resubmit."],
        }
        Approved {
            code: "approved",
            kk: ["Мақұлданды, кілт күтілуде", "Ұйым верификация токендерінің кілтін тіркейді: kdp application register-key."],
            ru: ["Одобрена, ожидается ключ", "Организация регистрирует ключ токенов верификации: kdp application register-key."],
            en: ["approved, a key is awaited", "The organisation registers the key of its verification tokens: kdp application register-key."],
        }
        Testing {
            code: "testing",
            kk: ["Сынақта", "Ұйым сынақ ортасында қауіпсіздік токені бар он жауап алып, актіні тапсырады: kdp application submit-act."],
            ru: ["Тестируется", "Организация получает в тестовой среде десять ответов с токеном безопасности и подаёт акт: kdp application submit-act."],
            en: ["in testing", "The organisation obtains ten answers with a security token in the test environment and files the act: kdp application submit-act."],
        }
        ActSubmitted {
            code: "act-submitted",
            kk: ["Сынақ актісі тапсырылды, қаралуда", "Қараушы 10 жұмыс күні ішінде актіні қабылдайды, қайтарады немесе бас тартады."],
            ru: ["Акт тестирования подан, рассматривается", "Рассматривающий в течение 10 рабочих дней принимает акт, возвращает его или отказывает."],
            en: ["testing act submitted, under review", "Within 10 working days the reviewer accepts the act, returns it, or refuses."],
        }
        Production {
            code: "production",
            kk: ["Өнеркәсіптік ортада", "Өтінім бойынша іс аяқталды: тәсілдер мен анықтамалық жазбалары қолданыста."],
            ru: ["В промышленной среде", "Работа по заявке завершена: способы и записи справочника действуют."],
            en: ["in production", "The application has done its work: methods and directory entries are in force."],
        }
        Refused {
            code: "refused",
            kk: ["Қабылданбады", "Ұйым себептерін жойып, жаңа өтінім бере алады."],
            ru: ["Отказано", "Устранив причины, организация может подать новую заявку."],
            en: ["refused", "Once the reasons are removed, the organisation may file a new application."],
        }
        Withdrawn {
            code: "withdrawn",
            kk: ["Ұйым кері қайтарып алды", "Қажет болса, ұйым жаңа өтінім береді."],
            ru: ["Отозвана организацией", "При необходимости организация подаёт новую заявку."],
            en: ["withdrawn by the organisation", "If it is needed, the organisation files a new application."],
        }
    }
}

struct Row {
    kk: [&'static str; 2],
    ru: [&'static str; 2],
    en: [&'static str; 2],
}

impl Stage {
    /// Whether nothing can happen any more.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Production | Self::Refused | Self::Withdrawn)
    }

    /// What the state is called.
    #[must_use]
    pub const fn title(self, lang: Lang) -> &'static str {
        let [title, _] = pick!(self.row(), lang);
        title
    }

    /// Who does what next.
    #[must_use]
    pub const fn next(self, lang: Lang) -> &'static str {
        let [_, next] = pick!(self.row(), lang);
        next
    }
}
