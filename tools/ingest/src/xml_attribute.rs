/*!
Attributes of XML elements, for the readers of report files.
*/

use std::borrow::Cow;

use quick_xml::events::BytesStart;

/// Maximum nesting of elements in a report file.
pub(crate) const MAX_XML_DEPTH: usize = 200;

/// The value of an attribute. Only the predefined entities exist in reports; a value with another one stays as it is.
pub(crate) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let text = element.try_get_attribute(name).ok()??.value.into_owned();
    Some(quick_xml::escape::unescape(&text).map(Cow::into_owned).unwrap_or(text))
}
