// Asks for a stream of small messages and reads none of it, with @grpc/grpc-js: `grpc_js.mjs PORT SERVICE SECONDS`.
//
// Says `ready` when the first message has come, then nothing more until it ends. The package is found in the folder that WEFT_NODE_MODULES names.
import { createRequire } from 'node:module';

const [port, service, seconds] = process.argv.slice(2);
const require = createRequire(`${process.env.WEFT_NODE_MODULES}/x.js`);
const grpc = require('@grpc/grpc-js');

const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
const raw = (bytes) => bytes;
const call = client.makeServerStreamRequest(`/${service}/Endless`, raw, raw, Buffer.from(seconds));
call.on('error', (error) => {
  console.error(error);
  process.exit(1);
});
call.once('data', () => {
  call.pause();
  console.log('ready');
  // Its time begins here, so that a machine that is slow to start it takes none of it.
  setTimeout(() => process.exit(0), Number(seconds) * 1000);
});
setTimeout(() => process.exit(1), 60_000);
