/*!
The tasks an eval can judge, one module each.
*/

pub mod log_templates;
