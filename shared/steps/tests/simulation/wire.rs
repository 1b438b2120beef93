//! What lies between a process and its ports: counts every operation, and makes it fail when the seed says so.

use std::sync::{Arc, Mutex};

use crate::chance::Chance;
use crate::turnstile::Turnstile;

/// What an operation does, in the words of the commit order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    LandingList,
    LandingPeek,
    LandingOpen,
    LandingRead,
    BronzePut,
    BronzePart,
    BronzeComplete,
    OrphansPut,
    OrphansDelete,
    DataPut,
    CommitPut,
    CataloguePut,
    IngestEntryPut,
    ConformEntryPut,
    CheckPut,
    PublishedPut,
    ReportPut,
    Forget,
    Get,
    List,
}

impl Class {
    /// True when the operation changes what the store holds.
    pub fn changes(self) -> bool {
        use Class::{Get, LandingList, LandingOpen, LandingPeek, LandingRead, List};
        !matches!(self, LandingList | LandingPeek | LandingOpen | LandingRead | Get | List)
    }

    /// The class of writing or removing `path`.
    pub fn of(path: &str, removes: bool) -> Self {
        let layers = ["bronze/", "identity/", "quarantine/"];
        if path.contains("/_delta_log/") {
            Self::CommitPut
        } else if path.ends_with("-references.parquet") {
            if removes { Self::OrphansDelete } else { Self::OrphansPut }
        } else if removes {
            Self::Forget
        } else if path.contains("/ingest_date=") && layers.iter().any(|layer| path.starts_with(layer)) {
            Self::BronzePut
        } else if path.starts_with("_carelake/ledger/ingest/") {
            Self::IngestEntryPut
        } else if path.starts_with("_carelake/ledger/conform/") {
            Self::ConformEntryPut
        } else if path.starts_with("_carelake/catalog/") {
            Self::CataloguePut
        } else if path.starts_with("_carelake/checks/") {
            Self::CheckPut
        } else if path.starts_with("_carelake/published") {
            Self::PublishedPut
        } else if path.starts_with("_carelake/runs/") {
            Self::ReportPut
        } else {
            Self::DataPut
        }
    }
}

/// An operation of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Place among the operations of the process, from 1.
    pub number: usize,
    pub class: Class,
    /// The path, without the random part of a data file's name.
    pub path: String,
    /// How often the process has done the same before.
    pub repeat: usize,
    /// How many operations of the class came before.
    pub place: usize,
    pub verdict: Verdict,
}

/// How an operation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    /// Nothing happened, and the caller is told so.
    Before(Fault),
    /// It happened, and the caller is told that it did not.
    After(Fault),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 503, a reset connection, a timeout.
    Unavailable,
    /// 412 or 409 on a conditional put; without effect it is a lie that the store may tell.
    Exists,
    /// A body that ends early.
    CutShort,
    /// The process is gone.
    Dead,
}

/// What makes operations fail.
#[derive(Debug, Clone)]
pub enum Weather {
    Calm,
    /// The process dies at an operation, with or without its effect.
    Crash {
        at: Moment,
        applied: bool,
    },
    /// One operation ends so.
    Once {
        at: Moment,
        verdict: Verdict,
    },
    /// Each operation fails with a chance of `per_mille`; now and then all of them do for a while.
    Stormy {
        chance: Chance,
        per_mille: u64,
    },
}

/// An operation of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// By its place among all.
    Number(usize),
    /// By its place, from 0, among those of a class.
    Nth(Class, usize),
}

impl Weather {
    fn verdict(&self, operation: &Operation) -> Verdict {
        match self {
            Self::Calm => Verdict::Pass,
            Self::Crash { at, applied } => match (at.is(operation), applied) {
                (true, true) => Verdict::After(Fault::Dead),
                (true, false) => Verdict::Before(Fault::Dead),
                (false, _) => Verdict::Pass,
            },
            Self::Once { at, verdict } if at.is(operation) => *verdict,
            Self::Once { .. } => Verdict::Pass,
            Self::Stormy { chance, per_mille } => stormy(chance, *per_mille, operation),
        }
    }
}

impl Moment {
    fn is(self, operation: &Operation) -> bool {
        match self {
            Self::Number(number) => operation.number == number,
            Self::Nth(class, place) => operation.class == class && operation.place == place,
        }
    }
}

fn stormy(chance: &Chance, per_mille: u64, operation: &Operation) -> Verdict {
    let Operation { number, class, path, repeat, .. } = operation;
    let window = (number / 8).to_string();
    if chance.draw(&["burst", &window]) % 1_000 < per_mille / 4 {
        return Verdict::Before(Fault::Unavailable);
    }
    let drawn = chance.draw(&[&format!("{class:?}"), path, &repeat.to_string()]);
    if drawn % 1_000 >= per_mille {
        return Verdict::Pass;
    }
    match (drawn / 1_000 % 4, class) {
        (0, _) => Verdict::After(Fault::Unavailable),
        (1, Class::BronzePut | Class::CommitPut) => Verdict::After(Fault::Exists),
        (2, Class::BronzePut) => Verdict::Before(Fault::Exists),
        (1 | 2, Class::Get | Class::LandingOpen) => Verdict::After(Fault::CutShort),
        _ => Verdict::Before(Fault::Unavailable),
    }
}

/// The wire of one process.
#[derive(Debug)]
pub struct Wire {
    pub process: usize,
    pub weather: Weather,
    turnstile: Option<Arc<Turnstile>>,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    operations: Vec<Operation>,
    dead: bool,
}

impl Wire {
    pub fn new(process: usize, weather: Weather, turnstile: Option<Arc<Turnstile>>) -> Arc<Self> {
        Arc::new(Self { process, weather, turnstile, log: Mutex::default() })
    }

    /// Notes an operation, waits for the process's turn, and says how it ends. The dead do nothing.
    pub fn enter(&self, class: Class, path: &str) -> Verdict {
        if let Some(turnstile) = &self.turnstile {
            turnstile.enter(self.process, class.changes());
        }
        let path = stable(path);
        let mut log = self.log.lock().unwrap();
        if log.dead {
            return Verdict::Before(Fault::Dead);
        }
        let same = log.operations.iter().filter(|operation| operation.class == class);
        let repeat = same.clone().filter(|operation| operation.path == path).count();
        let mut operation = Operation {
            number: log.operations.len() + 1,
            class,
            path,
            repeat,
            place: same.count(),
            verdict: Verdict::Pass,
        };
        let verdict = self.weather.verdict(&operation);
        operation.verdict = verdict;
        log.dead = matches!(verdict, Verdict::Before(Fault::Dead) | Verdict::After(Fault::Dead));
        log.operations.push(operation);
        verdict
    }

    /// Every operation so far.
    pub fn log(&self) -> Vec<Operation> {
        self.log.lock().unwrap().operations.clone()
    }

    /// True when the process died.
    pub fn dead(&self) -> bool {
        self.log.lock().unwrap().dead
    }
}

/// A data file's name is random: its folder stands for it.
fn stable(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, name)) if name.starts_with("part-") => format!("{folder}/part"),
        _ => path.to_owned(),
    }
}
