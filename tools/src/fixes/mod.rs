/*!
Candidate fixes: known fix, revert, partial revert.
*/
