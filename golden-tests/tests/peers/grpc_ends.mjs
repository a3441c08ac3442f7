// The ends of grpc_ends.py, as @grpc/grpc-js sees them: `grpc_ends.mjs PORT`.
import { createRequire } from 'node:module';

const [port] = process.argv.slice(2);
const require = createRequire(`${process.env.WEFT_NODE_MODULES}/x.js`);
const grpc = require('@grpc/grpc-js');

const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
const raw = (bytes) => bytes;

function stream(path, seconds, fields = {}) {
  return new Promise((done) => {
    const metadata = new grpc.Metadata();
    for (const [name, value] of Object.entries(fields)) metadata.set(name, value);
    let messages = 0;
    const call = client.makeServerStreamRequest(path, raw, raw, Buffer.from('1'), metadata, { deadline: Date.now() + seconds * 1000 });
    call.on('data', () => { messages += 1; });
    call.on('error', () => {});
    call.on('status', (status) => done([grpc.status[status.code], messages, status.details]));
  });
}

const ends = {
  deadline: await stream('/test.Echo/Trickle', 1),
  patience: await stream('/test.Impatient/Trickle', 15),
  'target too long': await stream(`/test.Echo/${'x'.repeat(20_000)}`, 10),
  'head too large': await stream('/test.Echo/Trickle', 10, { 'x-large': 'x'.repeat(70_000) }),
};
console.log(JSON.stringify(ends));
process.exit(0);
