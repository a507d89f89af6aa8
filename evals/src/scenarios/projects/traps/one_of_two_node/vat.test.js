'use strict';
const test = require('node:test');
const assert = require('node:assert');
const vat = require('../vat.js');

test('tax of nothing', () => assert.deepStrictEqual([vat.full(0), vat.reduced(0)], [0, 0]));
