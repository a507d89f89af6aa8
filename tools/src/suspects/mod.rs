/*!
Ranks the commits of a range by explainable signals.
*/
