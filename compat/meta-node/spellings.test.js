'use strict';

// Raw requests, with arguments in every spelling that clients of Meta were seen to
// use. However it is written and encoded, the answer is that of the plainest one.

const assert = require('node:assert/strict');
const http = require('node:http');
const { after, before, describe, test } = require('node:test');

const { begin, day, days, record, range, sale, span, venda, waba } = require('./history');
const { Waybill } = require('./waybill');

const token = 'lucky-token-0123456789';
const waybill = new Waybill();

before(async () => {
  waybill.apply();
  await waybill.start(['serve']);
  await record(waybill);
});

after(() => waybill.stop());

// get sends a path as it is: fetch would encode it.
function get(path, { method = 'GET', headers = {}, body } = {}) {
  const { hostname, port } = new URL(waybill.url);
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, path, method, headers: { Authorization: `Bearer ${token}`, ...headers } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => { text += part; }).on('end', () => resolve({ status: response.statusCode, text }));
    });
    request.on('error', reject).end(body);
  });
}

// encodings are the ways to write a value in a query: all of it encoded, in large
// and small letters, and no more than must be.
const encodings = {
  all: encodeURIComponent,
  'all, in small letters': (v) => encodeURIComponent(v).replace(/%../g, (e) => e.toLowerCase()),
  'blanks as plus': (v) => encodeURIComponent(v).replaceAll('%20', '+'),
  'as curl -g does': (v) => v.replace(/[%&+#\s]/g, encodeURIComponent),
};

// same checks that all spellings of a call are answered like the first one, which
// must match.
async function same(path, [plain, ...others], match) {
  const want = await get(path(encodeURIComponent(plain)));
  assert.equal(want.status, 200, want.text);
  assert.match(want.text, match);
  for (const spelling of [plain, ...others]) {
    for (const [how, encode] of Object.entries(encodings)) {
      assert.deepEqual(await get(path(encode(spelling))), want, `${spelling}, encoded: ${how}`);
    }
  }
}

const field = (v) => `/v24.0/${waba}?fields=${v}`;

describe('the calls of a field', () => {
  const analytics = `analytics.${span}.granularity(DAY)`;
  const pricing = `pricing_analytics.${span}.granularity(DAILY)`;
  const conversation = `conversation_analytics.${span}.granularity(DAILY)`;
  const templates = `template_analytics.${span}.granularity(DAILY).limit(1000)`;

  test('empty lists', () => same(field, [
    analytics, `${analytics}.phone_numbers([])`, `${analytics}.phone_numbers()`, `${analytics}.product_types([])`,
    `${analytics}.product_types([0,2])`, `${analytics}.product_types(["0","2"])`, `${analytics}.product_types(0,2)`,
  ], /"sent":3/));

  test('numbers', () => same(field, [
    `${analytics}.phone_numbers(15550783881)`, `${analytics}.phone_numbers([15550783881])`, `${analytics}.phone_numbers(["15550783881"])`,
    `${analytics}.phone_numbers(["+15550783881"])`, `${analytics}.phone_numbers(['+1 555-078-3881'])`,
  ], /"sent":3/));

  test('countries', () => same(field, [
    `${analytics}.country_codes(US,BR)`, `${analytics}.country_codes(["US","BR"])`, `${analytics}.country_codes([US, BR])`,
    `${analytics}.country_codes(['US','BR'])`, `${analytics}.country_codes(us,br)`,
  ], /"country_codes":\["US","BR"\]/));

  test('words', () => same(field, [
    `${pricing}.metric_types(COST,VOLUME).dimensions(PRICING_CATEGORY,PRICING_TYPE,TIER,COUNTRY).country_codes(US,IN)`,
    `${pricing}.metric_types([COST,VOLUME]).dimensions([PRICING_CATEGORY,PRICING_TYPE,TIER,COUNTRY]).country_codes([US,IN])`,
    `${pricing}.metric_types(["COST","VOLUME"]).dimensions(["PRICING_CATEGORY","PRICING_TYPE","TIER","COUNTRY"]).country_codes(["US","IN"])`,
    `${pricing}.metric_types(['COST', 'VOLUME']).dimensions(['PRICING_CATEGORY','PRICING_TYPE','TIER','COUNTRY']).country_codes(US, IN)`,
    `${pricing}.metric_types[COST,VOLUME].dimensions["PRICING_CATEGORY","PRICING_TYPE","TIER","COUNTRY"].country_codes(us,in)`,
  ], /"pricing_category":"MARKETING"/));

  test('words of analytics without data', () => same(field, [
    `${conversation}.metric_types(['COST','CONVERSATION']).dimensions([CONVERSATION_TYPE])`,
    `${conversation}.metric_types(["COST","CONVERSATION"]).dimensions(conversation_type)`,
    `${conversation}.metric_types(COST,CONVERSATION).dimensions(["CONVERSATION_TYPE"])`,
  ], /"conversation_analytics":\{"data":\[\]\}/));

  test('IDs', () => same(field, [
    `${templates}.template_ids(${sale},${venda})`, `${templates}.template_ids([${sale},${venda}])`,
    `${templates}.template_ids(["${sale}","${venda}"])`, `${templates}.template_ids(['${sale}', '${venda}'])`,
    `template_analytics?start=${range.start}&end=${range.end}&granularity=daily&limit=1000&template_ids=[${sale},${venda}]`,
  ], /"template_id":"2632273056924581"/));

  test('dates, cases, line breaks and order', () => same(field, [
    analytics, 'analytics.start(2026-01-01).end(2026-01-11).granularity(day)', `analytics.granularity(DAILY).${span}`,
    `analytics.start("${range.start}").end('${range.end}').granularity("DAY")`,
    `analytics\n    .start(${range.start})\n    .end(${range.end})\n    .granularity(DAY)\n    .phone_numbers([])\n    .product_types([\n      0,\n      2\n    ])`,
  ], /"sent":3/));

  test('several fields and selections', () => same(field, [
    `id,name,${analytics}{data_points{start,sent}},message_templates.limit(1){name}`,
    `id, name, ${analytics} { data_points { start, sent } }, message_templates.limit(1) { name }`,
  ], new RegExp(`"name":"Lucky Shrub","analytics":\\{"data_points":\\[\\{"start":${begin},"sent":3\\}`)));

  test('the form of a query with a bare &', async () => {
    const want = await get(field(encodeURIComponent(`${templates}.metric_types(SENT,READ)`)));
    assert.match(want.text, /"template_id"/);
    const bare = `template_analytics?start=${range.start}&end=${range.end}&granularity=DAILY&limit=1000&metric_types=SENT,READ`;
    assert.deepEqual(await get(field(bare)), want);
  });

  test('what cannot be meant is refused', async () => {
    for (const [fields, code, message] of [
      [',', 2500, 'Syntax error "Expected name." at character 0: ,'],
      ['conversation_analytics', 100, '(#100) The parameter start is required.'],
      [`${analytics},analytics.start(1)`, 2500, 'Syntax error "Field analytics specified more than once.'],
      [`${analytics}.granularity(HOUR)`, 100, '(#100) Param granularity must be one of {HALF_HOUR, DAY, MONTH}'],
      [`${pricing}.dimensions(PRICING_TYPE;TIER)`, 100, '(#100) Param dimensions[0] must be one of'],
    ]) {
      const { status, text } = await get(`${field(encodeURIComponent(fields))}&start=1&end=2`);
      const { error } = JSON.parse(text);
      assert.deepEqual([status, error.code], [400, code], text);
      assert.ok(error.message.startsWith(message), text);
    }
  });
});

describe('the parameters of an edge', () => {
  const edge = (more) => (v) => `/v24.0/${waba}/template_analytics?start=${range.start}&end=${begin + (days - 1) * day}&granularity=DAILY&limit=1000${more}${v}`;

  test('words', () => same(edge('&metric_types='), [
    'SENT,DELIVERED', '["SENT","DELIVERED"]', '[SENT,DELIVERED]', "['SENT', 'DELIVERED']", 'sent,delivered', 'sent, delivered',
  ], /"sent":2,"delivered":2\}/));

  test("PHP's lists", async () => {
    const want = await get(edge('&fields=template_id,sent,read&metric_types=')('SENT,READ'));
    assert.match(want.text, /"sent":2,"read":\d+\}/);
    for (const spelling of [
      'metric_types[0]=SENT&metric_types[1]=READ', 'metric_types[]=SENT&metric_types[]=READ',
      'metric_types%5B0%5D=SENT&metric_types%5B1%5D=READ',
    ]) {
      assert.deepEqual(await get(edge('&fields=template_id,sent,read&')(spelling)), want, spelling);
    }
  });

  test('IDs', () => same(edge('&metric_types=SENT&template_ids='), [
    `${sale},${venda}`, `[${sale},${venda}]`, `["${sale}","${venda}"]`, `['${sale}', '${venda}']`,
  ], /"template_id":"2632273056924581"/));

  test('times', () => same((v) => `/v24.0/${waba}/template_analytics?end=2026-01-01&granularity=DAILY&start=${v}`, [
    String(begin), '2026-01-01', '"2026-01-01"', String(begin + 5000), `[${begin}]`,
  ], new RegExp(`"start":${begin}`)));

  test('filters in single quotes', () => same((v) => `/v24.0/${waba}/phone_numbers?fields=id&filtering=${v}`, [
    '[{"field":"account_mode","operator":"EQUAL","value":"LIVE"}]', "[{'field':'account_mode','operator':'EQUAL','value':'LIVE'}]",
  ], /106540352242922/));

  test('bodies that are posted', async () => {
    const query = `start=${begin}&end=${begin}&granularity=DAILY&metric_types=["SENT"]&template_ids=[${sale}]`;
    const want = await get(`/v24.0/${waba}/template_analytics?${query}`);
    assert.match(want.text, /"sent":2/);
    const json = { start: begin, end: begin, granularity: 'DAILY', metric_types: ['SENT'], template_ids: [Number(sale)], method: 'get' };
    for (const [type, body] of [['application/json', JSON.stringify(json)], ['application/x-www-form-urlencoded', `${query}&method=GET`]]) {
      assert.deepEqual(await get(`/v24.0/${waba}/template_analytics`, { method: 'POST', headers: { 'Content-Type': type }, body }), want);
    }
    const ignored = { headers: { 'Content-Type': 'application/json' }, body: '{}' };
    assert.deepEqual(await get(`/v24.0/${waba}/template_analytics?${query}`, ignored), want);
  });
});
