// The project's own tests: node tests/run.js
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const ledger = require('../src/@ledger@');
const render = require('../src/@render@');
const rules = require('../src/@rules@');

let failed = 0;
let count = 0;
// Prints the Test Anything Protocol, so that a reader knows each test by its name.
function check(name, got, expected) {
  count += 1;
  try {
    assert.strictEqual(got, expected);
    console.log(`ok ${count} - ${name}`);
  } catch (error) {
    console.log(`not ok ${count} - ${name}\n# expected ${expected}, got ${got}`);
    failed = 1;
  }
}

function total(...lines) {
  const book = ledger.open();
  [...ledger.read(book, lines)];
  return render.total(book);
}

check('one @rec@', total('7;Ada;5;12.50;2024-03-02;std'), '1 @recs@, total 62.50, largest 62.50');
check('trade', total('8;Ben;1;100;2024-03-02;b2b'), '1 @recs@, total 92.50, largest 92.50');
check('a rate', rules.rate('staff').permille, 300);
for (const name of fs.readdirSync(__dirname).filter((name) => name.startsWith('t_')).sort()) {
  require(path.join(__dirname, name))(check);
}
console.log(`1..${count}`);
process.exit(failed);
