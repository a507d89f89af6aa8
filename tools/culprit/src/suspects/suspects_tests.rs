use CommittedChange::Write;
use millwright_replay::exec_trace::{ExecutedFile, ExecutionTrace, TracePrecision};
use millwright_testkit::imported::{CommittedChange, ImportedRepo};

use super::*;

/// A shop with twelve commits; each candidate is the culprit of one test.
struct Shop {
    repo: ImportedRepo,
    ids: Vec<CommitId>,
}

const CART: &str = "\
import money


class Cart:
    def add(self, item):
        self.items.append(item)

    def total(self):
        return sum(item.price for item in self.items)

    def clear(self):
        self.items = []
";

fn shop() -> Shop {
    let mut repo = ImportedRepo::new();
    repo.commit(
        "Start the shop",
        &[Write("shop/cart.py", CART), Write("shop/money.py", "def round_half(x):\n    return x\n")],
    );
    let tests = "from shop.money import round_half\n\n\nclass MoneyTests:\n    def test_round_half(self):\n        pass\n";
    repo.commit(
        "Test money",
        &[
            Write("tests/test_money.py", tests),
            Write("shop/money.py", "def round_half(x):\n    return x + 0\n"),
        ],
    );
    let total = CART.replace("item.price for", "item.price * item.count for");
    repo.commit("Count items in carts", &[Write("shop/cart.py", &total)]);
    let clear = total.replace("self.items = []", "self.items.clear()");
    repo.commit("Empty carts in place", &[Write("shop/cart.py", &clear)]);
    repo.commit(
        "Round money to the even neighbour",
        &[Write("shop/money.py", "def round_half(x):\n    return round(x)\n")],
    );
    repo.commit("Explain carts", &[Write("docs/cart.rst", "A cart has a total of item prices.\n")]);
    repo.commit(
        "Reformat the cart",
        &[Write("shop/cart.py", &clear.replace("(self, item)", "( self, item )"))],
    );
    repo.commit(
        "Test totals of carts",
        &[Write("tests/test_cart.py", "class CartTests:\n    def test_total(self):\n        pass\n")],
    );
    repo.commit(
        "Send invoices by mail",
        &[Write(
            "shop/mail.py",
            "def send_invoice(order):\n    raise ValueError('invoice number is already taken')\n",
        )],
    );
    repo.commit(
        "Say where parcels are",
        &[Write("shop/parcel.py", "def track(parcel):\n    return parcel.where\n")],
    );
    let ids = repo.import();
    Shop { repo, ids }
}

impl Shop {
    fn rank_with(
        &self,
        ticket: &str,
        change: impl for<'b> FnOnce(RankRequest<'b>) -> SuspectRanking,
    ) -> SuspectRanking {
        let (opened, ticket) = (
            Repo::open(&self.repo.path(), &self.repo.data("data")).unwrap(),
            millwright_ingest::parse(ticket.as_bytes()),
        );
        let (weights, rules) = (SignalWeights::default(), RedactionConfig::default());
        change(RankRequest {
            repo: &opened,
            rules: &rules,
            bad: self.ids.last().unwrap(),
            good: None,
            ticket: &ticket,
            executed: None,
            extra_text: "",
            precedents: &[],
            weights: &weights,
        })
    }

    fn rank(&self, ticket: &str) -> SuspectRanking {
        self.rank_with(ticket, |request| rank(&request).unwrap())
    }

    /// The subject on top, and the value of a signal among its reasons.
    fn check(&self, ticket: &str, subject: &str, signal: &str) {
        let ranking = self.rank(ticket);
        let top = &ranking.suspects[0];
        assert_eq!(top.subject, subject, "{ticket}: {:#?}", &ranking.suspects[..3]);
        let reason = top.reasons.iter().find(|reason| reason.signal == signal);
        assert!(
            reason.is_some_and(|r| r.contribution > 0.0 && !r.detail.is_empty()),
            "{signal}: {:#?}",
            top.reasons
        );
    }
}

#[test]
fn each_kind_of_evidence_finds_its_culprit() {
    let shop = shop();
    shop.check("Invoices are not sent by mail any more", "Send invoices by mail", "ticket_text");
    shop.check("The parcel page shows nothing", "Say where parcels are", "symptom_text");
    shop.check("ValueError: invoice number is already taken", "Send invoices by mail", "literal");
    let trace = "Traceback (most recent call last):\n  File \"/srv/app/shop/cart.py\", line 9, in total\n    return sum(x)\nAttributeError: 'Item' object has no attribute 'count'\n";
    for signal in ["frame_blame", "frame_function", "frame_file", "function_blame"] {
        shop.check(trace, "Count items in carts", signal);
    }
    let failing = "FAIL: test_round_half (tests.test_money.MoneyTests.test_round_half)\n----------------------------------------------------------------------\nTraceback (most recent call last):\n  File \"tests/test_money.py\", line 6, in test_round_half\n    self.assertEqual(round_half(2.5), 3)\nAssertionError: 2 != 3\n";
    for signal in ["test_name_text", "function_under_test", "class_under_test"] {
        shop.check(failing, "Round money to the even neighbour", signal);
    }
}

#[test]
fn changes_without_effect_rank_low() {
    let shop = shop();
    let ranking = shop.rank("The total of a cart is wrong: it forgets to count items");
    let place =
        |subject: &str| ranking.suspects.iter().position(|suspect| suspect.subject == subject).unwrap();
    assert_eq!(place("Count items in carts"), 0);
    for harmless in ["Explain carts", "Reformat the cart", "Test totals of carts"] {
        assert!(place(harmless) > 2, "{harmless} is number {}", place(harmless) + 1);
    }
}

#[test]
fn a_comment_in_the_words_of_the_ticket_is_no_evidence() {
    let mut repo = ImportedRepo::new();
    repo.commit("Start the shop", &[Write("shop/cart.py", CART)]);
    let total = CART.replace("item.price for", "item.price * item.count for");
    repo.commit("Count items in carts", &[Write("shop/cart.py", &total)]);
    repo.commit(
        "Say where parcels are",
        &[Write("shop/parcel.py", "def track(parcel):\n    return parcel\n")],
    );
    let said = "    # The total of a cart forgets to count items: AttributeError, no attribute 'count'\n    def total";
    let words = "The total of a cart forgets to count items";
    repo.commit(words, &[Write("shop/cart.py", &total.replace("    def total", said))]);
    let ids = repo.import();
    let shop = Shop { repo, ids };
    let ticket = "The total of a cart forgets to count items\n\nTraceback (most recent call last):\n  File \"/srv/app/shop/cart.py\", line 10, in total\n    return sum(x)\nAttributeError: no attribute 'count'\n";
    let ranking = shop.rank(ticket);
    assert_eq!(ranking.suspects[0].subject, "Count items in carts");
    let comment = ranking.suspects.iter().find(|suspect| suspect.subject.starts_with("The total")).unwrap();
    let evidence: Vec<&str> = comment
        .reasons
        .iter()
        .filter(|reason| reason.contribution > 0.0 && reason.signal != "touches_source")
        .map(|reason| reason.signal.as_str())
        .collect();
    assert!(evidence.is_empty(), "{:#?}", comment.reasons);
}

#[test]
fn probabilities_add_up_and_follow_the_score() {
    let ranking = shop().rank("Invoices are not sent");
    let prior: f64 = ranking.commits.iter().map(|commit| commit.prior).sum();
    assert!((prior - 1.0).abs() < 1e-9);
    // The remainder is the probability that no commit of the range is the cause.
    let total: f64 = ranking.commits.iter().map(|commit| commit.probability).sum();
    assert!((0.0..=1.0 + 1e-9).contains(&total), "{total}");
    assert_eq!(ranking.commits.len(), 10);
    assert!(
        ranking.commits.windows(2).all(|w| w[0].score >= w[1].score && w[0].probability >= w[1].probability)
    );
    assert!(ranking.commits.iter().all(|commit| commit.prior > 0.0));
}

#[test]
fn only_the_range_is_ranked_and_the_future_is_unseen() {
    let shop = shop();
    let ticket = "Invoices are not sent by mail any more";
    let (good, bad) = (shop.ids[3].clone(), shop.ids[7].clone());
    let narrow = shop
        .rank_with(ticket, |request| rank(&RankRequest { good: Some(&good), bad: &bad, ..request }).unwrap());
    let commits: Vec<&str> = narrow.commits.iter().map(|commit| commit.commit.as_str()).collect();
    let mut expected: Vec<&str> = shop.ids[4..8].iter().map(CommitId::as_str).collect();
    expected.sort_unstable();
    let mut sorted = commits.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    // An index that never saw the commits after `bad` gives the same numbers.
    let elsewhere = {
        let (opened, ticket) = (
            Repo::open(&shop.repo.path(), &shop.repo.data("other")).unwrap(),
            millwright_ingest::parse(ticket.as_bytes()),
        );
        let (weights, rules) = (SignalWeights::default(), RedactionConfig::default());
        rank(&RankRequest {
            repo: &opened,
            rules: &rules,
            bad: &bad,
            good: Some(&good),
            ticket: &ticket,
            executed: None,
            extra_text: "",
            precedents: &[],
            weights: &weights,
        })
        .unwrap()
    };
    assert_eq!(elsewhere, narrow);
}

#[test]
fn an_execution_trace_and_memory_shift_the_ranking() {
    let shop = shop();
    let vague = "Something is wrong with the shop";
    let before = shop.rank(vague);
    let share = |ranking: &SuspectRanking, at: usize| {
        ranking.commits.iter().find(|commit| commit.commit == shop.ids[at]).unwrap().prior
    };
    let file = ExecutedFile {
        lines: [9].into(),
        functions: ["Cart.total".to_owned()].into(),
        ..ExecutedFile::default()
    };
    let trace = ExecutionTrace {
        precision: TracePrecision::Lines,
        files: [("shop/cart.py".to_owned(), file)].into(),
    };
    let traced =
        shop.rank_with(vague, |request| rank(&RankRequest { executed: Some(&trace), ..request }).unwrap());
    assert!(share(&traced, 2) > share(&before, 2));
    let place = |ranking: &SuspectRanking| {
        ranking.commits.iter().position(|commit| commit.commit == shop.ids[2]).unwrap()
    };
    assert!(place(&traced) < place(&before), "{} after {}", place(&traced), place(&before));
    let precedent = |culprit: Option<usize>, units: &[&str], seen: usize| Precedent {
        incident_id: "inc_1".parse().unwrap(),
        culprit: culprit.map(|at| shop.ids[at].to_string()),
        units: units.iter().map(|unit| (*unit).to_owned()).collect(),
        failing_revision: shop.ids[seen].to_string(),
    };
    let with = |precedents: &[Precedent]| {
        shop.rank_with(vague, |request| rank(&RankRequest { precedents, ..request }).unwrap())
    };
    assert!(share(&with(&[precedent(Some(9), &[], 9)]), 9) > share(&before, 9));
    let once = with(&[precedent(None, &["shop/mail.py::send_invoice"], 9)]);
    assert!(share(&once, 8) > share(&before, 8));
    let twice = with(&vec![precedent(None, &["shop/mail.py::send_invoice"], 9); 2]);
    assert!(share(&twice, 8) > share(&once, 8));
    // Guilty code that was removed says nothing about today's code.
    let gone = with(&[precedent(None, &["shop/letter.py::send_invoice"], 9)]);
    assert_eq!(gone.commits, before.commits);
    let named = shop.rank_with(vague, |request| {
        rank(&RankRequest { extra_text: "test_parcel track", ..request }).unwrap()
    });
    assert!(share(&named, 9) > share(&before, 9));
}

#[test]
fn an_empty_range_and_an_empty_ticket_are_no_trouble() {
    let shop = shop();
    let opened = Repo::open(&shop.repo.path(), &shop.repo.data("data")).unwrap();
    let (weights, ticket) = (SignalWeights::default(), millwright_ingest::parse(b""));
    let rules = RedactionConfig::default();
    let bad = &shop.ids[4];
    let request = RankRequest {
        repo: &opened,
        rules: &rules,
        bad,
        good: Some(bad),
        ticket: &ticket,
        executed: None,
        extra_text: "",
        precedents: &[],
        weights: &weights,
    };
    assert!(matches!(rank(&request), Err(SuspectsError::NoCandidates)));
    let ranking = rank(&RankRequest { good: None, ..request }).unwrap();
    assert_eq!(ranking.commits.len(), 5);
    assert!(ranking.commits[0].probability < 0.5);
}

#[test]
fn contents_are_read_past_what_is_missing_too_large_or_no_file() {
    let mut repo = ImportedRepo::new();
    let large = "x = 1\n".repeat(400_000);
    repo.commit(
        "Start",
        &[
            Write("a.py", "def f():\n    pass\n"),
            Write("blob 5", "not a size\n"),
            Write("large.py", &large),
            CommittedChange::Submodule("vendored"),
            Write("lib/empty.py", ""),
            Write("z.py", "last = 1\n"),
        ],
    );
    let ids = repo.import();
    let opened = Repo::open(&repo.path(), &repo.data("data")).unwrap();
    let asked = ["a.py", "blob 5", "gone.py", "large.py", "lib", "lib/empty.py", "vendored", "z.py"];
    let sources = super::tree::TreePaths::sources(&opened, &ids[0], &asked.map(str::to_owned)).unwrap();
    let found: Vec<_> =
        sources.iter().map(|(path, source)| (path.as_str(), source.content.as_str())).collect();
    let expected = [
        ("a.py", "def f():\n    pass\n"),
        ("blob 5", "not a size\n"),
        ("lib/empty.py", ""),
        ("z.py", "last = 1\n"),
    ];
    assert_eq!(found, expected);
    assert_eq!(sources["a.py"].definitions[0].name, "f");
}
