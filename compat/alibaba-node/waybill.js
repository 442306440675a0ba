'use strict';

const shared = require('../waybill');

const { testdata, read } = shared.dataOf('alibaba');

// A Waybill has the tenants of the test data.
class Waybill extends shared.Waybill {
  constructor() {
    super(testdata);
  }
}

module.exports = { Waybill, read };
