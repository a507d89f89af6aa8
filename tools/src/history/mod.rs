/*!
The history index: what every commit changed, read in bulk from git's own stream and kept in the data folder.
*/
