/**
 * Answers the two queries of fastifyOrders.mjs as PostgreSQL would, by its protocol (version 3.0, chapter "Message Formats" of its
 * documentation), and computes nothing: a database takes the processor time that a service is measured in, and not evenly.
 */
import { createServer } from 'node:net';

const INT4 = 23;
const TEXT = 25;
/** What a column has beside its name and type: no table, the size of the type, no modifier, as text. */
const SIZES = { [INT4]: 4, [TEXT]: -1 };
const STARTED = Buffer.concat([message('R', int32(0)), message('Z', Buffer.from('I'))]);
const NOTHING = message('C', string('SELECT 0'));
const ANSWERS = {
  customer: result([['name', TEXT], ['id', INT4]], [['Ada', '42']]),
  prices: result([['sku', INT4], ['price', INT4]], Array.from({ length: 20 }, (_, index) => [`${index + 1}`, `${(index + 1) * 3}`])),
};

/** @returns its port on the loopback interface */
export function startPostgresStandIn() {
  const server = createServer(serve).listen(0, '127.0.0.1');
  return new Promise((resolve) => server.once('listening', () => resolve(server.address().port)));
}

function serve(socket) {
  let text = Buffer.alloc(0);
  let started = false;
  let bound = '';
  socket.setNoDelay(true);
  // a service is killed when it has been measured
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    text = text.length === 0 ? chunk : Buffer.concat([text, chunk]);
    const out = [];
    for (;;) {
      const head = started ? 1 : 0;
      if (text.length < head + 4 || text.length < head + text.readInt32BE(head)) break;
      const end = head + text.readInt32BE(head);
      const body = text.subarray(head + 4, end);
      out.push(...(started ? answer(String.fromCharCode(text[0]), body) : [STARTED]));
      started = true;
      text = text.subarray(end);
    }
    if (out.length > 0) socket.write(Buffer.concat(out));
  });

  function answer(type, body) {
    if (type === 'Q') return [NOTHING, message('Z', Buffer.from('I'))];
    if (type === 'P') return [message('1', Buffer.alloc(0))];
    // a portal without a name, of a statement with one
    if (type === 'B') {
      bound = body.latin1Slice(1, body.indexOf(0, 1));
      return [message('2', Buffer.alloc(0))];
    }
    if (type === 'D') return [ANSWERS[bound].columns];
    if (type === 'E') return [ANSWERS[bound].rows];
    if (type === 'S') return [message('Z', Buffer.from('I'))];
    if (type === 'X') socket.end();
    return [];
  }
}

function result(columns, rows) {
  const described = columns.map(([name, type]) => Buffer.concat([string(name), int32(0), int16(0), int32(type), int16(SIZES[type]), int32(-1), int16(0)]));
  const values = rows.map((row) => message('D', int16(row.length), ...row.flatMap((value) => [int32(Buffer.byteLength(value)), Buffer.from(value)])));
  return { columns: message('T', int16(columns.length), ...described), rows: Buffer.concat([...values, message('C', string(`SELECT ${rows.length}`))]) };
}

function message(type, ...parts) {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function int32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value) {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function string(text) {
  return Buffer.from(`${text}\0`);
}
