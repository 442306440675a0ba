'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { promisify } = require('node:util');

const { begin, day, days, other, range, record, sale, span, venda, waba } = require('./history');
const { account, api, pointTo, sdk } = require('./sdk');
const { Waybill } = require('./waybill');

const token = 'lucky-token-0123456789';
const waybill = new Waybill();

before(async () => {
  waybill.apply();
  await waybill.start(['serve']);
  pointTo(waybill.url);
  await record(waybill);
});

after(() => waybill.stop());

// data returns what an object of the SDK holds.
const data = (object) => object.exportAllData?.() ?? object._data;

// pages follows a cursor to its end and returns the pages.
async function pages(cursor) {
  const all = [cursor.map(data)];
  while (cursor.hasNext()) {
    await cursor.next();
    all.push(cursor.map(data));
  }
  return all;
}

describe('fields', () => {
  test('plain ones and analytics', async () => {
    const field = `analytics.${span}.granularity(DAY).phone_numbers([]).product_types([0,2]).country_codes(["US","BR"])`;
    const read = await account(token, waba).read(['id', 'name', 'currency', 'is_enabled_for_insights', field]);
    assert.equal(read.name, 'Lucky Shrub');
    assert.equal(read.currency, 'USD');
    assert.equal(read.is_enabled_for_insights, true);
    const { analytics } = data(read);
    assert.deepEqual(Object.keys(analytics), ['phone_numbers', 'country_codes', 'granularity', 'data_points']);
    assert.deepEqual(analytics.phone_numbers, ['15550783881']);
    assert.deepEqual(analytics.data_points, Array.from({ length: days }, (_, i) => (
      { start: begin + i * day, end: begin + (i + 1) * day, sent: 3, delivered: 2 })));
  });

  test('several analytics in one call', async () => {
    const read = await account(token, waba).read([
      `pricing_analytics.${span}.granularity(MONTHLY).dimensions(PRICING_CATEGORY,COUNTRY)`,
      `template_analytics.${span}.granularity(DAILY).metric_types([SENT]).limit(2)`,
      `call_analytics.${span}.granularity(DAILY)`,
    ]);
    const { pricing_analytics: pricing, template_analytics: templates, call_analytics: calls } = data(read);
    assert.deepEqual(pricing.data[0].data_points, [{
      start: begin, end: begin + 31 * day, country: 'US', pricing_category: 'MARKETING', volume: 2 * days, cost: 0.5,
    }]);
    assert.equal(templates.data[0].data_points.length, 2);
    assert.deepEqual(calls, { granularity: 'DAILY', data_points: [] });
  });

  test('by the SDK’s version', async () => {
    const client = api(token).setShowHeader(true);
    const { headers } = await client.call('GET', [waba], { fields: 'id' });
    assert.equal(headers['facebook-api-version'], sdk.FacebookAdsApi.VERSION);
  });
});

describe('edges', () => {
  const params = { ...range, granularity: 'DAILY' };

  test('template_analytics', async () => {
    const cursor = await account(token, waba).getTemplateAnalytics([], {
      ...params, end: begin, metric_types: ['SENT', 'DELIVERED', 'READ', 'CLICKED', 'COST'], template_ids: [sale, venda],
    });
    assert.deepEqual(cursor.map(data), [{
      granularity: 'DAILY', product_type: 'cloud_api',
      data_points: [
        {
          template_id: sale, start: begin, end: begin + day, sent: 2, delivered: 2, read: 1,
          clicked: [
            { type: 'quick_reply_button', button_content: 'Contact Support', count: 1 },
            { type: 'url_button', button_content: 'Tell me more', count: 2 },
            { type: 'unique_url_button', button_content: 'Tell me more', count: 1 },
          ],
          cost: [
            { type: 'amount_spent', value: 0.05 },
            { type: 'cost_per_delivered', value: 0.025 },
            { type: 'cost_per_url_button_click', value: 0.025 },
          ],
        },
        { template_id: venda, start: begin, end: begin + day, sent: 1, delivered: 0, read: 0 },
      ],
    }]);
    assert.equal(cursor.hasNext(), false);
  });

  test('template_analytics, page by page', async () => {
    const cursor = await account(token, waba).getTemplateAnalytics([], { ...params, end: range.end - day, metric_types: ['SENT'], limit: 7 });
    const points = (await pages(cursor)).map((page) => page[0].data_points);
    assert.deepEqual(points.map((p) => p.length), [7, 7, 6]);
    const seen = new Set(points.flat().map((p) => `${p.template_id} ${p.start}`));
    assert.equal(seen.size, 2 * days);
    assert.equal(cursor.hasPrevious(), true);
    await cursor.previous();
    assert.equal(cursor.map(data)[0].data_points.length, 7);
  });

  test('pricing_analytics', async () => {
    const cursor = await account(token, waba).getPricingAnalytics(['start', 'end', 'volume'], {
      ...params, granularity: 'MONTHLY', dimensions: ['PRICING_CATEGORY', 'COUNTRY'], country_codes: ['US'],
    });
    assert.deepEqual(cursor.map(data), [{ data_points: [{ start: begin, end: begin + 31 * day, volume: 2 * days }] }]);
  });

  for (const [name, more] of Object.entries({
    getConversationAnalytics: { limit: 25 },
    getCallAnalytics: { directions: ['USER_INITIATED'] },
    getTemplateGroupAnalytics: { template_group_ids: ['9'] },
    getGroupAnalytics: { group_ids: ['g'], metric_types: ['SENT'] },
    getTemplatePerformanceMetrics: { name: 'sale' },
  })) {
    test(`${name} is empty`, async () => {
      const cursor = await account(token, waba)[name]([], { ...params, ...more });
      assert.equal(cursor.length, 0);
      assert.equal(cursor.hasNext(), false);
    });
  }

  test('message_templates, page by page', async () => {
    const cursor = await account(token, waba).getMessageTemplates(['name', 'language', 'category'], { limit: 2, summary: 'total_count' });
    assert.deepEqual(cursor.summary, { total_count: 3 });
    assert.deepEqual(await pages(cursor), [
      [
        { name: 'login_code', language: 'en_US', category: 'AUTHENTICATION', id: '1421988012088524' },
        { name: 'sale', language: 'en_US', category: 'MARKETING', id: sale },
      ],
      [{ name: 'sale', language: 'pt_BR', category: 'MARKETING', id: venda }],
    ]);
  });

  test('phone_numbers, whose IDs webhooks have told', async () => {
    const cursor = await account(token, waba).getPhoneNumbers(['id', 'display_phone_number', 'verified_name']);
    assert.deepEqual(cursor.map(data), [{ id: '106540352242922', display_phone_number: '+15550783881' }]);
  });
});

test('several objects by their IDs', async () => {
  const objects = await sdk.WhatsAppBusinessAccount.getByIds([waba, other], ['id', 'name'], {}, api(token));
  // The SDK takes the data of an object for its ID.
  assert.deepEqual(objects.map((o) => o.id), [{ id: waba, name: 'Lucky Shrub' }, { id: other, name: 'Other Shrub' }]);
});

test('debug_token', async () => {
  const { data: body } = await api(token).getAppID();
  assert.deepEqual(body, { data: { app_id: '634974688087057' } });
});

test('the example runs against a demo', async (t) => {
  const demo = new Waybill();
  t.after(() => demo.stop());
  await demo.start(['demo', '--days=3'], 'wrote the credentials');
  const example = path.join(__dirname, '..', 'examples', 'meta-node', 'index.js');
  const { stdout } = await promisify(execFile)(process.execPath, [example, path.join(demo.data, 'demo.json')]);
  const line = /^\d{4}-\d\d-\d\d \S+ (\d+) sent, \d+ delivered, \d+ read, \d+ clicks$/;
  let total = 0;
  for (const text of stdout.trimEnd().split('\n')) {
    assert.match(text, line);
    total += Number(line.exec(text)[1]);
  }
  assert.ok(total > 0, stdout);
});
