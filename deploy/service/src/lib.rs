/*! The service. */
