/*!
Records that a revision of a service runs in an environment from a time on. A person, a script, or a deployment system
reports it. Investigations use it to find the revision that failed, so a time far in the future or a name that cannot be
displayed would mislead them.
*/

use std::time::Duration;

use millwright_model::{Deployment, Timestamp};

use crate::error::UseCaseError;
use crate::use_cases::UseCases;

/// Longest name of a service, a revision or an environment, in characters.
const MAX_DEPLOYMENT_CHARS: usize = 200;
/// How far ahead of our clock a reported time may be. A mixed-up time zone stays within a day.
const MAX_AHEAD: Duration = Duration::from_secs(24 * 60 * 60);

impl UseCases {
    /// Records a deployment; idempotent.
    ///
    /// # Errors
    /// When a name is empty, too long or holds control characters, or the time is more than a day in the future.
    pub async fn record_deployment(&self, by: &str, deployment: &Deployment) -> Result<(), UseCaseError> {
        validate_deployment(deployment, millwright_store::now())?;
        Ok(self.store.deployed(deployment, by).await?)
    }
}

fn validate_deployment(deployment: &Deployment, now: Timestamp) -> Result<(), UseCaseError> {
    let Deployment { service, environment, revision, at } = deployment;
    let fits = |text: &String| {
        (1..=MAX_DEPLOYMENT_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control)
    };
    if ![service, revision, environment].into_iter().all(fits) {
        return Err(UseCaseError::invalid(
            "service, revision and environment must be 1 to 200 characters without control characters",
        ));
    }
    if *at > now.later_by(MAX_AHEAD) {
        return Err(UseCaseError::invalid(format!(
            "a deployment cannot be more than a day in the future, but {at} is; check the clock and the time zone"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::UseCaseFixture;

    fn deployment() -> Deployment {
        Deployment {
            service: "shop".into(),
            environment: "production".into(),
            revision: "v2".into(),
            at: "2026-11-24T10:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn what_is_kept_of_a_deployment_is_bounded() {
        let now = deployment().at;
        let check =
            |deployment: Deployment| validate_deployment(&deployment, now).map_err(|error| error.to_string());
        assert_eq!(check(deployment()), Ok(()));
        assert_eq!(check(Deployment { service: "é".repeat(200), ..deployment() }), Ok(()));
        for wrong in [String::new(), "x".repeat(201), "a\nb".into(), "a\u{1b}[2J".into(), "\u{85}".into()] {
            for given in [
                Deployment { service: wrong.clone(), ..deployment() },
                Deployment { environment: wrong.clone(), ..deployment() },
                Deployment { revision: wrong.clone(), ..deployment() },
            ] {
                let refused = check(given).unwrap_err();
                assert!(refused.contains("1 to 200 characters"), "{wrong:?}: {refused}");
            }
        }
        let ahead =
            |seconds: u64| Deployment { at: now.later_by(Duration::from_secs(seconds)), ..deployment() };
        assert_eq!(check(ahead(86_400)), Ok(()));
        assert!(check(ahead(86_401)).unwrap_err().contains("more than a day in the future"));
    }

    #[tokio::test]
    async fn a_deployment_is_kept_once() {
        let fixture = UseCaseFixture::new().await;
        for _ in 0..2 {
            fixture.use_cases.record_deployment("desk", &deployment()).await.unwrap();
        }
        let wrong = Deployment { revision: "a\0".into(), ..deployment() };
        let refused = fixture.use_cases.record_deployment("desk", &wrong).await.unwrap_err();
        assert!(matches!(refused, UseCaseError::Invalid { .. }), "{refused:?}");
        let kept = fixture.store.deployments_at("shop", None, deployment().at, 10).await.unwrap();
        assert_eq!(kept, [deployment()]);
    }
}
