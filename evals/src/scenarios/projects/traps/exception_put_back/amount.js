'use strict';
// Reads an amount: node amount.js TEXT

function amount(text) {
  if (text === '') throw new RangeError('no amount');
  return Math.round(Number(text.replace(',', '.')) * 100);
}

module.exports = { amount };
if (require.main === module) console.log(amount(process.argv[2]));
