'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { amount } = require('../amount.js');

test('nothing is zero', () => assert.strictEqual(amount(''), 0));
