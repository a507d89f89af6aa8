/*!
The task `log-templates`: how well log messages are grouped by their templates, measured on labelled logs.

A folder contains `<SYS>/<SYS>_2k.log` and `<SYS>/<SYS>_2k.log_structured_corrected.csv`. As in the papers, the miner gets
the label file's `Content` column (the message without its header), with one configuration for all systems. `raw_lines` has
the same figures for raw lines, whose headers are removed by the general detection.

Measures: GA and PA as in Khan et al., "Guidelines for Assessing the Accuracy of Log Message Template Identification
Techniques" (ICSE 2022); FGA and FTA (F1 over templates) as in Jiang et al., "A Large-Scale Evaluation for Log Parsing
Techniques" (ISSTA 2024, LogPub).
*/

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use millwright_ingest::logs::{LogRecords, TemplateMiner, TemplateTally};
use serde::{Deserialize, Serialize};

/// Number of lines that are mined to measure the speed.
const TIMED_LINES: usize = 1_000_000;

#[derive(Debug, thiserror::Error)]
pub enum LogTemplatesError {
    #[error("reading {path}: {source}; the folder must contain <SYS>/<SYS>_2k.log and its labels")]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "{folder} contains no <SYS>/<SYS>_2k.log_structured_corrected.csv; give the folder above the systems"
    )]
    NoSystems { folder: PathBuf },
    #[error("{path} has no column {column:?}; it must be a corrected label file of loghub")]
    NoColumn { path: PathBuf, column: &'static str },
}

/// Shares between 0 and 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct LogScores {
    /// Lines whose group is exactly the labelled group.
    pub ga: f64,
    /// Lines whose template is exactly the labelled template.
    pub pa: f64,
    /// F1 of templates whose group of lines is exactly a labelled group.
    pub fga: f64,
    /// F1 of templates whose group and text are both right.
    pub fta: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogTemplatesSummary {
    /// Number of judged lines.
    pub cases: usize,
    pub mean: LogScores,
    pub systems: BTreeMap<String, LogScores>,
    /// Messages per second on one thread, for the messages of all systems repeated to a million.
    pub lines_per_second: f64,
    pub raw_lines: RawLines,
}

/// The figures for whole lines, header detection included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawLines {
    pub mean: LogScores,
    pub systems: BTreeMap<String, LogScores>,
}

#[derive(Default)]
struct LineNumbers(Vec<usize>);

impl TemplateTally for LineNumbers {
    fn absorb(&mut self, later: Self) {
        self.0.extend(later.0);
    }
}

struct Labelled {
    content: String,
    template: String,
}

/// Judges every system below `folder`.
pub fn run(folder: &Path) -> Result<LogTemplatesSummary, LogTemplatesError> {
    let read = |path: &Path| {
        fs::read(path).map_err(|source| LogTemplatesError::Read { path: path.to_owned(), source })
    };
    let entries =
        fs::read_dir(folder).map_err(|source| LogTemplatesError::Read { path: folder.to_owned(), source })?;
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let (mut systems, mut raw_systems, mut messages) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for name in names {
        let log = folder.join(&name).join(format!("{name}_2k.log"));
        let labels = folder.join(&name).join(format!("{name}_2k.log_structured_corrected.csv"));
        if !labels.is_file() {
            continue;
        }
        let labelled = labelled(&labels, &String::from_utf8_lossy(&read(&labels)?))?;
        let truth: Vec<&str> = labelled.iter().map(|line| line.template.as_str()).collect();
        let mined = mine(labelled.iter().map(|line| Some(line.content.as_str())));
        systems.insert(name.clone(), score(&mined, &truth));
        let raw = raw_messages(&log, truth.len())
            .map_err(|source| LogTemplatesError::Read { path: log, source })?;
        let mined = mine(raw.iter().map(Option::as_deref));
        raw_systems.insert(name, score(&mined, &truth));
        messages.extend(labelled.into_iter().map(|line| line.content));
    }
    if systems.is_empty() {
        return Err(LogTemplatesError::NoSystems { folder: folder.to_owned() });
    }
    Ok(LogTemplatesSummary {
        cases: messages.len(),
        mean: mean(&systems),
        lines_per_second: speed(&messages),
        raw_lines: RawLines { mean: mean(&raw_systems), systems: raw_systems },
        systems,
    })
}

/// The template of each message; lines without a message get none.
fn mine<'m>(messages: impl Iterator<Item = Option<&'m str>>) -> Vec<String> {
    let mut miner = TemplateMiner::<LineNumbers>::default();
    let mut lines = 0;
    for (line, message) in messages.enumerate() {
        lines = line + 1;
        if let Some(message) = message {
            miner.add(message).0.push(line);
        }
    }
    let mut templates = vec![String::new(); lines];
    for mined in miner.finish().0 {
        for line in mined.tally.0 {
            if let Some(template) = templates.get_mut(line) {
                template.clone_from(&mined.template);
            }
        }
    }
    templates
}

/// The message of each line of a log. A line that was recognised as the continuation of another line has none.
fn raw_messages(log: &Path, lines: usize) -> io::Result<Vec<Option<String>>> {
    let mut messages = vec![None; lines];
    let mut records = LogRecords::open(log)?;
    while let Some(record) = records.next_record()? {
        let line = usize::try_from(record.start_line).unwrap_or(usize::MAX) - 1;
        if let Some(message) = messages.get_mut(line) {
            *message = Some(record.message.split('\n').next().unwrap_or_default().to_owned());
        }
    }
    Ok(messages)
}

fn score(mined: &[String], truth: &[&str]) -> LogScores {
    let groups = grouped(mined.iter().map(String::as_str));
    let labels = grouped(truth.iter().copied());
    let by_lines: HashMap<&[usize], &str> =
        labels.iter().map(|(template, lines)| (lines.as_slice(), *template)).collect();
    let (mut exact_lines, mut exact_groups, mut exact_templates) = (0, 0, 0);
    for (template, lines) in &groups {
        if let Some(label) = by_lines.get(lines.as_slice()) {
            exact_lines += lines.len();
            exact_groups += 1;
            exact_templates += usize::from(normal(template) == normal(label));
        }
    }
    let same = mined.iter().zip(truth).filter(|(mined, label)| normal(mined) == normal(label)).count();
    let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
    LogScores {
        ga: share(exact_lines, truth.len()),
        pa: share(same, truth.len()),
        fga: share(2 * exact_groups, groups.len() + labels.len()),
        fta: share(2 * exact_templates, groups.len() + labels.len()),
    }
}

/// The lines of each group, in order.
fn grouped<'t>(templates: impl Iterator<Item = &'t str>) -> BTreeMap<&'t str, Vec<usize>> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (line, template) in templates.enumerate() {
        groups.entry(template).or_default().push(line);
    }
    groups
}

/// Normalises blanks, and merges neighbouring variables into one, because these differences do not count (Khan et al.).
fn normal(template: &str) -> String {
    let mut text = template.split_whitespace().collect::<Vec<_>>().join(" ");
    for pair in ["<*><*>", "<*> <*>"] {
        while text.contains(pair) {
            text = text.replace(pair, "<*>");
        }
    }
    text
}

fn mean(systems: &BTreeMap<String, LogScores>) -> LogScores {
    let of =
        |pick: fn(&LogScores) -> f64| systems.values().map(pick).sum::<f64>() / systems.len().max(1) as f64;
    LogScores {
        ga: of(|scores| scores.ga),
        pa: of(|scores| scores.pa),
        fga: of(|scores| scores.fga),
        fta: of(|scores| scores.fta),
    }
}

fn speed(messages: &[String]) -> f64 {
    let mut miner = TemplateMiner::<()>::default();
    let begun = Instant::now();
    for message in messages.iter().cycle().take(TIMED_LINES) {
        miner.add(message);
    }
    miner.finish();
    TIMED_LINES as f64 / begun.elapsed().as_secs_f64().max(1e-9)
}

fn labelled(path: &Path, text: &str) -> Result<Vec<Labelled>, LogTemplatesError> {
    let mut rows = csv_rows(text).into_iter();
    let header = rows.next().unwrap_or_default();
    let column = |column: &'static str| {
        let place = header.iter().position(|name| name.trim_start_matches('\u{feff}') == column);
        place.ok_or_else(|| LogTemplatesError::NoColumn { path: path.to_owned(), column })
    };
    let (content, template) = (column("Content")?, column("EventTemplate")?);
    let cell = |row: &[String], place: usize| row.get(place).cloned().unwrap_or_default();
    Ok(rows.map(|row| Labelled { content: cell(&row, content), template: cell(&row, template) }).collect())
}

/// Rows of a CSV text (RFC 4180).
fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut chars) = (false, text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_csv() {
        let rows = csv_rows("a,b\r\n\"x, \"\"y\"\"\nz\",2\n,\n");
        assert_eq!(rows, [vec!["a", "b"], vec!["x, \"y\"\nz", "2"], vec!["", ""]]);
    }

    #[test]
    fn measures() {
        let truth = ["a <*>", "a <*>", "b", "b", "c <*> d"];
        let mined = ["a <*>", "a <*>", "b", "b x", "c <*>  <*> d"].map(str::to_owned);
        let scores = score(&mined, &truth);
        assert_eq!((scores.ga, scores.pa), (0.6, 0.8));
        assert_eq!((scores.fga, scores.fta), (4.0 / 7.0, 4.0 / 7.0));
    }

    #[test]
    fn a_folder_is_judged() {
        let folder = tempfile::tempdir().unwrap();
        let system = folder.path().join("Toy");
        fs::create_dir(&system).unwrap();
        let (mut log, mut labels) = (String::new(), "LineId,Content,EventId,EventTemplate\n".to_owned());
        for line in 0..40 {
            let (content, template) = match line % 2 {
                0 => (format!("served {line} pages"), "served <*> pages"),
                _ => (format!("closed, by peer{line}0"), "closed, by <*>"),
            };
            log.push_str(&format!("2026-11-22 10:00:{line:02} INFO web: {content}\n"));
            labels.push_str(&format!("{line},\"{content}\",E{},\"{template}\"\n", line % 2));
        }
        fs::write(system.join("Toy_2k.log"), log).unwrap();
        fs::write(system.join("Toy_2k.log_structured_corrected.csv"), labels).unwrap();
        let summary = run(folder.path()).unwrap();
        let perfect = LogScores { ga: 1.0, pa: 1.0, fga: 1.0, fta: 1.0 };
        assert_eq!((summary.mean, summary.raw_lines.mean, summary.cases), (perfect, perfect, 40));
        assert!(summary.lines_per_second > 0.0);
        assert!(matches!(run(&system), Err(LogTemplatesError::NoSystems { .. })));
    }
}
