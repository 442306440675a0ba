'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { promisify } = require('node:util');

const { Waybill } = require('./waybill');

test('the example runs against a demo', async (t) => {
  const waybill = new Waybill();
  t.after(() => waybill.stop());
  await waybill.start(['demo', '--days=3'], 'wrote the credentials');
  const example = path.join(__dirname, '..', 'examples', 'alibaba-node', 'index.js');
  const { stdout } = await promisify(execFile)(process.execPath, [example, path.join(waybill.data, 'demo.json')]);
  const line = /^\d{4}-\d\d-\d\dT\d\d:00:00.000Z \w+ (\d+) sent, \d+ delivered, \d+ read, \d+ clicks$/;
  let total = 0;
  for (const text of stdout.trimEnd().split('\n')) {
    assert.match(text, line);
    total += Number(line.exec(text)[1]);
  }
  assert.ok(total > 0, stdout);
});
