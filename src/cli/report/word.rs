//! The words of a report in kk, ru and en.

use kdp::text::Lang;

/// The words of one language.
pub struct Words {
    /// Above all.
    pub title: &'static str,
    /// Before the dates.
    pub period: &'static str,
    /// Column of organisations.
    pub bin: &'static str,
    /// Column of their names.
    pub name: &'static str,
    /// Row or column of sums.
    pub total: &'static str,
    /// Requests by method.
    pub requests: &'static str,
    /// Before the number of a method.
    pub method: &'static str,
    /// Decisions by outcome.
    pub outcomes: &'static str,
    /// Column of codes.
    pub outcome: &'static str,
    /// Column of counts.
    pub count: &'static str,
    /// What a code means.
    pub meaning: &'static str,
    /// Time to the answer.
    pub waits: &'static str,
    /// How many were answered.
    pub answered: &'static str,
    /// Median, seconds.
    pub median: &'static str,
    /// 90th percentile, seconds.
    pub p90: &'static str,
    /// Applications for revocation.
    pub revocations: &'static str,
    /// All of them.
    pub filed: &'static str,
    /// F-19.
    pub approved: &'static str,
    /// F-20.
    pub refused: &'static str,
    /// F-21.
    pub lapsed: &'static str,
    /// Not decided.
    pub open: &'static str,
    /// Checks of tokens by owners.
    pub checks: &'static str,
    /// What "<N" means.
    pub small: &'static str,
    /// What "*" means.
    pub withheld: &'static str,
    /// Instead of tables.
    pub nothing: &'static str,
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
    title: "Дербес деректерге қол жеткізуді бақылау туралы есеп",
    period: "Кезең",
    bin: "БСН",
    name: "Бастамашы",
    total: "Барлығы",
    requests: "Тәсілдер бойынша сұрау салулар",
    method: "тәсіл",
    outcomes: "Шешімдер нәтижелері бойынша",
    outcome: "Код",
    count: "Саны",
    meaning: "Мағынасы",
    waits: "Субъект жауабын күту уақыты (1 және 5-тәсілдер)",
    answered: "жауап алынды",
    median: "медиана, с",
    p90: "90-процентиль, с",
    revocations: "Келісімді кері қайтарып алу өтінімдері",
    filed: "берілді",
    approved: "қанағаттандырылды",
    refused: "бас тартылды",
    lapsed: "мерзімінде қаралмады",
    open: "қаралуда",
    checks: "Меншік иелерінің токендерді тексеруі",
    small: "көрсетілген шектен аз, ашылмайды",
    withheld: "аз сандарды есептеп шығаруға болмауы үшін ашылмайды",
    nothing: "бұл кезеңде көрсететін ештеңе жоқ",
};

const RU: Words = Words {
    title: "Отчёт о контроле доступа к персональным данным",
    period: "Период",
    bin: "БИН",
    name: "Инициатор",
    total: "Всего",
    requests: "Запросы по способам",
    method: "способ",
    outcomes: "Решения по исходам",
    outcome: "Код",
    count: "Число",
    meaning: "Значение",
    waits: "Время ожидания ответа субъекта (способы 1 и 5)",
    answered: "отвечено",
    median: "медиана, с",
    p90: "90-й процентиль, с",
    revocations: "Заявки на отзыв согласия",
    filed: "подано",
    approved: "удовлетворено",
    refused: "отказано",
    lapsed: "не рассмотрено в срок",
    open: "на рассмотрении",
    checks: "Проверки токенов собственниками",
    small: "меньше указанного порога, не раскрывается",
    withheld: "не раскрывается, чтобы малые числа нельзя было вычислить",
    nothing: "за этот период показывать нечего",
};

const EN: Words = Words {
    title: "Report on the control of access to personal data",
    period: "Period",
    bin: "BIN",
    name: "Initiator",
    total: "Total",
    requests: "Requests by method",
    method: "method",
    outcomes: "Decisions by outcome",
    outcome: "Code",
    count: "Count",
    meaning: "Meaning",
    waits: "Time to the subject's answer (methods 1 and 5)",
    answered: "answered",
    median: "median, s",
    p90: "90th percentile, s",
    revocations: "Applications for revocation",
    filed: "filed",
    approved: "approved",
    refused: "refused",
    lapsed: "not reviewed in time",
    open: "under review",
    checks: "Token checks by owners",
    small: "less than this threshold, not disclosed",
    withheld: "not disclosed, so that small numbers cannot be computed",
    nothing: "nothing to show of this period",
};
