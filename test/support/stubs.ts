/**
 * The smallest servers that the real drivers of MySQL and MongoDB, and HTTP clients, can talk to: connecting works, and
 * what a program asks for is never answered.
 */
import { createServer as createHttpServer } from 'node:http';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { LIBRARIES_PACKAGE } from '../../scripts/lib/paths.ts';

export interface Stub {
  readonly port: number;
  close(): Promise<void>;
}

/** Capabilities: long password, protocol 4.1, transactions, secure connection, plugin authentication, connect with a database. */
const MYSQL_CAPABILITIES = 0x1 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x80000;
const MYSQL_QUIT = 0x01;
const MYSQL_PING = 0x0e;
const MYSQL_PREPARE = 0x16;
const MYSQL_OK = Buffer.from([0, 0, 0, 2, 0, 0, 0]);

/** Lets everybody in, answers pings and prepares, and no query. */
export function startMysqlStub(): Promise<Stub> {
  return listen((socket) => {
    let greeted = false;
    send(socket, 0, mysqlGreeting());
    let buffered = Buffer.alloc(0);
    socket.on('data', (data) => {
      buffered = Buffer.concat([buffered, data]);
      while (buffered.length >= 4 && buffered.length >= 4 + buffered.readUIntLE(0, 3)) {
        const end = 4 + buffered.readUIntLE(0, 3);
        const sequence = (buffered[3] ?? 0) + 1;
        const command = buffered[4];
        buffered = buffered.subarray(end);
        if (!greeted) {
          greeted = true;
          send(socket, sequence, MYSQL_OK);
        } else if (command === MYSQL_QUIT) socket.end();
        else if (command === MYSQL_PING) send(socket, sequence, MYSQL_OK);
        else if (command === MYSQL_PREPARE) {
          // a statement without parameters and columns: status, id, columns, parameters, filler, warnings
          send(socket, sequence, Buffer.from([0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
        }
      }
    });
  });
}

function send(socket: Socket, sequence: number, payload: Buffer): void {
  const header = Buffer.alloc(4);
  header.writeUIntLE(payload.length, 0, 3);
  header[3] = sequence;
  socket.write(Buffer.concat([header, payload]));
}

/** The initial handshake packet, version 10. */
function mysqlGreeting(): Buffer {
  const salt = 'abcdefghijklmnopqrst';
  const capabilities = Buffer.alloc(4);
  capabilities.writeUInt32LE(MYSQL_CAPABILITIES >>> 0);
  return Buffer.concat([
    Buffer.from([10]),
    Buffer.from('8.0.36\0'),
    Buffer.from([1, 0, 0, 0]),
    Buffer.from(`${salt.slice(0, 8)}\0`),
    capabilities.subarray(0, 2),
    Buffer.from([45, 2, 0]),
    capabilities.subarray(2, 4),
    Buffer.from([salt.length + 1]),
    Buffer.alloc(10),
    Buffer.from(`${salt.slice(8)}\0`),
    Buffer.from('mysql_native_password\0'),
  ]);
}

interface Bson {
  serialize(document: object): Uint8Array;
  deserialize(data: Uint8Array): Record<string, unknown>;
}

const MONGO_HEADER_BYTES = 16;
const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
/** Commands that only hold the connection together; all others are what a program asks for. */
const MONGO_ANSWERED = new Set(['hello', 'ismaster', 'isMaster', 'ping', 'endSessions']);

/** A single server that says hello, answers pings and lets sessions end, and no other command. */
export function startMongoStub(): Promise<Stub> {
  const bson = createRequire(join(LIBRARIES_PACKAGE, 'package.json'))('bson') as Bson;
  const hello = () => ({
    helloOk: true,
    ismaster: true,
    isWritablePrimary: true,
    maxBsonObjectSize: 16 << 20,
    maxMessageSizeBytes: 48 << 20,
    maxWriteBatchSize: 100_000,
    localTime: new Date(),
    logicalSessionTimeoutMinutes: 30,
    minWireVersion: 0,
    maxWireVersion: 21,
    readOnly: false,
    ok: 1,
  });
  return listen((socket) => {
    let buffered = Buffer.alloc(0);
    socket.on('data', (data) => {
      buffered = Buffer.concat([buffered, data]);
      while (buffered.length >= MONGO_HEADER_BYTES && buffered.length >= buffered.readInt32LE(0)) {
        const message = buffered.subarray(0, buffered.readInt32LE(0));
        buffered = buffered.subarray(message.length);
        answerMongo(socket, message, bson, hello);
      }
    });
  });
}

function answerMongo(socket: Socket, message: Buffer, bson: Bson, hello: () => object): void {
  const id = message.readInt32LE(4);
  const code = message.readInt32LE(12);
  let document: Buffer;
  if (code === OP_QUERY) {
    // flags, the collection's name, skip, limit, then the command
    document = message.subarray(message.indexOf(0, MONGO_HEADER_BYTES + 4) + 9);
  } else if (code === OP_MSG) document = message.subarray(MONGO_HEADER_BYTES + 5);
  else return;
  const command = Object.keys(bson.deserialize(document.subarray(0, document.readInt32LE(0))))[0] ?? '';
  if (!MONGO_ANSWERED.has(command)) return;
  const answer = bson.serialize(/^(?:hello|ismaster)$/i.test(command) ? hello() : { ok: 1 });
  const prefix = code === OP_MSG ? Buffer.alloc(5) : Buffer.alloc(20);
  if (code === OP_QUERY) prefix.writeInt32LE(1, 16);
  const header = Buffer.alloc(MONGO_HEADER_BYTES);
  header.writeInt32LE(MONGO_HEADER_BYTES + prefix.length + answer.length, 0);
  header.writeInt32LE(id, 8);
  header.writeInt32LE(code === OP_MSG ? OP_MSG : OP_REPLY, 12);
  socket.write(Buffer.concat([header, prefix, answer]));
}

/** Takes every request and answers none. */
export async function startHttpStub(): Promise<Stub> {
  return stubOf(await listening(createHttpServer({ requestTimeout: 0 })));
}

async function listen(onConnection: (socket: Socket) => void): Promise<Stub> {
  return stubOf(
    await listening(
      createServer((socket) => {
        socket.setNoDelay(true);
        onConnection(socket);
      }),
    ),
  );
}

/** The server once it listens on a free port of the loopback interface. */
function listening<S extends Server>(server: S): Promise<S> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      resolve(server);
    });
  });
}

function stubOf(server: Server): Stub {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    // a program that is killed resets its connections
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}
