/*!
Synthetic incidents for measurements. The words of the texts have natural (Zipf-like) frequencies, because common
words determine the cost of recall. Every second incident has a stack trace.
*/

use millwright_model::{
    ExceptionInfo, Fingerprint, Frame, Language, MappedFrame, NewIncident, ParsedTicket, RepositoryId,
    StackTrace, TicketContext, TicketFormat,
};

const VOCABULARY: f64 = 30_000.0;

pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// SplitMix64, written here instead of taken from a library: the figures in `RESULTS.md` depend on this exact
    /// sequence, which a library may change with a version.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub(crate) fn word(&mut self) -> String {
        let uniform = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        let mut rank = VOCABULARY.powf(uniform) as u64;
        let mut word = String::from("w");
        while rank > 0 {
            word.push(char::from(b'a' + (rank % 26) as u8));
            rank /= 26;
        }
        word.push('o');
        word
    }
    pub(crate) fn words(&mut self, n: usize) -> String {
        (0..n).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }
}

pub(crate) fn ticket(random: &mut Random, length: usize) -> ParsedTicket {
    let title = random.words(9);
    let symptom = random.words(length);
    let traced = random.next().is_multiple_of(2);
    let symbols: Vec<String> = (0..8).map(|_| format!("function_{}", random.next() % 4_000)).collect();
    let exception = format!("Error{}", random.next() % 60);
    let frames = symbols
        .iter()
        .map(|s| Frame {
            function: Some(s.clone()),
            in_app: true,
            mapped: Some(MappedFrame {
                path: format!("src/{}.py", &s[..10]),
                symbol: Some(s.clone()),
                is_test: false,
            }),
            ..Frame::default()
        })
        .collect();
    let exceptions = vec![ExceptionInfo { kind: exception.clone(), message: title.clone(), frames }];
    let trace = StackTrace { language: Language::Python, exceptions, span: None };
    let fingerprint = Fingerprint {
        value: format!("{:016x}", random.next()),
        exception: Some(exception),
        symbols,
        template: Some(random.words(5)),
    };
    ParsedTicket {
        format: TicketFormat::Text,
        text: format!("{title}\n{symptom}"),
        title,
        symptom,
        traces: if traced { vec![trace] } else { vec![] },
        failing_tests: vec![],
        errors: vec![],
        code: vec![],
        log_spans: vec![],
        context: TicketContext::default(),
        fingerprint: if traced { fingerprint } else { Fingerprint::default() },
        notes: vec![],
    }
}

/// The repository that all incidents belong to.
pub(crate) fn repository() -> RepositoryId {
    "r".parse().expect("an id")
}

pub(crate) fn incident(random: &mut Random, length: usize) -> NewIncident {
    NewIncident {
        repository_name: None,
        repository: Some(repository()),
        source: None,
        ticket: ticket(random, length),
        mapped: vec![],
    }
}
