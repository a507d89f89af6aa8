// Refuses what cannot be right, before it is printed.

function checkRow(row) {
  if (row.cut > row.gross) throw new RangeError(`@rec@ ${row.number}: more is taken off than there is`);
  if (!/^[12]\d\d\d-[01]\d-[0-3]\d$/.test(row.date)) {
    throw new RangeError(`@rec@ ${row.number}: '${row.date}' is not a date`);
  }
}

function checkSum(book) {
  const again = book.rows.reduce((sum, row) => sum + row.gross - row.cut + row.fee, 0);
  if (again !== book.sum) throw new RangeError(`the @recs@ come to ${book.sum}, their parts to ${again}`);
}

module.exports = { checkRow, checkSum };
