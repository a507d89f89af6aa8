/*!
Everything the signals of one ranking look at, read once: candidates, query, the files at the failing revision,
and the frames of the ticket with the files they lie in.
*/

use std::collections::HashMap;

use millwright_memory::types::Frame;

use super::candidates::Candidates;
use super::lines::{FileHistory, follow};
use super::query::Query;
use super::tests_of::{TestFiles, test_files};
use super::tree::{Source, Tree};
use super::{RankRequest, SuspectsError, candidate_positions};
use crate::history::{CommitMeta, History, PathKind, path_kind, trigrams};

/// Frames that take part; a stack overflow prints thousands.
const MAX_FRAMES: usize = 60;

/// 3-grams of the messages that take part.
const MAX_GRAMS: usize = 400;

/// A frame that lies in the repository.
#[derive(Debug)]
pub(super) struct LocatedFrame<'a> {
    pub(super) frame: &'a Frame,
    pub(super) path: String,
    /// Frames of the product between the raise and this one, in the same exception.
    pub(super) distance: usize,
    pub(super) is_test: bool,
}

pub(super) struct Context<'a> {
    pub(super) request: &'a RankRequest<'a>,
    pub(super) history: History,
    pub(super) candidates: Candidates,
    pub(super) query: Query,
    pub(super) tree: Tree,
    pub(super) frames: Vec<LocatedFrame<'a>>,
    pub(super) tests: TestFiles,
    /// Contents of frame and test files at the failing revision.
    pub(super) sources: HashMap<String, Source>,
    /// Whose lines they are, of the same files.
    pub(super) line_history: HashMap<String, FileHistory>,
}

impl<'a> Context<'a> {
    pub(super) fn read(request: &'a RankRequest<'a>) -> Result<Self, SuspectsError> {
        let mut history = History::open(request.repo, request.bad)?;
        let positions = candidate_positions(&history, request.bad, request.good)?;
        history.text.ensure(request.repo, &history.structure, &positions)?;
        let query = Query::new(request.ticket, request.extra_text);
        let grams = message_grams(request);
        let candidates = Candidates::read(&history, &positions, &query, &grams)?;
        let tree = Tree::read(request.repo, request.bad)?;
        let frames = locate_frames(request, &tree);
        let tests = test_files(request.ticket, &frames, &tree);
        let mut wanted: Vec<String> = frames.iter().map(|frame| frame.path.clone()).collect();
        wanted.extend(tests.files.iter().cloned());
        let touched = candidates.list.iter().flat_map(|candidate| candidate.source_files());
        let touched: std::collections::HashSet<&str> = touched.map(|file| file.path.as_str()).collect();
        wanted.extend(tree.paths().filter(|path| touched.contains(path)).map(str::to_owned));
        wanted.sort_unstable();
        wanted.dedup();
        let sources = Tree::sources(request.repo, request.bad, &wanted)?;
        let line_history = sources
            .iter()
            .map(|(path, source)| (path.clone(), follow(&candidates, path, source.lines)))
            .collect();
        Ok(Self { request, history, candidates, query, tree, frames, tests, sources, line_history })
    }

    /// The commit of a candidate.
    pub(super) fn commit(&self, at: usize) -> &CommitMeta {
        self.history.structure.commit(self.candidates.list[at].position)
    }

    /// Frames of the product, tests aside.
    pub(super) fn product_frames(&self) -> impl Iterator<Item = &LocatedFrame<'a>> {
        self.frames.iter().filter(|frame| !frame.is_test)
    }
}

fn locate_frames<'a>(request: &RankRequest<'a>, tree: &Tree) -> Vec<LocatedFrame<'a>> {
    let mut located = Vec::new();
    for exception in request.ticket.traces.iter().flat_map(|trace| &trace.exceptions) {
        let mut distance = 0;
        for frame in &exception.frames {
            let Some(path) = tree.locate(frame) else { continue };
            let is_test = frame.mapped.as_ref().is_some_and(|mapped| mapped.is_test)
                || path_kind(path) == PathKind::Test;
            located.push(LocatedFrame { frame, path: path.to_owned(), distance, is_test });
            distance += usize::from(!is_test);
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
