use super::*;
use crate::{SetupContext, parse, signature};

fn agreement(ticket: &str, output: &str, ending: RunEnding) -> TicketAgreement {
    TicketAgreement::of(&parse(ticket.as_bytes()), &signature(output), ending, output)
}

fn name(agreement: &TicketAgreement) -> &'static str {
    match agreement {
        TicketAgreement::Agrees { .. } => "agrees",
        TicketAgreement::CannotTell { .. } => "cannot tell",
        TicketAgreement::NotNamed => "not named",
        TicketAgreement::Differs { .. } => "differs",
    }
}

#[track_caller]
fn check(ticket: &str, output: &str, ending: RunEnding, wanted: &str) {
    let found = agreement(ticket, output, ending);
    assert!(
        wanted.split(" or ").any(|one| one == name(&found)),
        "wanted {wanted}, found {found:?}\n{ticket}\n---\n{output}\n{:#?}",
        ExpectedFailure::of(&parse(ticket.as_bytes()))
    );
}

const ONE: RunEnding = RunEnding::Status(1);

const NULL_LENGTH: &str = "Invoices crash with: TypeError: Cannot read properties of null (reading 'length')";
const TOTAL: &str = "Totals are ten times too small: total wrong: 30";

const NODE_TRACE: &str = "/app/lib/pad.js:12\n    return text.length;\n                ^\n\nTypeError: Cannot read properties of null (reading 'length')\n    at pad (/app/lib/pad.js:12:17)\n    at print (/app/lib/invoice.js:30:9)\n    at [eval]:1:5\n\nNode.js v20.1.0\n";
const NODE_MODULE: &str = "node:internal/modules/cjs/loader:1080\n  throw err;\n  ^\n\nError: Cannot find module 'left-pad'\nRequire stack:\n- /app/lib/pad.js\n    at Module._resolveFilename (node:internal/modules/cjs/loader:1077:15) {\n  code: 'MODULE_NOT_FOUND',\n  requireStack: [ '/app/lib/pad.js' ]\n}\n";

#[test]
fn a_replay_that_prints_the_error_agrees() {
    for output in [
        NODE_TRACE,
        "AssertionError [ERR_ASSERTION]: Got unwanted exception.\nActual message: \"Cannot read properties of null (reading 'length')\"\n",
        "  1) invoices print:\n     TypeError: Cannot read properties of null (reading 'length')\n",
        "error: cannot read properties of NULL (reading `length`)\n",
        "Cannot read properties of undefined (reading 'length')\n",
    ] {
        check(NULL_LENGTH, output, ONE, "agrees");
    }
    check(TOTAL, "total wrong: 30\n", ONE, "agrees");
    check(TOTAL, "total wrong: 40\n", ONE, "agrees");
    check(
        "It stops with \"Undefined control sequence \\textlessspan\".",
        "FAIL: undefined control sequence \\textlessspan",
        ONE,
        "agrees",
    );
    check("Every other run ends so: the slot is taken", "ledger: error: the slot is taken\n", ONE, "agrees");
}

#[test]
fn another_error_differs() {
    check(NULL_LENGTH, "total wrong: 30\n", ONE, "differs");
    check(NULL_LENGTH, NODE_MODULE, ONE, "differs");
    check(NULL_LENGTH, "sh: 0: cannot open chek.sh: No such file\n", RunEnding::Status(2), "differs");
    check(
        NULL_LENGTH,
        "Traceback (most recent call last):\n  File \"/app/a.py\", line 3, in <module>\n    load()\nKeyError: 'till'\n",
        ONE,
        "differs",
    );
    check(NULL_LENGTH, "", RunEnding::Status(139), "differs");
    check("ValueError: no such till\n", "AssertionError: 3 rows instead of 4\n", ONE, "differs");
}

#[test]
fn a_silent_replay_cannot_be_told() {
    check(NULL_LENGTH, "", ONE, "cannot tell");
    check(TOTAL, "", ONE, "cannot tell");
    check(NULL_LENGTH, "<ul>\n<li>one</li>\n</ul>\n", ONE, "cannot tell");
    check(
        NULL_LENGTH,
        "Traceback (most recent call last):\n  File \"t.py\", line 3, in <module>\nAssertionError\n",
        ONE,
        "cannot tell",
    );
}

#[test]
fn prose_names_no_error() {
    let prose = "Underscores around a word are printed since the update. It used to come out as emphasis.";
    check(prose, "FAIL: emphasis not parsed\n", ONE, "not named");
    check(prose, "", ONE, "not named");
    check(prose, NODE_TRACE, ONE, "not named");
    check(prose, NODE_MODULE, ONE, "differs");
    check("The call should raise ValueError, but it does not.", "nothing was raised\n", ONE, "not named");
    assert!(ExpectedFailure::of(&parse(b"")).is_none());
}

#[test]
fn an_assertion_about_the_same_agrees() {
    let ticket = "TypeError: Cannot read properties of null (reading 'length')\n    at encode (/srv/shop/lib/utils.js:195:13)\n    at maybeMap (/srv/shop/lib/utils.js:322:37)\n";
    check(ticket, "Error: maybeMap(null) is not skipped\n    at [eval]:2:9\n", ONE, "agrees");
    check(
        "Rounding is off: ValueError: discount of 12.50 is larger than the price",
        "Traceback (most recent call last):\n  File \"t.py\", line 3, in <module>\n    assert discount(12.50) == 3\nAssertionError: discount 12.50\n",
        ONE,
        "agrees",
    );
    check(
        "RuntimeError: lease_expired while saving",
        "thread 'main' panicked at src/main.rs:3:5:\ncalled `Result::unwrap()` on an `Err` value: \"lease_expired while saving\"\n",
        RunEnding::Status(101),
        "agrees",
    );
}

#[test]
fn crashes() {
    let ticket = "We get a segmentation fault in the preview when a document ends in a table.";
    check(ticket, "", RunEnding::Signal(11), "agrees");
    check(ticket, "Segmentation fault (core dumped)\n", RunEnding::Status(139), "agrees");
    check(ticket, "", RunEnding::Signal(6), "agrees");
    check(ticket, "==1==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x1\n", ONE, "agrees");
    check(ticket, "", ONE, "cannot tell");
    check(ticket, "sh: 1: ./preview: not found\n", RunEnding::Status(127), "differs");
    check(ticket, "preview.c:3:1: error: unknown type name 'x_t'\n", ONE, "differs");
    check("The tool exits with status 3 on empty files.", "", RunEnding::Status(3), "agrees");
    check("The tool exits with status 3 on empty files.", "", ONE, "cannot tell");
}

#[test]
fn an_error_of_the_ticket_is_no_obstacle() {
    let build = "Build fails since the upgrade: f.ParseErrorsWhitelist undefined (type *pflag.FlagSet has no field or method ParseErrorsWhitelist). We did not change our code.";
    let go = "# acme/cli\n./main.go:9:4: f.ParseErrorsWhitelist undefined (type *pflag.FlagSet has no field or method ParseErrorsWhitelist)\n";
    check(build, go, ONE, "agrees");
    check(build, "# acme/cli\n./main.go:9:4: undefined: pflag.Other\n", ONE, "differs");
    check(
        build,
        "main.go:5:2: no required module provides package github.com/spf13/pflag; to add it:\n",
        ONE,
        "differs",
    );
    let import = "After the update: ModuleNotFoundError: No module named 'shop.tax'";
    let python = |module: &str| {
        format!(
            "Traceback (most recent call last):\n  File \"/app/a.py\", line 1, in <module>\n    import {module}\nModuleNotFoundError: No module named '{module}'\n"
        )
    };
    check(import, &python("shop.tax"), ONE, "agrees");
    check(import, &python("requests"), ONE, "differs");
    let denied = "Saving says \"Permission denied\" for the owner of the folder";
    check(denied, "store: /data/x: Permission denied\n", ONE, "agrees");
    let network = "The worker ends with: connect ECONNREFUSED 127.0.0.1:5432";
    check(
        network,
        "Error: connect ECONNREFUSED 127.0.0.1:5432\n    at TCPConnectWrap.afterConnect (node:net:1555:16)\n",
        ONE,
        "agrees",
    );
    check(
        NULL_LENGTH,
        "Error: connect ECONNREFUSED 127.0.0.1:5432\n    at TCPConnectWrap.afterConnect (node:net:1555:16)\n",
        ONE,
        "differs",
    );
}

#[test]
fn server_errors_may_be_any_exception() {
    let ticket = "GET /orders answers with 500 since Monday.";
    let python = "Traceback (most recent call last):\n  File \"/app/a.py\", line 3, in orders\n    load()\nKeyError: 'till'\n";
    check(ticket, python, ONE, "cannot tell or agrees");
    check(ticket, "expected 200, got 500\n", ONE, "agrees or cannot tell");
    check(
        ticket,
        "python3: can't open file '/app/x.py': [Errno 2] No such file or directory\n",
        RunEnding::Status(2),
        "differs",
    );
}

#[test]
fn hostile_texts_are_survived() {
    let long = "a:".repeat(50_000);
    let quotes = "\"error ".repeat(20_000);
    for text in
        ["", "\0\0", "::::", "'", "TypeError", "\u{202E}\u{FFFD}", &long, &quotes, "(((((((((", "é: é: é"]
    {
        for output in ["", text, NODE_TRACE] {
            let found = agreement(text, output, RunEnding::Signal(i32::MIN));
            assert!(!name(&found).is_empty());
            let _ = agreement(NULL_LENGTH, text, RunEnding::Status(i32::MAX));
        }
    }
}

#[test]
fn a_block_under_a_line_that_says_so_is_the_error() {
    const ZERO: &str = "Illegal division by zero at lib/Till.pm line 7.\n";
    let own =
        "Orders to Switzerland crash\n\nEvery order to Switzerland ends like this:\n\n    no postage to CH\n";
    check(own, ZERO, RunEnding::Status(255), "differs");
    check(own, "no postage to CH\n", RunEnding::Status(255), "agrees");
    let fenced = "Imports stop\n\nThe error message is:\n```\nrow 7 has no amount\n```\n";
    check(fenced, ZERO, RunEnding::Status(255), "differs");
    // If an error is recognised by its form, frames are not messages.
    let traced = "Orders crash\n\nEvery order ends like this:\n\n    TypeError: no postage to CH\n        at main (till.js:30:5)\n";
    check(
        traced,
        "ReferenceError: logger is not defined\n    at main (till.js:28:5)\n    at Object.<anonymous> (till.js:40:1)\n",
        ONE,
        "differs",
    );
    // Typed commands, inputs and long blocks are not messages.
    for other in [
        "Sums are wrong\n\nIt fails with this input:\n\n    apples and oranges\n",
        "Sums are wrong\n\nThe log says:\n\n    one line\n    another line\n    a third one\n    a fourth\n",
        "Sums are wrong\n\nIt dies like this:\n\n    $ sum apples and oranges\n",
    ] {
        check(other, ZERO, RunEnding::Status(255), "not named");
    }
}

#[test]
fn the_ticket_may_name_an_obstacle() {
    let check = |ticket: &str, output: &str, named: bool| {
        let seen = Obstacle::find(output, &SetupContext::default());
        let seen = seen.unwrap_or_else(|| panic!("nothing found in {output}"));
        assert_eq!(names_obstacle(&parse(ticket.as_bytes()), &seen), named, "{ticket} {seen:?}");
    };
    check(
        "ModuleNotFoundError: No module named 'shop.tax'",
        "ModuleNotFoundError: No module named 'shop.tax'\n",
        true,
    );
    check("The total is wrong", "ModuleNotFoundError: No module named 'shop.tax'\n", false);
    check(
        "Import of shop.tax fails since the update",
        "ModuleNotFoundError: No module named 'requests'\n",
        false,
    );
    check("The export says permission denied", "cp: cannot create '/srv/x': Permission denied\n", true);
    check("Reading a directory never ends", "cp: cannot create '/srv/x': Permission denied\n", false);
    check("The build is broken since Monday", "main.c:3:1: error: unknown type name 'x_t'\n", true);
    check("The preview crashes", "main.c:3:1: error: unknown type name 'x_t'\n", false);
}
