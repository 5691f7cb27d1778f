/**
 * Sends requests over connections that are kept, each as soon as the one before is answered, and says how many were
 * answered and how long they took. A process of its own: what the load costs is not the service's.
 *
 * It is the stand-in of a database, too, with `postgresPort`.
 *
 * Message: `{ port, method, path, body, connections, ms }`. Answer: `{ answered, elapsedMs, p50Ms, p99Ms }`.
 */
import { connect } from 'node:net';
import { startPostgresStandIn } from './postgresStandIn.mjs';

const HEAD_END = Buffer.from('\r\n\r\n');

process.on('message', async (order) => {
  process.send(await run(order));
});
process.send({ postgresPort: await startPostgresStandIn() });

async function run({ port, method, path, body, connections, ms }) {
  const head = [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: keep-alive'];
  if (body !== undefined) head.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`);
  const request = Buffer.from(`${head.join('\r\n')}\r\n\r\n${body ?? ''}`);
  const times = [];
  const begin = performance.now();
  const end = begin + ms;
  await Promise.all(Array.from({ length: connections }, () => lane(port, request, end, times)));
  const elapsedMs = performance.now() - begin;
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  return { answered: times.length, elapsedMs, p50Ms: at(0.5), p99Ms: at(0.99) };
}

function lane(port, request, end, times) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let sent = 0;
    let text = Buffer.alloc(0);
    const send = () => {
      sent = performance.now();
      socket.write(request);
    };
    socket.setNoDelay(true);
    socket.on('connect', send);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('The service has closed a connection.')));
    socket.on('data', (chunk) => {
      text = text.length === 0 ? chunk : Buffer.concat([text, chunk]);
      const headEnd = text.indexOf(HEAD_END);
      if (headEnd === -1) return;
      const head = text.latin1Slice(0, headEnd);
      const length = /\ncontent-length: (\d+)/i.exec(head);
      if (!/^HTTP\/1\.1 20\d /.test(head) || length === null) {
        socket.removeAllListeners('close').destroy();
        reject(new Error(`The service answered: ${head}`));
        return;
      }
      if (text.length < headEnd + HEAD_END.length + Number(length[1])) return;
      text = Buffer.alloc(0);
      const now = performance.now();
      times.push(now - sent);
      if (now < end) {
        send();
        return;
      }
      socket.removeAllListeners('close').destroy();
      resolve();
    });
  });
}
