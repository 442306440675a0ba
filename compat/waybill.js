'use strict';

// Starts the real program, as the tests of the suites for Node need it.

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');

const root = path.join(__dirname, '..');

const readyWithin = 60_000; // ms

// dataOf returns where the test data of a vendor lies, and a reader of its files,
// as text or parsed JSON.
function dataOf(vendor) {
  const testdata = path.join(__dirname, 'testdata', vendor);
  const read = (name) => {
    const text = fs.readFileSync(path.join(testdata, name), 'utf8');
    return name.endsWith('.json') ? JSON.parse(text) : text;
  };
  return { testdata, read };
}

// program returns the path of the program: WAYBILL_BIN, or one that it builds.
function program(dir) {
  if (process.env.WAYBILL_BIN) {
    return process.env.WAYBILL_BIN;
  }
  const bin = path.join(dir, 'waybill');
  execFileSync('go', ['build', '-o', bin, './cmd/waybill'], { cwd: root, stdio: 'inherit' });
  return bin;
}

// A Waybill is an installation in a directory of its own.
class Waybill {
  // The tenants are those of the test data of the given folder.
  constructor(testdata) {
    this.testdata = testdata;
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'waybill-compat-'));
    this.data = path.join(this.dir, 'data');
    this.bin = program(this.dir);
  }

  run(...args) {
    return execFileSync(this.bin, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  // apply makes the tenants those of the test data.
  apply() {
    this.run('apply', '--data', this.data, '-f', path.join(this.testdata, 'directory.yaml'));
  }

  // sts returns new temporary credentials of a user, as SDKs want them.
  sts(account, user, life = '1h') {
    const key = JSON.parse(this.run('keys', 'sts', '--data', this.data, '--account', account, '--user', user, '--life', life));
    return { accessKeyId: key.AccessKeyId, accessKeySecret: key.AccessKeySecret, securityToken: key.SecurityToken };
  }

  // start runs a command that serves and waits for the given line of its log.
  async start(args, message = 'ready') {
    this.child = spawn(this.bin, [
      ...args, '--data', this.data, '--listen=127.0.0.1:0', '--admin-listen=', '--log-format=json',
    ], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.ended = new Promise((resolve) => { this.child.once('exit', resolve); });
    this.log = [];
    await new Promise((resolve, reject) => {
      const fail = (why) => reject(new Error(`waybill ${why}:\n${this.log.join('\n')}`));
      const timer = setTimeout(() => fail('is not ready in time'), readyWithin);
      this.ended.then(() => fail('ended'));
      readline.createInterface({ input: this.child.stderr }).on('line', (line) => {
        this.log.push(line);
        const entry = line.startsWith('{') ? JSON.parse(line) : {};
        if (entry.msg === 'ready') {
          this.url = entry.url;
        }
        if (entry.msg === message) {
          clearTimeout(timer);
          resolve();
        }
      });
    });
    this.endpoint = new URL(this.url).host;
  }

  // post records events, with the operator's token.
  async post(events) {
    const token = fs.readFileSync(path.join(this.data, 'admin-token'), 'utf8').trim();
    const response = await fetch(`${this.url}/waybill/v1/events`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/x-ndjson' },
      body: typeof events === 'string' ? events : events.map((e) => JSON.stringify(e)).join('\n'),
    });
    const answer = await response.json();
    if (!response.ok || answer.rejected.length > 0) {
      throw new Error(`events: ${response.status} ${JSON.stringify(answer)}`);
    }
  }

  async stop() {
    if (this.child) {
      this.child.kill('SIGTERM');
      await this.ended;
    }
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

module.exports = { Waybill, dataOf };
