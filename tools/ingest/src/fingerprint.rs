/*!
Computes when two incidents are the same. The fingerprint uses the types in the exception chain, our own functions
nearest to the crash, and the message without its variable parts. It never includes line numbers, folders,
addresses or values. If none of this is distinctive ("8 != 1" and no frame), there is no fingerprint, because many
failures would share it.
*/

use millwright_model::{ExceptionInfo, Fingerprint, Frame, Language, ParsedTicket, StackTrace};
use sha2::{Digest, Sha256};

use super::template::template;
use super::test_path::is_test_path;

/// Symbols listed in a fingerprint.
const MAX_SYMBOLS: usize = 8;
/// Symbols that are hashed: callers further out differ between two ways to the same fault.
const HASHED_SYMBOLS: usize = 3;
/// A template with this many words is distinctive even without a symbol.
const DISTINCTIVE_WORDS: usize = 3;

pub fn fingerprint(ticket: &ParsedTicket) -> Fingerprint {
    let Some(trace) = primary(&ticket.traces) else { return without_trace(ticket) };
    let exception = trace.exceptions.first().map(|e| exception_name(&e.kind)).filter(|name| !name.is_empty());
    let symbols = symbols(trace);
    let template = trace.exceptions.iter().map(|e| first_line_template(&e.message)).find(|t| !t.is_empty());
    let tests = || ticket.failing_tests.first().map(|test| test.id.clone());
    let chain: Vec<String> = trace.exceptions.iter().map(|e| exception_name(&e.kind)).collect();
    let hashed: Vec<String> = symbols.iter().take(HASHED_SYMBOLS).cloned().collect();
    let value = if !hashed.is_empty() {
        digest(&[&chain.join(">"), &hashed.join(">"), template.as_deref().unwrap_or("")])
    } else if template.as_deref().is_some_and(is_distinctive)
        && !exception.as_deref().is_some_and(is_assertion)
    {
        digest(&[&chain.join(">"), "", template.as_deref().unwrap_or("")])
    } else if let Some(test) = tests() {
        digest(&[&chain.join(">"), &test, template.as_deref().unwrap_or("")])
    } else {
        String::new()
    };
    Fingerprint { value, exception, symbols, template }
}

/// The fingerprint of an error line without a trace, if the line is distinctive enough.
fn without_trace(ticket: &ParsedTicket) -> Fingerprint {
    let error = ticket.errors.iter().find(|error| is_distinctive(&template(&error.message)));
    let Some(error) = error.or(ticket.errors.first()) else {
        let value = ticket.failing_tests.first().map(|test| digest(&["", &test.id, ""])).unwrap_or_default();
        return Fingerprint { value, ..Fingerprint::default() };
    };
    let exception = error.kind.as_deref().map(exception_name).filter(|name| !name.is_empty());
    let template = first_line_template(&error.message);
    let test = ticket.failing_tests.first().map_or("", |test| test.id.as_str());
    let value = if is_distinctive(&template) || !test.is_empty() {
        digest(&[exception.as_deref().unwrap_or(""), test, &template])
    } else {
        String::new()
    };
    Fingerprint { value, exception, symbols: Vec::new(), template: Some(template).filter(|t| !t.is_empty()) }
}

/// The trace an incident is about: the first one with one of our own frames, otherwise the first one.
pub(crate) fn primary(traces: &[StackTrace]) -> Option<&StackTrace> {
    let own = |trace: &&StackTrace| trace.exceptions.iter().flat_map(|e| &e.frames).any(|frame| frame.in_app);
    traces.iter().find(own).or_else(|| traces.first())
}

/// The message of an assertion comes from its framework ("3 queries executed, 2 expected"), and names no cause.
fn is_assertion(exception: &str) -> bool {
    exception.contains("Assert") || exception.contains("ComparisonFailure")
}

/// Only the first line is used: diffs and dumps of values follow.
fn first_line_template(message: &str) -> String {
    template(message.lines().find(|line| !line.trim().is_empty()).unwrap_or(""))
}

fn is_distinctive(template: &str) -> bool {
    template
        .split_whitespace()
        .filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() >= 3 && !word.starts_with('<'))
        .count()
        >= DISTINCTIVE_WORDS
}

/// `django.core.exceptions.FieldError` and `FieldError` count as the same, as do a JVM's relocated packages.
pub(crate) fn exception_name(kind: &str) -> String {
    let bare = kind
        .split_whitespace()
        .next()
        .filter(|first| first.contains('.') || first.contains("::") || first.contains('\\'))
        .unwrap_or(kind);
    let last = bare.rsplit(['.', '\\', '$']).next().unwrap_or(bare);
    let last = last.rsplit("::").next().unwrap_or(last);
    last.trim().trim_end_matches(':').to_owned()
}

/// Our own functions: first those of the root cause, starting at the crash site, then those of the surfaced
/// exception.
pub(crate) fn symbols(trace: &StackTrace) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let product: Vec<&Frame> = own_frames(trace).filter(|frame| is_product_frame(frame)).collect();
    let frames = if product.is_empty() {
        own_frames(trace).filter(|frame| !is_test_support(frame)).collect()
    } else {
        product
    };
    for frame in frames {
        let Some(symbol) = symbol(frame, trace.language) else { continue };
        if out.len() >= MAX_SYMBOLS {
            break;
        }
        if !out.contains(&symbol) {
            out.push(symbol);
        }
    }
    out
}

fn own_frames(trace: &StackTrace) -> impl Iterator<Item = &Frame> {
    trace.exceptions.iter().rev().flat_map(|e: &ExceptionInfo| &e.frames).filter(|frame| frame.in_app)
}

/// Code that can be at fault: neither a test nor test support code.
pub(crate) fn is_product_frame(frame: &Frame) -> bool {
    frame.in_app && !is_test_frame(frame) && !is_test_support(frame)
}

/// Assertions and test cases that a product ships (`django/test/testcases.py`, `assertTotals`): many failures
/// share them.
fn is_test_support(frame: &Frame) -> bool {
    let path = frame
        .mapped
        .as_ref()
        .map(|mapped| mapped.path.as_str())
        .or(frame.path.as_deref())
        .unwrap_or("")
        .replace('\\', "/");
    let asserts = frame.function.as_deref().is_some_and(|name| {
        let name =
            name.rsplit(['.', ':']).next().unwrap_or(name).trim_start_matches('_').to_ascii_lowercase();
        name.starts_with("assert") || name == "fail"
    });
    asserts || ["/test/", "/testing/"].iter().any(|folder| path.contains(folder)) && !is_test_frame(frame)
}

pub(crate) fn is_test_frame(frame: &Frame) -> bool {
    match (&frame.mapped, &frame.path, &frame.module) {
        (Some(mapped), _, _) => mapped.is_test,
        (None, Some(path), _) if is_test_path(path) => true,
        (None, _, Some(module)) => {
            is_test_path(&format!("{}.java", module.split('$').next().unwrap_or(module).replace('.', "/")))
        }
        _ => false,
    }
}

/// `query.fetch_all`: the name of the file or class, and the function, but never a folder.
pub(crate) fn symbol(frame: &Frame, language: Language) -> Option<String> {
    let function = frame.function.as_deref().map(plain_function).filter(|name| !name.is_empty());
    let stem = frame.path.as_deref().map(stem).filter(|stem| !stem.is_empty());
    let class = frame.module.as_deref().map(|module| last_part(module, language));
    let owner = match language {
        Language::Jvm | Language::DotNet | Language::Php => class.or(stem),
        _ => stem.or(class),
    };
    match (owner, function) {
        (Some(owner), Some(function)) => Some(format!("{owner}.{function}")),
        (None, Some(function)) => Some(function),
        (Some(owner), None) => Some(owner),
        (None, None) => None,
    }
}

fn last_part(module: &str, language: Language) -> String {
    let last = match language {
        Language::Go => module.rsplit('/').next(),
        _ => module.rsplit(['.', '\\', '/', ':']).next(),
    };
    let last = last.unwrap_or(module);
    // Generated classes have numbers: `Cart$1`, `Cart$$Lambda$14`.
    last.split("$$")
        .next()
        .unwrap_or(last)
        .trim_end_matches(|c: char| c.is_ascii_digit() || c == '$')
        .to_owned()
}

fn stem(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let stem = file.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(file);
    // `main.3f9c2e1b.js`: the hash is already cut off. In `main-3f9c2e1b.js` the hash is part of the stem.
    let hashed = stem.rsplit_once(['-', '_']).filter(|(_, tail)| {
        tail.len() >= 6
            && tail.bytes().any(|b| b.is_ascii_digit())
            && tail.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    hashed.map_or(stem, |(head, _)| head).to_owned()
}

/// The name without numbers of closures, generics and suffixes added by compilers.
fn plain_function(name: &str) -> String {
    let last = name
        .rsplit("::")
        .find(|part| !part.starts_with("{{closure}}") && !part.starts_with("{closure"))
        .unwrap_or(name);
    let last = last.split(['(', '<']).next().filter(|head| !head.is_empty()).unwrap_or(last);
    let method = if name.starts_with("(*") { name } else { last };
    let mut out = method.trim_end_matches("()");
    // Compilers number anonymous functions: `lambda$run$0`, `handler.func2.1`.
    loop {
        let bare = out.trim_end_matches(|c: char| c.is_ascii_digit());
        let numbered = bare.len() < out.len() && (bare.ends_with(['$', '.']) || bare.ends_with("func"));
        if !numbered {
            break;
        }
        out = bare.trim_end_matches("func").trim_end_matches(['$', '.']);
    }
    out.to_owned()
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex::encode(hash.finalize()).get(..32).unwrap_or_default().to_owned()
}

#[cfg(test)]
#[path = "fingerprint_tests.rs"]
mod tests;
