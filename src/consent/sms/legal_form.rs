//! Short names of legal forms, so that the room in an SMS is left to what tells initiators apart.

/// Spelt-out forms as [`transliterate`](super::transliterate) writes them, lower case, and the
/// abbreviations that people know. A form stands before any form that is a part of it.
const FORMS: [(&str, &str); 12] = [
    ("tovarischestvo s ogranichennoi otvetstvennostyu", "TOO"),
    ("nekommercheskoe aktsionernoe obschestvo", "NAO"),
    ("aktsionernoe obschestvo", "AO"),
    ("respublikanskoe gosudarstvennoe uchrejdenie", "RGU"),
    ("kommunalnoe gosudarstvennoe uchrejdenie", "KGU"),
    ("gosudarstvennoe uchrejdenie", "GU"),
    ("individualnyi predprinimatel", "IP"),
    ("jauapkershiligi shekteuli seriktestigi", "JSHS"),
    ("aktsionerlik qogamy", "AQ"),
    ("respublikalyq memlekettik mekemesi", "RMM"),
    ("memlekettik mekemesi", "MM"),
    ("jeke kasipker", "JK"),
];

/// Abbreviates each legal form in a name that is already in Latin letters.
pub(super) fn abbreviated(name: String) -> String {
    FORMS.iter().fold(name, |name, (long, short)| {
        // ASCII lower case keeps every byte in its place.
        let at = name.to_ascii_lowercase().find(long);
        let around = at.and_then(|at| Some((name.get(..at)?, name.get(at + long.len()..)?)));
        match around {
            Some((before, after)) => format!("{before}{short}{after}"),
            None => name,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::transliterate::transliterate;

    #[test]
    fn a_spelt_out_form_gives_way_to_its_abbreviation() {
        let names = [
            ("Товарищество с ограниченной ответственностью «Мысал»", "TOO \"Mysal\""),
            ("«МЫСАЛ» ЖАУАПКЕРШІЛІГІ ШЕКТЕУЛІ СЕРІКТЕСТІГІ", "\"MYSAL\" JSHS"),
            ("Некоммерческое акционерное общество «Мысал»", "NAO \"Mysal\""),
            ("«Мысал» акционерлік қоғамы", "\"Mysal\" AQ"),
            ("Республиканское государственное учреждение «Мысал»", "RGU \"Mysal\""),
            ("Жеке кәсіпкер Мысалов", "JK Mysalov"),
            ("АО «Мысал»", "AO \"Mysal\""),
            ("Société é", "Société é"),
        ];
        for (name, short) in names {
            assert_eq!(abbreviated(transliterate(name)), short);
        }
    }
}
