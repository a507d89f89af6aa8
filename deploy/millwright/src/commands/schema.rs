/*!
`millwright schema report|case|config`: the JSON Schemas, made from the types themselves, so they cannot be out of date.
*/

use std::fmt;

use millwright_evals::cases::Case;
use millwright_memory::types::Report;

use crate::config::Options;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SchemaOf {
    /// `millwright.report/1`
    Report,
    /// One line of a file of eval cases
    Case,
    /// `millwright.toml`
    Config,
}

/// The schema as JSON, indented.
pub(crate) fn schema(of: SchemaOf) -> String {
    let schema = match of {
        SchemaOf::Report => schemars::schema_for!(Report),
        SchemaOf::Case => schemars::schema_for!(Case),
        SchemaOf::Config => schemars::schema_for!(Options),
    };
    format!("{:#}\n", schema.to_value())
}

impl fmt::Display for SchemaOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Report => "report",
            Self::Case => "case",
            Self::Config => "config",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_json_and_describe_their_fields() {
        for (of, field) in
            [(SchemaOf::Report, "root_cause"), (SchemaOf::Case, "truth"), (SchemaOf::Config, "repositories")]
        {
            let value: serde_json::Value = serde_json::from_str(&schema(of)).unwrap();
            assert!(value["properties"].get(field).is_some(), "{of}: {field}");
        }
        assert!(schema(SchemaOf::Config).contains("MILLWRIGHT__SANDBOX__WALL_S"));
    }
}
