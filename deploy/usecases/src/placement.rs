/*!
Decides which of the configured repositories contains the code that failed. The ticket only names things; the
configuration says what the names refer to. The repository determines who owns the incident, so it is decided when a
report comes in, and again when more is known.
*/

use millwright_model::{ParsedTicket, RepositoryName, VisibleSet};

use crate::error::UseCaseError;

/// Where code is, according to the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeLocation {
    pub repository: RepositoryName,
    pub services: Vec<String>,
    /// The prefixes of its paths in stack traces.
    pub path_prefixes: Vec<String>,
}

/// Why no repository could be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnplacedReason {
    pub because: String,
    pub missing: String,
}

/// All configured locations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodeLocations(pub Vec<CodeLocation>);

fn is_same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

impl CodeLocations {
    /// The repository whose code failed.
    ///
    /// # Errors
    /// What the report would have to say so that one can be chosen.
    pub fn place(
        &self,
        service: Option<&str>,
        ticket: &ParsedTicket,
    ) -> Result<&RepositoryName, UnplacedReason> {
        if let Some(service) = service.filter(|service| !service.is_empty()) {
            match self.of_service(service).as_slice() {
                [one] => return Ok(one),
                [] => {}
                several => {
                    let names: Vec<&str> = several.iter().map(|one| one.as_str()).collect();
                    return Err(UnplacedReason {
                        because: format!("several repositories are configured for the service {service}"),
                        missing: format!("list {service} under services of only one of {}", names.join(", ")),
                    });
                }
            }
        }
        let frames = ticket.traces.iter().flat_map(|trace| &trace.exceptions).flat_map(|one| &one.frames);
        let paths: Vec<&str> = frames.filter_map(|frame| frame.path.as_deref()).collect();
        let lies_in = |location: &&CodeLocation| {
            location
                .path_prefixes
                .iter()
                .any(|prefix| paths.iter().any(|path| path.starts_with(prefix.as_str())))
        };
        let mut by_path = self.0.iter().filter(lies_in);
        if let (Some(one), None) = (by_path.next(), by_path.next()) {
            return Ok(&one.repository);
        }
        match (self.0.as_slice(), service) {
            ([], _) => Err(UnplacedReason {
                because: "no repository is configured".into(),
                missing: "add [repositories.NAME] with path and services".into(),
            }),
            // A name that is not configured may be one that nobody has configured yet.
            ([one], _) => Ok(&one.repository),
            (_, Some(service)) => Err(UnplacedReason {
                because: format!("no repository is configured for the service {service}"),
                missing: format!("add {service:?} to services of its [repositories.NAME]"),
            }),
            (_, None) => Err(UnplacedReason {
                because: "the ticket names no service, and several repositories are configured".into(),
                missing: "say which service failed, or give the repositories path_prefixes".into(),
            }),
        }
    }

    /// The repositories that contain a service, according to the configuration.
    pub fn of_service(&self, service: &str) -> Vec<&RepositoryName> {
        let holds = |location: &&CodeLocation| {
            is_same(location.repository.as_str(), service)
                || location.services.iter().any(|name| is_same(name, service))
        };
        self.0.iter().filter(holds).map(|location| &location.repository).collect()
    }

    /// Checks that a service is in a repository that the caller may see.
    ///
    /// # Errors
    /// When it is in none of the repositories that the caller is bound to.
    pub fn require_service(
        &self,
        visible: &VisibleSet<RepositoryName>,
        service: &str,
    ) -> Result<(), UseCaseError> {
        let VisibleSet::Only(bound) = visible else { return Ok(()) };
        match self.of_service(service).into_iter().any(|holder| bound.contains(holder)) {
            true => Ok(()),
            false => Err(UseCaseError::invalid(format!(
                "the service {service:?} is in no repository that this token is bound to ({})",
                visible
            ))),
        }
    }

    /// The repository of a report. A caller who is bound to some repositories reports only about these, so such a report
    /// belongs to them from the beginning. Reports of other callers may get their repository later.
    pub(crate) fn place_for(
        &self,
        visible: &VisibleSet<RepositoryName>,
        service: Option<&str>,
        ticket: &ParsedTicket,
    ) -> Result<Option<RepositoryName>, UseCaseError> {
        let placed = self.place(service, ticket).ok();
        let VisibleSet::Only(bound) = visible else { return Ok(placed.cloned()) };
        if let Some(service) = service.filter(|service| !self.of_service(service).is_empty()) {
            self.require_service(visible, service)?;
        }
        if let Some(placed) = placed.filter(|placed| bound.contains(*placed)) {
            return Ok(Some(placed.clone()));
        }
        let ours = self.0.iter().filter(|location| bound.contains(&location.repository)).cloned().collect();
        let narrowed = CodeLocations(ours);
        match (narrowed.place(service, ticket), bound.first()) {
            (Ok(one), _) => Ok(Some(one.clone())),
            (Err(_), Some(only)) if bound.len() == 1 => Ok(Some(only.clone())),
            (Err(_), _) => Err(UseCaseError::invalid(format!(
                "say which service failed: this token is bound to several repositories ({}), and the report does not \
                 say which of them it is about",
                visible
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(name: &str, services: &[&str], prefixes: &[&str]) -> CodeLocation {
        CodeLocation {
            repository: name.parse().unwrap(),
            services: services.iter().map(|name| (*name).into()).collect(),
            path_prefixes: prefixes.iter().map(|name| (*name).into()).collect(),
        }
    }

    fn shops() -> CodeLocations {
        CodeLocations(vec![
            location("shop", &["checkout", "cart"], &["/srv/shop/"]),
            location("billing", &["invoices", "cart"], &["/srv/billing/"]),
            location("mail", &["letters"], &[]),
        ])
    }

    fn ticket(text: &str) -> ParsedTicket {
        millwright_ingest::parse(text.as_bytes())
    }

    const TRACE: &str =
        "Traceback (most recent call last):\n  File \"/srv/billing/a.py\", line 3, in f\nValueError: x\n";

    #[test]
    fn the_service_decides_then_the_paths_then_that_there_is_only_one() {
        let all = shops();
        let of = |service, text| all.place(service, &ticket(text)).map(RepositoryName::as_str);
        assert_eq!(of(Some("Checkout"), "x"), Ok("shop"));
        assert_eq!(of(Some("billing"), "x"), Ok("billing"));
        assert_eq!(of(None, TRACE), Ok("billing"));
        assert_eq!(of(Some("unknown"), TRACE), Ok("billing"));
        assert!(of(Some("cart"), "x").unwrap_err().because.contains("several"));
        assert!(of(Some("unknown"), "x").unwrap_err().missing.contains("\"unknown\""));
        assert!(of(None, "x").unwrap_err().missing.contains("which service"));
        let one = CodeLocations(shops().0[..1].to_vec());
        assert_eq!(one.place(None, &ticket("x")).unwrap().as_str(), "shop");
        assert!(CodeLocations::default().place(None, &ticket("x")).is_err());
    }

    #[test]
    fn a_bound_report_is_of_its_own_repositories() {
        let all = shops();
        let bound =
            |names: &[&str]| VisibleSet::Only(names.iter().map(|name| name.parse().unwrap()).collect());
        let of = |names: &[&str], service, text| {
            let placed = all.place_for(&bound(names), service, &ticket(text));
            placed.map(|one| one.unwrap().to_string()).map_err(|error| error.to_string())
        };
        assert_eq!(of(&["shop"], None, "x").unwrap(), "shop");
        assert_eq!(of(&["shop"], Some("cart"), "x").unwrap(), "shop", "of two, the one that is theirs");
        assert_eq!(of(&["shop"], None, TRACE).unwrap(), "shop", "a path alone leads nobody elsewhere");
        assert_eq!(of(&["shop", "billing"], None, TRACE).unwrap(), "billing");
        assert_eq!(of(&["new"], None, "x").unwrap(), "new", "not configured here yet");
        let refused = of(&["shop"], Some("letters"), "x").unwrap_err();
        assert!(refused.contains("shop") && !refused.contains("mail"), "{refused}");
        assert!(of(&["shop", "mail"], None, "x").unwrap_err().contains("which service"));
        assert_eq!(all.place_for(&VisibleSet::All, None, &ticket("x")).unwrap(), None);
    }
}
