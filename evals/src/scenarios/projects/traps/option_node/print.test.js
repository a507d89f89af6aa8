'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { options } = require('../print.js');

test('no options', () => assert.deepStrictEqual(options([]), {}));
