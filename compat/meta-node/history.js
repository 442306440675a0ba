'use strict';

// A history of ten days, and what the analytics say of it.

const waba = '102290129340398';
const other = '102290129340399';
const rivals = '102290129340400';
const day = 86_400;
const begin = 1_767_225_600; // 2026-01-01 00:00:00 UTC
const days = 10;
const sale = '2632273056924580';
const venda = '2632273056924581';

// status returns one status of a template message, as Meta reports it.
const status = (id, name, timestamp, recipient, template, pricing) => ({
  id, status: name, timestamp: String(timestamp), recipient_id: recipient,
  biz_opaque_callback_data: JSON.stringify({ template }),
  ...(pricing && { pricing: { billable: true, pricing_model: 'PMP', type: 'regular', category: 'marketing' } }),
});

// record sends, on each day, two messages of one template to the US, of which one
// is read, and one of another to Brazil, which is only sent. On the first day
// somebody answers by a button and follows the link twice.
async function record(waybill) {
  for (let i = 0; i < days; i++) {
    const at = begin + i * day + 3600;
    await waybill.webhook(waba, {
      statuses: [
        status(`wamid.a${i}`, 'read', at + 20, '16505551234', sale, false),
        status(`wamid.a${i}`, 'delivered', at + 10, '16505551234', sale, true),
        status(`wamid.b${i}`, 'sent', at, '16505551235', sale, true),
        status(`wamid.b${i}`, 'delivered', at + 5, '16505551235', sale, true),
        status(`wamid.c${i}`, 'sent', at, '5511961234567', venda, true),
      ],
    });
  }
  await waybill.webhook(waba, {
    messages: [{
      from: '16505551234', id: 'wamid.reply', timestamp: String(begin + 3700), type: 'button',
      context: { from: '15550783881', id: 'wamid.a0' }, button: { text: 'Contact Support', payload: 'x' },
    }],
  });
  const click = (id) => ({
    channel: waba, message: 'wamid.a0', status: 'clicked', at: (begin + 3800 + id) * 1000, click: `c${id}`,
    button: { type: 'url_button', text: 'Tell me more' },
  });
  await waybill.post([click(1), click(2)]);
}

const range = { start: begin, end: begin + days * day };

// span is the range as an argument of a field.
const span = `start(${range.start}).end(${range.end})`;

module.exports = { waba, other, rivals, day, begin, days, sale, venda, record, range, span };
