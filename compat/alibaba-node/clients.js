'use strict';

// The vendor's SDKs behind one face: call(operation, parameters, system) returns
// the body of the answer in the names of the API, or throws a Refusal. system
// can set the date and the nonce that the SDK otherwise makes up, and the format.

const cams = require('@alicloud/cams20200606');
const openapi = require('@alicloud/openapi-client');
const util = require('@alicloud/tea-util');
const RPCClient = require('@alicloud/pop-core');

const version = '2020-06-06';

class Refusal extends Error {
  constructor(status, body, header = {}) {
    super(body.Message);
    this.status = status;
    this.code = body.Code;
    this.requestId = body.RequestId;
    this.detail = body.AccessDeniedDetail;
    this.header = header;
  }
}

const lowerFirst = (text) => text[0].toLowerCase() + text.slice(1);

// camsClient returns a caller of @alicloud/cams20200606. It signs by V3, which is
// the default, or by V1, which the SDK calls v2.
function camsClient(signatureAlgorithm) {
  return (endpoint, credentials) => {
    const config = new openapi.Config({ ...credentials, endpoint, protocol: 'http', signatureAlgorithm });
    const client = new cams.default(config);
    return async (operation, parameters, system = {}) => {
      const request = new cams[`${operation}Request`]();
      for (const [name, value] of Object.entries(parameters)) {
        request[lowerFirst(name)] = value;
      }
      try {
        const answer = await client[`${lowerFirst(operation)}WithOptions`](request, options(signatureAlgorithm, system));
        return answer.body.toMap();
      } catch (error) {
        throw camsRefusal(error);
      }
    };
  };
}

// options returns the options of a call that carry system parameters.
function options(signatureAlgorithm, { date, nonce, format }) {
  const given = (all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  const extendsParameters = signatureAlgorithm === 'v2'
    ? { queries: given({ Timestamp: date, SignatureNonce: nonce }) }
    : { headers: given({ 'x-acs-date': date, 'x-acs-signature-nonce': nonce }), queries: given({ Format: format }) };
  return new util.RuntimeOptions({ extendsParameters: new util.ExtendsParameters(extendsParameters) });
}

// camsRefusal checks that the SDK found everything where it looks for it.
function camsRefusal(error) {
  const { data } = error;
  if (data === undefined) {
    return error;
  }
  const message = `${data.Code}: code: ${data.statusCode}, ${data.Message} request id: ${data.RequestId}`;
  if (error.code !== data.Code || error.message !== message) {
    return new Error(`the SDK took ${JSON.stringify(data)} for ${error.code}, ${error.message}`);
  }
  return new Refusal(data.statusCode, { ...data, AccessDeniedDetail: error.accessDeniedDetail });
}

// plain gives objects their prototype, which the SDK's parser takes from them.
const plain = (value) => JSON.parse(JSON.stringify(value));

// popClient returns a caller of @alicloud/pop-core, which signs by V1.
function popClient(method) {
  return (endpoint, credentials) => {
    const client = new RPCClient({ ...credentials, endpoint: `http://${endpoint}`, apiVersion: version });
    return async (operation, parameters, { date, nonce } = {}) => {
      const all = { ...parameters };
      if (date !== undefined) {
        all.Timestamp = date;
      }
      if (nonce !== undefined) {
        all.SignatureNonce = nonce;
      }
      try {
        return plain(await client.request(operation, all, { method }));
      } catch (error) {
        const { data, entry } = error;
        throw data ? new Refusal(entry.response.statusCode, plain(data), entry.response.headers) : error;
      }
    };
  };
}

// ways are the SDKs and their ways to sign, by name.
const ways = {
  'cams20200606, V3': camsClient(),
  'cams20200606, V1': camsClient('v2'),
  'pop-core, GET': popClient('GET'),
  'pop-core, POST': popClient('POST'),
};

// keyOf returns the access key of a user of the test data.
const keyOf = (id, secret = `secret-of-${id}`) => ({ accessKeyId: id, accessKeySecret: secret });

module.exports = { ways, keyOf };
