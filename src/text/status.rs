//! Codes of responseInfo/status: was the request understood and decided?

use super::{Lang, pick, table};

table! {
    /// Code of responseInfo/status (wire.md 4). A refusal is a `Success`: it was decided.
    pub enum StatusCode: Row {
        Success {
            code: "SCSS001",
            // Clients compare this text exactly, whatever language they asked for.
            kk: "Message has been processed successfully",
            ru: "Message has been processed successfully",
            en: "Message has been processed successfully",
        }
        Business {
            code: "SCSE001",
            kk: "Сұрау салу орындалмады: бизнес-логика қатесі",
            ru: "Запрос не выполнен: ошибка бизнес-логики",
            en: "The request was not carried out: business error",
        }
        Data {
            code: "SCSE002",
            kk: "Сұрау салу деректерінде қате бар",
            ru: "Ошибка в данных запроса",
            en: "Error in the data of the request",
        }
        OwnFailure {
            code: "SCSE003",
            kk: "Сервистің ішкі қатесі; сұрау салуды қауіпсіз қайталауға болады",
            ru: "Внутренняя ошибка сервиса; запрос можно безопасно повторить",
            en: "Internal failure of the service; it is safe to repeat the request",
        }
    }
}

struct Row {
    kk: &'static str,
    ru: &'static str,
    en: &'static str,
}

impl StatusCode {
    /// Text without a final stop, at most 200 characters: for `Data` the caller appends a colon
    /// and the name of the element, within the 250 characters of responseInfo/status/message.
    #[must_use]
    pub const fn message(self, lang: Lang) -> &'static str {
        pick!(self.row(), lang)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_says_the_same_exact_words_in_every_language() {
        for lang in Lang::ALL {
            let message = StatusCode::Success.message(lang);
            assert_eq!(message, "Message has been processed successfully");
        }
        assert_eq!(StatusCode::Success.code(), "SCSS001");
    }
}
