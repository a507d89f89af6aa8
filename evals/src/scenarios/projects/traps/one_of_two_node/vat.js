'use strict';
// Tax of an amount in cents: node vat.js full|reduced AMOUNT

function full(amount) {
  return Math.round(amount * 0.19);
}

function reduced(amount) {
  return Math.round(amount * 0.07);
}

module.exports = { full, reduced };
if (require.main === module) console.log(module.exports[process.argv[2]](Number(process.argv[3])));
