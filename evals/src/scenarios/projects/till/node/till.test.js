'use strict';
const test = require('node:test');
const assert = require('node:assert');
const till = require('../till.js');

test('net of several pieces', () => assert.strictEqual(till.net(3, 150), 450));
test('no discount on small orders', () => assert.strictEqual(till.discounted(9000), 9000));
test('postage at home', () => assert.strictEqual(till.postage('DE'), 490));
test('postage abroad', () => assert.strictEqual(till.postage('AT'), 890));
test('whole amounts', () => assert.strictEqual(till.money(1200), '12.00'));
test('amounts keep their zero', () => assert.strictEqual(till.money(1005), '10.05'));
test('labels are cut', () => assert.strictEqual(till.label('Constantinople'), 'Constantinop'));
