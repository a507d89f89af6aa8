use insta::assert_snapshot;

use super::super::{find, one, sketch};
use crate::text::TextLines;

#[test]
fn node_with_async_frames() {
    let trace = one(
        "TypeError: Cannot read properties of undefined (reading 'id')\n    at Cart.total [as sum] (/app/src/cart.ts:10:15)\n    at new Order (file:///app/src/order.mjs:3:9)\n    at async Promise.all (index 0)\n    at async handler (/app/node_modules/express/lib/router.js:1:2)\n    at /app/src/anonymous.js:7:1\n    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)\n\nNode.js v20\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
JavaScript 1-7
TypeError: Cannot read properties of undefined (reading 'id')
 * /app/src/cart.ts:10:15 - Cart.total
 * file:///app/src/order.mjs:3:9 - Order
   - - Promise.all
   /app/node_modules/express/lib/router.js:1:2 - handler
 * /app/src/anonymous.js:7:1 - -
   node:internal/process/task_queues:95:5 - process.processTicksAndRejections
"#);
}

#[test]
fn causes_with_properties() {
    let trace = one(
        "Error: outer\n    at f (/app/a.js:1:2) {\n  code: 'E_OUTER',\n  [cause]: RangeError: inner\n      at g (/app/b.js:3:4)\n      at h (/app/b.js:9:4)\n}\nrest\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
JavaScript 1-7
Error: outer
 * /app/a.js:1:2 - f
RangeError: inner
 * /app/b.js:3:4 - g
 * /app/b.js:9:4 - h
"#);
}

#[test]
fn firefox_and_safari() {
    let trace = one(
        "TypeError: x is undefined\nrender@https://shop.example/static/js/main.3f9c2e1b.js?v=2:1:2345\nasync*load@webpack:///./src/app/load.ts?ab12:20:3\nforEach@[native code]\nglobal code@https://shop.example/:9:1\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
JavaScript 1-5
TypeError: x is undefined
 * https://shop.example/static/js/main.3f9c2e1b.js?v=2:1:2345 - render
 * webpack:///./src/app/load.ts?ab12:20:3 - load
   - - forEach
 * https://shop.example/:9:1 - global code
"#);
}

#[test]
fn jest_prints_a_code_frame_between() {
    let trace = one(
        "  ● Cart › adds up\n\n    expect(received).toBe(expected) // Object.is equality\n\n    Expected: 3\n    Received: 2\n\n      4 |   it('adds up', () => {\n    > 5 |     expect(total()).toBe(3);\n        |                     ^\n      6 |   });\n\n      at Object.<anonymous> (src/cart.test.ts:5:21)\n      at Promise.then.completed (node_modules/jest-circus/build/utils.js:298:28)\n\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
JavaScript 2-14
AssertionError: expect(received).toBe(expected) // Object.is equality⏎⏎Expected: 3⏎Received: 2
 * src/cart.test.ts:5:21 - Object.<anonymous>
   node_modules/jest-circus/build/utils.js:298:28 - Promise.then.completed
"#);
}

#[test]
fn uncaught_in_a_log() {
    let trace = one(
        "2024-05-01T10:00:00Z error: Uncaught ReferenceError: foo is not defined\n    at eval (eval at run (/app/vm.js:4:5), <anonymous>:1:1)\n    at Object.<anonymous> (C:\\app\\index.js:2:3)\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
JavaScript 1-3
ReferenceError: foo is not defined
 * /app/vm.js:4:5 - eval
 * C:\app\index.js:2:3 - Object.<anonymous>
"#);
}

#[test]
fn prose_is_no_frame() {
    for text in ["  at 12:30 we met\n", "mail foo@http.example:1\n", "  at the end (of 2:3)\n"] {
        assert!(find(&TextLines::new(text), 10).is_empty(), "{text}");
    }
}
