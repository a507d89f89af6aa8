/*!
The search itself: gathers candidates through the indexes, ranks them in each view, fuses the ranks and judges the
best.

The number of candidates bounds all costs, never the number of incidents: words come from the word index by the rarest
query words, structure from hashed keys, and tickets are read only for the finalists.
*/

use std::collections::{BTreeMap, BTreeSet, HashMap};

use millwright_model::{IncidentId, RepositoryId, Resolution};
use millwright_store::structure_keys::{KeyKind, StructureKeys, key_hash};
use millwright_store::tokenize::TicketWords;
use millwright_store::{Incident, RecallDocument, Store, StoreError, StoredHypothesis};

use super::gate::{GateJudgement, SHOW, SharedKeys, judge};
use super::similarity::{TextVector, WordWeights};
use super::{RecallAnswer, RecallQuery, RecalledIncident, Trust};

/// Number of words searched for: the rarest of the query, with those of the title preferred.
const QUERY_WORDS: usize = 48;
/// Postings that one search may read, summed over its words; common words are dropped first. This, not the number of
/// incidents, determines the cost of a search.
const POSTINGS: i64 = 10_000;
/// Number of words that are searched for however common they are.
const LEAST_WORDS: usize = 3;
/// Most candidates that the word index may return.
const WORD_CANDIDATES: u32 = 100;
const CODE_CANDIDATES: usize = 100;
/// Candidates whose tickets are read and judged.
const FINALISTS: usize = 30;
const DENSE_CANDIDATES: usize = 100;
/// The constant of reciprocal rank fusion. The 60 of Cormack, Clarke and Büttcher is for many lists of one kind. Here
/// there are few views of different quality, so a first place in a view should count for more.
const RRF_K: f64 = 20.0;
/// Weights of the views; the model gives the weight of the dense view. Chosen on the Hadoop reports, where nearby
/// values do as well: halving or doubling one moves MRR by .01 to .02.
const FINGERPRINT: f64 = 2.0;
const CODE: f64 = 1.0;
const WORDS: f64 = 1.0;
const CONTEXT: f64 = 0.25;
const TIME: f64 = 0.25;

/// A candidate before the gate, as the `retrieval` task judges it.
#[derive(Debug, Clone, PartialEq)]
pub struct NearIncident {
    pub incident_id: IncidentId,
    /// Fused reciprocal ranks; only the order means something.
    pub fused: f64,
    /// Similarity of the words, 0 to 1.
    pub likeness: f64,
}

/// Which views take part: all of them, except to measure the contribution of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecallViews {
    pub words: bool,
    pub code: bool,
    pub context: bool,
    pub dense: bool,
}

impl RecallViews {
    pub const ALL: RecallViews = RecallViews { words: true, code: true, context: true, dense: true };
    pub const NONE: RecallViews = RecallViews { words: false, code: false, context: false, dense: false };
}

/// The most similar incidents by some of the views, best first, without a gate.
pub async fn nearest_by(
    store: &Store,
    query: &RecallQuery<'_>,
    views: RecallViews,
) -> Result<Vec<NearIncident>, StoreError> {
    let found = gather(store, query, views).await?.found;
    let near = |c: &Found| NearIncident {
        incident_id: c.document.incident_id.clone(),
        fused: c.fused,
        likeness: c.shared.likeness,
    };
    Ok(found.iter().take(limit(query)).map(near).collect())
}

/// Precedents of an incident, best first; empty when there is none.
pub async fn recall(store: &Store, query: &RecallQuery<'_>) -> Result<Vec<RecalledIncident>, StoreError> {
    Ok(recall_with(store, query).await?.found)
}

/// Like [`recall`], and also says whether a view took no part.
pub async fn recall_with(store: &Store, query: &RecallQuery<'_>) -> Result<RecallAnswer, StoreError> {
    let keys = StructureKeys::of(query.ticket, query.mapped);
    let gathered = gather(store, query, RecallViews::ALL).await?;
    let mut judged = Vec::new();
    let finalists: Vec<Found> = gathered.found.into_iter().take(FINALISTS).collect();
    let ids: Vec<IncidentId> = finalists.iter().map(|f| f.document.incident_id.clone()).collect();
    let mut incidents = store.get_incidents(&ids).await?;
    for found in finalists {
        // The incident is missing if another process forgot it meanwhile.
        let Some(incident) = incidents.remove(&found.document.incident_id) else { continue };
        let theirs = StructureKeys::of(&incident.ticket, &[]);
        let shared = SharedKeys { text: incident.ticket.text == query.ticket.text, ..found.shared };
        let judgement = judge(&keys, &theirs, &shared);
        if judgement.score >= SHOW {
            judged.push((found.fused, incident, judgement));
        }
    }
    // Scores within one step count as equally likely; then the fused rank, which includes the context, decides.
    let step = |score: f64| (score * 50.0).round();
    judged.sort_by(|a, b| step(b.2.score).total_cmp(&step(a.2.score)).then_with(|| b.0.total_cmp(&a.0)));

    let ids: Vec<IncidentId> = judged.iter().map(|(_, incident, _)| incident.id.clone()).collect();
    let knowledge = store.knowledge_of(&ids).await?;
    let mut found = fold(judged, knowledge);
    found.truncate(limit(query));
    let now = millwright_store::now();
    for recalled in &mut found {
        recalled.resolutions =
            millwright_store::most_trusted_first(std::mem::take(&mut recalled.resolutions));
        recalled.trusted = recalled.resolutions.iter().any(millwright_model::Resolution::is_trusted);
        recalled.trust = Trust::of(&recalled.resolutions, now);
        if recalled.occurrences > 1 {
            recalled.why.push(format!("seen {} times", recalled.occurrences));
        }
    }
    Ok(RecallAnswer { found, degraded: gathered.degraded })
}

/// Folds the incidents of one problem into one precedent, with the knowledge of each of them.
fn fold(
    judged: Vec<(f64, Incident, GateJudgement)>,
    mut knowledge: HashMap<IncidentId, (Vec<Resolution>, Vec<StoredHypothesis>)>,
) -> Vec<RecalledIncident> {
    let mut folded: Vec<RecalledIncident> = Vec::new();
    for (_, incident, judgement) in judged {
        let (resolutions, refuted) = knowledge.remove(&incident.id).unwrap_or_default();
        let same = folded
            .iter_mut()
            .find(|r| incident.problem_id.is_some() && r.incident.problem_id == incident.problem_id);
        match same {
            Some(first) => {
                first.occurrences += 1;
                first.resolutions.extend(resolutions);
                first.refuted.extend(refuted);
            }
            None => folded.push(RecalledIncident {
                incident,
                occurrences: 1,
                resolutions,
                score: judgement.score,
                why: judgement.why,
                structural: judgement.structural,
                trusted: false,
                trust: Trust::default(),
                refuted,
            }),
        }
    }
    folded
}

fn limit(query: &RecallQuery<'_>) -> usize {
    if query.limit == 0 { 10 } else { query.limit.min(1_000) }
}

struct Found {
    document: RecallDocument,
    fused: f64,
    shared: SharedKeys,
}

struct Gathered {
    found: Vec<Found>,
    /// Why a view took no part.
    degraded: Option<String>,
}

/// Candidates of all views with what they share with the query, best fused rank first.
async fn gather(store: &Store, query: &RecallQuery<'_>, views: RecallViews) -> Result<Gathered, StoreError> {
    let keys =
        if views.code { StructureKeys::of(query.ticket, query.mapped) } else { StructureKeys::default() };
    let whole_words = TicketWords::of_ticket(query.ticket);
    let words = whole_words.clone().head();
    // The context view finds nothing by itself: it decides between the incidents that words find.
    let wants_words = views.words || views == (RecallViews { context: true, ..RecallViews::NONE });
    let by_words = async {
        if wants_words {
            word_candidates(store, &whole_words, query.repository).await
        } else {
            Ok(Vec::new())
        }
    };
    let by_meaning = async {
        if views.dense {
            super::vector_view::candidates(store, query, &words, DENSE_CANDIDATES).await
        } else {
            Ok(Default::default())
        }
    };
    // Concurrently: words wait for the database's thread, vectors for the model, the engine or the scan.
    let (by_words, structure, by_meaning) =
        tokio::join!(by_words, structural_candidates(store, &keys), by_meaning);
    let (by_words, structure, (dense, degraded)) = (by_words?, structure?, by_meaning?);

    let docs: BTreeSet<i64> = by_words.iter().chain(structure.keys()).chain(dense.keys()).copied().collect();
    let docs: Vec<i64> = docs.into_iter().collect();
    let mut documents = store.documents(&docs).await?;
    documents.retain(|_, d| {
        Some(&d.incident_id) != query.exclude
            && (query.repository.is_none()
                || d.repository.is_none()
                || d.repository.as_ref() == query.repository)
    });

    let texts = documents.values().map(|d| &d.words).chain([&words]);
    let all_words = texts.flat_map(|w| w.title.iter().chain(&w.body)).map(String::as_str);
    // Collected, because a closure held over an await would tie the future to one lifetime.
    let all_words: Vec<&str> = all_words.collect();
    let (incidents, frequencies) = store.word_frequencies(all_words).await?;
    let weights = WordWeights::new(incidents, frequencies);
    let asked = TextVector::new(&words, &weights);

    let mut found: Vec<(i64, Found)> = Vec::with_capacity(documents.len());
    for (&doc, document) in &documents {
        let theirs = TextVector::new(&document.words, &weights);
        let mut shared = structure.get(&doc).map(|s| s.shared.clone()).unwrap_or_default();
        shared.likeness = asked.likeness(&theirs);
        shared.words = asked.shared(&theirs).into_iter().take(8).map(str::to_owned).collect();
        shared.service = query.service.filter(|s| document.service.as_deref() == Some(*s)).map(str::to_owned);
        found.push((doc, Found { document: document.clone(), fused: 0.0, shared }));
    }
    let at = super::context::seen_at(query.ticket);
    let per = |on: bool, score: &dyn Fn(i64, &Found) -> f64| -> Vec<f64> {
        found.iter().map(|(doc, f)| if on { score(*doc, f) } else { 0.0 }).collect()
    };
    let context = |f: &Found| super::context::agreement(query, &f.document);
    let seen = |f: &Found| super::context::nearness(at, f.document.seen_at);
    let meaning = store.vector_index().embedder().weight();
    let likenesses = per(true, &|_, f| f.shared.likeness);
    let nearnesses = per(views.dense, &|doc, _| dense.get(&doc).copied().unwrap_or(0.0));
    let code_shares = per(views.code, &|doc, f| structure.get(&doc).map_or(0.0, |_| code_share(&f.shared)));
    let whole = vec![1.0; found.len()];
    // How similar a candidate is, relative to the most similar one. Ranks lose the distance between neighbours.
    // Without this factor, nearness in time would outweigh the words of the one incident that has them.
    let alike: Vec<f64> = {
        let (best, nearest) = (most(&likenesses), most(&nearnesses));
        let views = likenesses.iter().zip(&nearnesses).zip(&code_shares);
        views.map(|((words, near), code)| (words / best).max(meaning * near / nearest).max(*code)).collect()
    };
    // The weight, the scores that give the ranks, and how much of the weight each candidate may have. One or two
    // frames of a deep stack are on many stacks, so code counts by how much of it is shared.
    let by_words = if views.words { likenesses } else { vec![0.0; found.len()] };
    let scores: [(f64, Vec<f64>, &[f64]); 6] = [
        (FINGERPRINT, per(views.code, &|_, f| f64::from(u8::from(f.shared.fingerprint))), &whole),
        (CODE, per(views.code, &|doc, _| structure.get(&doc).map_or(0.0, |s| s.weight)), &code_shares),
        (WORDS, by_words, &whole),
        (meaning, nearnesses, &whole),
        (CONTEXT, per(views.context, &|_, f| context(f)), &alike),
        (TIME, per(views.context, &|_, f| seen(f)), &alike),
    ];
    for (weight, scores, shares) in scores {
        for (i, rank) in ranks(&scores) {
            if let (Some((_, f)), Some(share)) = (found.get_mut(i), shares.get(i)) {
                f.fused += share * weight / (RRF_K + rank);
            }
        }
    }
    found.sort_by(|(doc_a, a), (doc_b, b)| b.fused.total_cmp(&a.fused).then_with(|| doc_b.cmp(doc_a)));
    Ok(Gathered { found: found.into_iter().map(|(_, f)| f).collect(), degraded })
}

/// The largest score; never 0, because callers divide by it.
fn most(scores: &[f64]) -> f64 {
    scores.iter().copied().fold(f64::MIN_POSITIVE, f64::max)
}

/// How much of the query's code a candidate shares, 0 to 1.
fn code_share(shared: &SharedKeys) -> f64 {
    let telling = shared.fingerprint || shared.error_shape || !shared.units.is_empty();
    if telling { 1.0 } else { shared.symbol_share.clamp(0.1, 1.0) }
}

/// Ranks from 1 for scores above 0; equal scores share the best of their ranks.
fn ranks(scores: &[f64]) -> Vec<(usize, f64)> {
    let mut order: Vec<(usize, f64)> = scores.iter().copied().enumerate().filter(|(_, s)| *s > 0.0).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut ranked = Vec::with_capacity(order.len());
    let (mut rank, mut last) = (0.0, f64::NAN);
    for (position, (i, score)) in order.into_iter().enumerate() {
        if score != last {
            rank = position as f64 + 1.0;
            last = score;
        }
        ranked.push((i, rank));
    }
    ranked
}

async fn word_candidates(
    store: &Store,
    words: &TicketWords,
    repository: Option<&RepositoryId>,
) -> Result<Vec<i64>, StoreError> {
    let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
    for word in &words.title {
        *counts.entry(word).or_default() += 3.0;
    }
    for word in &words.body {
        *counts.entry(word).or_default() += 1.0;
    }
    let (incidents, frequencies) = store.word_frequencies(counts.keys().copied()).await?;
    let weights = WordWeights::new(incidents, frequencies.clone());
    let mut chosen: Vec<(&str, f64)> = counts
        .into_iter()
        .filter(|(word, _)| frequencies.get(word).is_some_and(|df| *df > 0))
        .map(|(word, count)| (word, (1.0 + count.ln()) * weights.idf(word)))
        .collect();
    chosen.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let mut postings = 0;
    let affordable = |(i, word): &(usize, &str)| {
        postings += frequencies.get(word).copied().unwrap_or(0);
        *i < LEAST_WORDS || postings <= POSTINGS
    };
    let chosen: Vec<String> = chosen
        .into_iter()
        .take(QUERY_WORDS)
        .map(|(word, _)| word)
        .enumerate()
        .take_while(affordable)
        .map(|(_, word)| word.to_owned())
        .collect();
    let found = store.find_words(&chosen, repository, WORD_CANDIDATES).await?;
    Ok(found.into_iter().map(|c| c.doc).collect())
}

#[derive(Debug, Default)]
struct Structure {
    shared: SharedKeys,
    weight: f64,
}

async fn structural_candidates(
    store: &Store,
    keys: &StructureKeys,
) -> Result<HashMap<i64, Structure>, StoreError> {
    let hashes = keys.query_hashes();
    let postings = store.find_keys(&hashes).await?;
    let incidents = store.word_frequencies([]).await?.0.max(1) as f64;
    let idf = |docs: &[i64]| (1.0 + incidents / docs.len().max(1) as f64).ln();
    let mut found: HashMap<i64, Structure> = HashMap::new();
    let mut visit = |kind: KeyKind, name: &str, note: &dyn Fn(&mut SharedKeys)| {
        let Some(docs) = postings.get(&(kind, key_hash(kind, name))) else { return };
        let weight = idf(docs) * kind_weight(kind);
        for doc in docs {
            let structure = found.entry(*doc).or_default();
            structure.weight += weight;
            note(&mut structure.shared);
        }
    };
    if let Some(print) = &keys.fingerprint {
        visit(KeyKind::Fingerprint, print, &|s| s.fingerprint = true);
    }
    if let Some(shape) = &keys.error_shape() {
        visit(KeyKind::ErrorShape, shape, &|s| s.error_shape = true);
    }
    let mut total = 0.0;
    for symbol in &keys.symbols {
        let docs = postings.get(&(KeyKind::Symbol, key_hash(KeyKind::Symbol, symbol)));
        let weight = docs.map_or(0.0, |d| idf(d));
        // The index withholds the postings of a hub, so its weight is low.
        let weight = if docs.is_some_and(Vec::is_empty) { idf(&[]) / 8.0 } else { weight };
        total += weight;
        visit(KeyKind::Symbol, symbol, &|s| {
            s.symbols.push(symbol.clone());
            s.symbol_share += weight;
        });
    }
    for file in &keys.files {
        visit(KeyKind::File, file, &|s| s.files.push(file.clone()));
    }
    for unit in keys.symbols.iter().filter(|s| s.contains("::")).chain(&keys.files) {
        visit(KeyKind::Unit, unit, &|s| s.units.push(unit.clone()));
    }
    for structure in found.values_mut() {
        structure.shared.symbol_share = if total > 0.0 { structure.shared.symbol_share / total } else { 0.0 };
    }
    if found.len() > CODE_CANDIDATES {
        let mut best: Vec<(i64, f64)> = found.iter().map(|(doc, s)| (*doc, s.weight)).collect();
        best.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| b.0.cmp(&a.0)));
        let kept: BTreeSet<i64> = best.into_iter().take(CODE_CANDIDATES).map(|(doc, _)| doc).collect();
        found.retain(|doc, _| kept.contains(doc));
    }
    Ok(found)
}

fn kind_weight(kind: KeyKind) -> f64 {
    match kind {
        KeyKind::Fingerprint => 3.0,
        KeyKind::ErrorShape => 1.5,
        KeyKind::Symbol | KeyKind::Unit => 1.0,
        KeyKind::File => 0.5,
        KeyKind::Repository => 0.0,
    }
}
