/*!
Quoting: how text is written inside a shell word, a here-document, a `printf` format or a program's string literal. A
literal of a program inside a shell word has several layers of quoting; [`encode`] applies them from the innermost
layer outwards.
*/

use super::token::TokenLanguage;

/// One layer of quoting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QuotingLayer {
    /// Written as it is.
    Raw,
    ShellBare,
    ShellSingle,
    ShellDouble,
    /// `$'…'`
    ShellAnsi,
    /// An unquoted here-document.
    HereDocument,
    Printf,
    /// A string literal; whether it takes escapes, and its quote.
    Literal {
        language: TokenLanguage,
        quote: u8,
        escapes: bool,
    },
}

/// Quotes `text` for all layers, from the innermost outwards, so that reading it through them gives `text` again.
pub(super) fn encode(text: &str, layers: &[QuotingLayer]) -> String {
    layers.iter().fold(text.to_owned(), |text, layer| encode_one(&text, *layer))
}

fn escape(text: &str, special: &[char]) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(&c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn encode_one(text: &str, layer: QuotingLayer) -> String {
    match layer {
        QuotingLayer::Raw => text.to_owned(),
        QuotingLayer::ShellSingle => text.replace('\'', r"'\''"),
        QuotingLayer::ShellDouble => escape(text, &['\\', '"', '$', '`']),
        QuotingLayer::HereDocument => escape(text, &['\\', '$', '`']),
        QuotingLayer::ShellAnsi => escape(text, &['\\', '\'']).replace('\n', r"\n"),
        QuotingLayer::ShellBare => {
            let plain = |c: char| c.is_alphanumeric() || "_-+=./:,@%^".contains(c);
            if !text.is_empty() && text.chars().all(plain) {
                text.to_owned()
            } else {
                format!("'{}'", text.replace('\'', r"'\''"))
            }
        }
        QuotingLayer::Printf => text
            .replace('\\', r"\\")
            .replace('%', "%%")
            .replace('\n', r"\n")
            .replace('\t', r"\t")
            .replace('\r', r"\r"),
        QuotingLayer::Literal { language, quote, escapes } => encode_literal(text, language, quote, escapes),
    }
}

fn encode_literal(text: &str, language: TokenLanguage, quote: u8, escapes: bool) -> String {
    let quote = char::from(quote);
    if !escapes {
        // Ruby, Perl and PHP can escape the quote and the backslash inside single quotes; a raw string can escape
        // neither.
        return match (language, quote) {
            (TokenLanguage::Ruby | TokenLanguage::Perl | TokenLanguage::Php, '\'') => {
                escape(text, &['\\', '\''])
            }
            _ => text.chars().filter(|c| *c != quote && *c != '\\').collect(),
        };
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => out.push_str(r"\n"),
            '\t' => out.push_str(r"\t"),
            '\r' => out.push_str(r"\r"),
            '\\' => out.push_str(r"\\"),
            '$' | '@' if language == TokenLanguage::Perl => {
                out.push('\\');
                out.push(c);
            }
            '$' if language == TokenLanguage::Php
                || (language == TokenLanguage::JavaScript && quote == '`') =>
            {
                out.push('\\');
                out.push(c);
            }
            '#' if language == TokenLanguage::Ruby && matches!(chars.peek(), Some('{' | '$' | '@')) => {
                out.push_str(r"\#")
            }
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// The value of a string literal's content; `None` if the content has an interpolation or an unknown escape.
pub(super) fn decode_literal(
    content: &str,
    language: TokenLanguage,
    quote: u8,
    escapes: bool,
) -> Option<String> {
    let interpolates = match language {
        TokenLanguage::JavaScript => quote == b'`' && content.contains("${"),
        TokenLanguage::Ruby => quote == b'"' && content.contains("#{"),
        TokenLanguage::Perl | TokenLanguage::Php => quote == b'"' && holds_variable(content),
        _ => false,
    };
    if interpolates {
        return None;
    }
    if !escapes {
        return Some(match (language, quote) {
            (TokenLanguage::Ruby | TokenLanguage::Perl | TokenLanguage::Php, b'\'') => {
                content.replace(r"\'", "'").replace(r"\\", "\\")
            }
            _ => content.to_owned(),
        });
    }
    let mut out = String::with_capacity(content.len());
    let mut chars = content.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next()? {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            '0' => out.push('\0'),
            '\n' => {}
            'x' => {
                let code: String = chars.by_ref().take(2).collect();
                out.push(char::from(u8::from_str_radix(&code, 16).ok()?));
            }
            'u' => {
                let code: String = chars.by_ref().take(4).collect();
                out.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
            }
            c if c.is_ascii_alphanumeric() => {
                // Unknown escapes stay as they are, such as those of a regular expression in a plain string.
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    Some(out)
}

fn holds_variable(content: &str) -> bool {
    let bytes = content.as_bytes();
    bytes.iter().enumerate().any(|(i, b)| {
        matches!(b, b'$' | b'@')
            && (i == 0 || bytes.get(i - 1) != Some(&b'\\'))
            && bytes.get(i + 1).is_some_and(|n| n.is_ascii_alphabetic() || *n == b'_' || *n == b'{')
    })
}

/// Whether a literal that starts like this (prefix included) takes escapes.
pub(super) fn takes_escapes(language: TokenLanguage, prefix: &str, quote: u8) -> bool {
    match language {
        TokenLanguage::Python => !prefix.contains(['r', 'R']),
        TokenLanguage::Ruby | TokenLanguage::Perl | TokenLanguage::Php => quote == b'"',
        TokenLanguage::Go => quote != b'`',
        _ => true,
    }
}
