/*!
Reads `MILLWRIGHT__SECTION__KEY` into the table of options. The schema gives the type: text is taken as it is, every other
value is written as in the file (`true`, `60`, `["a", "b"]`, `{ KEY = "value" }`).
*/

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::check::{ConfigSchema, kind_in, unknown};
use super::load::ConfigError;
use super::renamed;

const PREFIX: &str = "MILLWRIGHT__";

/// Writes the variables that begin with `MILLWRIGHT__` over `table`; returns warnings about those with an old name.
pub(super) fn overlay(
    table: &mut Table,
    shape: &ConfigSchema,
    vars: impl IntoIterator<Item = (String, String)>,
) -> Result<Vec<String>, ConfigError> {
    let mut warnings = Vec::new();
    let mut vars: Vec<(String, String)> =
        vars.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
    vars.sort();
    let given: BTreeSet<String> = vars.iter().map(|(name, _)| name.clone()).collect();
    'variables: for (name, text) in vars {
        let wrong = |what: String| ConfigError::Variable { name: name.clone(), what };
        let mut path: Vec<String> = Vec::new();
        for part in name[PREFIX.len()..].split("__") {
            let key = real_key(table, &path, part);
            path.push(key);
            if let (Some(now), Some(key)) = (renamed::name_now(&path.join(".")), path.last_mut()) {
                let name_now = format!("{}{}", &name[..name.len() - part.len()], now.to_uppercase());
                let is_ignored = given.contains(&name_now);
                warnings.push(renamed::warning(&name, &name_now, is_ignored));
                if is_ignored {
                    continue 'variables;
                }
                *key = now.to_owned();
            }
            if shape.at(&path).is_none() {
                let (last, above) = (path[path.len() - 1].clone(), &path[..path.len() - 1]);
                let keys = shape.at(above).map(|schema| shape.keys(schema)).unwrap_or_default();
                return Err(wrong(unknown("option", &path.join("."), &last, &keys)));
            }
        }
        let schema = shape.at(&path).ok_or_else(|| wrong("no option has this name".to_owned()))?;
        let value = match kind_in(schema) {
            "string" | "" => Value::String(text),
            kind => parse(&text).ok_or_else(|| {
                let hint = match kind {
                    "boolean" => "true or false",
                    "integer" => "a whole number",
                    "number" => "a number",
                    "array" => "a list as in the file: [\"a\", \"b\"]",
                    _ => "a table as in the file: { KEY = \"value\" }",
                };
                wrong(format!("it must be {hint}"))
            })?,
        };
        insert(table, &path, value)
            .ok_or_else(|| wrong("a part of it is not a table in the file".to_owned()))?;
    }
    Ok(warnings)
}

/// Names of repositories have upper and lower case and dashes, and variables have neither, so the spelling in the file is
/// used.
fn real_key(table: &Table, path: &[String], part: &str) -> String {
    let mut here = Some(table);
    for key in path {
        here = here.and_then(|table| table.get(key)).and_then(Value::as_table);
    }
    let same = |key: &&String| key.replace('-', "_").eq_ignore_ascii_case(part);
    here.and_then(|table| table.keys().find(same)).cloned().unwrap_or_else(|| part.to_lowercase())
}

fn parse(text: &str) -> Option<Value> {
    let mut table: Table = format!("value = {text}").parse().ok()?;
    // A text with several lines could define several values.
    if table.len() == 1 { table.remove("value") } else { None }
}

fn insert(table: &mut Table, path: &[String], value: Value) -> Option<()> {
    let (last, above) = path.split_last()?;
    let mut here = table;
    for key in above {
        here = here.entry(key.clone()).or_insert_with(|| Value::Table(Table::new())).as_table_mut()?;
    }
    here.insert(last.clone(), value);
    Some(())
}
