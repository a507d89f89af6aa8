/*!
Names of a file: where they are bound, where they are used, and which binding is visible where. Scopes are
functions and classes. Blocks belong to their function's scope, so that a name reported as undefined really is
undefined.
*/

pub(crate) mod builtins;
mod roles;

use std::collections::{HashMap, HashSet};

use crate::SourceLanguage;
use crate::syntax::SyntaxTable;
use crate::syntax::kinds::{is_definition, is_function};

/// The role of an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameRole {
    /// Defines, declares or assigns the name.
    Bind,
    /// Imports the name from another module.
    Import,
    /// Reads the name.
    Use,
    /// Reads the name in a place where it may have another meaning, such as the tokens of a macro.
    Mention,
    /// Names a type.
    Type,
    /// A member of an object: `x.name`.
    Member,
    /// A member that is assigned to.
    MemberBind,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Occurrence<'s> {
    pub(crate) name: &'s str,
    pub(crate) role: NameRole,
    pub(crate) line: u32,
    /// Number of the enclosing scope.
    pub(crate) scope: usize,
}

#[derive(Debug)]
struct NameScope {
    parent: Option<usize>,
    /// Names of the enclosing definitions, joined by dots; `λ` for anonymous ones.
    path: String,
    is_function: bool,
}

pub(crate) struct FileNames<'s> {
    pub(crate) occurrences: Vec<Occurrence<'s>>,
    scopes: Vec<NameScope>,
    /// Scopes that bind a name.
    bound: HashMap<&'s str, Vec<usize>>,
    definitions: HashSet<&'s str>,
    /// Occurrences of a name, by number.
    of_name: HashMap<&'s str, Vec<usize>>,
    /// Whether the file adds names that cannot be listed: `from m import *`, `exec`.
    pub(crate) is_open: bool,
    /// Whether the file imports or exports anything. A file that does neither is a script that shares its names
    /// with others.
    pub(crate) is_module: bool,
}

impl<'s> FileNames<'s> {
    pub(crate) fn read(table: &SyntaxTable<'s>) -> Self {
        let mut names = Self {
            occurrences: Vec::new(),
            scopes: vec![NameScope { parent: None, path: String::new(), is_function: false }],
            bound: HashMap::new(),
            definitions: HashSet::new(),
            of_name: HashMap::new(),
            is_open: false,
            is_module: false,
        };
        // Open scopes with the row where each one ends.
        let mut open: Vec<(usize, usize)> = vec![(0, table.rows().end)];
        for row in table.rows() {
            while open.last().is_some_and(|(_, end)| *end <= row) {
                open.pop();
            }
            let scope = open.last().map_or(0, |(scope, _)| *scope);
            let node = table.node(row);
            names.is_open |= roles::opens_names(table, row);
            names.is_module |= roles::is_module_mark(table, row);
            if node.is_named && opens_scope(node.kind) {
                let own = roles::name_of(table, row).unwrap_or("λ");
                let path = match names.scopes.get(scope).map_or("", |scope| scope.path.as_str()) {
                    "" => own.to_owned(),
                    outer => format!("{outer}.{own}"),
                };
                open.push((names.scopes.len(), table.subtree(row).end));
                let path = path.chars().take(400).collect();
                let is_function = is_function(node.kind);
                names.scopes.push(NameScope { parent: Some(scope), path, is_function });
            }
            let Some((name, role)) = roles::role(table, row) else { continue };
            // The name of a function is visible outside of the function.
            let outside = role == NameRole::Bind && roles::names_scope(table, row);
            let scope = if outside { names.parent_of(scope) } else { scope };
            for word in roles::words(table, row, name) {
                names.of_name.entry(word).or_default().push(names.occurrences.len());
                names.occurrences.push(Occurrence { name: word, role, line: node.line, scope });
                if role == NameRole::MemberBind
                    || (role == NameRole::Bind && names.is_definition_scope(scope))
                {
                    names.definitions.insert(word);
                }
                if matches!(role, NameRole::Bind | NameRole::Import) {
                    let scopes = names.bound.entry(word).or_default();
                    if scopes.last() != Some(&scope) {
                        scopes.push(scope);
                    }
                }
            }
        }
        names
    }

    fn parent_of(&self, scope: usize) -> usize {
        self.scopes.get(scope).and_then(|scope| scope.parent).unwrap_or(0)
    }

    pub(crate) fn path(&self, scope: usize) -> &str {
        self.scopes.get(scope).map_or("", |scope| scope.path.as_str())
    }

    /// The scope and all enclosing ones.
    fn chain(&self, scope: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(scope), |scope| self.scopes.get(*scope)?.parent)
    }

    /// Whether `name` has a binding that is visible in `scope`.
    pub(crate) fn is_bound(&self, name: &str, scope: usize) -> bool {
        self.bound.get(name).is_some_and(|scopes| self.chain(scope).any(|scope| scopes.contains(&scope)))
    }

    /// The path of the innermost scope that binds `name` for code at `path`. `path` may come from another version.
    pub(crate) fn binding_path(&self, name: &str, path: &str) -> Option<&str> {
        let scopes = self.bound.get(name)?;
        let visible = scopes.iter().map(|scope| self.path(*scope)).filter(|bound| is_within(path, bound));
        visible.max_by_key(|bound| bound.len())
    }

    /// Names that are used without being bound.
    pub(crate) fn unbound(&self) -> HashSet<&'s str> {
        let used = self.occurrences.iter().filter(|found| found.role == NameRole::Use);
        used.filter(|found| !self.is_bound(found.name, found.scope)).map(|found| found.name).collect()
    }

    /// Whether names bound in a scope can be used from outside: the file's scope, or that of a class.
    pub(crate) fn is_definition_scope(&self, scope: usize) -> bool {
        self.scopes.get(scope).is_some_and(|scope| !scope.is_function)
    }

    /// Whether the name is defined for use from outside, as a member or by a definition.
    pub(crate) fn defines(&self, name: &str) -> bool {
        self.definitions.contains(name)
    }

    pub(crate) fn occurrences_of(&self, name: &str) -> impl Iterator<Item = &Occurrence<'s>> {
        let numbers = self.of_name.get(name).map(Vec::as_slice).unwrap_or_default();
        numbers.iter().filter_map(|number| self.occurrences.get(*number))
    }

    /// Parameters of the named function, as far as they are on the line of its name: names and types, in order.
    /// `None` if no function of that name begins on the line.
    pub(crate) fn parameters(&self, name: &str, line: u32) -> Option<Vec<&'s str>> {
        let function = |scope: usize| {
            let scope = self.scopes.get(scope).filter(|scope| scope.is_function)?;
            (scope.path.rsplit('.').next() == Some(name)).then_some(())
        };
        let taken = |found: &&Occurrence<'s>| found.line == line && function(found.scope).is_some();
        let mut on_line = self.occurrences.iter().filter(|found| found.line == line);
        let is_defined = on_line
            .any(|found| found.name == name && matches!(found.role, NameRole::Bind | NameRole::MemberBind));
        let is_function = self.scopes.iter().enumerate().any(|(scope, _)| function(scope).is_some());
        (is_defined && is_function)
            .then(|| self.occurrences.iter().filter(taken).map(|found| found.name).collect())
    }

    pub(crate) fn binds_anywhere(&self, name: &str) -> bool {
        self.bound.contains_key(name)
    }
}

/// Whether `path` is the scope `outer` or inside of it.
pub(crate) fn is_within(path: &str, outer: &str) -> bool {
    outer.is_empty() || path == outer || path.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
}

fn opens_scope(kind: &str) -> bool {
    let wrapper =
        matches!(kind, "decorated_definition" | "type_declaration" | "linkage_specification" | "module");
    is_function(kind) || (is_definition(kind) && !wrapper)
}

/// Whether a single file is enough to decide that a name is undefined.
pub(crate) fn decides_names(lang: SourceLanguage) -> bool {
    matches!(
        lang,
        SourceLanguage::Python
            | SourceLanguage::JavaScript
            | SourceLanguage::TypeScript
            | SourceLanguage::Tsx
    )
}
