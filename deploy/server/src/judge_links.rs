/*!
Links in notes, by which support says without an account whether an answer was right. A link is for one incident, one
answer and one verdict, works once, expires, and is signed, so that nobody can forge one.

Every reader of the note has the link, and the service does not know which of them uses it. So links stand only in notes
for internal readers, never overrule a person with an account, and do not make an answer known by themselves.
*/

use axum::http::StatusCode;
use jiff::Timestamp;
use millwright_agent::report::line;
use millwright_model::{Approval, Audience, IncidentId, Resolution, ResolutionId};
use millwright_store::StoreError;
use millwright_usecases::UseCaseError;

use crate::app::ServiceState;
use crate::http::Problem;
use crate::metrics::RefusalReason;

const PURPOSE: &str = "link";

/// The two links of an answer.
pub(crate) struct JudgeLinks {
    pub(crate) confirm: String,
    pub(crate) reject: String,
    /// What a person already said about the answer.
    pub(crate) judged: Option<String>,
}

impl JudgeLinks {
    /// Links for the most trusted answer of an incident, if it has one. The same note always gets the same links, so that
    /// writing it again changes nothing.
    pub(crate) async fn of(
        app: &ServiceState,
        incident: &IncidentId,
        public_url: &str,
    ) -> Result<Option<Self>, StoreError> {
        let Some(known) = app.own_store.resolutions(incident).await?.into_iter().next() else {
            return Ok(None);
        };
        let ends = known.created_at.later_by(app.settings.limits.judge_links);
        let seal = app.seal().await?;
        let url = |word: LinkJudgement| {
            let said = format!("{}.{incident}.{}.{:x}", word.letter(), known.id, ends.as_second());
            format!("{}/links/{said}.{}", public_url.trim_end_matches('/'), seal.sign(PURPOSE, &said))
        };
        let by = || line(known.approved_by.as_deref().unwrap_or("somebody"), 120);
        let judged = match known.approval {
            Approval::None => None,
            Approval::Confirmed => Some(format!("Confirmed by {}.", by())),
            Approval::Rejected => Some(format!("Rejected by {}.", by())),
        };
        Ok(Some(Self { confirm: url(LinkJudgement::Confirm), reject: url(LinkJudgement::Reject), judged }))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkJudgement {
    Confirm,
    Reject,
}

impl LinkJudgement {
    fn letter(self) -> char {
        match self {
            Self::Confirm => 'c',
            Self::Reject => 'r',
        }
    }
}

/// The content of a valid link.
pub(crate) struct OpenedLink {
    pub(crate) word: LinkJudgement,
    /// The key by which a spent link is recognised.
    pub(crate) said: String,
    pub(crate) incident: IncidentId,
    pub(crate) known: Resolution,
    pub(crate) title: String,
}

/// Reads a link, if it is valid: signed, not expired, not spent, and in a ticket for internal readers.
pub(crate) async fn open(app: &ServiceState, link: &str) -> Result<OpenedLink, Problem> {
    let wrong = || {
        let why = "this link is not valid (any more): it is incomplete or too old, its incident was \
             forgotten, or people outside your organisation read its ticket";
        Problem::new(StatusCode::NOT_FOUND, why)
    };
    let (said, signature) = link.rsplit_once('.').ok_or_else(wrong)?;
    if !app.seal().await?.holds(PURPOSE, said, signature) {
        app.metrics.refused(RefusalReason::Link);
        return Err(wrong());
    }
    let parts: Vec<&str> = said.split('.').collect();
    let [letter, incident, resolution, ends] = parts.as_slice() else { return Err(wrong()) };
    let word = match *letter {
        "c" => LinkJudgement::Confirm,
        "r" => LinkJudgement::Reject,
        _ => return Err(wrong()),
    };
    let ends = i64::from_str_radix(ends, 16).map_err(|_| wrong())?;
    if Timestamp::now().as_second() >= ends {
        return Err(wrong());
    }
    let (resolution, incident) = (ResolutionId::parse(resolution), IncidentId::parse(incident));
    let (resolution, incident) = (resolution.map_err(|_| wrong())?, incident.map_err(|_| wrong())?);
    let known = app.own_store.get_resolution(&resolution).await.map_err(|_| wrong())?;
    let about = app.own_store.get_incident(&incident).await.map_err(|_| wrong())?;
    // Earlier versions put links in tickets that anyone can read.
    if about.audience != Audience::Internal || known.incident_id != about.id {
        return Err(wrong());
    }
    if app.own_store.is_link_spent(said).await? {
        return Err(UseCaseError::LinkSpent.into());
    }
    Ok(OpenedLink { word, said: said.to_owned(), incident: about.id, known, title: about.ticket.title })
}
