'use strict';

// The vendor's SDK, with Waybill in the place of graph.facebook.com.

const sdk = require('facebook-nodejs-business-sdk');

const { FacebookAdsApi, WhatsAppBusinessAccount } = sdk;

// pointTo makes the SDK call another address. It reads its own from a static
// getter, and so can't be told it when it is made.
function pointTo(url) {
  Object.defineProperty(FacebookAdsApi, 'GRAPH', { configurable: true, get: () => url });
}

// api returns the SDK's client with a token. Without its third argument set to
// false the SDK would report crashes to the vendor.
const api = (token) => new FacebookAdsApi(token, 'en_US', false);

// account returns an account as the SDK knows it.
const account = (token, id) => new WhatsAppBusinessAccount(id, {}, undefined, api(token));

// batch executes calls in one batch and returns what the SDK made of each: its
// response, and whether it took it for a success.
async function batch(token, calls) {
  const results = [];
  const b = new sdk.FacebookAdsApiBatch(api(token));
  for (const [i, [method, path, params]] of calls.entries()) {
    const done = (success) => (response) => { results[i] = { success, response }; };
    b.add(method, path, params, undefined, done(true), done(false));
  }
  const again = await b.execute();
  return { results, again };
}

module.exports = { sdk, pointTo, api, account, batch };
