/*!
Finds which top-level modules of a crate use each other, from the paths in its sources, and reports cycles. Modules in a
cycle cannot be understood, tested or moved separately, and one of them contains something that belongs elsewhere.

These count as uses: `crate::a` and `super::a` anywhere outside tests, and `crate::Name` where the crate root re-exports
`Name` from a module. What the root itself re-exports or calls is not a use by a module.
*/

use std::collections::{BTreeMap, BTreeSet};

use super::rust_tokens::{RustToken, tokens};

/// The sources of a crate: the text of each file by its path below `src`.
pub(crate) type CrateSources = BTreeMap<String, String>;

/// A place where a module is used: file and line.
type UsePlace = (String, usize);

/// The places where one module uses another, by (using module, used module).
type ModuleUses = BTreeMap<(String, String), Vec<UsePlace>>;

type Tokens = Vec<(RustToken, usize)>;

/// Each cycle of modules, with the places that cause it.
pub(crate) fn find_cycles(sources: &CrateSources) -> Vec<String> {
    let uses = module_uses(sources);
    let mut graph: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in uses.keys() {
        graph.entry(from).or_default().insert(to);
    }
    let reachable: BTreeMap<&str, BTreeSet<&str>> =
        graph.keys().map(|module| (*module, reached_from(&graph, module))).collect();
    let in_circle_with = |one: &str, other: &str| {
        reachable.get(one).is_some_and(|reached| reached.contains(other))
            && reachable.get(other).is_some_and(|reached| reached.contains(one))
    };
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let mut out = Vec::new();
    for module in graph.keys() {
        if told.contains(module) || !in_circle_with(module, module) {
            continue;
        }
        let circle: BTreeSet<&str> =
            graph.keys().copied().filter(|other| in_circle_with(module, other)).collect();
        told.extend(&circle);
        let mut lines = vec![format!("{:?} use each other", circle)];
        let inside = uses
            .iter()
            .filter(|((from, to), _)| circle.contains(from.as_str()) && circle.contains(to.as_str()));
        for ((from, to), places) in inside {
            let places: Vec<String> =
                places.iter().take(4).map(|(file, line)| format!("src/{file}:{line}")).collect();
            lines.push(format!("  {from} -> {to}: {}", places.join(", ")));
        }
        out.push(lines.join("\n"));
    }
    out
}

fn reached_from<'g>(graph: &BTreeMap<&'g str, BTreeSet<&'g str>>, from: &str) -> BTreeSet<&'g str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = graph.get(from).into_iter().flatten().copied().collect();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(graph.get(next).into_iter().flatten());
        }
    }
    reached
}

fn module_uses(sources: &CrateSources) -> ModuleUses {
    let root = ["lib.rs", "main.rs"].into_iter().find(|root| sources.contains_key(*root));
    let root = root.expect("a crate has a root");
    let root_tokens = without_tests(tokens(&sources[root]));
    let mut reader = CrateReader {
        sources,
        modules: submodules(&root_tokens).into_iter().map(|module| module.name).collect(),
        exports: BTreeMap::new(),
        uses: BTreeMap::new(),
    };
    reader.exports = reader.exports_of(&root_tokens);
    for module in submodules(&root_tokens) {
        reader.file(&mut vec![module.name.clone()], &module.file_in("", ""));
    }
    reader.uses
}

struct CrateReader<'s> {
    sources: &'s CrateSources,
    /// Top-level modules.
    modules: BTreeSet<String>,
    /// Names that the root re-exports, and the module of each.
    exports: BTreeMap<String, String>,
    uses: ModuleUses,
}

impl CrateReader<'_> {
    fn exports_of(&self, root: &Tokens) -> BTreeMap<String, String> {
        let mut out = BTreeMap::new();
        for module in submodules(root) {
            if is_exported_whole(root, &module.name) {
                let names = module.file_in("", "").iter().find_map(|file| self.sources.get(&file.path));
                let names = names.map(|text| public_names(&without_tests(tokens(text)))).unwrap_or_default();
                out.extend(names.into_iter().map(|name| (name, module.name.clone())));
            }
        }
        for at in (0..root.len()).filter(|at| root[*at].0.is_word("use")) {
            for path in paths_from(root, at + 1) {
                let path: Vec<&String> =
                    path.0.iter().filter(|part| !matches!(part.as_str(), "crate" | "self")).collect();
                if let [module, .., name] = path[..]
                    && self.modules.contains(module)
                {
                    out.insert(name.clone(), module.clone());
                }
            }
        }
        out
    }

    /// Reads the file of the module at path `module` from the root: the first of `candidates` that exists.
    fn file(&mut self, module: &mut Vec<String>, candidates: &[ModuleFile]) {
        let Some((file, text)) =
            candidates.iter().find_map(|file| Some((file, self.sources.get(&file.path)?)))
        else {
            return;
        };
        let tokens = without_tests(tokens(text));
        self.paths(module, &file.path, &tokens);
        for submodule in submodules(&tokens) {
            module.push(submodule.name.clone());
            self.file(module, &submodule.file_in(&file.folder(), &file.children));
            module.pop();
        }
    }

    fn paths(&mut self, module: &[String], file: &str, tokens: &Tokens) {
        // Inline modules of the file, by the brace depth at which each begins.
        let mut inner: Vec<usize> = Vec::new();
        let mut depth = 0;
        for at in 0..tokens.len() {
            match &tokens[at].0 {
                RustToken::Sign('{') => {
                    if at >= 2 && tokens[at - 2].0.is_word("mod") {
                        inner.push(depth);
                    }
                    depth += 1;
                }
                RustToken::Sign('}') => {
                    depth = depth.saturating_sub(1);
                    if inner.last() == Some(&depth) {
                        inner.pop();
                    }
                }
                RustToken::Word(word) if matches!(word.as_str(), "crate" | "super") => {
                    let continues = at >= 2 && is_separator(tokens, at - 2);
                    if !continues && is_separator(tokens, at + 1) {
                        self.paths_at(module, inner.len(), file, tokens, at);
                    }
                }
                _ => {}
            }
        }
    }

    fn paths_at(&mut self, module: &[String], inner: usize, file: &str, tokens: &Tokens, at: usize) {
        for (path, line) in paths_from(tokens, at) {
            let levels = path.iter().take_while(|part| *part == "super").count();
            let is_from_root = path[0] == "crate" || levels == module.len() + inner;
            let first = path.get(levels.max(1)).filter(|_| is_from_root);
            let Some(used) = first.and_then(|name| match self.modules.get(name) {
                Some(module) => Some(module),
                None => self.exports.get(name),
            }) else {
                continue;
            };
            let Some(user) = module.first().filter(|user| *user != used) else { continue };
            self.uses.entry((user.clone(), used.clone())).or_default().push((file.to_owned(), line));
        }
    }
}

/// Whether the tokens contain a `use module::*`.
fn is_exported_whole(tokens: &Tokens, module: &str) -> bool {
    (0..tokens.len()).any(|at| {
        tokens[at].0.is_word(module)
            && is_separator(tokens, at + 1)
            && tokens.get(at + 3).is_some_and(|(token, _)| token.is_sign('*'))
    })
}

/// The names that a file offers to others: its public items and its re-exports.
fn public_names(tokens: &Tokens) -> Vec<String> {
    const KINDS: [&str; 8] = ["struct", "enum", "trait", "type", "const", "static", "fn", "union"];
    let mut out = Vec::new();
    for at in (0..tokens.len()).filter(|at| tokens[*at].0.is_word("pub")) {
        let word = |ahead: usize| tokens.get(at + ahead).and_then(|(token, _)| token.word());
        match (word(1), word(2)) {
            (Some("use"), _) => {
                out.extend(paths_from(tokens, at + 2).into_iter().filter_map(|(mut path, _)| path.pop()));
            }
            (Some("async" | "unsafe"), Some("fn")) => out.extend(word(3).map(str::to_owned)),
            (Some(kind), Some(name)) if KINDS.contains(&kind) => out.push(name.to_owned()),
            _ => {}
        }
    }
    out
}

/// A `mod name;` of a file, with the path from its `#[path]` attribute.
struct Submodule {
    name: String,
    path: Option<String>,
}

/// A possible file of a module, and the folder of its submodules.
struct ModuleFile {
    path: String,
    children: String,
}

impl ModuleFile {
    fn folder(&self) -> String {
        self.path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"))
    }
}

impl Submodule {
    /// `folder` is the folder of the file that declares the module. `children` is the folder of that file's submodules. Both
    /// end with a slash.
    fn file_in(&self, folder: &str, children: &str) -> Vec<ModuleFile> {
        let name = &self.name;
        match &self.path {
            Some(path) => {
                let path = format!("{folder}{path}");
                let children =
                    path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
                vec![ModuleFile { path, children }]
            }
            None => {
                let below = format!("{children}{name}/");
                vec![
                    ModuleFile { path: format!("{children}{name}.rs"), children: below.clone() },
                    ModuleFile { path: format!("{below}mod.rs"), children: below },
                ]
            }
        }
    }
}

fn submodules(tokens: &Tokens) -> Vec<Submodule> {
    let mut out = Vec::new();
    let mut path = None;
    for at in 0..tokens.len() {
        match &tokens[at].0 {
            RustToken::Text(text)
                if at >= 3 && tokens[at - 1].0.is_sign('=') && tokens[at - 2].0.is_word("path") =>
            {
                path = Some(text.clone());
            }
            RustToken::Word(word) if word == "mod" => {
                let name = tokens.get(at + 1).and_then(|(token, _)| token.word());
                let ends = tokens.get(at + 2).is_some_and(|(token, _)| token.is_sign(';'));
                if let Some(name) = name.filter(|_| ends) {
                    out.push(Submodule { name: name.to_owned(), path: path.take() });
                }
            }
            RustToken::Sign(';' | '{' | '}') => path = None,
            _ => {}
        }
    }
    out
}

fn is_separator(tokens: &Tokens, at: usize) -> bool {
    let is_colon = |at: usize| tokens.get(at).is_some_and(|(token, _)| token.is_sign(':'));
    is_colon(at) && is_colon(at + 1)
}

/// The paths that begin at a token, each with the line of its last word. A group `a::{b, c::d}` gives one path per member.
fn paths_from(tokens: &Tokens, at: usize) -> Vec<(Vec<String>, usize)> {
    let mut out = Vec::new();
    collect_paths(tokens, at, &mut Vec::new(), &mut out);
    out
}

/// Returns the position after the path or the group.
fn collect_paths(
    tokens: &Tokens,
    mut at: usize,
    before: &mut Vec<String>,
    out: &mut Vec<(Vec<String>, usize)>,
) -> usize {
    let outer = before.len();
    let mut line = 0;
    loop {
        match tokens.get(at) {
            Some((RustToken::Word(word), here)) => {
                before.push(word.clone());
                line = *here;
                at += 1;
                if is_separator(tokens, at) {
                    at += 2;
                    continue;
                }
                if tokens.get(at).is_some_and(|(token, _)| token.is_word("as")) {
                    // Other modules see the alias, so the alias counts.
                    if let Some(name) = tokens.get(at + 1).and_then(|(token, _)| token.word()) {
                        before.push(name.to_owned());
                    }
                    at += 2;
                }
                out.push((before.clone(), line));
            }
            Some((RustToken::Sign('{'), _)) if before.len() > outer || outer > 0 => {
                at += 1;
                while tokens.get(at).is_some_and(|(token, _)| !token.is_sign('}')) {
                    let next = collect_paths(tokens, at, before, out);
                    at = next.max(at + 1);
                    if tokens.get(at).is_some_and(|(token, _)| token.is_sign(',')) {
                        at += 1;
                    }
                }
                at += 1;
            }
            // A glob, or the end of something like `<T as crate::Trait>::X`.
            _ => {
                if before.len() > outer && line > 0 {
                    out.push((before.clone(), line));
                }
            }
        }
        before.truncate(outer);
        return at;
    }
}

/// The tokens without items that only tests have.
fn without_tests(tokens: Tokens) -> Tokens {
    let mut out = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let Some(end) = attribute_end(&tokens, at) else {
            out.push(tokens[at].clone());
            at += 1;
            continue;
        };
        if is_of_tests(&tokens[at..end]) {
            if tokens[at + 1].0.is_sign('!') {
                return Vec::new();
            }
            at = item_end(&tokens, end);
        } else {
            out.extend_from_slice(&tokens[at..end]);
            at = end;
        }
    }
    out
}

/// The position after the `]` of the attribute that begins at `at`.
fn attribute_end(tokens: &Tokens, at: usize) -> Option<usize> {
    let sign = |at: usize, sign: char| tokens.get(at).is_some_and(|(token, _)| token.is_sign(sign));
    let open = at + 1 + usize::from(sign(at + 1, '!'));
    (sign(at, '#') && sign(open, '[')).then(|| group_end(tokens, open))
}

fn is_of_tests(attribute: &[(RustToken, usize)]) -> bool {
    let has = |word: &str| attribute.iter().any(|(token, _)| token.is_word(word));
    has("cfg") && has("test") && !has("not") && !has("any")
}

/// The position after the bracket that closes the one at `open`.
fn group_end(tokens: &Tokens, open: usize) -> usize {
    let mut depth = 0usize;
    for (at, (token, _)) in tokens.iter().enumerate().skip(open) {
        match token {
            RustToken::Sign('(' | '[' | '{') => depth += 1,
            RustToken::Sign(')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// The position after the item, field or statement that begins at `at`.
fn item_end(tokens: &Tokens, mut at: usize) -> usize {
    while let Some(end) = attribute_end(tokens, at) {
        at = end;
    }
    const WITH_BODY: [&str; 9] =
        ["mod", "fn", "struct", "enum", "impl", "trait", "unsafe", "async", "extern"];
    let mut has_body = false;
    let mut is_item = false;
    for (token, _) in tokens.iter().skip(at).take(6) {
        let Some(word) = token.word() else { continue };
        has_body |= WITH_BODY.contains(&word);
        is_item |= has_body || matches!(word, "use" | "const" | "static" | "type" | "let");
        if is_item {
            break;
        }
    }
    while at < tokens.len() {
        match &tokens[at].0 {
            RustToken::Sign('{') if has_body => return group_end(tokens, at),
            RustToken::Sign('(' | '[' | '{') => at = group_end(tokens, at),
            RustToken::Sign(';') => return at + 1,
            RustToken::Sign(',') if !is_item => return at + 1,
            RustToken::Sign(')' | ']' | '}') => return at,
            _ => at += 1,
        }
    }
    at
}
