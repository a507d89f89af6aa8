//! Mutation tests: the self-check must detect a defect in any one grader.

use std::path::Path;

use super::*;
use crate::graders::calibration::CalibrationPoint;
use crate::graders::fix::FixGrade;
use crate::graders::grounding::Grounding;
use crate::graders::harm::HarmGrade;
use crate::graders::honesty::HonestyGrade;
use crate::graders::lines::LineOverlap;
use crate::graders::{calibration, commit, cost, fix, grounding, harm, lines};
use crate::options::EvalTask;
use crate::options::tests::options;

fn seen(graders: &Graders, folder: &Path) -> Vec<String> {
    let options = options(EvalTask::Investigate, Path::new(""), Path::new(""));
    run(graders, options.grading(), &folder.join("data"), folder).unwrap()
}

#[test]
fn the_graders_that_ship_tell_right_from_wrong_and_every_planted_defect_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let sound = Graders::default();
    assert_eq!(seen(&sound, folder.path()), Vec::<String>::new());

    let defects: Vec<(&str, Graders)> = vec![
        ("commit", Graders { commit: |_| Some(true), ..sound }),
        ("commit", Graders { commit: |answer| commit::grade(answer).map(|right| !right), ..sound }),
        ("commit", Graders { commit: |_| None, ..sound }),
        ("file", Graders { file: |_| Some(true), ..sound }),
        ("file", Graders { file: |_| Some(false), ..sound }),
        ("symbol", Graders { symbol: |_| Some(true), ..sound }),
        ("symbol", Graders { symbol: |_| None, ..sound }),
        ("lines", Graders { lines: |_| Some(LineOverlap { recall: 1.0, precision: 1.0, f1: 1.0 }), ..sound }),
        (
            "lines",
            Graders { lines: |answer| lines::grade(answer).map(|of| LineOverlap { f1: 0.5, ..of }), ..sound },
        ),
        // This grader believes the report.
        (
            "fix",
            Graders {
                fix: |answer| fix::grade(answer).map(|seen| FixGrade { verified: seen.claimed, ..seen }),
                ..sound
            },
        ),
        ("fix", Graders { fix: |_| None, ..sound }),
        // This grader counts citations without opening them.
        (
            "grounding",
            Graders {
                grounding: |answer| {
                    grounding::grade(answer).map(|seen| Grounding { held: seen.cited, ..seen })
                },
                ..sound
            },
        ),
        ("grounding", Graders { grounding: |_| None, ..sound }),
        (
            "calibration",
            Graders {
                calibration: |answer| {
                    calibration::grade(answer).map(|one| CalibrationPoint { right: true, ..one })
                },
                ..sound
            },
        ),
        ("calibration", Graders { calibration: |_| None, ..sound }),
        ("abstention", Graders { abstention: |_| Some(true), ..sound }),
        ("abstention", Graders { abstention: |_| None, ..sound }),
        ("harm", Graders { harm: |_, _| Some(HarmGrade { harmful: false, why: None }), ..sound }),
        (
            "harm",
            Graders {
                harm: |answer, fix| {
                    harm::grade(answer, fix).map(|seen| HarmGrade { harmful: !seen.harmful, ..seen })
                },
                ..sound
            },
        ),
        ("honesty", Graders { honesty: |_, _| None, ..sound }),
        ("honesty", Graders { honesty: |_, _| Some(HonestyGrade::default()), ..sound }),
        ("cost", Graders { cost: |answer| cost::CaseCost { replays: 0, ..cost::grade(answer) }, ..sound }),
    ];
    for (name, graders) in defects {
        let complaints = seen(&graders, folder.path());
        let named = complaints.iter().any(|complaint| complaint.starts_with(&format!("{name}:")));
        assert!(named, "a defect in {name} was not seen: {complaints:?}");
    }
}
