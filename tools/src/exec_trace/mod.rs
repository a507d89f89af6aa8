/*!
What the failing run really executed: files, functions and lines.
*/
