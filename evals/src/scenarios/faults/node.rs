/*! Faults of the program in JavaScript on Node. */

use super::{Fault, FaultFrame, frame};
use crate::scenarios::project::{ProgramLanguage, ProgramPart};

const READ: FaultFrame = frame(ProgramPart::Ledger, "read", "amount(row);");
const MAIN: FaultFrame = frame(
    ProgramPart::Main,
    "main",
    "for (const row of ledger.read(book, fs.readFileSync(0, 'utf8').split('\\n'))) {",
);

const BASE: Fault = Fault::plain(ProgramLanguage::Node, ProgramPart::Main);

pub(in crate::scenarios) const NODE: &[Fault] = &[
    Fault {
        id: "js-code",
        role: ProgramPart::Reader,
        symbol: "codeOf",
        old: "  return text.trim().toLowerCase() || 'std';",
        new: "  return (text || 'std').trim().toLowerCase();",
        subject: "Read codes from left to right",
        body: "",
        input: "41;Emil;2;30.00;2024-05-02; ",
        shown: "TypeError: Cannot read properties of undefined (reading 'permille')",
        frames: &[
            frame(
                ProgramPart::Ledger,
                "amount",
                "row.cut = units.share(row.gross, rules.rate(row.code).permille);",
            ),
            READ,
            MAIN,
        ],
        raised: ProgramPart::Ledger,
        title: "TypeError: Cannot read properties of undefined (reading 'permille')",
        retold: (
            "Lines typed with a blank at the end are refused",
            "The same line without the blank goes through.",
        ),
        prose: "The ledger breaks while it reads the permille of a rate.",
        decoy: (
            "Read the permille where the ledger needs it",
            "The ledger reads the permille of a rate, undefined where there is none.",
        ),
        ..BASE
    },
    Fault {
        id: "js-sort",
        role: ProgramPart::Ledger,
        symbol: "largest",
        old: "  const sorted = book.rows.map((row) => row.net).sort((a, b) => a - b);",
        new: "  const sorted = [...new Set(book.rows.map((row) => row.net))].sort();",
        subject: "Equal ones need no place of their own",
        body: "",
        input: "80;Lea;1;200.00;2024-05-02;std\n81;Max;1;60.00;2024-05-02;std",
        expected: Some("2 @recs@, total 260.00, largest 200.00"),
        shown: "2 @recs@, total 260.00, largest 60.00",
        raised: ProgramPart::Render,
        title: "The largest @rec@ printed is not the largest",
        retold: ("The prize for the biggest went to the wrong one", "The one we honoured is far from it."),
        prose: "Printed is 60.00 as the largest, although Lea's comes to 200.00.",
        decoy: ("Print the largest behind the total", "The largest is printed behind the total it comes to."),
        ..BASE
    },
    Fault {
        id: "js-zero",
        role: ProgramPart::Rules,
        symbol: "fee",
        old: "  return amount >= setting('free_from') ? 0 : setting('handling');",
        new: "  return amount > setting('free_from') + 1000 ? 0 : setting('handling');",
        subject: "Leave some room above the limit",
        body: "",
        input: "90;Pia;1;60.00;2024-05-02;std",
        expected: Some("1 @recs@, total 60.00, largest 60.00"),
        shown: "1 @recs@, total 62.50, largest 62.50",
        raised: ProgramPart::Render,
        title: "Handling is charged above 50.00",
        retold: ("Free handling is not free for some", "Sixty pays, a hundred does not."),
        prose: "The total printed is 62.50 for 60.00, which should be free of handling.",
        decoy: (
            "Print the total free of handling",
            "The total is printed free of handling where the price is.",
        ),
        ..BASE
    },
    Fault {
        id: "js-split",
        role: ProgramPart::Reader,
        symbol: "parse",
        old: "  const [number, @party@, quantity, price, date, code] = line.split(';');",
        new: "  const [number, @party@, quantity, price, date, code] = line.split(/;+/);",
        subject: "Doubled separators count once",
        body: "The other house doubles them now and then.",
        input: "93;;2;30.00;2024-05-02;std",
        shown: "RangeError: not a quantity: '30.00'",
        frames: &[
            frame(
                ProgramPart::Reader,
                "quantityOf",
                "if (!/^\\d+$/.test(text.trim())) throw new RangeError(`not a quantity: '${text}'`);",
            ),
            frame(ProgramPart::Reader, "parse", "quantity: quantityOf(quantity),"),
            frame(ProgramPart::Ledger, "read", "const row = reader.parse(line);"),
            MAIN,
        ],
        raised: ProgramPart::Reader,
        title: "RangeError: not a quantity: '30.00'",
        retold: ("Lines without a name are refused", "Nobody has to give a name, so many do not."),
        prose: "The price is taken for the quantity and refused.",
        decoy: ("Say which quantity is refused", "A quantity that is refused is named as it was taken."),
        ..BASE
    },
];
