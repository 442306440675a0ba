'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const { begin, other, record, rivals, sale, span, waba } = require('./history');
const { account, api, batch, pointTo } = require('./sdk');
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

// wantError checks the error that the SDK makes of an answer.
async function wantError(promise, status, code, subcode, type, message) {
  try {
    await promise;
  } catch (error) {
    assert.equal(error.name, 'FacebookRequestError', error.stack);
    const { fbtrace_id: trace, ...rest } = error.response;
    assert.match(trace, /^A[A-Za-z0-9_-]{22}$/);
    assert.deepEqual({ status: error.status, code: rest.code, subcode: rest.error_subcode, type: rest.type }, { status, code, subcode, type }, rest.message);
    assert.ok(rest.message.includes(message), rest.message);
    assert.equal(error.message, rest.message);
    return;
  }
  assert.fail('the call was not refused');
}

const days = { start: begin, end: begin, granularity: 'DAILY' };

describe('changes', () => {
  test('template analytics are enabled once and for all', async () => {
    const insights = async () => (await account(token, other).read(['is_enabled_for_insights'])).is_enabled_for_insights;
    await wantError(account(token, other).getTemplateAnalytics([], days), 400, 200007, undefined, 'OAuthException', 'not been enabled');
    assert.equal(await insights(), false);
    assert.deepEqual(await account(token, other).update([], { is_enabled_for_insights: true }), { id: other });
    assert.equal(await insights(), true);
    const cursor = await account(token, other).getTemplateAnalytics([], days);
    assert.deepEqual(cursor.map((e) => e._data.data_points), [[]]);
    await wantError(account(token, other).update([], { is_enabled_for_insights: false }), 400, 200006, undefined, 'OAuthException', 'cannot be disabled');
  });

  test('a template is opted out of link tracking', async () => {
    const change = (out) => api(token).call('POST', [sale], { cta_url_link_tracking_opted_out: out, category: 'marketing' });
    for (const out of [true, false]) {
      assert.deepEqual(await change(out), { success: true });
      const read = await api(token).call('GET', [sale], { fields: 'cta_url_link_tracking_opted_out' });
      assert.deepEqual(read, { cta_url_link_tracking_opted_out: out, id: sale });
    }
  });

  test('nothing else can be changed', async () => {
    await wantError(account(token, waba).update([], { name: 'x' }), 400, 100, 33, 'GraphMethodException', 'Unsupported post request');
    await wantError(account(token, waba).delete([]), 400, 100, 33, 'GraphMethodException', 'Unsupported delete request');
    await wantError(account(token, waba).createMessageTemplate([], { name: 'x' }), 400, 100, 33, 'GraphMethodException', 'Unsupported post request');
  });
});

describe('errors', () => {
  const read = (...fields) => account(token, waba).read(fields);
  const analytics = `analytics.${span}.granularity(DAY)`;

  test('tokens', async () => {
    await wantError(account('nonsense', waba).read(['id']), 401, 190, undefined, 'OAuthException', 'Invalid OAuth access token');
    await wantError(account('lucky-expired-token', waba).read(['id']), 401, 190, 463, 'OAuthException', 'Session has expired');
    await wantError(account('lucky-management-token', waba).read([analytics]), 403, 200, undefined, 'OAuthException', 'whatsapp_business_messaging');
  });

  test('objects', async () => {
    for (const id of [rivals, '102290129340499']) {
      await wantError(account(token, id).read(['id']), 400, 100, 33, 'GraphMethodException', `Object with ID '${id}' does not exist`);
      await wantError(account(token, id).getPhoneNumbers([]), 400, 100, 33, 'GraphMethodException', `Object with ID '${id}' does not exist`);
    }
    await wantError(api(token).call('GET', ['me'], {}), 404, 803, undefined, 'OAuthException', '(#803)');
    await wantError(account(token, waba).getFlows([]), 400, 2500, undefined, 'OAuthException', 'Unknown path components: /flows');
  });

  test('fields and parameters', async () => {
    await wantError(read('nonsense'), 400, 100, undefined, 'OAuthException', 'nonexisting field (nonsense) on node type (WhatsAppBusinessAccount)');
    await wantError(read('analytics'), 400, 100, undefined, 'OAuthException', 'The parameter start is required');
    await wantError(read('analytics.start('), 400, 2500, undefined, 'OAuthException', 'Syntax error');
    await wantError(read(analytics.replace('DAY', 'YEAR')), 400, 100, undefined, 'OAuthException', 'must be one of {HALF_HOUR, DAY, MONTH}');
    await wantError(account(token, waba).getTemplateAnalytics([], { ...days, metric_types: ['BOUNCED'] }), 400, 100, undefined, 'OAuthException', 'metric_types[0]');
    await wantError(account(token, waba).getMessageTemplates(['id'], { after: '!' }), 400, 100, undefined, 'OAuthException', 'cursor');
  });
});

describe('batches', () => {
  test('each call succeeds or fails for itself, in order', async () => {
    const { results, again } = await batch(token, [
      ['GET', `${waba}?fields=analytics.${span}.granularity(MONTH)`],
      ['GET', [waba, 'template_analytics'], { ...days, template_ids: [sale], metric_types: ['SENT'] }],
      ['GET', rivals],
      ['GET', `/${waba}/message_templates`, { fields: 'id', limit: 1 }],
      ['POST', other, { is_enabled_for_insights: true }],
      ['GET', 'me'],
      ['GET', `v19.0//${waba}`, { fields: 'id' }],
      ['DELETE', waba],
    ]);
    assert.equal(again, null);
    assert.deepEqual(results.map((r) => r.success), [true, true, false, true, true, false, true, false]);
    const bodies = results.map((r) => r.response.body);
    assert.equal(bodies[0].analytics.data_points[0].sent, 30);
    assert.deepEqual(bodies[1].data[0].data_points.map((p) => p.sent), [2]);
    assert.equal(bodies[2].error.error_subcode, 33);
    assert.deepEqual(bodies[4], { id: other });
    assert.deepEqual(bodies[6], { id: waba });
    assert.deepEqual(results.map((r) => r.response.status), [200, 200, 400, 200, 200, 404, 200, 400]);
    assert.equal(results[2].response.error.status, 400);
    const next = await (await fetch(bodies[3].paging.next)).json();
    assert.equal(next.data.length, 1);
  });

  test('as many as there may be', async () => {
    const calls = (n) => Array.from({ length: n }, () => ['GET', waba, { fields: 'id' }]);
    const { results } = await batch(token, calls(50));
    assert.equal(results.filter((r) => r.success).length, 50);
    await wantError(batch(token, calls(51)), 400, 100, undefined, 'GraphBatchException', 'Maximum batch size is 50');
  });

  test('with a wrong token', async () => {
    await wantError(batch('nonsense', [['GET', waba]]), 401, 190, undefined, 'OAuthException', 'Invalid OAuth access token');
  });

  test('forms to the root, as other SDKs send them', async () => {
    const items = JSON.stringify([{ method: 'GET', relative_url: `v24.0//${waba}?fields=id` }, { method: 'GET', relative_url: 'me' }]);
    const parts = new FormData();
    parts.set('access_token', token);
    parts.set('batch', items);
    for (const body of [new URLSearchParams({ access_token: token, batch: items }), new URLSearchParams({ batch: items, access_token: token }), parts]) {
      const response = await fetch(waybill.url, { method: 'POST', body });
      assert.equal(response.status, 200);
      const answers = await response.json();
      assert.deepEqual(answers.map((a) => a.code), [200, 404]);
      assert.deepEqual(JSON.parse(answers[0].body), { id: waba });
    }
  });
});
