'use strict';

const { createHmac } = require('node:crypto');

const shared = require('../waybill');

const { testdata } = shared.dataOf('meta');

const app = { id: '634974688087057', secret: 'lucky-app-secret' };

// A Waybill has the tenants of the test data.
class Waybill extends shared.Waybill {
  constructor() {
    super(testdata);
  }

  // webhook posts what happened to messages of a number of an account, signed as
  // Meta signs it.
  async webhook(waba, value) {
    const body = JSON.stringify({
      object: 'whatsapp_business_account',
      entry: [{
        id: waba,
        changes: [{
          field: 'messages',
          value: {
            messaging_product: 'whatsapp',
            metadata: { display_phone_number: '15550783881', phone_number_id: '106540352242922' },
            ...value,
          },
        }],
      }],
    });
    const signature = createHmac('sha256', app.secret).update(body).digest('hex');
    const response = await fetch(`${this.url}/webhooks/meta/${app.id}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Hub-Signature-256': `sha256=${signature}` },
      body,
    });
    if (!response.ok) {
      throw new Error(`webhook: ${response.status} ${await response.text()}`);
    }
  }
}

module.exports = { Waybill };
