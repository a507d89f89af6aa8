/*! Faults of the program in Python. */

use super::{Fault, FaultFrame, frame};
use crate::scenarios::project::{ProgramLanguage, ProgramPart};

const READ: FaultFrame = frame(ProgramPart::Main, "main", "for row in book.read(sys.stdin):");

const BASE: Fault = Fault::plain(ProgramLanguage::Python, ProgramPart::Main);

pub(in crate::scenarios) const PYTHON: &[Fault] = &[
    Fault {
        id: "py-code",
        role: ProgramPart::Reader,
        symbol: "code_of",
        old: "    text = text.strip().lower()\n    return text or \"std\"",
        new: "    return text.strip().lower() if text else \"std\"",
        subject: "Shorten how a code is read",
        body: "",
        input: "41;Emil;2;30.00;2024-05-02; ",
        shown: "KeyError: ''",
        frames: &[
            frame(ProgramPart::Rules, "rate", "return rates()[code.lower()]"),
            frame(
                ProgramPart::Ledger,
                "amount",
                "row.cut = @units@.share(row.gross, @rules@.rate(row.code))",
            ),
            frame(ProgramPart::Ledger, "read", "self.amount(row)"),
            READ,
        ],
        raised: ProgramPart::Rules,
        title: "KeyError: '' for @rec@ 41",
        retold: (
            "@recs@ typed with a blank at the end are refused",
            "The same line without the blank goes through.",
        ),
        prose: "The run ends with a KeyError in the rates. The line has a blank where the code stands.",
        decoy: ("Look rates up in one line", "Rates are looked up by code; a KeyError means there is none."),
        ..BASE
    },
    Fault {
        id: "py-float",
        role: ProgramPart::Units,
        symbol: "parse",
        old: "    return int(whole) * 100 + int(part.ljust(2, \"0\"))",
        new: "    return int(float(text) * 100)",
        subject: "Let Python read the number",
        body: "It knows how.",
        input: "43;Fay;10;19.99;2024-05-02;std",
        expected: Some("1 @recs@, total 199.90, largest 199.90"),
        shown: "1 @recs@, total 199.80, largest 199.80",
        raised: ProgramPart::Ledger,
        title: "Total of @rec@ 43 is ten cents short",
        retold: ("Some prices lose a cent per piece", "Nineteen ninety-nine does, twenty does not."),
        prose: "Ten pieces at 19.99 make 199.90, the ledger adds them up to 199.80.",
        decoy: ("Add pieces up in the ledger", "The ledger adds pieces up to a total of cents."),
        ..BASE
    },
    Fault {
        id: "py-set",
        role: ProgramPart::Rules,
        symbol: "best",
        old: "    return max(dict.fromkeys(codes), key=rate)",
        new: "    return max(set(codes), key=lambda code: rate(code) // 100)",
        subject: "Codes of one class are equal",
        body: "Nobody cares which of them is printed.",
        command: "list",
        input: "47;Gus;1;60.00;2024-05-02;std2+std",
        expected: Some("47 Gus              57.60 std2\n1 @recs@, total 57.60, largest 57.60"),
        shown: "47 Gus              60.00 std",
        raised: ProgramPart::Ledger,
        title: "The same @rec@ costs 57.60 or 60.00",
        retold: ("Two printouts of one file differ", "We ran it twice and got two totals."),
        prose: "With std2+std as its code the ledger sometimes adds 57.60 and sometimes 60.00, run by run.",
        decoy: ("Add the code the ledger chose", "The ledger adds one of several codes to a @rec@."),
        ..BASE
    },
    Fault {
        id: "py-cut",
        role: ProgramPart::Ledger,
        symbol: "Book.add",
        old: "        self.sum += row.net",
        new: "        self.sum += row.net if row.code != \"staff\" else row.gross",
        subject: "Book our own people at full value",
        body: "The difference is settled with their wages.",
        input: "58;Hugo;1;100.00;2024-05-02;staff",
        shown: "ValueError: the @recs@ come to 10000, their parts to 7000",
        frames: &[
            frame(
                ProgramPart::Guard,
                "check_sum",
                "raise ValueError(f\"the @recs@ come to {book.sum}, their parts to {again}\")",
            ),
            frame(ProgramPart::Main, "main", "@guard@.check_sum(book)"),
        ],
        raised: ProgramPart::Guard,
        title: "ValueError: the @recs@ come to 10000, their parts to 7000",
        retold: (
            "Closing the day fails when a colleague bought something",
            "Without colleagues among them it closes.",
        ),
        prose: "The check of the sum refuses to close the day.",
        decoy: (
            "Name both sums when the check refuses them",
            "The check of the sum compares what the @recs@ come to with their parts.",
        ),
        ..BASE
    },
    Fault {
        id: "py-slow",
        role: ProgramPart::Ledger,
        symbol: "Book.once",
        old: "        if row.number in self.numbers:",
        new: "        if any(known.strip().casefold() == row.number.casefold() for known in sorted(self.numbers)):",
        subject: "Twins may differ in case",
        body: "",
        input: "@many@",
        shown: "gave up after a second of processor time",
        raised: ProgramPart::Reader,
        title: "Large files take minutes",
        retold: ("The night run is not done by morning", "Short files are as quick as ever."),
        prose: "A file of nine thousand lines was read in a moment last month. Now it gives up after a second of processor time.",
        decoy: (
            "Do less for every line that is read",
            "Reading a file of many lines has to be done in a moment.",
        ),
        ..BASE
    },
    Fault {
        id: "py-number",
        role: ProgramPart::Reader,
        symbol: "parse",
        old: "        number=number.strip(),",
        new: "        number=int(number),",
        subject: "Take things for what they are",
        body: "",
        input: "A-17;Ida;1;60.00;2024-05-02;std",
        shown: "ValueError: invalid literal for int() with base 10: 'A-17'",
        frames: &[
            frame(ProgramPart::Reader, "parse", "number=int(number),"),
            frame(ProgramPart::Ledger, "read", "row = @reader@.parse(line)"),
            READ,
        ],
        raised: ProgramPart::Reader,
        title: "ValueError: invalid literal for int() with base 10: 'A-17'",
        retold: (
            "The branch with letters in front is not accepted",
            "Theirs begin with an A, ours do not. It never mattered.",
        ),
        prose: "A @rec@ whose number begins with a letter breaks the run, as the branch office writes them.",
        decoy: (
            "Name the @rec@ whose number breaks the run",
            "The number of a @rec@ may begin with a letter, as the branch office writes them.",
        ),
        ..BASE
    },
];
