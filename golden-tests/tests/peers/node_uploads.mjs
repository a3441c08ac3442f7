// Uploads of 40 MB that are refused, by Node's fetch, its http module and undici: `node_uploads.mjs PORT PATH STATUS`.
//
// Prints for each how many of nine saw the refusal, and what the others saw instead.
import { createRequire } from 'node:module';
import { request as plain } from 'node:http';
import { Readable } from 'node:stream';

const [port, path, status] = process.argv.slice(2);
const TRIES = 9;
const body = Buffer.alloc(40_000_000, 'x');
const url = `http://127.0.0.1:${port}${path}`;

const ways = {
  async fetch() {
    const answer = await fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(15_000) });
    await answer.text();
    return answer.status;
  },
  async 'fetch stream'() {
    const pieces = Readable.from((function* () { for (let at = 0; at < body.length; at += 65_536) yield body.subarray(at, at + 65_536); })());
    const answer = await fetch(url, { method: 'POST', body: Readable.toWeb(pieces), duplex: 'half', signal: AbortSignal.timeout(15_000) });
    await answer.text();
    return answer.status;
  },
  http() {
    return new Promise((done, fail) => {
      const asked = plain(url, { method: 'POST', headers: { 'content-length': body.length }, timeout: 15_000 }, (answer) => {
        answer.resume();
        answer.on('end', () => done(answer.statusCode));
        answer.on('error', fail);
      });
      asked.on('error', fail);
      asked.on('timeout', () => asked.destroy(new Error('silent')));
      asked.end(body);
    });
  },
};

if (process.env.WEFT_NODE_MODULES) {
  const require = createRequire(`${process.env.WEFT_NODE_MODULES}/x.js`);
  const undici = require('undici');
  ways.undici = async () => {
    const answer = await undici.request(url, { method: 'POST', body, signal: AbortSignal.timeout(15_000) });
    await answer.body.text();
    return answer.statusCode;
  };
}

// Errors that come after the answer belong to nobody.
process.on('uncaughtException', () => {});

const figures = {};
for (const [name, run] of Object.entries(ways)) {
  const seen = {};
  for (let number = 0; number < TRIES; number += 1) {
    let what;
    try { what = String(await run()); } catch (error) { what = error.cause?.code ?? error.code ?? error.name; }
    // Of a body without a length the server may answer before a limit is met.
    if (what === status || (name === 'fetch stream' && status === '413' && what === '401')) what = 'seen';
    seen[what] = (seen[what] ?? 0) + 1;
  }
  figures[name] = seen;
}
console.log(JSON.stringify(figures));
process.exit(0);
