/*!
Turns a page of the guide from Markdown into HTML that the policy of pages allows: no raw HTML, no styles, no images.
Headings get the anchors that code hosts give them, so that a link between two files works there and here.
*/

use std::collections::BTreeMap;

use maud::{Markup, html};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

pub(super) struct GuideHeading {
    pub(super) level: u8,
    pub(super) anchor: String,
    pub(super) text: String,
}

pub(super) struct RenderedMarkdown {
    pub(super) html: String,
    pub(super) headings: Vec<GuideHeading>,
}

/// Renders `source`. `page_url` says where a file `NAME.md` beside this one is served; links to other files of the
/// source folder, which the service does not have, become plain text.
pub(super) fn render(source: &str, page_url: fn(&str) -> Option<String>) -> RenderedMarkdown {
    let mut renderer = MarkdownRenderer {
        page_url,
        html: String::with_capacity(source.len() * 2),
        headings: Vec::new(),
        anchors: BTreeMap::new(),
        open_heading: None,
        open_links: Vec::new(),
        is_table_head: false,
    };
    for event in Parser::new_ext(source, Options::ENABLE_TABLES) {
        renderer.push_event(event);
    }
    RenderedMarkdown { html: renderer.html, headings: renderer.headings }
}

struct MarkdownRenderer {
    page_url: fn(&str) -> Option<String>,
    html: String,
    headings: Vec<GuideHeading>,
    /// How often each anchor was given, because a second heading with the same words needs another one.
    anchors: BTreeMap<String, usize>,
    /// The start of the heading's HTML, and its text.
    open_heading: Option<(usize, String)>,
    /// For each open link, whether it has a target.
    open_links: Vec<bool>,
    is_table_head: bool,
}

impl MarkdownRenderer {
    fn push_event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            // Raw HTML is shown as it is written and never passed through.
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                self.push_heading_text(&text);
                self.push(&html! { (*text) });
            }
            Event::Code(text) => {
                self.push_heading_text(&text);
                self.push(&html! { code { (*text) } });
            }
            Event::SoftBreak => self.html.push('\n'),
            Event::HardBreak => self.push(&html! { br; }),
            Event::Rule => self.push(&html! { hr; }),
            // These extensions are off: only tables are enabled.
            Event::InlineMath(_) | Event::DisplayMath(_) | Event::FootnoteReference(_) => {}
            Event::TaskListMarker(_) => {}
        }
    }

    fn push(&mut self, markup: &Markup) {
        self.html.push_str(&markup.0);
    }

    fn push_heading_text(&mut self, text: &str) {
        if let Some((_, heading)) = &mut self.open_heading {
            heading.push_str(text);
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        let opening = match tag {
            Tag::Heading { .. } => {
                self.open_heading = Some((self.html.len(), String::new()));
                return;
            }
            Tag::Link { dest_url, .. } => {
                let url = self.link_url(dest_url);
                if let Some(url) = &url {
                    let opening = html! { a href=(url) {} }.into_string();
                    self.html.push_str(opening.trim_end_matches("</a>"));
                }
                self.open_links.push(url.is_some());
                return;
            }
            Tag::TableHead => {
                self.is_table_head = true;
                "<thead><tr>"
            }
            Tag::Paragraph => "<p>",
            Tag::BlockQuote(_) => "<blockquote>",
            // Commands are not wrapped, because a reader could not tell where a line ends; a keyboard scrolls them.
            Tag::CodeBlock(_) => "<pre tabindex=\"0\"><code>",
            Tag::List(None) => "<ul>",
            Tag::List(Some(_)) => "<ol>",
            Tag::Item => "<li>",
            // A wide table scrolls by itself; a keyboard reaches it, too.
            Tag::Table(_) => {
                "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table>"
            }
            Tag::TableRow => "<tr>",
            Tag::TableCell if self.is_table_head => "<th scope=\"col\">",
            Tag::TableCell => "<td>",
            Tag::Emphasis => "<em>",
            Tag::Strong => "<strong>",
            _ => "",
        };
        self.html.push_str(opening);
    }

    fn end(&mut self, tag: TagEnd) {
        let closing = match tag {
            TagEnd::Heading(level) => return self.end_heading(level),
            TagEnd::Link => match self.open_links.pop() {
                Some(true) => "</a>",
                _ => "",
            },
            TagEnd::TableHead => {
                self.is_table_head = false;
                "</tr></thead><tbody>"
            }
            TagEnd::Paragraph => "</p>\n",
            TagEnd::BlockQuote(_) => "</blockquote>\n",
            TagEnd::CodeBlock => "</code></pre>\n",
            TagEnd::List(false) => "</ul>\n",
            TagEnd::List(true) => "</ol>\n",
            TagEnd::Item => "</li>\n",
            TagEnd::Table => "</tbody></table></div>\n",
            TagEnd::TableRow => "</tr>\n",
            TagEnd::TableCell if self.is_table_head => "</th>",
            TagEnd::TableCell => "</td>",
            TagEnd::Emphasis => "</em>",
            TagEnd::Strong => "</strong>",
            _ => "",
        };
        self.html.push_str(closing);
    }

    fn end_heading(&mut self, level: HeadingLevel) {
        let Some((begin, text)) = self.open_heading.take() else { return };
        let inner = self.html.split_off(begin);
        let anchor = self.unused_anchor(&text);
        let level = level as u8;
        self.html.push_str(&format!("<h{level} id=\"{anchor}\">{inner}"));
        if level > 1 {
            let label = format!("Link to “{text}”");
            self.push(&html! { " " a.anchor href=(format!("#{anchor}")) aria-label=(label) { "#" } });
        }
        self.html.push_str(&format!("</h{level}>\n"));
        self.headings.push(GuideHeading { level, anchor, text });
    }

    fn unused_anchor(&mut self, heading: &str) -> String {
        let anchor = heading_anchor(heading);
        let times = self.anchors.entry(anchor.clone()).or_default();
        *times += 1;
        match *times {
            1 => anchor,
            more => format!("{anchor}-{}", more - 1),
        }
    }

    /// The URL of a link on a served page, if the service has its target.
    fn link_url(&self, target: &str) -> Option<String> {
        if target.starts_with('#') || target.starts_with("https://") || target.starts_with("http://") {
            return Some(target.to_owned());
        }
        let (file, anchor) = target.split_once('#').map_or((target, None), |(file, at)| (file, Some(at)));
        let url = (self.page_url)(file.strip_suffix(".md")?)?;
        Some(anchor.map_or_else(|| url.clone(), |anchor| format!("{url}#{anchor}")))
    }
}

/// The anchor of a heading as code hosts make it: small letters, without punctuation, a hyphen for each space. It holds only
/// letters, digits, `-` and `_`, so it needs no escaping.
pub(super) fn heading_anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' '));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>().to_lowercase()
}
