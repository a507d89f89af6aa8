// What people see.
const ledger = require('./@ledger@');
const units = require('./@units@');

function row(found) {
  return `${found.number} ${found.@party@.slice(0, 16).padEnd(16)} ${units.show(found.net)}`;
}

function total(book) {
  const top = units.show(ledger.largest(book));
  return `${book.rows.length} @recs@, total ${units.show(book.sum)}, largest ${top}`;
}

module.exports = { row, total };
