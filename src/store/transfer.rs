//! A move of an installation from one engine to the other: rows as they are, sealed and numbered as they were, in the order
//! of their keys, and each compared afterwards.
//!
//! Two databases that both serve could give two tokens where one is due, so that never more than one is in force. A database
//! that takes part in a move has a version below zero, which no program opens, and a table `transfer` that says why. The
//! order is:
//!
//! 1. the source is marked [`Step::Leaving`]: nobody changes it between two runs; it can be put in force again;
//! 2. the target gets its tables and is marked [`Step::Coming`]; rows are copied, then every row of both is read and compared;
//! 3. the target is marked [`Step::Complete`];
//! 4. the source is marked [`Step::Left`]: there is no way back but to move;
//! 5. the target is put in force.
//!
//! A move that is given up before step 4 is not gone on with: the next one has another name, and wants an empty target.
//!
//! Each step is one transaction. Whenever the program is killed, the next run finds in the two marks where it was: before
//! step 4 the source has what counts, after it the target, whole. The rows of the target are the memory of how far it came:
//! they were written in the order of their keys.

mod copy;
pub(super) mod node;
pub mod table;

pub use copy::{Phase, Progress};

use super::{Record, StoreError};
use crate::random::Id;
use serde_json::json;
use std::fmt;
use table::Table;

/// Rows that are read, and written in one transaction.
pub const PAGE: usize = 5000;

/// What a column holds. Not to be shown: it may be personal, or a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    None,
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value")
    }
}

/// The values of [`Table::columns`].
pub type Row = Vec<Value>;

/// How far a database is in a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It has what counts, and is being copied.
    Leaving,
    /// It was moved.
    Left,
    /// It is being filled.
    Coming,
    /// It has everything that was there, and waits until the other is marked [`Step::Left`]: only then is it believed.
    Complete,
}

impl Step {
    const ALL: [Self; 4] = [Self::Leaving, Self::Left, Self::Coming, Self::Complete];

    /// As it stands in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Leaving => "leaving",
            Self::Left => "left",
            Self::Coming => "coming",
            Self::Complete => "complete",
        }
    }

    /// Reads it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.word() == word)
    }
}

/// Why a database is not in force: the row of its table `transfer`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Of the move, in both databases.
    pub id: String,
    /// How far it is.
    pub step: Step,
    /// The other database, without secrets.
    pub peer: String,
    /// Who ordered the move; empty: nobody has access to the installation.
    pub operator: String,
}

/// The columns of the table `transfer`, which is there while its database is not in force.
pub const MARK: &str = "id TEXT NOT NULL, step TEXT NOT NULL, peer TEXT NOT NULL, operator TEXT NOT NULL";

impl Mark {
    /// The refusal of whoever opens the database, in all three languages: who asks did not say which is theirs.
    #[must_use]
    pub fn refusal(&self) -> StoreError {
        let peer = &self.peer;
        StoreError::Setup(match self.step {
            Step::Leaving => format!(
                "kk: деректер қоры {peer} ішіне көшіріліп жатыр, көшіру аяқталмады: `kdp migrate --to` қайта орындаңыз \
                 немесе `kdp migrate --abandon` арқылы бас тартыңыз\n\
                 ru: база данных переносится в {peer}, перенос не закончен: повторите `kdp migrate --to` или откажитесь \
                 от него: `kdp migrate --abandon`\n\
                 en: the database is being moved to {peer}, and that is not finished: run `kdp migrate --to` again, or \
                 give it up by `kdp migrate --abandon`"
            ),
            Step::Left => format!(
                "kk: деректер қоры {peer} ішіне көшірілді: оны database.url кілтінде көрсетіңіз\n\
                 ru: база данных перенесена в {peer}: укажите её в database.url\n\
                 en: the database was moved to {peer}: name that in database.url"
            ),
            Step::Coming | Step::Complete => format!(
                "kk: мұнда {peer} көшіріліп жатыр, көшіру аяқталмады: `kdp migrate --to` қайта орындаңыз\n\
                 ru: сюда переносится {peer}, перенос не закончен: повторите `kdp migrate --to`\n\
                 en: {peer} is being moved here, and that is not finished: run `kdp migrate --to` again"
            ),
        })
    }
}

impl Mark {
    fn told(&self, at: i64, outcome: String, detail: &serde_json::Value) -> Record {
        let mut detail = detail.clone();
        if let Some(detail) = detail.as_object_mut() {
            detail.insert("move".to_owned(), json!(self.id));
            detail.insert("by".to_owned(), json!(self.operator));
        }
        Record {
            at,
            kind: "administration",
            operator: self.operator.clone(),
            outcome,
            detail: detail.to_string(),
            ..Record::default()
        }
    }
}

/// What a database is, as a side of a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing is in it.
    Empty,
    /// It serves, or holds tables of something else.
    InForce,
    /// It takes part in a move.
    Marked(Mark),
}

/// A table, or the chain of one other node in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The table.
    pub table: &'static Table,
    /// Whose chain, of [`table::JOURNAL_OF_NODE`].
    pub node: Option<String>,
}

/// A database that nobody else uses, of this program's version. What fails leaves it as it was before the call.
pub(super) trait Side {
    /// Where it is, without secrets.
    fn place(&self) -> String;
    /// Under which name its own chain of the journal stands; `None`: under none.
    fn node(&self) -> Option<&str>;
    /// What it is.
    fn state(&mut self) -> Result<State, StoreError>;

    /// Waits a little until nobody else has it open.
    ///
    /// # Errors
    /// [`Refusal::InUse`].
    fn alone(&mut self) -> Result<(), Refusal>;
    /// Marks one that is in force, and has the record written.
    ///
    /// # Errors
    /// [`Refusal::InUse`].
    fn leave(&mut self, mark: &Mark, record: &Record) -> Result<(), Refusal>;
    /// Makes the tables in an empty one, and marks it.
    fn make(&mut self, mark: &Mark) -> Result<(), StoreError>;
    /// Goes from one step to another.
    fn step(&mut self, from: Step, to: Step) -> Result<(), StoreError>;
    /// Puts it in force, from this step, and has the record written.
    fn enforce(&mut self, from: Step, record: &Record) -> Result<(), StoreError>;

    /// Of which other nodes it keeps chains, by their bytes.
    fn nodes(&mut self) -> Result<Vec<String>, StoreError>;
    /// How many rows there are.
    fn count(&mut self, part: &Part) -> Result<u64, StoreError>;
    /// The key of the last row.
    fn last(&mut self, part: &Part) -> Result<Option<Row>, StoreError>;
    /// Begins to read rows in the order of their keys, behind this one.
    fn read(&mut self, part: &Part, after: Option<Row>) -> Result<(), StoreError>;
    /// The next [`PAGE`] rows; fewer only at the end.
    fn page(&mut self) -> Result<Vec<Row>, StoreError>;
    /// Writes rows, which follow those that are there.
    fn put(&mut self, part: &Part, rows: &[Row]) -> Result<(), StoreError>;

    /// The highest number that a table of [`table::NUMBERED`] ever gave; 0: none.
    fn highest(&mut self, table: &str) -> Result<i64, StoreError>;
    /// Whether the table goes on behind that number also when its row is not there.
    fn keeps_highest(&self, table: &str) -> bool;
    /// Has the table go on behind this number, if it keeps it.
    fn go_on_behind(&mut self, table: &str, highest: i64) -> Result<(), StoreError>;
    /// Makes what follows from the rows, once they are there.
    fn complete(&mut self) -> Result<(), StoreError>;
}

/// Why a database was not moved.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// {0} says by whom.
    #[error(
        "kk: деректер қоры пайдаланылуда ({0}): алдымен қызметті тоқтатыңыз\n\
         ru: база данных используется ({0}): сначала остановите сервис\n\
         en: the database is in use ({0}): stop the service first"
    )]
    InUse(String),
    /// The target serves, or is somebody else's.
    #[error(
        "kk: {0} бос емес: бос деректер қорын немесе жаңа файлды көрсетіңіз\n\
         ru: {0} не пуста: укажите пустую базу данных или новый файл\n\
         en: {0} is not empty: name an empty database, or a new file"
    )]
    NotEmpty(String),
    /// The target is part of another move.
    #[error(
        "kk: {0} ішінде басқа көшірудің бөлігі бар: бос деректер қорын немесе жаңа файлды көрсетіңіз\n\
         ru: в {0} часть другого переноса: укажите пустую базу данных или новый файл\n\
         en: {0} holds a part of another move: name an empty database, or a new file"
    )]
    OtherMove(String),
    /// The source is on its way to another target.
    #[error(
        "kk: деректер қоры {0} ішіне көшіріліп жатыр: сол мекенжайды көрсетіңіз немесе `kdp migrate --abandon` орындаңыз\n\
         ru: база данных переносится в {0}: укажите этот адрес или выполните `kdp migrate --abandon`\n\
         en: the database is being moved to {0}: name that, or run `kdp migrate --abandon`"
    )]
    OtherTarget(String),
    /// The heads of the journal were signed under another name of the node.
    #[error(
        "kk: журнал мәндеріне «{signed}» түйіні қол қойған, ал database.node — «{node}»: database.node кілтіне «{signed}» \
         жазыңыз\n\
         ru: головы журнала подписаны узлом «{signed}», а в database.node указан «{node}»: укажите в database.node \
         «{signed}»\n\
         en: the heads of the journal are signed by node {signed}, and database.node is {node}: set database.node to {signed}"
    )]
    OtherNode {
        /// What the configuration says.
        node: String,
        /// What the heads say.
        signed: String,
    },
    /// The file keeps a chain of that node, which is not its own.
    #[error(
        "kk: database.node — «{node}», ал файлда өз журналынан бөлек мына түйіндердің журналдары бар: {others}; database.node \
         кілтіне бұрын осы файлға көшірілген түйінді немесе бұлардың ешқайсысында жоқ атауды жазыңыз\n\
         ru: в database.node указан «{node}», а в файле кроме его собственного журнала хранятся журналы узлов: {others}; \
         укажите в database.node узел, журнал которого стал журналом файла, или имя, которого среди них нет\n\
         en: database.node is {node}, and beside its own journal the file keeps those of the nodes {others}: set \
         database.node to the node whose journal became the file's, or to a name that none of these has"
    )]
    NodeTaken {
        /// What the configuration says.
        node: String,
        /// Whose chains are kept.
        others: String,
    },
    /// The move was given up since it was looked at, and nobody was asked who may begin another.
    #[error(
        "kk: көшіруден бас тартылды: жаңасын бастау үшін `kdp migrate --to` қайта орындаңыз\n\
         ru: от переноса отказались: чтобы начать новый, повторите `kdp migrate --to`\n\
         en: the move was given up: run `kdp migrate --to` again to begin a new one"
    )]
    NotAdmitted,
    /// There is no database to move.
    #[error(
        "kk: көшіретін ештеңе жоқ: деректер қоры бос\nru: переносить нечего: база данных пуста\n\
         en: there is nothing to move: the database is empty"
    )]
    Nothing,
    /// No move was begun, or it is over.
    #[error(
        "kk: бас тартатын көшіру жоқ\nru: нет переноса, от которого можно отказаться\n\
         en: there is no move under way that could be given up"
    )]
    NoMove,
    /// The databases differ.
    #[error(
        "kk: {table} кестесінде {key} жолы екі деректер қорында әртүрлі (көшірілгеннен кейін өзгерген болуы мүмкін): көшіру \
         аяқталмады; көшірмені жойып, қайта бастаңыз\n\
         ru: в таблице {table} строка {key} различается в двух базах (возможно, изменилась после копирования): перенос не \
         закончен; удалите копию и начните снова\n\
         en: in table {table} row {key} is not the same in both databases (it may have changed since it was copied): the \
         move is not finished; remove the copy and begin again"
    )]
    Different {
        /// The table.
        table: &'static str,
        /// What names the row.
        key: String,
    },
    /// The journal does not hold together, as it was moved.
    #[error(
        "kk: «{node}» торабының журналы {seq} жазбасында бұзылған: `kdp journal verify` орындаңыз; көшіру аяқталмады\n\
         ru: журнал узла «{node}» нарушен у записи {seq}: выполните `kdp journal verify`; перенос не закончен\n\
         en: the journal of node {node} is broken at record {seq}: run `kdp journal verify`; the move is not finished"
    )]
    Broken {
        /// Whose; empty: the node's own.
        node: String,
        /// The record.
        seq: i64,
    },
    /// A database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who moves, and when.
pub struct Order {
    /// Of the move, if it is a new one.
    pub id: Id,
    /// Who logged in to begin a new one; empty: nobody has access to the installation. `None`: nobody was asked, and a move
    /// that is under way is gone on with.
    pub admitted: Option<String>,
    /// Now, Unix milliseconds.
    pub at: i64,
}

/// What was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Where to, without secrets.
    pub to: String,
    /// Rows by table.
    pub tables: Vec<(&'static str, u64)>,
}

impl Moved {
    /// All rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|(_, rows)| rows).sum()
    }
}

/// Moves what is in `source` to `target`, or goes on with it.
///
/// # Errors
/// [`Refusal`].
pub(super) fn run(
    source: &mut dyn Side,
    target: &mut dyn Side,
    order: &Order,
    tell: &mut dyn FnMut(&Progress),
) -> Result<Moved, Refusal> {
    let (left, arrived) = (source.state()?, target.state()?);
    let mark = match &left {
        State::Empty => return Err(Refusal::Nothing),
        State::Marked(mark) => match mark.step {
            Step::Coming | Step::Complete => return Err(mark.refusal().into()),
            _ if mark.peer != target.place() => return Err(Refusal::OtherTarget(mark.peer.clone())),
            Step::Leaving | Step::Left => {
                source.alone()?;
                mark.clone()
            }
        },
        State::InForce => {
            may_come(&arrived, target, None)?;
            let operator = order.admitted.clone().ok_or(Refusal::NotAdmitted)?;
            let (id, peer) = (order.id.to_string(), target.place());
            let mark = Mark { id, step: Step::Leaving, peer, operator };
            source.leave(&mark, &mark.told(order.at, format!("moving to {}", mark.peer), &json!({})))?;
            mark
        }
    };
    if mark.step == Step::Left && arrived == State::InForce {
        return Err(mark.refusal().into());
    }
    may_come(&arrived, target, Some(&mark.id))?;
    if arrived == State::Empty {
        if mark.step == Step::Left {
            // It is gone, with all that it had: an empty one does not take its place.
            return Err(mark.refusal().into());
        }
        target.make(&Mark { step: Step::Coming, peer: source.place(), ..mark.clone() })?;
    }
    let is_complete = matches!(&arrived, State::Marked(Mark { step: Step::Complete, .. }));
    let tables = if is_complete && mark.step == Step::Left {
        copy::counted(target)?
    } else {
        if is_complete {
            // Until the source is marked as left it counts, and may have got something since.
            target.step(Step::Complete, Step::Coming)?;
        }
        let tables = copy::copy(source, target, tell)?;
        copy::compare(source, target, &tables, tell)?;
        target.step(Step::Coming, Step::Complete)?;
        tables
    };
    let moved = Moved { to: target.place(), tables };
    if mark.step == Step::Leaving {
        source.alone()?;
        source.step(Step::Leaving, Step::Left)?;
    }
    let detail = json!({ "rows": moved.rows() });
    target.enforce(
        Step::Complete,
        &mark.told(order.at, format!("moved here from {}", source.place()), &detail),
    )?;
    Ok(moved)
}

/// The move that is under way from here, and can be given up.
///
/// # Errors
/// [`Refusal::NoMove`]; [`StoreError`].
pub(super) fn under_way(source: &mut dyn Side) -> Result<Mark, Refusal> {
    match source.state()? {
        State::Marked(mark) if mark.step == Step::Leaving => Ok(mark),
        State::Marked(mark) => Err(mark.refusal().into()),
        State::Empty | State::InForce => Err(Refusal::NoMove),
    }
}

/// Puts a database that is on its way in force again, and has its journal say who gave the move up; answers with the mark
/// that it had.
///
/// # Errors
/// Those of [`under_way`].
pub(super) fn abandon(source: &mut dyn Side, operator: &str, at: i64) -> Result<Mark, Refusal> {
    let mark = under_way(source)?;
    let by = Mark { operator: operator.to_owned(), ..mark.clone() };
    let outcome = format!("not moving to {} any more", mark.peer);
    source.enforce(Step::Leaving, &by.told(at, outcome, &json!({})))?;
    Ok(mark)
}

/// Whether this move can go to such a target.
fn may_come(arrived: &State, target: &dyn Side, id: Option<&str>) -> Result<(), Refusal> {
    match arrived {
        State::Empty => Ok(()),
        State::InForce => Err(Refusal::NotEmpty(target.place())),
        State::Marked(Mark { id: there, step: Step::Coming | Step::Complete, .. })
            if id == Some(there.as_str()) =>
        {
            Ok(())
        }
        State::Marked(_) => Err(Refusal::OtherMove(target.place())),
    }
}
