/*!
Reading log files: records out of JSON lines, logfmt and plain text, search, templates, and what is new or surged.
*/
