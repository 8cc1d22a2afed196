//! What was found in the journal, in kk, ru and en.

use kdp::clock;
use kdp::journal::exported::{FileFlaw, Verdict};
use kdp::journal::head::Flaw;
use kdp::journal::verify::{Break, Found, OfNode, Part};
use kdp::store::seal::hex;
use kdp::text::Lang;
use kdp::token::statement::StatementError;
use std::fmt::Write as _;

/// The one of three that is in the language.
fn of<T>(lang: Lang, [kk, ru, en]: [T; 3]) -> T {
    match lang {
        Lang::Kk => kk,
        Lang::Ru => ru,
        Lang::En => en,
    }
}

/// The verdict on one chain, and what other nodes say of it.
pub fn of_node(one: &OfNode, lang: Lang) -> String {
    let mut text = found(&one.found, one.node.as_deref(), lang);
    if let Some(attested) = one.attested {
        let claims = one.claims;
        let _ = writeln!(
            text,
            "{}",
            of(
                lang,
                [
                    format!("Басқа түйіндердің мәндері растайды: {claims}, соңғысы № {attested} жазбаны."),
                    format!("Подтверждают головы других узлов: {claims}, последняя — запись № {attested}."),
                    format!(
                        "Heads of other nodes that confirm it: {claims}, the last record no. {attested}."
                    ),
                ]
            )
        );
    }
    if let Some(witness) = &one.witness {
        let (node, head) = (witness.node.as_deref().unwrap_or("-"), witness.head);
        let at = clock::text(witness.at);
        let _ = writeln!(
            text,
            "{}",
            of(
                lang,
                [
                    format!("Оны {node} түйінінің № {head} жазбадағы мәні айтады, қол қойылған уақыты {at}."),
                    format!("Об этом говорит голова узла {node} при его записи № {head}, подписанная {at}."),
                    format!("The head of node {node} at its record no. {head} tells so, signed {at}."),
                ]
            )
        );
    }
    text
}

/// The verdict on records and heads, and how far they hold.
fn found(found: &Found, node: Option<&str>, lang: Lang) -> String {
    let mut text = node.map_or_else(String::new, |node| {
        // Nobody may have vouched for it.
        let node = node.replace(char::is_control, "\u{fffd}");
        format!("{}: {node}\n", of(lang, ["Түйін", "Узел", "Node"]))
    });
    match &found.broken {
        None => {
            text += of(lang, ["Журнал бұзылмаған.\n", "Журнал не нарушен.\n", "The journal is unbroken.\n"]);
        }
        Some(broken) => {
            let word = of(lang, ["Журнал бұзылған", "Журнал нарушен", "The journal is broken"]);
            let _ = writeln!(text, "{word} ({}): {}", broken.code(), told(broken, lang));
        }
    }
    let (records, last, heads, known) = (found.records, found.last, found.heads, found.known);
    let _ = writeln!(
        text,
        "{}",
        of(
            lang,
            [
                format!(
                    "Дұрыс жазбалар: {records}, соңғысы № {last}; оларды растайтын қол қойылған мәндер: {heads}."
                ),
                format!(
                    "Верных записей: {records}, последняя № {last}; подтверждающих их подписанных голов: {heads}."
                ),
                format!(
                    "Records that hold: {records}, the last is no. {last}; signed heads that confirm them: {heads}."
                ),
            ]
        )
    );
    if known > 0 {
        let _ = writeln!(
            text,
            "{}",
            of(
                lang,
                [
                    format!("Сырттан белгілі мәндерге сай келгені: {known}."),
                    format!("Совпало со значениями, известными извне: {known}."),
                    format!("Values known from outside that agree: {known}."),
                ]
            )
        );
    }
    if found.taken_over > 0 {
        let _ = writeln!(text, "{}", taken_over(found.taken_over, lang));
    }
    if found.broken.is_none() {
        let of_node =
            node.map_or_else(String::new, |node| format!(" --node {}", node.replace(char::is_control, "")));
        let head = format!("{last}:{}{of_node}", hex(&found.chain));
        let _ = writeln!(
            text,
            "{}",
            of(
                lang,
                [
                    format!("Басқа жерде сақтаңыз, кейін тексеру үшін: --head {head}"),
                    format!("Сохраните в другом месте для будущих проверок: --head {head}"),
                    format!("Keep elsewhere, for verifications to come: --head {head}"),
                ]
            )
        );
    }
    text
}

fn taken_over(last: i64, lang: Lang) -> String {
    of(
        lang,
        [
            format!(
                "№ {last} дейінгі жазбалар тізбек болмаған нұсқадан алынған: оның алдында өзгертілмегені дәлелденбейді."
            ),
            format!(
                "Записи до № {last} включительно перенесены из версии без цепочки: что они не менялись прежде, не доказано."
            ),
            format!(
                "Records up to no. {last} come from a version without a chain: that they were not changed before is not proven."
            ),
        ],
    )
}

/// How many records no head confirms yet.
pub fn unsigned(records: i64, lang: Lang) -> String {
    of(
        lang,
        [
            format!(
                "Әлі қол қойылмаған соңғы жазбалар: {records}. Олардың өзгертілмегенін тек тізбек көрсетеді."
            ),
            format!("Последних записей, ещё не подписанных: {records}. За них говорит только цепочка."),
            format!("Last records that are not signed yet: {records}. The chain alone speaks for them."),
        ],
    )
}

/// That not all was looked at.
pub fn begun(from: i64, lang: Lang) -> String {
    of(
        lang,
        [
            format!("№ {from} жазбадан бұрынғылар тексерілген жоқ."),
            format!("Записи до № {from} не проверялись."),
            format!("Records before no. {from} were not looked at."),
        ],
    )
}

/// The verdict on an export.
pub fn export(verdict: &Verdict, given: bool, lang: Lang) -> String {
    let header = &verdict.header;
    let mut text = String::new();
    let rows = [
        (of(lang, ["Орнату", "Установка", "Installation"]), &header.installation),
        (of(lang, ["Кезеңнің басы", "Начало периода", "From"]), &header.from),
        (of(lang, ["Кезеңнің соңы", "Конец периода", "To"]), &header.to),
        (of(lang, ["Шығарылды", "Выгружено", "Exported"]), &header.exported_at),
        (of(lang, ["Кім шығарды", "Кем", "By"]), &header.exported_by),
    ];
    for (name, value) in rows {
        // Nobody may have vouched for it.
        let _ = writeln!(text, "{name}: {}", value.replace(char::is_control, "\u{fffd}"));
    }
    text += &found(&verdict.found, header.node.as_deref(), lang);
    if let Some(flaw) = verdict.file {
        let word = of(lang, ["Файл бүтін емес", "Файл не цел", "The file is not whole"]);
        let _ = writeln!(text, "{word} ({}): {}", flaw.code(), file(flaw, lang));
    }
    if !given {
        text += of(
            lang,
            [
                "НАЗАР АУДАРЫҢЫЗ: кілттер файлдың өзінен алынды (--unauthenticated): файлды кім жасағаны дәлелденген жоқ.\n",
                "ВНИМАНИЕ: ключи взяты из самого файла (--unauthenticated): кем он сделан, не доказано.\n",
                "NOTE: the keys come from the file itself (--unauthenticated): who made it is not proven.\n",
            ],
        );
    } else if verdict.heads_by_file > 0 {
        let count = verdict.heads_by_file;
        let _ = writeln!(
            text,
            "{}",
            of(
                lang,
                [
                    format!("{count} мәннің кілтін тек файл атайды; ол үшін файлдың қолтаңбасы кепіл."),
                    format!("Ключи {count} голов названы только в файле; за них ручается подпись файла."),
                    format!(
                        "The keys of {count} heads are named by the file alone; its signature vouches for them."
                    ),
                ]
            )
        );
    }
    text
}

fn told(broken: &Break, lang: Lang) -> String {
    match *broken {
        Break::Changed { seq, part } => changed(seq, part, lang),
        Break::Missing { from, to } => of(
            lang,
            [
                format!("№ {from} – {to} жазбалар жоқ (саны {}).", to - from + 1),
                format!("нет записей с № {from} по № {to} (всего {}).", to - from + 1),
                format!("records no. {from} to {to} are missing ({} of them).", to - from + 1),
            ],
        ),
        Break::Removed { at, count } => of(
            lang,
            [
                format!("№ {at} орнында {count} жазба алынып тасталған, кейінгілері қайта нөмірленген."),
                format!("на месте № {at} изъято записей: {count}; последующие перенумерованы."),
                format!("at no. {at}, {count} records were taken out, and those after them numbered anew."),
            ],
        ),
        Break::Inserted { seq } => of(
            lang,
            [
                format!("№ {seq} жазба кейін қосылған."),
                format!("запись № {seq} вставлена."),
                format!("record no. {seq} was put in."),
            ],
        ),
        Break::Swapped { seq } => of(
            lang,
            [
                format!("№ {seq} және № {} жазбалардың орны ауыстырылған.", seq + 1),
                format!("записи № {seq} и № {} переставлены.", seq + 1),
                format!("records no. {seq} and {} stand in each other's place.", seq + 1),
            ],
        ),
        Break::Replaced { seq } => of(
            lang,
            [
                format!(
                    "№ {seq} жазба алдыңғысының жалғасы емес: ауыстырылған, жылжытылған немесе тізбегімен бірге өзгертілген."
                ),
                format!(
                    "запись № {seq} не продолжает предыдущую: подменена, перемещена или изменена вместе с цепочкой."
                ),
                format!(
                    "record no. {seq} does not follow the one before it: replaced, moved, or changed with its chain."
                ),
            ],
        ),
        Break::Cut { last, known } => of(
            lang,
            [
                format!(
                    "соңы жоқ: соңғы жазба № {last}, ал № {known} болғаны белгілі; кемінде {} жазба жетіспейді.",
                    known - last
                ),
                format!(
                    "конец отрезан: последняя запись № {last}, но известна № {known}; не хватает не менее {}.",
                    known - last
                ),
                format!(
                    "the end is missing: the last record is no. {last}, but no. {known} is known; at least {} are missing.",
                    known - last
                ),
            ],
        ),
        Break::Rebuilt { from, to } => of(
            lang,
            [
                format!(
                    "№ {to} жазбаның қол қойылған мәні тізбекке қайшы: № {from} – {to} арасындағы жазба өзгертіліп, тізбек қайта есептелген."
                ),
                format!(
                    "голова записи № {to} противоречит цепочке: между № {from} и № {to} что-то изменено, и цепочка пересчитана."
                ),
                format!(
                    "the head of record no. {to} contradicts the chain: from no. {from} to {to} something was changed and chained anew."
                ),
            ],
        ),
        Break::Unsigned { from, to } => without_head(from, to, lang),
        Break::Contradicted { from, to } => contradicted(from, to, lang),
        Break::Gone { known } => gone(known, lang),
        Break::Head { seq, flaw } => of(
            lang,
            [
                format!("№ {seq} жазбаның қол қойылған мәні жарамсыз: {}", self::flaw(flaw, lang)),
                format!("голова записи № {seq} негодна: {}", self::flaw(flaw, lang)),
                format!("the head of record no. {seq} is none: {}", self::flaw(flaw, lang)),
            ],
        ),
    }
}

fn contradicted(from: i64, to: i64, lang: Lang) -> String {
    of(
        lang,
        [
            format!(
                "басқа түйін № {to} жазбаға дейінгі тізбекті өзгеше деп қол қойған: № {from} – {to} арасындағы жазба өз мәндерімен бірге өзгертілген немесе сол мән жалған."
            ),
            format!(
                "другой узел подписал иную цепочку до записи № {to}: между № {from} и № {to} что-то изменено вместе с головами самого узла, либо та голова лжёт."
            ),
            format!(
                "another node signed another chain up to record no. {to}: from no. {from} to {to} something was changed together with the node's own heads, or that head lies."
            ),
        ],
    )
}

fn gone(known: i64, lang: Lang) -> String {
    of(
        lang,
        [
            format!("бұл түйіннің журналы жоқ, ал басқа түйін оның № {known} жазбасына қол қойған."),
            format!("журнала этого узла нет, а другой узел подписал его до записи № {known}."),
            format!("there is no journal of this node, but another node signed it up to record no. {known}."),
        ],
    )
}

fn without_head(from: i64, to: i64, lang: Lang) -> String {
    of(
        lang,
        [
            format!(
                "№ {from} жазбадан № {to} жазбаға дейін қызмет жұмыс істеді, бірақ уақытында қол қойылған мән жоқ: мәндер жойылған, тізбек қайта есептелген болуы мүмкін. Сыртқы көшірмелермен салыстырыңыз (--copy)."
            ),
            format!(
                "с № {from} по № {to} служба работала, а подписанных вовремя голов нет: их удалили и, возможно, пересчитали цепочку. Сверьте с внешними копиями (--copy)."
            ),
            format!(
                "from no. {from} to {to} the service ran, but no head was signed in time: heads were removed, and the chain was perhaps made anew. Hold it against outside copies (--copy)."
            ),
        ],
    )
}

fn changed(seq: i64, part: Part, lang: Lang) -> String {
    match part {
        Part::Content => of(
            lang,
            [
                format!("№ {seq} жазба өзгертілген."),
                format!("запись № {seq} изменена."),
                format!("record no. {seq} was changed."),
            ],
        ),
        Part::Chain => of(
            lang,
            [
                format!("№ {seq} жазбаның тізбектік мәні өзгертілген; жазбаның өзі дұрыс."),
                format!("у записи № {seq} изменено значение цепочки; сама запись верна."),
                format!("the chain value of record no. {seq} was changed; what the record says holds."),
            ],
        ),
        Part::Either => of(
            lang,
            [
                format!("соңғы, № {seq} жазба немесе оның тізбектік мәні өзгертілген."),
                format!("последняя запись, № {seq}, или её значение цепочки изменены."),
                format!("the last record, no. {seq}, or its chain value was changed."),
            ],
        ),
    }
}

fn flaw(flaw: Flaw, lang: Lang) -> &'static str {
    match flaw {
        Flaw::Statement(error) => statement(error, lang),
        Flaw::Misplaced => of(
            lang,
            [
                "өзі айтқаннан басқа нөмірмен, уақытпен не түйінде сақталған.",
                "хранится под другим номером, временем или узлом, чем в ней сказано.",
                "it is kept under another number, time or node than it says.",
            ],
        ),
        Flaw::KeyTime => of(
            lang,
            [
                "сол уақытта оның кілті қол қоймаған немесе оған сенім болмаған.",
                "её ключ в то время не подписывал или был отозван из доверия.",
                "its key did not sign at its time, or was distrusted then.",
            ],
        ),
    }
}

fn statement(error: StatementError, lang: Lang) -> &'static str {
    match error {
        StatementError::Malformed => of(lang, ["пішімі дұрыс емес.", "не та форма.", "it is malformed."]),
        StatementError::Kind => of(lang, ["бұл басқа нәрсе.", "это нечто иное.", "it is something else."]),
        StatementError::KeyUnknown => {
            of(lang, ["кілті белгісіз.", "ключ неизвестен.", "its key is unknown."])
        }
        StatementError::Signature => {
            of(lang, ["қолтаңбасы қате.", "подпись неверна.", "its signature is wrong."])
        }
    }
}

fn file(flaw: FileFlaw, lang: Lang) -> String {
    match flaw {
        FileFlaw::Line(number) => of(
            lang,
            [
                format!("{number}-жол шығарылымға жатпайды."),
                format!("строка {number} не из выгрузки."),
                format!("line {number} is none of an export."),
            ],
        ),
        FileFlaw::Unsigned => of(
            lang,
            [
                "соңындағы қолтаңба жоқ: файлдың соңы кесілген.",
                "нет подписи в конце: файл обрезан.",
                "the signature at the end is missing: the file was cut off.",
            ],
        )
        .to_owned(),
        FileFlaw::Signature(error) => statement(error, lang).to_owned(),
        FileFlaw::Distrusted => of(
            lang,
            [
                "қол қойылған кілтке сенім жоқ (--distrust).",
                "подписано ключом, которому нет доверия (--distrust).",
                "it is signed by a key that is distrusted (--distrust).",
            ],
        )
        .to_owned(),
        FileFlaw::Installation => of(
            lang,
            [
                "қолтаңба файлда аталғаннан басқа орнатуға тиесілі.",
                "подпись принадлежит другой установке, чем названа в файле.",
                "the signature is of another installation than the one that the file names.",
            ],
        )
        .to_owned(),
        FileFlaw::Digest => of(
            lang,
            [
                "қолтаңба басқа мазмұнға қойылған: файл өзгертілген.",
                "подписано другое содержание: файл изменён.",
                "the signature is about other content: the file was changed.",
            ],
        )
        .to_owned(),
        FileFlaw::SaysBroken => of(
            lang,
            [
                "шығарылған кезде журнал бұзылған болатын.",
                "журнал был нарушен уже при выгрузке.",
                "the journal was broken already when it was exported.",
            ],
        )
        .to_owned(),
    }
}
