/*!
The events of an incident, for readers of the API and of pages: `stream` is how readers pull events, `view` is what they
see of the events of a run.
*/

pub(crate) mod stream;
pub(crate) mod view;
