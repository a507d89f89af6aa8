/*!
JaCoCo's XML report. Its files are named by package and source file; the folder above the package is not in it.
*/

use super::report::{CoverageFormat, CoverageReport};
use super::xml::{ElementReader, XmlElement};

pub(super) struct JacocoReader {
    report: CoverageReport,
    package: String,
    /// The source file of the open element, with its package.
    path: Option<String>,
    class: String,
    method: Option<String>,
}

impl JacocoReader {
    pub(super) fn new() -> Self {
        Self {
            report: CoverageReport::new(CoverageFormat::Jacoco),
            package: String::new(),
            path: None,
            class: String::new(),
            method: None,
        }
    }

    fn path_of(&self, file: &str) -> Option<String> {
        let in_package =
            if self.package.is_empty() { file.to_owned() } else { format!("{}/{file}", self.package) };
        (!file.is_empty()).then_some(in_package)
    }
}

impl ElementReader for JacocoReader {
    const FORMAT: &'static str = "JaCoCo";

    fn open(&mut self, element: &XmlElement<'_>) {
        match element.name.as_str() {
            "package" => self.package = element.text("name"),
            "class" => {
                self.path = self.path_of(&element.text("sourcefilename"));
                let name = element.text("name");
                let simple = name.rsplit('/').next().unwrap_or(&name);
                // Inner classes by dots, and without the numbers of anonymous ones.
                let parts =
                    simple.split('$').filter(|part| !part.starts_with(|first: char| first.is_ascii_digit()));
                self.class = parts.collect::<Vec<_>>().join(".");
            }
            "method" => {
                let name = element.text("name");
                self.method = match name.as_str() {
                    "<clinit>" => None,
                    "<init>" => Some(format!(
                        "{0}.{1}",
                        self.class,
                        self.class.rsplit('.').next().unwrap_or_default()
                    )),
                    // `lambda$total$0` belongs to `total`.
                    name => {
                        let name = name
                            .strip_prefix("lambda$")
                            .and_then(|rest| rest.split('$').next())
                            .unwrap_or(name);
                        Some(format!("{}.{name}", self.class))
                    }
                };
            }
            "counter" => {
                let ran = element.text("type") == "METHOD"
                    && element.number("covered").is_some_and(|count| count > 0);
                if ran && let (Some(method), Some(path)) = (&self.method, &self.path) {
                    self.report.function(path, method);
                }
            }
            "sourcefile" => self.path = self.path_of(&element.text("name")),
            "line" => {
                let (number, covered) = (element.number("nr"), element.number("ci"));
                match (&self.path, number, covered) {
                    (Some(path), Some(number), Some(covered)) => self.report.line(path, number, covered),
                    _ => self.report.note("lines without a file, number or count are left out".to_owned()),
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str, _text: &str) {
        match name {
            "class" | "sourcefile" => self.path = None,
            "method" => self.method = None,
            "package" => self.package.clear(),
            _ => {}
        }
    }

    fn finish(self) -> CoverageReport {
        self.report
    }
}
