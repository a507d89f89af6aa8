/*!
Everything that the signals of one ranking need, read once: candidates, query, the files at the failing revision, and
the frames of the ticket with the files they are in.
*/

use std::collections::BTreeMap;

use millwright_git::history::{CommitMeta, HistoryIndex, trigrams};
use millwright_ingest::{RepoFiles, map_frames};
use millwright_model::ParsedTicket;
use rayon::prelude::*;

use super::candidates::SuspectCandidates;
use super::lines::{FileHistory, follow};
use super::query::TicketQuery;
use super::tests_of::{TestFiles, test_files};
use super::tree::{SourceText, TreePaths};
use super::{Indexed, RankRequest, SuspectsError, index};

/// Maximum number of frames; a stack overflow prints thousands.
const MAX_FRAMES: usize = 60;

/// Maximum number of 3-grams of the messages.
const MAX_GRAMS: usize = 400;

/// A frame of code in the repository.
#[derive(Debug)]
pub(super) struct LocatedFrame {
    pub(super) path: String,
    pub(super) line: Option<u32>,
    /// Without its class or module.
    pub(super) function: Option<String>,
    /// Frames of the product between the raise and this one, in the same exception.
    pub(super) distance: usize,
    pub(super) is_test: bool,
}

pub(super) struct SignalContext<'a> {
    pub(super) request: &'a RankRequest<'a>,
    /// The ticket with its frames and tests matched to files of the failing revision.
    pub(super) ticket: ParsedTicket,
    pub(super) history: HistoryIndex,
    /// The commits of the range, and behind them older ones to compare them with.
    pub(super) candidates: SuspectCandidates,
    /// Number of candidates in the range; the others follow them.
    pub(super) in_range: usize,
    pub(super) query: TicketQuery,
    pub(super) tree: TreePaths,
    pub(super) frames: Vec<LocatedFrame>,
    pub(super) tests: TestFiles,
    /// Contents of frame and test files at the failing revision.
    pub(super) sources: BTreeMap<String, SourceText>,
    /// Line owners of the same files.
    pub(super) line_history: BTreeMap<String, FileHistory>,
}

impl<'a> SignalContext<'a> {
    pub(super) fn read(request: &'a RankRequest<'a>) -> Result<Self, SuspectsError> {
        // Git lists the files of the revision while this thread reads the index.
        let (indexed, tree) = std::thread::scope(|scope| {
            let tree = scope.spawn(|| TreePaths::read(request.repo, request.bad));
            let indexed = index(request.repo, request.rules, request.bad, request.good);
            let tree = tree.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (indexed, tree)
        });
        let (Indexed { history, positions, in_range, .. }, tree) = (indexed?, tree?);
        let mut ticket = request.ticket.clone();
        map_frames(&mut ticket, &RepoFiles::new(tree.paths().map(str::to_owned)));
        let query = TicketQuery::new(&ticket, request.extra_text);
        let grams = message_grams(request);
        let candidates = SuspectCandidates::read(&history, &positions, &query, &grams)?;
        let frames = locate_frames(&ticket);
        let tests = test_files(&ticket, &frames);
        let mut wanted: Vec<String> = frames.iter().map(|frame| frame.path.clone()).collect();
        wanted.extend(tests.files.iter().cloned());
        let touched = candidates.list.iter().flat_map(|candidate| candidate.source_files());
        let touched: std::collections::HashSet<&str> = touched.map(|file| file.path.as_str()).collect();
        wanted.extend(tree.paths().filter(|path| touched.contains(path)).map(str::to_owned));
        wanted.sort_unstable();
        wanted.dedup();
        let sources = TreePaths::sources(request.repo, request.bad, &wanted)?;
        let line_history = sources
            .par_iter()
            .map(|(path, source)| (path.clone(), follow(&candidates, path, source.lines)))
            .collect();
        Ok(Self {
            request,
            ticket,
            history,
            candidates,
            in_range,
            query,
            tree,
            frames,
            tests,
            sources,
            line_history,
        })
    }

    /// The commit of a candidate.
    pub(super) fn commit(&self, at: usize) -> &CommitMeta {
        self.history.structure.commit(self.candidates.list[at].position)
    }

    /// Frames of the product, tests aside.
    pub(super) fn product_frames(&self) -> impl Iterator<Item = &LocatedFrame> {
        self.frames.iter().filter(|frame| !frame.is_test)
    }
}

fn locate_frames(ticket: &ParsedTicket) -> Vec<LocatedFrame> {
    let mut located = Vec::new();
    for exception in ticket.traces.iter().flat_map(|trace| &trace.exceptions) {
        let mut distance = 0;
        for frame in &exception.frames {
            let Some(mapped) = &frame.mapped else { continue };
            let function = frame.function.as_deref().map(|name| name.rsplit(['.', ':', '$', '#']).next());
            located.push(LocatedFrame {
                path: mapped.path.clone(),
                line: frame.line,
                function: function.flatten().map(str::to_owned),
                distance,
                is_test: mapped.is_test,
            });
            distance += usize::from(!mapped.is_test);
            if located.len() >= MAX_FRAMES {
                return located;
            }
        }
    }
    located
}

/// 3-grams of the error messages.
pub(super) fn message_grams(request: &RankRequest<'_>) -> Vec<u32> {
    let messages = request.ticket.errors.iter().map(|error| error.message.as_bytes());
    let mut grams: Vec<u32> = messages.flat_map(trigrams).collect();
    grams.sort_unstable();
    grams.dedup();
    grams.truncate(MAX_GRAMS);
    grams
}
