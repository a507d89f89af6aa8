'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { isName } = require('../name.js');

test('digits are no name', () => assert.strictEqual(isName('12'), false));
