'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { amount } = require('../amount.js');

test('whole amounts', () => assert.strictEqual(amount('12'), 1200));
