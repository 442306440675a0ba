'use strict';

// Asks for the last week of all templates, with the vendor's SDK. After make demo:
//
//   npm ci && node index.js ../../../.demo/demo.json

const { readFileSync } = require('node:fs');
const { FacebookAdsApi, WhatsAppBusinessAccount } = require('facebook-nodejs-business-sdk');

if (process.argv.length !== 3) {
  throw new Error('usage: node index.js demo.json');
}
const demo = JSON.parse(readFileSync(process.argv[2], 'utf8')).meta;

// The SDK has no setting for the address; this line is all that changes.
Object.defineProperty(FacebookAdsApi, 'GRAPH', { get: () => demo.base_url });

// The third argument turns off its reports of crashes to the vendor.
FacebookAdsApi.init(demo.access_token, 'en_US', false);

async function main() {
  const account = new WhatsAppBusinessAccount(demo.waba_id);
  const now = Math.floor(Date.now() / 1000);
  const cursor = await account.getTemplateAnalytics([], {
    start: now - 7 * 86_400, end: now, granularity: 'DAILY', limit: 100,
    metric_types: ['SENT', 'DELIVERED', 'READ', 'CLICKED'],
  });
  for (;;) {
    for (const { _data: series } of cursor) {
      for (const point of series.data_points) {
        // Totals and uniques stand in one list: a sum of both would count twice.
        const clicks = (point.clicked ?? []).filter((c) => c.type !== 'unique_url_button').reduce((sum, c) => sum + c.count, 0);
        console.log(new Date(point.start * 1000).toISOString().slice(0, 10), point.template_id,
          `${point.sent} sent, ${point.delivered} delivered, ${point.read} read, ${clicks} clicks`);
      }
    }
    if (!cursor.hasNext()) {
      return;
    }
    await cursor.next();
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
