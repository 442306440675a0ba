'use strict';

// Asks for the last week of a template, with the vendor's SDK. After make demo:
//
//   npm ci && node index.js ../../../.demo/demo.json

const { readFileSync } = require('node:fs');
const { Config } = require('@alicloud/openapi-client');
const { default: Client, GetChatappTemplateMetricRequest } = require('@alicloud/cams20200606');

if (process.argv.length !== 3) {
  throw new Error('usage: node index.js demo.json');
}
const demo = JSON.parse(readFileSync(process.argv[2], 'utf8')).alibaba;
const client = new Client(new Config({
  endpoint: demo.endpoint, // such as 127.0.0.1:8080; the only line that changes
  protocol: 'http',
  accessKeyId: demo.access_key_id,
  accessKeySecret: demo.access_key_secret,
}));

async function main() {
  const { body } = await client.getChatappTemplateMetric(new GetChatappTemplateMetricRequest({
    custSpaceId: demo.cust_space_id,
    templateCode: demo.template_codes[0],
    granularity: 'DAILY',
    start: Date.now() - 7 * 86_400_000,
    end: Date.now(),
  }));
  for (const row of body.data) {
    const clicks = row.cliented.reduce((sum, button) => sum + button.count, 0);
    console.log(new Date(row.start).toISOString(), row.language,
      `${row.sentCount} sent, ${row.deliveredCount} delivered, ${row.readCount} read, ${clicks} clicks`);
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
