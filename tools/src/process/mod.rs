/*!
The one module that starts processes. Two entries and no third:

- [`trusted`]: git itself, on a git directory of ours, so that no configuration, hook, filter, textconv,
  external diff or fsmonitor of the investigated repository is ever read, and nothing is fetched lazily;
- `sandboxed`: everything that comes from the repository or its recipes.
*/

pub mod trusted;
