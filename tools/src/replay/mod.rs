/*!
Runs the failure at a revision in a sandbox and says what it saw.
*/
