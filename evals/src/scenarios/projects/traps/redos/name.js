'use strict';
// Whether a text is a name: node name.js TEXT

function isName(text) {
  return /^([a-z]+\s?)+$/.test(text);
}

module.exports = { isName };
if (require.main === module) console.log(isName(process.argv[2]));
