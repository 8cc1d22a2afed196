//! The list of persons with access in kk, ru and en.

use kdp::operator::{Role, Roles, Step};
use kdp::text::Lang;

/// The words of the list in one language.
pub struct Words {
    /// Its title.
    pub title: &'static str,
    /// The title of its history.
    pub history: &'static str,
    /// Columns: name, full name, roles, since, given by, state.
    pub heading: [&'static str; 6],
    /// Columns of the history: name, time, what, roles, by whom.
    pub steps: [&'static str; 5],
    /// Has access.
    pub active: &'static str,
    /// Has none any more.
    pub dismissed: &'static str,
    roles: [&'static str; 4],
    did: [&'static str; 5],
}

impl Words {
    /// Roles in words.
    pub fn roles(&self, roles: &Roles) -> String {
        let words =
            Role::ALL.iter().zip(self.roles).filter(|(role, _)| roles.has(**role)).map(|(_, word)| word);
        words.collect::<Vec<_>>().join(", ")
    }

    /// What a revision did.
    pub fn step(&self, step: Step) -> &'static str {
        let [added, roles, password, dismissed, restored] = self.did;
        match step {
            Step::Added => added,
            Step::Roles => roles,
            Step::Password => password,
            Step::Dismissed => dismissed,
            Step::Restored => restored,
        }
    }
}

/// The words in a language.
pub fn words(lang: Lang) -> &'static Words {
    match lang {
        Lang::Kk => &KK,
        Lang::Ru => &RU,
        Lang::En => &EN,
    }
}

const KK: Words = Words {
    title: "Дербес деректерге қолжетімділігі бар адамдардың тізбесі",
    history: "Өзгерістер тарихы",
    heading: ["ЛОГИН", "АТЫ-ЖӨНІ", "РӨЛДЕРІ", "ҚАШАННАН БЕРІ", "КІМ БЕРДІ", "КҮЙІ"],
    steps: ["ЛОГИН", "УАҚЫТЫ", "НЕ БОЛДЫ", "РӨЛДЕРІ", "КІМ ЖАСАДЫ"],
    active: "қолжетімділігі бар",
    dismissed: "қолжетімділігі тоқтатылды",
    roles: ["тіркеуші", "қауіпсіздік офицері", "аудитор", "қолдау"],
    did: [
        "қолжетімділік берілді",
        "рөлдері өзгертілді",
        "құпиясөзі өзгертілді",
        "қолжетімділік тоқтатылды",
        "қолжетімділік қайтарылды",
    ],
};

const RU: Words = Words {
    title: "Перечень лиц, имеющих доступ к персональным данным",
    history: "История изменений",
    heading: ["ЛОГИН", "ФИО", "РОЛИ", "С КАКОГО ВРЕМЕНИ", "КЕМ ПРЕДОСТАВЛЕН", "СОСТОЯНИЕ"],
    steps: ["ЛОГИН", "ВРЕМЯ", "ЧТО ИЗМЕНЕНО", "РОЛИ", "КЕМ"],
    active: "имеет доступ",
    dismissed: "доступ прекращён",
    roles: ["регистратор", "офицер безопасности", "аудитор", "поддержка"],
    did: ["доступ предоставлен", "роли изменены", "пароль изменён", "доступ прекращён", "доступ возобновлён"],
};

const EN: Words = Words {
    title: "List of persons with access to personal data",
    history: "History of changes",
    heading: ["NAME", "FULL NAME", "ROLES", "SINCE", "GIVEN BY", "STATE"],
    steps: ["NAME", "TIME", "WHAT", "ROLES", "BY"],
    active: "has access",
    dismissed: "dismissed",
    roles: ["registrar", "security officer", "auditor", "support"],
    did: ["access given", "roles changed", "password changed", "dismissed", "access given again"],
};
