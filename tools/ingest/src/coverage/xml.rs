/*!
The XML formats share their walk: elements with attributes, in bounded depth. The root element tells them apart.
*/

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::limits::MAX_PATH_BYTES;
use super::report::CoverageReport;
use super::{CoverageError, cobertura, jacoco};
use crate::xml_attribute::{MAX_XML_DEPTH, attribute};

/// Reads the elements of one format.
pub(super) trait ElementReader {
    const FORMAT: &'static str;

    fn open(&mut self, element: &XmlElement<'_>);
    /// `text` is the text directly before the end tag.
    fn close(&mut self, name: &str, text: &str);
    fn finish(self) -> CoverageReport;
}

/// An element with its attributes.
pub(super) struct XmlElement<'e> {
    pub(super) name: String,
    start: &'e BytesStart<'e>,
}

impl XmlElement<'_> {
    /// The value of an attribute; empty when it is missing or longer than a path may be.
    pub(super) fn text(&self, attribute_name: &str) -> String {
        attribute(self.start, attribute_name).filter(|text| text.len() <= MAX_PATH_BYTES).unwrap_or_default()
    }

    /// The value of an attribute as a number.
    pub(super) fn number(&self, attribute: &str) -> Option<u64> {
        self.text(attribute).trim().parse().ok()
    }
}

pub(super) fn read(text: &str) -> Result<CoverageReport, CoverageError> {
    match root(text).as_deref() {
        Some("report") => walk(text, jacoco::JacocoReader::new()),
        Some("coverage") => walk(text, cobertura::CoberturaReader::new()),
        _ => Err(CoverageError::Unknown),
    }
}

fn root(text: &str) -> Option<String> {
    let mut xml = Reader::from_str(text);
    loop {
        match xml.read_event().ok()? {
            Event::Start(element) | Event::Empty(element) => return Some(name(&element)),
            Event::Eof => return None,
            _ => {}
        }
    }
}

fn name(element: &BytesStart<'_>) -> String {
    element.local_name().as_ref().to_owned()
}

fn walk<R: ElementReader>(text: &str, mut reader: R) -> Result<CoverageReport, CoverageError> {
    let mut xml = Reader::from_str(text);
    let (mut depth, mut last_text) = (0_usize, String::new());
    loop {
        let event = xml.read_event();
        let damaged = |why: String| CoverageError::Damaged {
            format: R::FORMAT,
            at: format!("byte {}", xml.buffer_position()),
            why,
        };
        match event {
            Ok(Event::Start(start)) => {
                depth += 1;
                if depth > MAX_XML_DEPTH {
                    return Err(damaged(format!("elements are nested more than {MAX_XML_DEPTH} deep")));
                }
                last_text.clear();
                reader.open(&XmlElement { name: name(&start), start: &start });
            }
            Ok(Event::Empty(start)) => {
                let element = XmlElement { name: name(&start), start: &start };
                reader.open(&element);
                reader.close(&element.name, "");
            }
            Ok(Event::Text(text)) => last_text.push_str(&text),
            Ok(Event::End(end)) => {
                depth = depth.saturating_sub(1);
                reader.close(end.local_name().as_ref(), &last_text);
                last_text.clear();
            }
            Ok(Event::Eof) if depth == 0 => return Ok(reader.finish()),
            Ok(Event::Eof) => return Err(damaged("it ends inside an element".to_owned())),
            Ok(_) => {}
            Err(error) => return Err(damaged(error.to_string())),
        }
    }
}
