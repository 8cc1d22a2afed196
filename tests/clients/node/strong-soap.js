'use strict';

// KDP_SERVICE by `strong-soap`: the operation of the WSDL.

const { soap } = require('strong-soap');
const { read, tell, info } = require('./given.js');

const K = 'http://service.2fa-chain.kz/ns/kdp';

const given = read();
soap.createClient(given.wsdl, { endpoint: given.address }, (error, client) => {
  if (error) throw error;
  const data = { $attributes: { $xsiType: { type: 'getUserDataRequest', xmlns: K } }, ...given.data };
  const request = { requestInfo: info(given), requestData: { data } };
  client.SendMessage({ request }, (refused, answer) => {
    if (refused) {
      if (!refused.root) throw refused;
      const fault = refused.root.Envelope.Body.Fault;
      tell('fault', { faultstring: fault.faultstring, ...fault.detail.SendMessageFault1_SendMessageFault });
      return;
    }
    const { responseInfo, responseData } = answer.response;
    tell('info', responseInfo.status);
    tell('data', responseData.data);
  });
});
