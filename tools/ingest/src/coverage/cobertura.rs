/*!
Cobertura XML, which coverage.py, gcovr, coverlet, PHPUnit, Istanbul and others write, and Clover XML, which has the
same root element. Cobertura's file names are relative to one of its `<source>` folders.
*/

use super::limits::MAX_PATH_BYTES;
use super::report::{CoverageFormat, CoverageReport};
use super::xml::{ElementReader, XmlElement};

pub(super) struct CoberturaReader {
    report: CoverageReport,
    sources: Vec<String>,
    path: Option<String>,
    /// The method that is open, and whether one of its lines ran.
    method: Option<(String, bool)>,
}

impl CoberturaReader {
    pub(super) fn new() -> Self {
        let report = CoverageReport::new(CoverageFormat::Cobertura);
        Self { report, sources: Vec::new(), path: None, method: None }
    }

    fn line(&mut self, number: Option<u64>, hits: Option<u64>) {
        let (Some(path), Some(number), Some(hits)) = (&self.path, number, hits) else {
            return self.report.note("lines without a file, number or count are left out".to_owned());
        };
        self.report.line(path, number, hits);
        if let Some((_, ran)) = &mut self.method {
            *ran |= hits > 0;
        }
    }

    /// The path of a class: with its source folder where there is exactly one, so that equal names in several
    /// reports stay apart.
    fn path_of(&self, file_name: &str) -> String {
        match self.sources.as_slice() {
            [source] if !file_name.starts_with('/') && source.starts_with('/') => {
                format!("{}/{file_name}", source.trim_end_matches('/'))
            }
            _ => file_name.to_owned(),
        }
    }
}

impl ElementReader for CoberturaReader {
    const FORMAT: &'static str = "Cobertura";

    fn open(&mut self, element: &XmlElement<'_>) {
        match element.name.as_str() {
            "class" => {
                // Clover's classes lie inside a file and have no path of their own.
                let file = element.text("filename");
                if !file.is_empty() {
                    self.path = Some(self.path_of(&file));
                }
            }
            // Clover names the file itself, with the whole path beside its name.
            "file" => {
                let path = element.text("path");
                let path = if path.is_empty() { element.text("name") } else { path };
                self.path = (!path.is_empty()).then_some(path);
            }
            "method" => self.method = Some((element.text("name"), false)),
            "line" => {
                let number = element.number("number").or_else(|| element.number("num"));
                let hits = element.number("hits").or_else(|| element.number("count"));
                self.line(number, hits);
                // Clover's functions are lines with a name.
                let name = element.text("name");
                if element.text("type") == "method"
                    && hits.is_some_and(|hits| hits > 0)
                    && let Some(path) = &self.path
                {
                    self.report.function(path, &name);
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str, text: &str) {
        match name {
            "source" if !text.trim().is_empty() && text.len() <= MAX_PATH_BYTES => {
                self.sources.push(text.trim().to_owned())
            }
            "method" => {
                if let (Some((method, true)), Some(path)) = (self.method.take(), &self.path) {
                    self.report.function(path, &method);
                }
            }
            "classes" | "file" => self.path = None,
            _ => {}
        }
    }

    fn finish(self) -> CoverageReport {
        self.report
    }
}
