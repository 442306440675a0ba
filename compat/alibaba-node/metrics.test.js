'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');

const { keyOf, ways } = require('./clients');
const { Waybill, read } = require('./waybill');

const requestID = /^[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}$/;
const day = 86_400_000;

const waybill = new Waybill();
const temporary = {}; // credentials, by user

before(async () => {
  waybill.apply();
  temporary.acme = waybill.sts('1000000000000001', 'acme');
  for (let n = 5; n <= 8; n++) {
    temporary[`fresh-${n}`] = waybill.sts(`200000000000000${n}`, `fresh-${n}`);
  }
  await waybill.start(['serve']);
  await waybill.post(read('events.ndjson'));
});

after(() => waybill.stop());

// wantOK checks what every success says.
function wantOK(body) {
  const { RequestId, Code, Message, AccessDeniedDetail } = body;
  assert.match(RequestId, requestID);
  assert.deepEqual({ Code, Message, AccessDeniedDetail }, { Code: 'OK', Message: 'None', AccessDeniedDetail: 'None' });
}

for (const [way, client] of Object.entries(ways)) {
  describe(way, () => {
    for (const c of read('answers.json')) {
      test(c.name, async () => {
        const body = await client(waybill.endpoint, keyOf(c.key))(c.operation, c.parameters);
        wantOK(body);
        assert.deepEqual(body.Data, c.data);
      });
    }

    test('temporary credentials', async () => {
      const c = read('answers.json')[0];
      const body = await client(waybill.endpoint, temporary.acme)(c.operation, c.parameters);
      wantOK(body);
      assert.deepEqual(body.Data, c.data);
    });
  });
}

// until waits for a moment of the clock, in ms.
const until = (moment) => sleep(Math.max(0, moment - Date.now()) + 10);

// enabling enables a channel and looks at it before and after.
async function enabling(call, n) {
  const channel = `cams-fresh-${n}`;
  const event = (message, status, at) => ({
    channel, message, status, at, sender: `861390000000${n}`, recipient: '6281234567801', template: '1100', language: 'en',
  });
  const range = { Start: Date.now() - 2 * day, End: Date.now() + 2 * day };
  const metrics = async () => {
    const template = await call('GetChatappTemplateMetric', { TemplateCode: '1100', ...range });
    const phone = await call('GetChatappPhoneNumberMetric', { CustSpaceId: channel, ...range });
    wantOK(template);
    wantOK(phone);
    return { template: template.Data, phone: phone.Data };
  };

  await waybill.post([event('early', 'sent', Date.now() - 3_600_000)]);
  assert.deepEqual(await metrics(), { template: [], phone: [] });

  const enabled = await call('EnableWhatsappROIMetric', { CustSpaceId: channel });
  wantOK(enabled);
  assert.deepEqual(Object.keys(enabled).sort(), ['AccessDeniedDetail', 'Code', 'Message', 'RequestId']);
  assert.deepEqual(await metrics(), { template: [], phone: [] });

  const now = Date.now();
  await waybill.post([
    event('early', 'delivered', now), event('early', 'read', now),
    event('late', 'sent', now), event('late', 'delivered', now),
  ]);
  const counted = await metrics();
  assert.equal(counted.template.length, 1);
  assert.equal(counted.phone.length, 1);
  const { Start, End } = counted.phone[0];
  assert.ok(Start <= now && now < End && End - Start === day, `day is ${Start} to ${End}`);
  const counts = { SentCount: 1, DeliveredCount: 1, Start, End };
  assert.deepEqual(counted, {
    template: [{ TemplateCode: '1100', Language: 'en', ReadCount: 0, Cliented: [], ...counts }],
    phone: [{ PhoneNumber: `861390000000${n}`, Granularity: 'DAILY', ...counts }],
  });

  await until(now + 2000); // so that an instant that moved would leave the message out
  wantOK(await call('EnableWhatsappROIMetric', {}));
  assert.deepEqual(await metrics(), counted);
}

describe('metrics begin when they are enabled', { concurrency: true }, () => {
  Object.entries(ways).forEach(([way, client], i) => {
    test(way, () => enabling(client(waybill.endpoint, keyOf(`fresh-${i + 1}`)), i + 1));
    test(`${way}, temporary credentials`, () => enabling(client(waybill.endpoint, temporary[`fresh-${i + 5}`]), i + 5));
  });
});
