/*!
Checks the model: whether it answers, and in which action modes.
*/

use millwright_agent::planner::openai;

use super::findings::DoctorFindings;
use crate::config::Config;
use crate::wiring;

pub(super) async fn check_model(findings: &mut DoctorFindings, name: &str, config: &Config) {
    let settings = match wiring::model(name, config) {
        Ok(settings) => settings,
        Err(error) => return findings.note("model", Err(format!("{error:#}"))),
    };
    let at = settings.connection.base_url.clone();
    let probe = match openai::probe(&settings).await {
        Ok(probe) => probe,
        Err(error) => return findings.note("model", Err(error.to_string())),
    };
    if let Some(why) = probe.unreachable {
        let mend = "check model.base_url (or OPENAI_BASE_URL), the key, the model's name, proxy and ca_file";
        return findings.note("model", Err(format!("{name} at {at}: {why}; {mend}")));
    }
    let works = match (&probe.tools, &probe.constrained) {
        (Ok(()), _) => Ok(format!("{name} at {at} makes native tool calls")),
        (Err(_), Ok(())) => Ok(format!(
            "{name} at {at} uses constrained answers; set model.action_mode = \"constrained\" to skip the first attempt"
        )),
        (Err(_), Err(_)) => Err(format!(
            "{name} at {at} answers, but neither with tool calls nor by a schema; use another model, or a server that \
             supports tools or response_format"
        )),
    };
    let told = |mode: Result<(), String>| mode.map(|()| "works".to_owned());
    findings.note("model", works);
    findings.note_alternative("model: tools", told(probe.tools));
    findings.note_alternative("model: constrained", told(probe.constrained));
}
