/*!
The registered tools, with their types erased. They are ordered by name, so that the list that a model sees (and with
it the prompt cache) does not depend on the order of registration. If a name is registered twice, the later tool
replaces the earlier one; an embedding or a test uses this to replace a tool.
*/

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Effect, Tool, ToolContext, ToolError, ToolOutput};

/// The description of a tool for a planner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    pub name: String,
    pub description: String,
    /// JSON Schema of the arguments, without references.
    pub schema: Value,
    pub effect: Effect,
}

/// A decoded call: a future that has not started. Dropping it before the first poll has no effect.
pub type PreparedCall<'a> = Pin<Box<dyn Future<Output = Result<ToolOutput, ToolError>> + Send + 'a>>;

/// A [`Tool`] without its argument type.
pub trait ErasedTool: Send + Sync {
    fn name(&self) -> &'static str;
    fn effect(&self) -> Effect;
    fn timeout(&self) -> Duration;
    fn spec(&self) -> ToolSpec;
    /// Whether the arguments can be decoded.
    fn check(&self, args: &Value) -> Result<(), ToolError>;
    /// Decodes the arguments without running the tool.
    fn prepare<'a>(&'a self, ctx: &'a ToolContext, args: &Value) -> Result<PreparedCall<'a>, ToolError>;
}

impl<T: Tool> ErasedTool for T {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn effect(&self) -> Effect {
        T::EFFECT
    }

    fn timeout(&self) -> Duration {
        T::TIMEOUT
    }

    fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: T::NAME.to_owned(),
            description: self.description(),
            schema: schema_of::<T>(),
            effect: T::EFFECT,
        }
    }

    fn check(&self, args: &Value) -> Result<(), ToolError> {
        decode::<T>(args).map(|_| ())
    }

    fn prepare<'a>(&'a self, ctx: &'a ToolContext, args: &Value) -> Result<PreparedCall<'a>, ToolError> {
        let decoded = decode::<T>(args)?;
        Ok(Box::pin(self.run(ctx, decoded)))
    }
}

fn decode<T: Tool>(args: &Value) -> Result<T::Args, ToolError> {
    // Models send null or nothing for a tool without arguments.
    let nothing = Value::Object(serde_json::Map::new());
    let args = if args.is_null() { &nothing } else { args };
    T::Args::deserialize(args).map_err(|error| {
        ToolError::invalid(format!("{}: {error}. Expected {}", T::NAME, expected(&schema_of::<T>())))
    })
}

fn schema_of<T: Tool>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T::Args>().to_value();
    if let Some(object) = schema.as_object_mut() {
        object.remove("title");
    }
    schema
}

/// The arguments in one line: `{"path": string (required), "line": integer}`.
fn expected(schema: &Value) -> String {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let kind = |property: &Value| match &property["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            let kinds: Vec<_> = kinds.iter().filter_map(Value::as_str).filter(|k| *k != "null").collect();
            kinds.join(" or ")
        }
        _ => "value".to_owned(),
    };
    let fields: Vec<String> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, property)| {
            let mark = if required.contains(&name.as_str()) { " (required)" } else { "" };
            format!("{name:?}: {}{mark}", kind(property))
        })
        .collect();
    format!("{{{}}}", fields.join(", "))
}

#[derive(Default)]
pub struct ToolRegistry {
    tools: BTreeMap<&'static str, Box<dyn ErasedTool>>,
}

impl ToolRegistry {
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps only the tools for which `keep` returns true.
    #[must_use]
    pub fn only(mut self, keep: impl Fn(&dyn ErasedTool) -> bool) -> Self {
        self.tools.retain(|_, tool| keep(tool.as_ref()));
        self
    }

    #[must_use]
    pub fn with(mut self, tool: impl Tool) -> Self {
        self.add(Box::new(tool));
        self
    }

    pub fn add(&mut self, tool: Box<dyn ErasedTool>) {
        self.tools.insert(tool.name(), tool);
    }

    pub fn get(&self, name: &str) -> Option<&dyn ErasedTool> {
        self.tools.get(name).map(Box::as_ref)
    }

    /// Ordered by name.
    pub fn specs(&self) -> Vec<ToolSpec> {
        self.tools.values().map(|tool| tool.spec()).collect()
    }

    /// Ordered.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.tools.keys().copied()
    }
}

impl std::fmt::Debug for ToolRegistry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

#[cfg(test)]
#[path = "repository_tools_tests.rs"]
mod tests;
