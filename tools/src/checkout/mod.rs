/*!
Pooled checkouts of any revision that borrow the objects of the repository under investigation.
*/
