/*!
Source code as syntax: symbols, definitions and references by tree-sitter, and what is test code.
*/
