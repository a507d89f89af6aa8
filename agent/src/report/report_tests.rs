use millwright_model::*;
use millwright_model::{IncidentId, ReportId};

use super::*;

const BAD: &str = "b0d0000000000000000000000000000000000000";
const GOOD: &str = "600d000000000000000000000000000000000000";
const CULPRIT: &str = "c0ffee0000000000000000000000000000000000";
const PARENT: &str = "5afe000000000000000000000000000000000000";

const COMMIT_DIFF: &str = "\
diff --git a/lib/money.sh b/lib/money.sh
index 1111111..2222222 100644
--- a/lib/money.sh
+++ b/lib/money.sh
@@ -2,5 +2,7 @@ 
 # Functions leave their result in R.
 
+# Reads a comma, too.
+
 money_parse() {
     case \"$1\" in
     esac
@@ -46,7 +48,5 @@ money_share_start() {
 }
 
 money_share() {
-    share_carry=$(($1 * $2 + share_carry))
-    R=$((share_carry / $3))
-    share_carry=$((share_carry % $3))
+    R=$(($1 * $2 / $3))
 }
";
const GUILTY_DIFF: &str = "\
diff --git a/lib/money.sh b/lib/money.sh
--- a/lib/money.sh
+++ b/lib/money.sh
@@ -46,7 +46,5 @@ money_share_start() {
 }
 
 money_share() {
-    share_carry=$(($1 * $2 + share_carry))
-    R=$((share_carry / $3))
-    share_carry=$((share_carry % $3))
+    R=$(($1 * $2 / $3))
 }
";
const FIX_DIFF: &str = "\
diff --git a/lib/money.sh b/lib/money.sh
--- a/lib/money.sh
+++ b/lib/money.sh
@@ -60,5 +60,7 @@ money_share_start() {
 }
 
 money_share() {
-    R=$(($1 * $2 / $3))
+    share_carry=$(($1 * $2 + share_carry))
+    R=$((share_carry / $3))
+    share_carry=$((share_carry % $3))
 }
";

fn evidence(id: &str, source: EvidenceSource, locator: Locator, text: &str) -> Evidence {
    Evidence {
        id: EvidenceId(id.into()),
        source,
        locator,
        excerpt: text.into(),
        sha256: Evidence::hash(text),
    }
}

fn suspect(rank: u32, commit: &str, subject: &str, score: f64) -> Suspect {
    let reason = |signal: &str, contribution: f64, detail: &str| Reason {
        signal: signal.into(),
        contribution,
        detail: detail.into(),
    };
    Suspect {
        rank,
        commit: commit.parse().unwrap(),
        subject: subject.into(),
        score,
        reasons: vec![
            reason("text_similarity", score * 0.7, "shares discount, share and lines with the ticket"),
            reason("call_neighbourhood", score * 0.4, "money_share is called by invoice_spread"),
            reason("change_kind", -0.1, "documentation is part of the change"),
        ],
    }
}

fn run(commit: &str, patched: bool, outcome: ReplayOutcome) -> ReplayRun {
    ReplayRun { commit: commit.parse().unwrap(), patched, traced: false, outcome, duration_ms: 48 }
}

/// A report of this verdict as an investigation would write it, and its context.
fn sample(verdict: Verdict) -> (Report, RenderContext) {
    use ReplayOutcome::{CannotTest, OtherFailure, Passes, Reproduces};
    let proven = matches!(verdict, Verdict::Known | Verdict::Verified | Verdict::Confirmed);
    let caused = proven || verdict == Verdict::Probable;
    let fixed = matches!(verdict, Verdict::Known | Verdict::Verified);
    let mut runs = vec![run(BAD, false, Reproduces)];
    if verdict != Verdict::Known {
        runs.extend([
            run("aaaa000000000000000000000000000000000000", false, Passes),
            run("dddd000000000000000000000000000000000000", false, OtherFailure),
            run("eeee000000000000000000000000000000000000", false, CannotTest),
            run(CULPRIT, false, Reproduces),
            run(PARENT, false, Passes),
        ]);
    }
    if fixed {
        runs.push(run(BAD, true, Passes));
    }
    let report = Report {
        schema: REPORT_SCHEMA.into(),
        id: "run_0007".parse().unwrap(),
        incident_id: "inc_1042".parse().unwrap(),
        verdict,
        summary: String::new(),
        root_cause: caused.then(|| RootCause {
            statement:
                "money_share no longer carries its remainder over, so shares do not add up to the amount"
                    .into(),
            kind: CauseKind::CodeChange,
            commit: Some(CULPRIT.parse().unwrap()),
            locations: vec![Location {
                path: "lib/money.sh".into(),
                start_line: 62,
                end_line: 64,
                symbol: Some("lib/money.sh::money_share".into()),
            }],
            confidence: if proven { 0.995 } else { 0.73 },
            evidence: vec![EvidenceId("E1".into()), EvidenceId("E2".into())],
        }),
        hypotheses: vec![Hypothesis {
            id: "H1".into(),
            statement: match verdict {
                Verdict::NotAnIncident => "The order names a coupon that ended in June, as it was meant to",
                _ => "The check in invoice_check is wrong",
            }
            .into(),
            status: match verdict {
                Verdict::NotAnIncident => HypothesisStatus::Supported,
                _ => HypothesisStatus::Refuted,
            },
            evidence: vec![EvidenceId("E3".into())],
        }],
        suspects: match verdict {
            Verdict::NotAnIncident => vec![],
            _ => vec![
                suspect(1, "feed000000000000000000000000000000000000", "Refuse a negative total", 0.41),
                suspect(2, CULPRIT, "Read and print amounts the way customers write them", 0.33),
                suspect(
                    3,
                    "aaaa000000000000000000000000000000000000",
                    "Show the coupon on the invoice",
                    0.12,
                ),
            ],
        },
        fix: fixed.then(|| {
            let kind = if verdict == Verdict::Known { FixKind::Known } else { FixKind::PartialRevert };
            let tests = if verdict == Verdict::Known { TestsResult::NotRun } else { TestsResult::Pass };
            Fix {
                proof: Proof::FixVerified,
                replay: CheckResult::Pass,
                tests,
                ..Fix::untested(kind, FIX_DIFF)
            }
        }),
        tried: vec![],
        replay: proven.then(|| ReplaySummary {
            reproduced: true,
            sandbox: SandboxLevel::Full,
            flaky_rate: 0.0,
            runs,
            bisect: (verdict != Verdict::Known).then_some(BisectSummary { range: 150, runs: 5, skipped: 2 }),
            output_end: Some("expected 1,00\ngot 100\n[exit status 1]".into()),
            agreement: Some(FailureAgreement::Agrees { why: "the same message".into() }),
            laid_in: vec![],
            executed: Some(ExecutedCode {
                precision: TracePrecision::Lines,
                files: 4,
                units: 9,
                named: vec!["lib/money.sh::money_share".into(), "lib/cart.sh::cart_total".into()],
                changed: vec![ChangedUnit { unit: "lib/money.sh::money_share".into(), executed: Some(true) }],
                changed_total: 1,
            }),
        }),
        similar: match verdict {
            Verdict::Known => vec![SimilarIncident {
                incident_id: "inc_0981".parse().unwrap(),
                score: 0.94,
                why: vec!["same exception and in-app symbols".into(), "same message".into()],
                proof: Proof::FixVerified,
                approval: Approval::Confirmed,
                recheck: CheckResult::Pass,
            }],
            _ => vec![],
        },
        struck: match verdict {
            Verdict::Inconclusive => vec![Struck {
                claim: "The database was down".into(),
                because: "its quote \"connection refused\" does not occur in E1".into(),
            }],
            _ => vec![],
        },
        impact: (verdict == Verdict::Verified).then(|| Impact {
            sessions: 12,
            users: 3,
            routes: vec!["/invoices".into()],
            first_seen: Some("2025-06-27T07:10:00Z".parse().unwrap()),
            last_seen: None,
        }),
        evidence: vec![
            evidence(
                "E1",
                EvidenceSource::Ticket,
                Locator::ticket_lines(7, 11),
                "counter: error: invoice 1042: the lines carry a discount of 3.90, the coupon gives 3.92",
            ),
            evidence(
                "E2",
                EvidenceSource::Git,
                Locator::commit_lines(&CULPRIT.parse().unwrap(), "lib/money.sh", 46, 52),
                GUILTY_DIFF,
            ),
            evidence("E3", EvidenceSource::Replay, Locator::replay(5), "exit status 1"),
        ],
        usage: Usage {
            planner: "playbook".into(),
            tool_calls: 14,
            steps: 9,
            wall_ms: 2_350,
            ..Usage::default()
        },
        escalate: (verdict == Verdict::Inconclusive).then(|| Escalation {
            to: "Jonas Lindqvist".into(),
            because: "wrote most of lib/money.sh".into(),
            missing: vec![
                "a command that fails because of this (--replay)".into(),
                "the last release that worked (--good)".into(),
            ],
        }),
    };
    let candidates = (0..150).map(|at| BisectCandidate {
        commit: match at {
            70 => "aaaa000000000000000000000000000000000000".parse().unwrap(),
            80 => "dddd000000000000000000000000000000000000".parse().unwrap(),
            81 => "eeee000000000000000000000000000000000000".parse().unwrap(),
            87 => PARENT.parse().unwrap(),
            88 => CULPRIT.parse().unwrap(),
            149 => BAD.parse().unwrap(),
            _ => format!("{at:040}").parse().unwrap(),
        },
        mass: if at == 88 {
            0.33
        } else if at == 120 {
            0.41
        } else {
            0.26 / 148.0
        },
    });
    let lefts = [(2, 79), (3, 79), (4, 79), (5, 18), (6, 1)];
    let context = RenderContext {
        ticket_title: Some("Order 1042 cannot be invoiced".into()),
        repository: Some("/srv/shop".into()),
        contact: None,
        data_dir: None,
        failing_revision: Some(BAD.into()),
        good_revision: Some(GOOD.into()),
        culprit: caused.then(|| CommitView {
            commit: CULPRIT.into(),
            parents: vec![PARENT.parse().unwrap()],
            author: "Jonas Lindqvist".into(),
            date: "2025-04-14".into(),
            subject: "Read and print amounts the way customers write them".into(),
            diff: COMMIT_DIFF.into(),
            guilty_diff: proven.then(|| GUILTY_DIFF.into()),
            taken_back_by: None,
        }),
        bisect: (proven && verdict != Verdict::Known).then(|| BisectView {
            candidates: candidates.collect(),
            steps: lefts.into_iter().map(|(run, left)| BisectStep { run, left }).collect(),
        }),
        fix_file: fixed.then(|| "/home/mira/.millwright/reports/run_0007/fix.patch".into()),
        replay_command: proven.then(|| "sh bin/counter invoice 1042".into()),
        tests_command: None,
        notes: vec![],
        quotes: vec![],
        in_service: false,
        width: 100,
        color: false,
    };
    let mut report = report;
    report.summary = summarise(&report, &context);
    (report, context)
}

#[test]
fn every_verdict_in_every_format() {
    for verdict in Verdict::ALL {
        let (report, context) = sample(verdict);
        let name = verdict.as_str();
        insta::assert_snapshot!(format!("{name}.text"), render(&report, &context, ReportFormat::Text));
        insta::assert_snapshot!(
            format!("{name}.markdown"),
            render(&report, &context, ReportFormat::Markdown)
        );
        insta::assert_snapshot!(format!("{name}.json"), render(&report, &context, ReportFormat::Json));
        let html = render(&report, &context, ReportFormat::Html);
        // Skip the style sheet.
        let (_, body) = html.split_once("</head>").unwrap();
        insta::assert_snapshot!(format!("{name}.html"), body.replace("><", ">\n<"));
        if let Ok(dir) = std::env::var("MILLWRIGHT_REPORT_SAMPLES") {
            std::fs::write(format!("{dir}/{name}.html"), html).unwrap();
        }
    }
}

#[test]
fn json_is_the_schema_and_nothing_is_left_out() {
    let (mut report, context) = sample(Verdict::Inconclusive);
    report.suspects[0].score = f64::NAN;
    let json = render(&report, &context, ReportFormat::Json);
    let back: Report = serde_json::from_str(&json).unwrap();
    assert_eq!(back.suspects[0].score, 0.0);
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    for absent in ["root_cause", "fix", "replay", "impact"] {
        assert_eq!(value.get(absent), Some(&serde_json::Value::Null), "{absent}");
    }
    assert_eq!(value["similar"], serde_json::json!([]));
}

/// A report whose fix passes the replay and whose tests ended in `result`.
fn with_tests(verdict: Verdict, result: TestsResult, because: &str) -> (Report, RenderContext) {
    let (mut report, mut context) = sample(verdict);
    let fix = Fix {
        proof: Proof::CauseConfirmed,
        replay: CheckResult::Pass,
        tests: result,
        tests_detail: Some(TestsDetail { because: because.into(), ..TestsDetail::default() }),
        ..Fix::untested(FixKind::Revert, FIX_DIFF)
    };
    report.fix = Some(fix);
    context.tests_command = Some("make test".into());
    report.summary = summarise(&report, &context);
    (report, context)
}

/// A commit with a probability below one half is a suspect, and its changes are not shown as the lines to fix.
#[test]
fn a_guess_is_no_cause_in_any_format() {
    let (named, _) = sample(Verdict::Verified);
    let (mut report, context) = sample(Verdict::Inconclusive);
    report.root_cause = named.root_cause;
    report.fix = None;
    for (format, cause) in [
        (ReportFormat::Text, "\nCause\n"),
        (ReportFormat::Markdown, "**Cause"),
        (ReportFormat::Html, "<h2>Cause</h2>"),
    ] {
        let page = render(&report, &context, format);
        assert!(page.contains("Most suspected, not proven"), "{page}");
        assert!(!page.contains(cause), "{page}");
        assert!(
            !page.contains("marks the guilty lines") && !page.contains("The culprit’s changes"),
            "{page}"
        );
    }
}

#[test]
fn a_command_of_several_lines_can_be_pasted() {
    let (report, mut context) = sample(Verdict::Confirmed);
    context.replay_command = Some("cat >x <<EOF\nit's\nEOF\nsh check.sh x".into());
    let text = render(&report, &context, ReportFormat::Text);
    let wanted = "\n(cd /srv/shop && sh -c 'cat >x <<EOF\nit'\\''s\nEOF\nsh check.sh x')\n";
    assert!(text.contains(wanted), "{text}");
    let markdown = render(&report, &context, ReportFormat::Markdown);
    assert!(markdown.contains("cat >x <<EOF\nit"), "{markdown}");
}

#[test]
fn what_the_tests_showed_is_said_in_every_format_in_words_of_its_own() {
    for (result, words) in [
        (TestsResult::NotRun, "not run"),
        (TestsResult::CouldNotRun, "could not be run"),
        (TestsResult::NotComparable, "cannot be compared"),
        (TestsResult::Fail, "worse"),
    ] {
        let (report, context) = with_tests(Verdict::Confirmed, result, "because of this");
        let text = render(&report, &context, ReportFormat::Text);
        assert!(text.contains(&words.to_uppercase()) || text.contains(words), "{words}: {text}");
        assert!(text.contains("because of this"), "{text}");
        assert!(text.contains("$ (cd /srv/shop && make test)"), "{text}");
        let markdown = render(&report, &context, ReportFormat::Markdown);
        assert!(markdown.contains(&format!("Project tests: {words}.")), "{markdown}");
        assert!(markdown.contains("Not verified"), "{markdown}");
        let html = render(&report, &context, ReportFormat::Html);
        assert!(html.contains(&format!("project tests: {words}")), "{words}");
        assert!(fix_sentences(report.fix.as_ref().unwrap()).join(" ").contains(words), "{words}");
    }
}

#[test]
fn only_what_is_verified_is_to_be_shipped() {
    for verdict in Verdict::ALL {
        let (report, context) = sample(verdict);
        for format in [ReportFormat::Text, ReportFormat::Markdown, ReportFormat::Html] {
            let said = render(&report, &context, format).contains("Ship it");
            assert_eq!(said, verdict == Verdict::Verified, "{verdict:?} {format:?}");
        }
    }
}

#[test]
fn what_failed_what_goes_and_what_contradicts_is_told() {
    let (mut report, context) = with_tests(Verdict::Confirmed, TestsResult::NotRun, "");
    report.tried = vec![TriedFix {
        kind: FixKind::PartialRevert,
        diff: FIX_DIFF.into(),
        because: "the four-way check contradicts it: input 7".into(),
    }];
    let fix = report.fix.as_mut().unwrap();
    fix.takes_away = vec!["SECURITY: the guard of names".into()];
    fix.is_stopgap = true;
    fix.four_way = Some(FourWay { inputs: 9, deciding: 3, ..FourWay::default() });
    for format in [ReportFormat::Text, ReportFormat::Markdown, ReportFormat::Html] {
        let page = render(&report, &context, format).split_whitespace().collect::<Vec<_>>().join(" ");
        for words in [
            "Tried, but not verified",
            "contradicts it: input 7",
            "SECURITY: the guard of names",
            "3 deciding inputs",
            "stopgap",
        ] {
            assert!(page.contains(words), "{words} {format:?}: {page}");
        }
    }
}

#[test]
fn two_failures_stand_side_by_side() {
    let (mut report, context) = sample(Verdict::Inconclusive);
    report.replay = sample(Verdict::Verified).0.replay;
    let replay = report.replay.as_mut().unwrap();
    replay.agreement = Some(FailureAgreement::Differs {
        ticket: "TypeError: null".into(),
        replay: "Cannot find module side-channel".into(),
    });
    for format in [ReportFormat::Text, ReportFormat::Markdown, ReportFormat::Html] {
        let page = render(&report, &context, format);
        assert!(page.contains("TypeError: null"), "{format:?}: {page}");
        assert!(page.contains("Cannot find module side-channel"), "{format:?}: {page}");
        assert!(page.contains("got 100"), "the replay's own output {format:?}");
    }
}

#[test]
fn text_fits_the_width_and_colours_only_when_asked() {
    for verdict in Verdict::ALL {
        let (report, mut context) = sample(verdict);
        for width in [0, 20, 60, 80, 120, 500] {
            context.width = width;
            let room = if width == 0 { 100 } else { width.clamp(60, 120) };
            let text = render(&report, &context, ReportFormat::Text);
            assert!(!text.contains('\u{1b}'));
            for row in text.lines().filter(|row| !row.trim_start().starts_with("$ ")) {
                assert!(textwrap::core::display_width(row) <= room, "{width}: {row:?}");
            }
            assert!(text.lines().all(|row| row.trim_end() == row), "{verdict:?} has trailing blanks");
        }
        let plain = render(&report, &context, ReportFormat::Text);
        context.color = true;
        let colored = render(&report, &context, ReportFormat::Text);
        assert!(colored.contains('\u{1b}'));
        let mut bare = String::new();
        for (at, part) in colored.split("\u{1b}[").enumerate() {
            bare.push_str(if at == 0 { part } else { part.split_once('m').unwrap().1 });
        }
        assert_eq!(bare, plain, "colours add nothing but colour");
    }
}

const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}evil\u{200b} @everyone <script>alert(1)</script> \
    [link](http://evil.example) ![img](x) `` ` `` | closes #12 GH-7 & &lt; \u{9b}31m www.evil.example \r\n## heading\n/close\n```\n-->";

/// Puts hostile words in every field that comes from outside.
fn hostile() -> (Report, RenderContext) {
    let (mut report, mut context) = sample(Verdict::Verified);
    let (mut inconclusive, _) = sample(Verdict::Inconclusive);
    let text = || HOSTILE.to_owned();
    report.id = ReportId::from_bits(7);
    report.incident_id = IncidentId::from_bits(7);
    report.summary = text();
    let cause = report.root_cause.as_mut().unwrap();
    cause.statement = text();
    cause.evidence = vec![EvidenceId(text()), EvidenceId("E1\"><script>".into())];
    cause.locations[0].path = text();
    cause.locations[0].symbol = Some(text());
    report.hypotheses[0].statement = text();
    for suspect in &mut report.suspects {
        suspect.subject = text();
        for reason in &mut suspect.reasons {
            reason.signal = text();
            reason.detail = text();
            reason.contribution = f64::NAN;
        }
    }
    report.fix.as_mut().unwrap().diff =
        format!("--- a/{HOSTILE}\n+++ b/x\n@@ -1 +1 @@ {HOSTILE}\n-{HOSTILE}\n+{HOSTILE}\n");
    report.impact.as_mut().unwrap().routes = vec![text()];
    report.evidence[0].excerpt = text();
    report.evidence[0].locator = Locator(text());
    report.evidence[0].id = EvidenceId(text());
    report.struck = inconclusive.struck;
    report.struck[0].claim = text();
    report.escalate = inconclusive.escalate.take();
    report.escalate.as_mut().unwrap().to = text();
    report.usage.planner = text();
    report.usage.fell_back = Some(text());
    report.similar = sample(Verdict::Known).0.similar;
    report.similar[0].incident_id = IncidentId::from_bits(8);
    report.similar[0].why = vec![text()];
    context.ticket_title = Some(text());
    context.repository = Some(text());
    context.fix_file = Some(text());
    context.notes = vec![text()];
    let view = context.culprit.as_mut().unwrap();
    view.subject = text();
    view.author = text();
    view.diff = report.fix.as_ref().unwrap().diff.clone();
    (report, context)
}

#[test]
fn hostile_words_do_nothing() {
    let (report, context) = hostile();
    let text = render(&report, &context, ReportFormat::Text);
    let hidden = |char: char| (char.is_control() && char != '\n') || "\u{202e}\u{200b}".contains(char);
    assert!(!text.contains(hidden), "{text:?}");
    assert!(!text.contains("owned"), "a title sequence goes as a whole");

    let html = render(&report, &context, ReportFormat::Html);
    assert!(!html.contains("<script"));
    assert!(!html.contains(hidden));
    assert!(!html.contains("href=\"http") && !html.contains("src="));
    for id in html.match_indices("id=\"").map(|(at, _)| html[at + 4..].split('"').next().unwrap()) {
        assert!(id.chars().all(|char| char.is_ascii_alphanumeric() || char == '-'), "{id}");
    }

    let markdown = render(&report, &context, ReportFormat::Markdown);
    assert!(!markdown.contains(hidden));
    let mut fence: Option<String> = None;
    for row in markdown.lines() {
        let ticks: String = row.chars().take_while(|char| *char == '`').collect();
        match &fence {
            Some(open) if row == *open => fence = None,
            Some(_) => continue,
            None if ticks.len() >= 3 && !row[ticks.len()..].contains('`') => fence = Some(ticks),
            None => {
                assert!(!row.starts_with("/close") && !row.starts_with("## heading"), "{row}");
                // Outside of code, no text links, mentions, embeds or opens a tag.
                let bare = without_escapes(&without_code(row));
                for live in ["<script", "@everyone", "](", "![", "http://", "www.evil", "#12", "GH-7"] {
                    assert!(!bare.contains(live), "{live} in {row}");
                }
            }
        }
    }
    assert_eq!(fence, None, "every fence is closed");
}

/// Without the characters that a backslash makes literal.
fn without_escapes(row: &str) -> String {
    let mut chars = row.chars();
    let mut out = String::new();
    while let Some(char) = chars.next() {
        if char == '\\' {
            let _ = chars.next();
        } else {
            out.push(char);
        }
    }
    out
}

/// A row of Markdown without its inline code.
fn without_code(row: &str) -> String {
    let mut out = String::new();
    let mut rest = row;
    while let Some(at) = rest.find('`') {
        if rest[..at].ends_with('\\') {
            out.push_str(&rest[..=at]);
            rest = &rest[at + 1..];
            continue;
        }
        out.push_str(&rest[..at]);
        let ticks: String = rest[at..].chars().take_while(|char| *char == '`').collect();
        let after = &rest[at + ticks.len()..];
        let mut from = 0;
        let end = loop {
            let Some(found) = after[from..].find(&ticks).map(|found| found + from) else { return out };
            let longer = after[found + ticks.len()..].starts_with('`') || after[..found].ends_with('`');
            if !longer {
                break found;
            }
            from = found + after[found..].chars().take_while(|char| *char == '`').count();
        };
        rest = &after[end + ticks.len()..];
    }
    out + rest
}

#[test]
fn huge_reports_stay_bounded() {
    let (mut report, mut context) = sample(Verdict::Verified);
    let long = "x y".repeat(100_000);
    report.root_cause.as_mut().unwrap().statement = long.clone();
    report.fix.as_mut().unwrap().diff =
        format!("--- a/x\n+++ b/x\n@@ -1,1 +1,90000 @@\n-a\n{}", "+b\n".repeat(90_000));
    report.evidence = (0..500)
        .map(|at| evidence(&format!("E{at}"), EvidenceSource::Ticket, Locator::ticket_lines(1, 2), &long))
        .collect();
    report.suspects = (1..2_000).map(|rank| suspect(rank, CULPRIT, &long, 0.1)).collect();
    let some = run(CULPRIT, false, ReplayOutcome::Passes);
    report.replay.as_mut().unwrap().runs = vec![some; 20_000];
    context.fix_file = None;
    assert!(render(&report, &context, ReportFormat::Text).lines().count() < 250);
    assert!(render(&report, &context, ReportFormat::Markdown).len() < 64 * 1024);
    assert!(render(&report, &context, ReportFormat::Html).len() < 2 * 1024 * 1024);
}

#[test]
fn the_page_loads_nothing_and_every_citation_leads_somewhere() {
    use sha2::Digest as _;
    let (report, context) = sample(Verdict::Verified);
    let html = render(&report, &context, ReportFormat::Html);
    let style = html.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = sha2::Sha256::digest(style);
    let hash = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, hash);
    assert!(html.contains(&format!("style-src 'sha256-{hash}'")));
    assert!(!html.contains(" style=") && !style.contains("url(") && !style.contains("@import"));
    let links: Vec<&str> =
        html.match_indices("href=\"#").map(|(at, _)| html[at + 7..].split('"').next().unwrap()).collect();
    assert!(links.len() >= 4);
    for link in links {
        assert_eq!(html.matches(&format!("id=\"{link}\"")).count(), 1, "{link}");
    }
    assert_eq!(html.matches("tr class=\"del guilty\"").count(), 3);
    assert_eq!(html.matches("tr class=\"add guilty\"").count(), 1);
}

#[test]
fn commands_can_be_pasted_whatever_the_path() {
    let (mut report, mut context) = sample(Verdict::Verified);
    context.repository = Some("/srv/a shop's; rm -rf ~".into());
    let text = render(&report, &context, ReportFormat::Text);
    assert!(text.contains(r"$ git -C '/srv/a shop'\''s; rm -rf ~' apply /home/mira"), "{text}");
    context.fix_file = None;
    report.fix.as_mut().unwrap().kind = FixKind::Revert;
    context.repository = None;
    let text = render(&report, &context, ReportFormat::Text);
    assert!(text.contains(&format!("$ git revert {CULPRIT}")), "{text}");
}

#[test]
fn diffs_are_taken_apart() {
    let parsed = diff::parse(COMMIT_DIFF).mark(&diff::parse(GUILTY_DIFF));
    let hunks: Vec<_> = parsed.hunks().map(|(file, hunk)| (file.path.as_str(), hunk.is_guilty())).collect();
    assert_eq!(hunks, [("lib/money.sh", false), ("lib/money.sh", true)]);
    assert_eq!((parsed.added(), parsed.removed()), (3, 3));
    let numbers: Vec<_> =
        parsed.files[0].hunks[1].lines.iter().filter(|l| l.guilty).map(|l| (l.kind, l.old, l.new)).collect();
    assert_eq!(numbers[0], (diff::DiffLineKind::Removed, 49, 51));
    assert_eq!(numbers[3], (diff::DiffLineKind::Added, 52, 51));
    for odd in [
        "",
        "@@ -1 +1 @@",
        "@@ -x +y @@\n+a",
        "--- a\n+++ b\n@@ -1,99999999999 +1 @@\n",
        "@@ -4294967295,9 +1,9 @@\n a\n b\n",
    ] {
        diff::parse(odd);
    }
    let created = diff::parse(
        "--- /dev/null\n+++ b/new file\t2025\n@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file\n",
    );
    assert_eq!((created.files[0].path.as_str(), created.added()), ("new file", 2));
}

#[test]
fn what_a_claim_quotes_is_marked_where_it_stands() {
    let quotes = ["b c".to_owned(), "c d".to_owned(), "nowhere".to_owned(), "  ".to_owned()];
    assert_eq!(spans("a b c d e", &quotes), [("a ", false), ("b c", true), (" d", true), (" e", false)]);
    assert_eq!(spans("", &quotes), []);
    assert_eq!(spans("é b c", &["b c".to_owned()]), [("é ", false), ("b c", true)]);

    let (report, mut context) = sample(Verdict::Verified);
    let evidence = report.evidence.first().unwrap();
    let quote: String = evidence.excerpt.lines().next().unwrap().chars().take(12).collect();
    context.quotes = vec![CitedEvidence { evidence: evidence.id.clone(), text: quote.clone() }];
    let alone = render(&report, &context, ReportFormat::Html);
    assert!(alone.contains(&format!("<mark>{}</mark>", quote.replace('<', "&lt;"))), "{quote}");
    assert!(!alone.contains("/evidence/"), "a file has no pages beside it");

    // The context as it is stored, and shown by a service.
    let stored = serde_json::to_value(&context).unwrap();
    let context: RenderContext = serde_json::from_value(stored).unwrap();
    let context = RenderContext { in_service: true, ..context };
    let page = grounds(&report, &context).into_string();
    assert!(
        page.contains(&format!("/incidents/{}/evidence/{}#cited", report.incident_id, evidence.id)),
        "{page}"
    );
    assert!(page.contains("<mark>") && page.contains("class=\"bisect\""), "{page}");
    assert!(serde_json::from_str::<RenderContext>("{}").is_ok(), "one stored by an older version");
}
