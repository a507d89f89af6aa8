/*!
`millwright schema report|case|config`: prints the JSON Schemas. They are generated from the types, so they are always up
to date.
*/

use millwright_evals::cases::EvalCase;
use millwright_model::Report;

use crate::cli::SchemaOf;
use crate::config::ConfigFile;

/// The schema as JSON, indented.
pub(crate) fn schema(of: SchemaOf) -> String {
    let schema = match of {
        SchemaOf::Report => schemars::schema_for!(Report),
        SchemaOf::Case => schemars::schema_for!(EvalCase),
        SchemaOf::Config => schemars::schema_for!(ConfigFile),
    };
    format!("{:#}\n", schema.to_value())
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
