// A server of Node that answers at once and reads no body: `refused.mjs PORT STATUS`.
import { createServer } from 'node:http';

const [port, status] = process.argv.slice(2).map(Number);
createServer((request, response) => {
  response.writeHead(status, { 'content-type': 'text/plain' });
  response.end('refused by the server\n');
}).listen(port, '127.0.0.1', () => console.log('ready'));
