/*!
What Millwright can do: the tools an investigation is made of, and the machinery below them.

Every capability has a module that does the work (`git`, `history`, `suspects`, `replay`, `bisect` …) and, where
a planner may call it, one file under `tool/` that wraps it in the tool contract. This crate knows no planner,
no chat model and no HTTP server. Processes are started in `process` and nowhere else.
*/

pub mod bisect;
pub mod checkout;
pub mod code;
pub mod exec_trace;
pub mod fixes;
pub mod four_way;
pub mod git;
pub mod history;
pub mod intake;
pub mod logs;
pub mod minimise;
pub mod process;
pub mod replay;
pub mod setup_check;
pub mod suspects;
pub mod test_report;
pub mod tool;
