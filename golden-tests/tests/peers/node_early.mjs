// 250 POSTs over HTTP/2 on one session, each answered before its body has been sent: `node_early.mjs PORT PATH STATUS [BYTES]`.
//
// Prints how many got the answer, and the session's end if it ended.
import { connect } from 'node:http2';

const [port, path, status, bytes = '100000'] = process.argv.slice(2);
const POSTS = 250;
const body = Buffer.alloc(Number(bytes), 'x');
const figures = { answered: 0, failed: 0, sessions: 1 };
const count = (what) => { figures[what] = (figures[what] ?? 0) + 1; };

let session;
function open() {
  session = connect(`http://127.0.0.1:${port}`);
  session.on('error', (error) => count(`session ${error.code}`));
  session.on('goaway', (code) => count(`goaway ${code}`));
}
open();

function post() {
  return new Promise((done) => {
    if (session.destroyed || session.closed) { figures.sessions += 1; open(); }
    const stream = session.request({ ':method': 'POST', ':path': path, ':authority': 'peers.test', 'content-length': body.length });
    let seen = '', error = '';
    const limit = setTimeout(() => { error = 'silent'; stream.close(8); }, 5_000);
    stream.on('response', (head) => { seen = String(head[':status']); });
    stream.on('error', (cause) => { error = cause.code; });
    stream.on('close', () => {
      clearTimeout(limit);
      if (seen === status && !error) figures.answered += 1;
      else { figures.failed += 1; count(`${seen} ${error}`); }
      done();
    });
    stream.resume();
    stream.end(body);
  });
}

function end() {
  console.log(JSON.stringify(figures));
  process.exit(0);
}

// What takes longer than this hangs.
setTimeout(end, 20_000);
for (let number = 0; number < POSTS; number += 1) await post();
end();
