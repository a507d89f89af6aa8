// Adds @recs@ up.
const guard = require('./@guard@');
const reader = require('./@reader@');
const rules = require('./@rules@');
const units = require('./@units@');

function open() {
  return { sum: 0, rows: [], numbers: new Set() };
}

// Every @rec@ of the lines, added up.
function* read(book, lines) {
  for (const line of lines) {
    if (reader.skip(line)) continue;
    const row = reader.parse(line);
    once(book, row);
    amount(row);
    guard.checkRow(row);
    add(book, row);
    yield row;
  }
}

function once(book, row) {
  if (book.numbers.has(row.number)) throw new RangeError(`@rec@ ${row.number} stands there twice`);
  book.numbers.add(row.number);
}

function amount(row) {
  row.gross = row.price * row.quantity;
  row.cut = units.share(row.gross, rules.rate(row.code).permille);
  row.fee = rules.fee(row.gross);
  row.net = row.gross - row.cut + row.fee;
}

function add(book, row) {
  book.sum += row.net;
  book.rows.push(row);
}

function largest(book) {
  const sorted = book.rows.map((row) => row.net).sort((a, b) => a - b);
  return sorted.length ? sorted[sorted.length - 1] : 0;
}

module.exports = { open, read, largest };
