'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');

const { keyOf, ways } = require('./clients');
const { Waybill, read } = require('./waybill');

const phoneMetric = 'GetChatappPhoneNumberMetric';
const enable = 'EnableWhatsappROIMetric';
const range = { Start: 1748793600000, End: 1748966400000 };

const waybill = new Waybill();
const temporary = {}; // credentials

before(async () => {
  waybill.apply();
  const sts = (user, life) => waybill.sts('1000000000000001', user, life);
  Object.assign(temporary, { one: sts('acme'), other: sts('acme'), nobody: sts('nobody'), old: sts('acme', '1s') });
  await waybill.start(['serve']);
  await waybill.post(read('events.ndjson'));
});

after(() => waybill.stop());

// refusal returns how a call was refused.
async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    if (error.status === undefined) {
      throw error; // the SDK could not read it
    }
    assert.match(error.requestId, /^[0-9A-F-]{36}$/);
    return error;
  }
  return assert.fail('the call was not refused');
}

async function wantRefused(promise, status, code) {
  const r = await refusal(promise);
  assert.deepEqual({ status: r.status, code: r.code }, { status, code }, r.message);
  return r;
}

// wantDetail checks an AccessDeniedDetail, whose message is the request's ID.
function wantDetail(detail, want, requestId) {
  const { EncodedDiagnosticMessage: message, ...rest } = detail;
  assert.deepEqual(rest, want);
  assert.equal(Buffer.from(message, 'base64').toString(), requestId);
}

for (const [way, client] of Object.entries(ways)) {
  const as = (id, secret) => client(waybill.endpoint, keyOf(id, secret));
  const ask = (call, system) => call(phoneMetric, range, system);
  const at = (minutes) => new Date(Date.now() + minutes * 60_000).toISOString().replace(/\.\d+/, '');

  describe(way, () => {
    for (const c of read('errors.json')) {
      test(c.name, async () => {
        const r = await wantRefused(as(c.key, c.secret)(c.operation, c.parameters), c.status, c.code);
        assert.ok(r.message.includes(c.message), r.message);
        if (c.detail) {
          wantDetail(r.detail, c.detail, r.requestId);
        } else {
          assert.equal(r.detail, undefined);
        }
      });
    }

    test('time stamps', async () => {
      const call = as('acme');
      await ask(call, { date: at(-14) });
      await ask(call, { date: at(14) });
      await wantRefused(ask(call, { date: at(-16) }), 400, 'InvalidTimeStamp.Expired');
      await wantRefused(ask(call, { date: at(16) }), 400, 'InvalidTimeStamp.Expired');
      await wantRefused(ask(call, { date: 'today' }), 400, 'InvalidTimeStamp.Format');
    });

    test('a nonce is good once', async () => {
      const [call, nonce] = [as('acme'), `once, ${way}`];
      await wantRefused(ask(as('acme', 'not the secret'), { nonce }), 400, 'SignatureDoesNotMatch');
      await ask(call, { nonce });
      await wantRefused(ask(call, { nonce }), 400, 'SignatureNonceUsed');
    });

    test('temporary credentials', async () => {
      const { one, other, nobody, old } = temporary;
      const sts = (credentials) => ask(client(waybill.endpoint, credentials));
      await wantRefused(sts({ ...one, securityToken: 'token' }), 400, 'InvalidSecurityToken.Malformed');
      await wantRefused(sts({ ...one, securityToken: other.securityToken }), 400, 'InvalidSecurityToken.MismatchWithAccessKey');
      await wantRefused(sts({ ...one, accessKeySecret: 'another' }), 400, 'SignatureDoesNotMatch');
      await wantRefused(sts({ ...one, securityToken: undefined }), 400, 'MissingSecurityToken');
      await sleep(1000); // at most the life of the old one
      await wantRefused(sts(old), 400, 'InvalidSecurityToken.Expired');
      const r = await wantRefused(sts(nobody), 400, 'Ram.PermissionDeny');
      assert.equal(r.detail.NoPermissionType, 'ImplicitDeny');
    });
  });
}

test('an error in XML is read like one in JSON', async () => {
  const call = ways['cams20200606, V3'](waybill.endpoint, keyOf('nobody'));
  const r = await wantRefused(call(phoneMetric, range, { format: 'XML' }), 400, 'Ram.PermissionDeny');
  assert.equal(r.detail.AuthAction, `cams:${phoneMetric}`);
});

// flood calls many times at once and returns how many calls were let through and
// how many there could be at most by a limit per second.
async function flood(call, times, limit) {
  const begun = Date.now();
  const outcomes = await Promise.allSettled(Array.from({ length: times }, call));
  const refused = outcomes.filter((o) => o.status === 'rejected').map((o) => o.reason);
  for (const r of refused) {
    assert.deepEqual([r.status, r.code, r.message], [400, 'System.LimitControl', 'The system is under flow control.']);
    assert.match(r.header['x-acs-retry-after'] ?? '1', /^[1-9]$/);
  }
  const most = limit + Math.ceil(limit * (Date.now() - begun) / 1000);
  return { passed: times - refused.length, most };
}

describe('limits of calls', () => {
  const pop = (...key) => ways['pop-core, POST'](waybill.endpoint, keyOf(...key));

  for (const [operation, parameters, limit] of [
    [enable, {}, 5],
    ['GetChatappTemplateMetric', { TemplateCode: '1100', ...range }, 50],
    [phoneMetric, range, 50],
  ]) {
    test(`${operation}: ${limit} a second`, async () => {
      const { passed, most } = await flood(() => pop('busy')(operation, parameters), 6 * limit, limit);
      assert.ok(limit <= passed && passed <= most, `${passed} calls passed, not ${limit} to ${most}`);
      assert.ok(passed < 6 * limit, 'no call was refused');
    });
  }

  test('calls with a wrong signature cost the account nothing', async () => {
    await Promise.all(Array.from({ length: 20 }, () => wantRefused(pop('calm', 'wrong')(enable, {}), 400, 'SignatureDoesNotMatch')));
    const { passed } = await flood(() => pop('calm')(enable, {}), 5, 5);
    assert.equal(passed, 5);
  });
});
