// A server of Node with a short keep-alive time, to which Node itself adds a second: `idle_node.mjs PORT MILLISECONDS`.
import { createServer } from 'node:http';

const [port, millis] = process.argv.slice(2).map(Number);
const server = createServer((request, response) => {
  request.resume();
  // Said here, so that no `Keep-Alive: timeout` is said with it.
  response.setHeader('connection', 'keep-alive');
  request.on('end', () => response.end('ok'));
});
server.keepAliveTimeout = millis;
server.listen(port, '127.0.0.1');
