/*! Filled in below. */
