'use strict';

// What both programs read from standard input and write to standard output: lines `name=value`.

const fs = require('fs');

exports.read = () => {
  const given = { data: {} };
  for (const line of fs.readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
    const at = line.indexOf('=');
    const [name, value] = [line.slice(0, at), line.slice(at + 1)];
    if (name.startsWith('data.')) given.data[name.slice(5)] = value;
    else given[name] = value;
  }
  return given;
};

exports.tell = (part, values) => {
  for (const [name, value] of Object.entries(values)) {
    const text = value instanceof Date ? value.toISOString() : value;
    if (['string', 'number', 'boolean'].includes(typeof text)) console.log(`${part}.${name}=${text}`);
  }
};

exports.info = (given) => ({
  messageId: given.messageId,
  serviceId: given.serviceId,
  messageDate: given.messageDate,
  sender: { senderId: given.senderId, password: given.password },
});
