/*!
Delta-debugs the culprit's hunks down to the smallest set that flips the replay.
*/
