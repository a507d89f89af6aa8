'use strict';
// Prints an amount: node print.js AMOUNT [--digits=N]

function options(words) {
  const out = {};
  for (const word of words) {
    if (word.startsWith('--digits=')) out.digits = Number(word.slice(9));
  }
  return out;
}

function print(amount, chosen) {
  return amount.toFixed(chosen.digits ?? 2);
}

module.exports = { options, print };
if (require.main === module) console.log(print(Number(process.argv[2]), options(process.argv.slice(3))));
