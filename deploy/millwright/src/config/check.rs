/*!
Compares a parsed file with the schema of the options, before serde reads it: serde stops at the first error, cannot
suggest the nearest key, and gives no line number, which a reader needs first.
*/

use super::renamed;
use serde_json::Value as Schema;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A key in the file that is not an option, or a value of the wrong type.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ConfigProblem {
    /// Byte offset in the file.
    pub(super) at: usize,
    pub(super) what: String,
}

/// The schema of the options, with the helpers to walk it.
#[derive(Debug)]
pub(super) struct ConfigSchema {
    root: Schema,
}

impl ConfigSchema {
    pub(super) fn of_options() -> Self {
        Self { root: schemars::schema_for!(super::ConfigFile).to_value() }
    }

    /// The schema at a path of keys, if there is one.
    pub(super) fn at(&self, path: &[String]) -> Option<&Schema> {
        path.iter().try_fold(self.resolve(&self.root), |schema, key| self.child(schema, key))
    }

    /// The allowed keys of a table; empty if all keys are allowed.
    pub(super) fn keys<'a>(&'a self, schema: &'a Schema) -> Vec<&'a str> {
        let properties = schema.get("properties").and_then(Schema::as_object);
        properties.map(|keys| keys.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    fn child<'a>(&'a self, schema: &'a Schema, key: &str) -> Option<&'a Schema> {
        let schema = self.resolve(schema);
        let known = schema.get("properties").and_then(|properties| properties.get(key));
        let open = || schema.get("additionalProperties").filter(|open| open.is_object());
        known.or_else(open).map(|child| self.resolve(child))
    }

    /// Follows `$ref`, and takes the non-null variant of a nullable (`anyOf` with null).
    fn resolve<'a>(&'a self, mut schema: &'a Schema) -> &'a Schema {
        for _ in 0..8 {
            let target = schema
                .get("$ref")
                .and_then(Schema::as_str)
                .and_then(|path| self.root.pointer(path.trim_start_matches('#')));
            let one_of = || {
                let choices = schema.get("anyOf")?.as_array()?;
                choices.iter().find(|choice| choice.get("type").is_none_or(|kind| kind != "null"))
            };
            match target.or_else(one_of) {
                Some(next) => schema = next,
                None => break,
            }
        }
        schema
    }

    pub(super) fn check(&self, table: &Spanned<DeTable<'_>>) -> Vec<ConfigProblem> {
        let mut problems = Vec::new();
        self.check_table(table.get_ref(), self.resolve(&self.root), "", &mut problems);
        problems.sort_by_key(|problem| problem.at);
        problems
    }

    fn check_table(
        &self,
        table: &DeTable<'_>,
        schema: &Schema,
        path: &str,
        problems: &mut Vec<ConfigProblem>,
    ) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let full = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            let name = renamed::name_now(&full).unwrap_or(name);
            match self.child(schema, name) {
                Some(child) => self.check_value(value, child, &full, problems),
                None => {
                    let keys = self.keys(schema);
                    let at = key.span().start;
                    problems.push(ConfigProblem { at, what: unknown("key", &full, name, &keys) });
                }
            }
        }
    }

    fn check_value(
        &self,
        value: &Spanned<DeValue<'_>>,
        schema: &Schema,
        path: &str,
        problems: &mut Vec<ConfigProblem>,
    ) {
        let mut wrong = |what: String| problems.push(ConfigProblem { at: value.span().start, what });
        let found = kind_of(value.get_ref());
        if let Some(choices) = choices(schema) {
            let given = value.get_ref().as_str();
            if !given.is_some_and(|given| choices.contains(&given)) {
                let list: Vec<String> = choices.iter().map(|choice| format!("{choice:?}")).collect();
                wrong(format!("{path} must be one of {}", list.join(", ")));
            }
            return;
        }
        let wanted = kind_in(schema);
        // An integer is also a number.
        let fits = wanted == found || (wanted == "number" && found == "integer");
        if !fits && !wanted.is_empty() {
            wrong(format!(
                "{path} must be {}, not {}; write for instance {}",
                article(wanted),
                article(found),
                example(path, wanted)
            ));
            return;
        }
        match value.get_ref() {
            DeValue::Table(table) => self.check_table(table, schema, path, problems),
            DeValue::Array(items) => {
                if let Some(item_schema) = schema.get("items").map(|items| self.resolve(items)) {
                    for (at, item) in items.iter().enumerate() {
                        self.check_value(item, item_schema, &format!("{path}[{at}]"), problems);
                    }
                }
            }
            DeValue::Integer(number)
                if schema.get("minimum").is_some() && number.as_str().starts_with('-') =>
            {
                wrong(format!("{path} must not be negative"));
            }
            _ => {}
        }
    }
}

/// `unknown key sandbox.memroy_mb; did you mean memory_mb?`
pub(super) fn unknown(what: &str, full: &str, name: &str, keys: &[&str]) -> String {
    let lower = name.to_lowercase();
    let near = keys
        .iter()
        .map(|key| (strsim::normalized_damerau_levenshtein(&lower, key), *key))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let shown: String = full.chars().take(120).collect();
    match near {
        Some((likeness, key)) if likeness >= 0.5 => format!("unknown {what} {shown}; did you mean {key}?"),
        Some((_, key)) => {
            format!("unknown {what} {shown}; the nearest is {key} (there are {})", keys.join(", "))
        }
        None => format!("unknown {what} {shown}; no keys are allowed there"),
    }
}

/// The values of an enumeration, if the schema is one.
pub(super) fn choices(schema: &Schema) -> Option<Vec<&str>> {
    schema.get("enum")?.as_array().map(|values| values.iter().filter_map(Schema::as_str).collect())
}

/// `string`, `integer`, `boolean`, `array`, `object`; empty when the schema names none.
pub(super) fn kind_in(schema: &Schema) -> &str {
    match schema.get("type") {
        Some(Schema::String(kind)) => kind,
        Some(Schema::Array(kinds)) => {
            kinds.iter().filter_map(Schema::as_str).find(|kind| *kind != "null").unwrap_or("")
        }
        _ => "",
    }
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "string",
        DeValue::Integer(_) => "integer",
        DeValue::Float(_) => "number",
        DeValue::Boolean(_) => "boolean",
        DeValue::Datetime(_) => "date",
        DeValue::Array(_) => "array",
        DeValue::Table(_) => "object",
    }
}

fn article(kind: &str) -> &str {
    match kind {
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a table",
        "date" => "a date",
        other => other,
    }
}

fn example(path: &str, kind: &str) -> String {
    let key = path.rsplit('.').next().unwrap_or(path);
    let key = key.split('[').next().unwrap_or(key);
    match kind {
        "integer" => format!("{key} = 60"),
        "number" => format!("{key} = 0.5"),
        "boolean" => format!("{key} = true"),
        "array" => format!("{key} = [\"…\"]"),
        "object" => format!("[{path}]"),
        _ => format!("{key} = \"…\""),
    }
}
