'use strict';

// KDP_SERVICE by `soap`: the operation of the WSDL.

const soap = require('soap');
const { read, tell, info } = require('./given.js');

const K = 'http://service.2fa-chain.kz/ns/kdp';

async function main() {
  const given = read();
  const client = await soap.createClientAsync(given.wsdl, { endpoint: given.address });
  // anyType has no fields that the library could know: the namespace of its children is told by hand.
  const data = { attributes: { 'xmlns:k': K, xsi_type: { prefix: 'k', type: 'getUserDataRequest' } } };
  for (const [name, value] of Object.entries(given.data)) data[`k:${name}`] = value;
  const request = { requestInfo: info(given), requestData: { data } };
  let answer;
  try {
    [answer] = await client.SendMessageAsync({ request });
  } catch (error) {
    if (!error.root) throw error;
    const fault = error.root.Envelope.Body.Fault;
    tell('fault', { faultstring: fault.faultstring, ...fault.detail.SendMessageFault1_SendMessageFault });
    return;
  }
  const { responseInfo, responseData } = answer.response;
  tell('info', responseInfo.status);
  tell('data', responseData.data);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
