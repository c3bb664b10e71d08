// A CommonJS service.
const { createServer, get } = require('node:http');

const server = createServer((_, response) => response.end('ok'));
server.listen(0, '127.0.0.1', () => {
  get(`http://127.0.0.1:${server.address().port}/required`, (response) => {
    response.resume();
    response.on('end', () => server.close());
  });
});
