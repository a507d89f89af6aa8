/*!
Why somebody wrote a ticket. Not every incoming ticket reports a failure: heartbeats of a monitoring system, tests
of an alert channel, questions, thanks and wishes arrive in the same way. The purpose is only set when the words
leave no doubt, because nobody would investigate a failure that is taken for a question.
*/

use std::sync::LazyLock;

use millwright_model::ParsedTicket;
use regex::Regex;

use super::text::clip;

/// How many bytes of a ticket are read; a longer text always counts as a report.
const MAX_TEXT: usize = 4 * 1024;
/// Maximum number of words in a question or a thank-you.
const MAX_WORDS: usize = 90;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketPurpose {
    /// A failure, or a ticket that may report one.
    Failure,
    Heartbeat,
    Test,
    /// An alert that is resolved.
    Resolved,
    Question,
    Thanks,
    Request,
}

impl TicketPurpose {
    /// Why there is nothing to investigate; `None` if the ticket may report a failure.
    pub fn no_failure(self) -> Option<&'static str> {
        Some(match self {
            Self::Failure => return None,
            Self::Heartbeat => "a heartbeat of the monitoring system: it fires as long as alerting works",
            Self::Test => "a test of an alert or of its channel",
            Self::Resolved => "the end of an alert: it says that everything is normal again",
            Self::Question => "a question; no failure is reported",
            Self::Thanks => "thanks; no failure is reported",
            Self::Request => "a feature request or an order; no failure is reported",
        })
    }
}

fn regex(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

static HEARTBEAT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(concat!(
        r"(?i)\bwatchdog\b.{0,400}\balways fir|^\W*(?:alertname\W+)?(?:watchdog|dead ?man'?s ?switch|infoinhibitor)\b",
        r"|\bdead ?man'?s ?switch\b|\binfoinhibitor\b|\bheart ?beat\b.{0,40}\b(?:received|ok|arrived)|\balways fir(?:es|ing)\b",
        r"|\[ok\] |\bhealth ?check\b.{0,40}\bup\b|\balerting pipeline is functional\b|\bsynthetic ping\b",
    ))
});
static TEST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(concat!(
        r"(?i)\bthis is (?:only |just )?a test\b|\b(?:test|sample) (?:alert|notification|page|message|incident|event)\b",
        r"|\bplease ignore\b|\btesting the\b.{0,60}\b(?:channel|contact point|webhook|integration|receiver)\b|^\W*\[test\]",
        r"|\b(?:fire|incident|disaster) drill\b|\bchaos (?:day|experiment|exercise)\b|^\W*test(?: test)*(?: \d+)*\W*$|\bTestAlert\b",
        r"|\btrying out the new\b|\bload ?test (?:of|is|on)\b",
    ))
});
static RESOLVED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r"(?i)^\W*(?:\[?resolved\]?\b|recovered\b|ok:|\[recovery\])|\bback to normal\b.{0,40}$|\balert closed automatically\b",
    )
});
/// Words that people use to report a failure, in the supported languages.
static FAILURE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(concat!(
        r"(?i)\b(?:errors?|exceptions?|traceback|crash\w*|fail(?:s|ed|ing|ures?)?|broken|breaks|wrong(?:ly)?|incorrect\w*|bugs?|regress\w*",
        r"|does(?:n't| not)|do(?:n't| not) (?:work|show|appear|load|open|get|see|receive|find)|did(?:n't| not)|is(?:n't| not) (?:work|show|load|possible)\w*",
        r"|not (?:working|found|valid|possible|available|loading)|invalid|says|won't|cannot|can(?:'t| not)|unable|missing|lost|vanish\w*|disappear\w*|since (?:the|this|our|your|last|yesterday|today|version|v?\d)\b",
        r"|after (?:the )?(?:last |new )?(?:update|upgrade|release|deploy\w*)|used to|no longer|instead of|expected|time ?outs?|timed out|hangs?|stuck|freez\w*|blank",
        r"|twice|double|duplicat\w*|too (?:low|high|small|large|many|few|slow)|unexpected\w*|strange|weird|[45]\d\d\b|slow|down|outage|urgent|stopped|refus\w*|reject\w*|denied",
        r"|fehler\w*|kaputt|falsch\w*|funktioniert nicht|geht nicht|erreur\w*|panne|ne (?:marche|fonctionne)|falla\w*|no funciona|erro\b|não funciona|błąd|nie działa|ошибк\w*|не работает)\b",
        r"|エラー|動かない|動作しない|错误|不工作",
    ))
});
static THANKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(concat!(
        r"(?i)\b(?:thank(?:s| you)|merci|vielen dank|danke|gracias|obrigad[oa]|grazie|dziękuję|спасибо|well done|great (?:product|job|work)|five stars)\b",
        r"|ありがとう|谢谢|감사",
    ))
});
static QUESTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(concat!(
        r"(?i)(?:^|[.!?,:;\n]\s*)(?:(?:hi|hello|hey|dear|good (?:morning|day)|quick question|guten tag|hallo|bonjour|hola|buongiorno|dzień dobry|здравствуйте)\b[^.?!\n]{0,30}[,.:!-]?\s*)*",
        r"(?:how (?:do|does|can|could|long|much|many|should|to)|where (?:can|do|is|are)|what (?:is|are|does|do)|which|who (?:is|are|do)|when (?:will|does|do|is)",
        r"|can (?:i|we|you|two|one)|could (?:i|we|you)|may (?:i|we)|is (?:there|it possible|my)|are there|do (?:you|i|we)|does (?:it|the|your)|would it be possible",
        r"|wie|wo|wann|welche|gibt es|kann ich|comment|où|quand|puis-je|est-ce que|cómo|dónde|cuándo|puedo|hay|como|onde|posso|jak|gdzie|kiedy|come|dove|è possibile|как|где|когда|можно)\b[^?\n]{0,300}\?",
        r"|ですか？|でしょうか？|吗？",
    ))
});
static REQUEST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(concat!(
        r"(?i)^\W*(?:hi|hello)?\W*please (?:add|support|allow|change|delete|remove|cancel|grant|reset|unsubscribe|raise|send|create|upgrade|consider|fill|swap)\b",
        r"|\bfeature request\b|\b(?:it would|would) be (?:nice|great|wonderful|helpful|useful)\b|\bwe would (?:love|like)\b|^\W*(?:suggestion|idea|wish)\b\W*:|\bi wish there\b",
        r"|\bwould you consider\b|\bbitte ändern sie\b|\bgostaria de\b|\bunder the gdpr\b",
    ))
});

/// The purpose of a ticket.
pub fn ticket_purpose(ticket: &ParsedTicket) -> TicketPurpose {
    if !ticket.traces.is_empty() || !ticket.failing_tests.is_empty() {
        return TicketPurpose::Failure;
    }
    let text = clip(&ticket.text, MAX_TEXT);
    let is = |pattern: &LazyLock<Option<Regex>>| pattern.as_ref().is_some_and(|re| re.is_match(text));
    let whole = text.len() == ticket.text.len();
    if is(&HEARTBEAT) {
        return TicketPurpose::Heartbeat;
    }
    let short = text.split_whitespace().count() <= MAX_WORDS;
    if !whole || !short {
        return TicketPurpose::Failure;
    }
    if is(&TEST) {
        return TicketPurpose::Test;
    }
    if is(&RESOLVED) && ticket.errors.is_empty() {
        return TicketPurpose::Resolved;
    }
    if !ticket.errors.is_empty() || is(&FAILURE) {
        return TicketPurpose::Failure;
    }
    match () {
        () if is(&QUESTION) => TicketPurpose::Question,
        () if is(&REQUEST) => TicketPurpose::Request,
        () if is(&THANKS) => TicketPurpose::Thanks,
        () => TicketPurpose::Failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    #[track_caller]
    fn check(text: &str, wanted: TicketPurpose) {
        assert_eq!(ticket_purpose(&parse(text.as_bytes())), wanted, "{text}");
    }

    #[test]
    fn what_reports_no_failure() {
        use TicketPurpose::*;
        check("Watchdog\nThis alert always fires, to show that alerting works.", Heartbeat);
        check("Test notification, please ignore", Test);
        check("[RESOLVED] HighErrorRate: back to normal", Resolved);
        check("Hello, how do I change my address?", Question);
        check("Guten Tag, wie kann ich meine Rechnung als PDF bekommen?", Question);
        check("Thank you so much for the quick help yesterday!", Thanks);
        check("Please add a dark mode", Request);
    }

    #[test]
    fn what_may_be_a_failure_is_one() {
        for text in [
            "How do I log in? It says: invalid token",
            "Thanks for the release, but totals are wrong since then",
            "Where did my orders go? They disappeared",
            "Please fix the export, it crashes",
            "Why was I charged twice?",
            "test_total fails with AssertionError: 3 != 4",
            "The heartbeat thread dies after an hour",
            "Does the page load for you? Mine stays blank",
            "Totals are ten times too small: total wrong: 30",
            "Invoices are rounded up",
            "Rack 14 lost power",
        ] {
            check(text, TicketPurpose::Failure);
        }
    }
}
