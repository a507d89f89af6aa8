'use strict';
const test = require('node:test');
const assert = require('node:assert');
const till = require('../till.js');

test('large orders', () => assert.strictEqual(till.discounted(20000), 18000));
