/*!
The tool contract, the registry, and the one pipeline every call takes.
*/
