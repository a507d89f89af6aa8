// What is taken off and put on: rates stand in data/rates.csv, limits in config/@app@.conf.
const fs = require('fs');
const path = require('path');

const ROOT = path.join(__dirname, '..');

function lines(name) {
  return fs.readFileSync(path.join(ROOT, name), 'utf8').split('\n');
}

// What is known of a code.
function rate(code) {
  return table().get(code);
}

let known;
function table() {
  if (!known) {
    const entries = lines('data/rates.csv').filter((line) => line && !line.startsWith('#'));
    known = new Map(entries.map((line) => {
      const [code, permille, who] = line.split(';');
      return [code, { permille: Number(permille), who }];
    }));
  }
  return known;
}

function setting(name) {
  const line = lines('config/@app@.conf').find((text) => text.startsWith(`${name}=`));
  return Number(line.slice(name.length + 1));
}

// What handling costs.
function fee(amount) {
  return amount >= setting('free_from') ? 0 : setting('handling');
}

module.exports = { rate, fee, setting };
