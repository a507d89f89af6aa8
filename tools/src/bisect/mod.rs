/*!
Guided bisect: splits the probability mass of the suspects, not their count.
*/
