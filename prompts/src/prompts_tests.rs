use super::*;

fn evidence() -> Vec<EvidenceLine> {
    ["E1", "E2"].map(|id| EvidenceLine { id: id.into(), locator: format!("git:{id}") }).into()
}

/// Every template, rendered in each of its branches.
fn everything() -> Vec<(&'static str, String)> {
    fn add<P: Prompt>(out: &mut Vec<(&'static str, String)>, prompt: &P) {
        out.push((P::ID, prompt.render().unwrap()));
    }
    let mut out = Vec::new();
    let line = ToolLine { name: "git_log".into(), description: "Reads.".into(), arguments: "{}".into() };
    for tools in [None, Some(vec![line])] {
        add(&mut out, &SystemPrompt { tools });
    }
    for known in [false, true] {
        let finding =
            BriefFinding { tool: "suspects".into(), failed: known, text: "T".into(), evidence: evidence() };
        add(
            &mut out,
            &BriefPrompt {
                mark: "m".into(),
                failing: "b".into(),
                good: known.then(|| "g".into()),
                has_replay: known,
                no_replay: "none given".into(),
                has_logs: known,
                has_tests: known,
                ticket: "it broke".into(),
                findings: if known { vec![finding] } else { Vec::new() },
                steps: 9,
            },
        );
        add(
            &mut out,
            &ToolResult {
                tool: "git_log".into(),
                call: "c3".into(),
                failed: known,
                text: "T".into(),
                evidence: if known { evidence() } else { Vec::new() },
                left_out: usize::from(known) * 70,
                offset: 12,
            },
        );
        let line = ToolLine { name: "git_log".into(), description: "Reads.".into(), arguments: "{}".into() };
        add(&mut out, &ChatPrompt { mark: "m".into(), tools: known.then(|| vec![line]) });
        let topic = ChatTopic {
            failing: "b".into(),
            good: known.then(|| "g".into()),
            ticket: known.then(|| "it broke".into()),
            report: known.then(|| "R".into()),
            evidence: if known { evidence() } else { Vec::new() },
        };
        add(&mut out, &topic);
        add(&mut out, &RepairPrompt { problem: "P".into(), constrained: known });
        for kind in [
            NudgeKind::Repeats,
            NudgeKind::Alternates,
            NudgeKind::OnlyErrors,
            NudgeKind::Narrates,
            NudgeKind::Withdrawn,
            NudgeKind::LastStep,
        ] {
            add(&mut out, &NudgePrompt { kind, constrained: known });
        }
    }
    add(&mut out, &CompactedPrompt { steps: 3, calls: "C".into(), board: "B".into() });
    add(&mut out, &SteeredPrompt { by: "Ann".into(), text: "T".into() });
    add(&mut out, &ReviewPrompt { shape: "{}".into() });
    let claim = ReviewClaim {
        id: "root cause".into(),
        statement: "S".into(),
        confidence: "0.80".into(),
        cites: vec!["E1".into(), "E2".into()],
    };
    let case = ReviewCase {
        mark: "m".into(),
        ticket: "T".into(),
        claims: vec![claim],
        ran: "R".into(),
        evidence: vec!["X".into()],
    };
    add(&mut out, &case);
    add(&mut out, &ProseJudgePrompt {});
    add(&mut out, &ProseCase { mark: "m".into(), report: "R".into() });
    out
}

#[test]
fn every_template_renders_in_each_of_its_branches() {
    let rendered = everything();
    for (id, text) in &rendered {
        assert!(!text.is_empty(), "{id}");
        assert!(!text.contains("{{") && !text.contains("{%"), "{id}: {text}");
    }
    let known: Vec<String> = planning().into_keys().chain(reviewing().into_keys()).collect();
    for id in known {
        assert!(rendered.iter().any(|(of, _)| *of == id), "{id} is not rendered here");
    }
    let of = |id: &str| -> Vec<&str> {
        rendered.iter().filter(|(of, _)| *of == id).map(|(_, text)| text.as_str()).collect()
    };
    assert!(of("brief")[1].contains("Evidence: E1 (git:E1), E2 (git:E2)\n"));
    assert!(of("tool_result")[1].contains("70 characters were left out"));
    assert!(of("review_case")[0].contains("root cause, confidence 0.80, cites E1, E2:\nS\n"));
    assert!(
        of("prose")[0].ends_with("{\"clear\": 1, \"brief\": 1, \"useful\": 1, \"why\": \"one sentence\"}")
    );
    assert!(of("system")[1].contains("- git_log {}: Reads."));
}

#[test]
fn a_name_that_the_context_lacks_is_an_error() {
    #[derive(Serialize)]
    struct Wrong {}
    impl Prompt for Wrong {
        const ID: &'static str = "wrong";
        const SOURCE: &'static str = "Dear {{ reader }}";
    }
    let error = Wrong {}.render().unwrap_err();
    assert_eq!(error.id, "wrong");
}

#[test]
fn hashes_are_of_the_content() {
    let mut hashes: Vec<String> = planning().into_values().chain(reviewing().into_values()).collect();
    assert!(hashes.iter().all(|hash| hash.len() == 64));
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), planning().len() + reviewing().len());
}
