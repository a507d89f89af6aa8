/*!
What happens to an incident, for those who follow it, whether by the API or on a page: `stream` is how readers pull it, `view` what
they see of a run's events.
*/

pub(crate) mod stream;
pub(crate) mod view;
