'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { kind } = require('../kind.js');

test('text is a paragraph', () => assert.strictEqual(kind('text'), 'paragraph'));
