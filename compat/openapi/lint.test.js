'use strict';

// Runs a linter of OpenAPI with strict rules, redocly.yaml, on the document of a
// server.

const { test } = require('node:test');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const { Waybill, dataOf } = require('../waybill.js');

test('the document passes the linter', async (t) => {
  const waybill = new Waybill(dataOf('alibaba').testdata);
  t.after(() => waybill.stop());
  await waybill.start(['serve']);
  const response = await fetch(`${waybill.url}/waybill/v1/openapi.json`);
  const file = path.join(waybill.dir, 'openapi.json');
  fs.writeFileSync(file, JSON.stringify(await response.json(), null, 1));
  const redocly = path.join(__dirname, 'node_modules', '.bin', 'redocly');
  try {
    execFileSync(redocly, ['lint', file, '--config', path.join(__dirname, 'redocly.yaml')], {
      encoding: 'utf8',
      env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
    });
  } catch (failure) {
    throw new Error(`${failure.stdout}\n${failure.stderr}`);
  }
});
