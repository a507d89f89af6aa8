// Reads lines of @recs@: number;@party@;quantity;price;date;code
const units = require('./@units@');

// Whether a line holds no @rec@.
function skip(line) {
  return line === '' || line.startsWith('#');
}

function codeOf(text) {
  return text.trim().toLowerCase() || 'std';
}

function quantityOf(text) {
  if (!/^\d+$/.test(text.trim())) throw new RangeError(`not a quantity: '${text}'`);
  return Number(text);
}

function parse(line) {
  const [number, @party@, quantity, price, date, code] = line.split(';');
  return {
    number: number.trim(),
    @party@: @party@.trim(),
    quantity: quantityOf(quantity),
    price: units.parse(price.trim()),
    date: date.trim(),
    code: codeOf(code),
  };
}

module.exports = { skip, codeOf, quantityOf, parse };
