use super::*;

/// `id | module | class | function | file`, one line a test.
fn check(text: &str, expected: &[&str]) {
    let found = find(&TextLines::new(text));
    let show = |part: &Option<String>| part.clone().unwrap_or_else(|| "-".to_owned());
    let got: Vec<String> = found
        .tests
        .iter()
        .map(|t| {
            format!(
                "{:?} {} | {} | {} | {} | {}",
                t.framework,
                t.id,
                show(&t.module),
                show(&t.class),
                show(&t.function),
                show(&t.file)
            )
        })
        .collect();
    assert_eq!(got, expected, "in:\n{text}");
}

#[test]
fn unittest_names() {
    check(
        "ERROR: test_x (app.tests.FooTests.test_x)\n",
        &["Unittest app.tests.FooTests.test_x | app.tests | FooTests | test_x | -"],
    );
    check(
        "FAIL: test_x (app.tests.FooTests)\n",
        &["Unittest app.tests.FooTests.test_x | app.tests | FooTests | test_x | -"],
    );
    check(
        "FAIL: test_x (app.tests.FooTests.test_x) (value='-NaN')\nFAIL: test_x (app.tests.FooTests.test_x) (value='x')\n",
        &["Unittest app.tests.FooTests.test_x | app.tests | FooTests | test_x | -"],
    );
    check(
        "ERROR: setUpClass (app.tests.FooTests)\n",
        &["Unittest app.tests.FooTests | app.tests | FooTests | - | -"],
    );
    check(
        "ERROR: app.tests (unittest.loader._FailedTest.app.tests)\n",
        &["Unittest app.tests | app.tests | - | - | -"],
    );
    check(
        "test_x (app.tests.FooTests.test_x) ... FAIL\ntest_y (app.tests.FooTests.test_y) ... ok\n",
        &["Unittest app.tests.FooTests.test_x | app.tests | FooTests | test_x | -"],
    );
    check(
        "test_x (app.tests.FooTests.test_x)\nWhat it does. ... ERROR\n",
        &["Unittest app.tests.FooTests.test_x | app.tests | FooTests | test_x | -"],
    );
}

#[test]
fn descriptions_of_tests_are_what_people_wrote() {
    let found = find(&TextLines::new(
        "FAIL: test_x (a.B.test_x)\nA cart adds up its lines\neven when empty\n----------------------------------------------------------------------\nTraceback",
    ));
    assert_eq!(found.descriptions, ["A cart adds up its lines", "even when empty"]);
}

#[test]
fn pytest_names() {
    check(
        "FAILED tests/test_a.py::TestFoo::test_x[a b-1] - AssertionError: assert 1 == 2\n",
        &[
            "Pytest tests/test_a.py::TestFoo::test_x[a b-1] | tests.test_a | TestFoo | test_x | tests/test_a.py",
        ],
    );
    check(
        "ERROR tests/test_a.py - ImportError: x\n",
        &["Pytest tests/test_a.py | tests.test_a | - | - | tests/test_a.py"],
    );
    check(
        "tests/test_a.py::test_x FAILED                  [ 50%]\n",
        &["Pytest tests/test_a.py::test_x | tests.test_a | - | test_x | tests/test_a.py"],
    );
    check(
        "________________ TestFoo.test_x ________________\n\n    def test_x(self):\n>       boom()\n\ntests/test_a.py:3: ValueError\n=== short test summary info ===\nFAILED tests/test_a.py::TestFoo::test_x - ValueError\n",
        &["Pytest tests/test_a.py::TestFoo::test_x | tests.test_a | TestFoo | test_x | tests/test_a.py"],
    );
}

#[test]
fn junit_names() {
    let expected = &["JUnit org.x.FooTest#testY | org.x | org.x.FooTest | testY | -"];
    for text in [
        "Failing test: org.x.FooTest::testY\n",
        "Failing tests: 1\n  - org.x.FooTest::testY\n",
        "testY(org.x.FooTest)  Time elapsed: 0.01 sec  <<< FAILURE!\n",
        "[ERROR] testY(org.x.FooTest)  Time elapsed: 0.01 s  <<< ERROR!\n",
        "[ERROR] org.x.FooTest.testY -- Time elapsed: 0.01 s <<< FAILURE!\n[ERROR]   FooTest.testY:12 expected:<1> but was:<2>\n",
        "1) testY(org.x.FooTest)\njava.lang.AssertionError\n",
        "org.x.FooTest > testY FAILED\n",
        "org.x.FooTest > testY() FAILED\n",
        "Testcase: testY(org.x.FooTest):\tFAILED\n",
        "    MethodSource [className = 'org.x.FooTest', methodName = 'testY', methodParameterTypes = '']\n",
    ] {
        check(text, expected);
    }
}

#[test]
fn javascript_names() {
    check(
        "FAIL src/cart.test.ts (5.2 s)\n  ● Cart › adds › up\n",
        &["Jest Cart adds up | - | Cart | up | src/cart.test.ts"],
    );
    check(
        "FAIL src/cart.test.ts\n  Cart\n    ✕ adds up (5 ms)\n    ✓ stays\n\n  ● Cart › adds up\n",
        &["Jest Cart adds up | - | Cart | adds up | src/cart.test.ts"],
    );
    check(
        " FAIL  src/cart.spec.ts > Cart > adds up\n",
        &["Jest Cart adds up | - | Cart | adds up | src/cart.spec.ts"],
    );
    check(
        "  3 passing (8ms)\n  1 failing\n\n  1) Cart\n       adds up:\n     AssertionError: 1 == 2\n",
        &["Jest Cart adds up | - | Cart | adds up | -"],
    );
    check("  1) first do this\n  2) then that\n", &[]);
}

#[test]
fn go_names() {
    check(
        "--- FAIL: TestCart (0.00s)\n    --- FAIL: TestCart/empty (0.00s)\n        cart_test.go:12: got 1\nFAIL\nFAIL\tgithub.com/acme/shop/cart\t0.01s\n",
        &["GoTest TestCart/empty | github.com/acme/shop/cart | - | TestCart | cart_test.go"],
    );
}

#[test]
fn cargo_names() {
    let expected = &["CargoTest cart::tests::adds | cart::tests | - | adds | -"];
    check(
        "test cart::tests::adds ... FAILED\ntest cart::tests::ok ... ok\n\n---- cart::tests::adds stdout ----\n",
        expected,
    );
    check(
        "        FAIL [   0.005s] ( 1/10) shop cart::tests::adds\n",
        &["CargoTest cart::tests::adds | cart::tests | shop | adds | -"],
    );
    check(
        "     SIGABRT [   0.005s] shop cart::tests::adds\n",
        &["CargoTest cart::tests::adds | cart::tests | shop | adds | -"],
    );
}

#[test]
fn other_names() {
    check(
        "rspec ./spec/cart_spec.rb:12 # Cart adds up\n",
        &["Unknown spec/cart_spec.rb:12 | - | - | Cart adds up | spec/cart_spec.rb"],
    );
    check(
        "CartTest#test_total [test/cart_test.rb:9]:\n",
        &["Unknown CartTest#test_total | - | CartTest | test_total | test/cart_test.rb"],
    );
    check(
        "1) App\\Tests\\CartTest::testTotal\n",
        &["Unknown App\\Tests\\CartTest::testTotal | - | App\\Tests\\CartTest | testTotal | -"],
    );
    check(
        "  Failed Shop.Tests.CartTests.Total [12 ms]\n",
        &["Unknown Shop.Tests.CartTests.Total | - | Shop.Tests.CartTests | Total | -"],
    );
    check("[  FAILED  ] CartTest.Total (0 ms)\n", &["Unknown CartTest.Total | - | CartTest | Total | -"]);
}

#[test]
fn sentences_name_no_test() {
    check("We FAILED to deploy. ERROR: it broke (again)\n- one thing\n1) do this\nFAIL fast\n", &[]);
}
