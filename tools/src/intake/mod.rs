/*!
The one door for incoming text: recognises the format, takes the ticket apart, computes its fingerprint.
*/
