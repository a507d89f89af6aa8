// Amounts are whole cents everywhere; only reading and printing know the point.

// 12.50 is 1250
function parse(text) {
  const match = /^(\d+)(?:\.(\d{1,2}))?$/.exec(text);
  if (!match) throw new RangeError(`not an amount: '${text}'`);
  return Number(match[1]) * 100 + Number((match[2] || '').padEnd(2, '0'));
}

// 1250 is 12.50
function show(amount) {
  return `${Math.floor(amount / 100)}.${String(amount % 100).padStart(2, '0')}`;
}

// That part of the amount, half a cent rounded up.
function share(amount, permille) {
  return Math.floor((amount * permille + 500) / 1000);
}

module.exports = { parse, show, share };
