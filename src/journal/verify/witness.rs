//! The chains of all nodes: each held against itself and its own heads, and then against what the heads of the others say
//! of it. Who takes a chain away, or cuts it or makes it anew together with its own heads, would need the key for theirs.

use super::{Break, Found, HEADS, Task, Verifier, verify};
use crate::journal::head::{self, Keys, SignedHead, Tail};
use crate::journal::{Chain, GENESIS};
use crate::store::StoreError;
use crate::store::journal::{Journal, Trail};
use std::collections::{BTreeMap, HashMap};

/// What is to be verified of all chains, or of one.
pub struct Tasks<'t> {
    /// Keys of heads.
    pub keys: &'t Keys,
    /// The chain of this node alone; `None`: all.
    pub node: Option<&'t str>,
    /// See [`Task::from`]: of the one chain, or else of this node's own.
    pub from: i64,
    /// See [`Task::known`]: the same.
    pub known: &'t [(i64, Chain)],
    /// See [`Task::now`].
    pub now: i64,
}

/// What was found of one chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfNode {
    /// Whose it is; `None`, where there is one alone.
    pub node: Option<String>,
    /// Of itself, and, if it holds so, of what others say of it.
    pub found: Found,
    /// How many claims of other nodes' heads it agrees with.
    pub claims: u64,
    /// The last record that such a claim confirms.
    pub attested: Option<i64>,
    /// Whose head told of the break, where no head or record of the chain itself did.
    pub witness: Option<Witness>,
}

/// A head of another node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Whose; `None`, where it has no name.
    pub node: Option<String>,
    /// The last record of its own that it covers.
    pub head: i64,
    /// When it was signed, Unix milliseconds.
    pub at: i64,
}

impl OfNode {
    pub(in crate::journal) fn new(node: Option<String>, found: Found) -> Self {
        Self { node, found, claims: 0, attested: None, witness: None }
    }

    /// The last record that any head confirms.
    #[must_use]
    pub fn confirmed(&self) -> Option<i64> {
        self.found.confirmed.max(self.attested)
    }
}

/// Verifies the chains of all nodes, this node's own first, or one of them, and what all heads say of them. None: no node of
/// that name left anything, and no head speaks of it. Memory is bounded; services may run. `progress` is told the last
/// record that holds.
///
/// # Errors
/// [`StoreError`] when the journal cannot be read.
pub async fn verify_all(
    store: &dyn Journal,
    tasks: &Tasks<'_>,
    mut progress: impl FnMut(i64),
) -> Result<Vec<OfNode>, StoreError> {
    let chains = chains(store, tasks.keys).await?;
    let own = chains.first().and_then(|own| own.name.as_deref());
    let chosen = tasks.node.or(own);
    let from = |node: Option<&str>| if node == chosen { tasks.from } else { 1 };
    let mut all: Vec<OfNode> = Vec::new();
    for chain in chains.iter().filter(|chain| tasks.node.is_none() || chain.name.as_deref() == tasks.node) {
        let name = chain.name.as_deref();
        let known = if name == chosen { tasks.known } else { &[] };
        let task = Task { keys: tasks.keys, from: from(name), known, now: tasks.now };
        let found = verify(chain.trail(), task, &mut progress).await?;
        all.push(OfNode::new(chain.name.clone(), found));
    }
    let about = |node: &str| tasks.node.is_none_or(|only| only == node).then(|| from(Some(node)));
    let mut said = hear(&chains, tasks.keys, |_| (-1, i64::MAX), about).await?;
    let mut all: Vec<_> = all.into_iter().map(|one| one.heard(&mut said)).collect();
    all.extend(said.into_iter().map(|(node, said)| OfNode::gone(node, said)));
    Ok(all)
}

impl OfNode {
    /// With what others say of it, which is taken out of `said`.
    pub(in crate::journal) fn heard(mut self, said: &mut BTreeMap<String, Said>) -> Self {
        let said = self.node.as_ref().and_then(|node| said.remove(node)).unwrap_or_default();
        (self.claims, self.attested) = (said.claims, said.attested);
        if let Some((broken, witness)) = said.broken
            && self.found.broken.is_none()
        {
            (self.found.broken, self.witness) = (Some(broken), Some(witness));
        }
        self
    }

    /// Of a chain of which others alone speak.
    pub(in crate::journal) fn gone(node: String, said: Said) -> Self {
        let nothing = Verifier::after(0, GENESIS).found(None);
        let mut said = BTreeMap::from([(node.clone(), said)]);
        Self::new(Some(node), nothing).heard(&mut said)
    }
}

/// A chain with the name of its node.
pub struct Named<'s> {
    /// `None`, where there is one alone.
    pub name: Option<String>,
    trail: Whose<'s>,
}

enum Whose<'s> {
    Own(&'s dyn Journal),
    Another(Box<dyn Trail + 's>),
}

impl Named<'_> {
    /// The chain itself.
    #[must_use]
    pub fn trail(&self) -> &dyn Trail {
        match &self.trail {
            Whose::Own(own) => *own,
            Whose::Another(another) => &**another,
        }
    }
}

/// All chains, this node's own first. In a database that came from nodes, its heads tell whose it was.
///
/// # Errors
/// [`StoreError`].
pub async fn chains<'s>(store: &'s dyn Journal, keys: &Keys) -> Result<Vec<Named<'s>>, StoreError> {
    let mut name = store.node().map(str::to_owned);
    if name.is_none()
        && let Some(last) = store.journal_end().await?.head
    {
        let last: Vec<SignedHead> = store.heads(last - 1, 1).await?;
        // Wherever it was put: what it says is signed.
        name = last.first().and_then(|last| head::read(&last.jws, keys).ok()?.0.node);
    }
    let mut chains = vec![Named { name, trail: Whose::Own(store) }];
    for node in store.other_nodes().await? {
        let trail = Whose::Another(store.journal_of(&node));
        chains.push(Named { name: Some(node), trail });
    }
    Ok(chains)
}

/// What the heads of others say of a chain.
#[derive(Default)]
pub(in crate::journal) struct Said {
    claims: u64,
    attested: Option<i64>,
    /// The first place at which the chain contradicts them.
    pub broken: Option<(Break, Witness)>,
}

struct Claim {
    seq: i64,
    chain: Chain,
    by: Witness,
}

/// Reads heads of all chains, of each those `within` (after the first, up to the second), and holds the chains that they
/// speak of against them: those that are asked `about`, from the record on that this says.
pub(in crate::journal) async fn hear(
    chains: &[Named<'_>],
    keys: &Keys,
    within: impl Fn(usize) -> (i64, i64),
    about: impl Fn(&str) -> Option<i64>,
) -> Result<BTreeMap<String, Said>, StoreError> {
    let mut said = BTreeMap::<String, Said>::new();
    for (place, speaker) in chains.iter().enumerate() {
        let (mut after, until) = within(place);
        let mut before = HashMap::<String, (i64, Chain)>::new();
        while after < until {
            let mut heads = speaker.trail().heads(after, HEADS).await?;
            heads.retain(|head| head.seq <= until);
            let Some(last) = heads.last() else { break };
            after = last.seq;
            let mut claims = BTreeMap::<String, Vec<Claim>>::new();
            for kept in heads {
                let witness = |at| Witness { node: speaker.name.clone(), head: kept.seq, at };
                let read = match kept.read(keys) {
                    Ok(read) => read,
                    // One of no record of its own is read here alone.
                    Err(flaw) => {
                        if let Some(name) = speaker.name.as_ref().filter(|_| kept.seq == 0) {
                            let broken = (Break::Head { seq: 0, flaw }, witness(kept.at));
                            said.entry(name.clone()).or_default().broken.get_or_insert(broken);
                        }
                        continue;
                    }
                };
                let by = witness(read.signed_at());
                for Tail { node, seq, chain } in read.others {
                    // A chain that stood still is claimed anew each time.
                    let is_new = before.insert(node.clone(), (seq, chain)) != Some((seq, chain));
                    if is_new && about(&node).is_some_and(|from| seq >= from) {
                        claims.entry(node).or_default().push(Claim { seq, chain, by: by.clone() });
                    }
                }
            }
            for (node, claims) in claims {
                let chain = chains.iter().find(|chain| chain.name.as_ref() == Some(&node));
                let said = said.entry(node).or_default();
                said.hold(chain.map(Named::trail), claims).await?;
            }
        }
    }
    Ok(said)
}

impl Said {
    async fn hold(&mut self, trail: Option<&dyn Trail>, claims: Vec<Claim>) -> Result<(), StoreError> {
        let seqs = claims.iter().map(|claim| claim.seq).collect();
        let found: HashMap<_, _> = match trail {
            Some(trail) => trail.chains(seqs).await?.into_iter().collect(),
            None => HashMap::new(),
        };
        for Claim { seq, chain, by } in claims {
            let broken = match found.get(&seq) {
                Some(found) if *found == chain => {
                    self.claims += 1;
                    self.attested = self.attested.max(Some(seq));
                    continue;
                }
                Some(_) => {
                    let agreed = self.attested.filter(|agreed| *agreed < seq).unwrap_or(0);
                    Break::Contradicted { from: agreed + 1, to: seq }
                }
                None => {
                    // What came meanwhile is behind it.
                    let last = match trail {
                        Some(trail) => trail.journal_end().await?.seq,
                        None => 0,
                    };
                    match last {
                        0 => Break::Gone { known: seq },
                        last if last < seq => Break::Cut { last, known: seq },
                        _ => Break::Missing { from: seq, to: seq },
                    }
                }
            };
            self.note(broken, by);
        }
        Ok(())
    }

    /// The first place counts; of an end that is missing, how much of it.
    fn note(&mut self, broken: Break, by: Witness) {
        let known = |broken: &Break| match *broken {
            Break::Cut { known, .. } | Break::Gone { known } => known,
            _ => 0,
        };
        let comes_first = self
            .broken
            .as_ref()
            .is_none_or(|(before, _)| (broken.seq(), -known(&broken)) < (before.seq(), -known(before)));
        if comes_first {
            self.broken = Some((broken, by));
        }
    }
}
