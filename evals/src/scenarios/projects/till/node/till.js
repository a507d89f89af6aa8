// Adds up an order: node till.js total QUANTITY CENTS COUNTRY | label NAME
'use strict';

function net(quantity, cents) {
  return quantity * cents;
}

function discounted(amount) {
  if (amount >= 10000) {
    return amount - Math.floor(amount / 10);
  }
  return amount;
}

function postage(country) {
  return { DE: 490, AT: 890 }[country] || 1490;
}

function money(amount) {
  return Math.floor(amount / 100) + '.' + String(amount % 100).padStart(2, '0');
}

function label(name) {
  return name.slice(0, 12);
}

function main([command, ...rest]) {
  if (command === 'total') {
    const amount = discounted(net(Number(rest[0]), Number(rest[1])));
    console.log(money(amount + postage(rest[2])));
  } else if (command === 'label') {
    console.log(label(rest[0]));
  }
}

module.exports = { net, discounted, postage, money, label };
if (require.main === module) {
  main(process.argv.slice(2));
}
