/** What stands between us and an inspector: a TCP proxy that can stop, cut and spoil what passes, and servers that are no inspector. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';

interface Closable {
  close(): void;
}
const open = new Set<Closable>();

/** For `afterEach`. */
export function closeWires(): void {
  for (const each of open) each.close();
  open.clear();
}

export async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.add({
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  });
  return (server.address() as AddressInfo).port;
}

export interface Wire {
  readonly port: number;
  /** What the target sends reaches us. */
  fromTarget: boolean;
  /** What we send reaches the target. */
  toTarget: boolean;
  /** How often something was sent to the target. */
  messages: number;
  /** Sends bytes to us in the target's name. */
  inject(bytes: Buffer): void;
  /** Ends our side of all connections without a word. */
  cut(): void;
}

/** A proxy to a port of this machine. */
export async function wireTo(port: number): Promise<Wire> {
  const ours = new Set<Socket>();
  const server = createTcpServer((socket) => {
    const target = connect(port, '127.0.0.1');
    ours.add(socket);
    target.on('error', () => socket.destroy());
    target.on('close', () => socket.destroy());
    socket.on('close', () => {
      ours.delete(socket);
      target.destroy();
    });
    socket.on('data', (data) => {
      wire.messages++;
      if (wire.toTarget) target.write(data);
    });
    target.on('data', (data) => {
      if (wire.fromTarget) socket.write(data);
    });
  });
  const wire: Wire = {
    port: 0,
    fromTarget: true,
    toTarget: true,
    messages: 0,
    inject(bytes) {
      for (const socket of ours) socket.write(bytes);
    },
    cut() {
      for (const socket of ours) socket.destroy();
    },
  };
  return Object.assign(wire, { port: await listen(server) });
}

/** One unmasked text frame (RFC 6455, 5.2); `claimed` is the length that its head gives, where it is to be wrong. */
export function textFrame(text: string, claimed = Buffer.byteLength(text)): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt8(0x81, 0);
  head.writeUInt8(127, 1);
  head.writeBigUInt64BE(BigInt(claimed), 2);
  return Buffer.concat([head, Buffer.from(text)]);
}

export interface FakeInspector {
  /** What `/json/version` says in `Browser`. */
  readonly browser: string;
  /** Answers a command; undefined says nothing. */
  readonly answer?: (command: { readonly id: number; readonly method: string; readonly params: Record<string, unknown> }, send: (message: object) => void) => object | undefined;
  /** Called when a client closes its connection. */
  readonly left?: () => void;
}

/** Speaks just enough of the inspector protocol to be attached to. Resolves with its port. */
export async function fakeInspector({ browser, answer = () => ({}), left = () => undefined }: FakeInspector): Promise<number> {
  const state = { port: 0 };
  const server = createServer((request, response) => {
    const body = request.url === '/json/version' ? { Browser: browser, 'Protocol-Version': '1.1' } : [{ webSocketDebuggerUrl: `ws://127.0.0.1:${state.port}/secret-path`, title: 'x', type: 'node', url: 'file://' }];
    response.end(JSON.stringify(body));
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    // RFC 6455, 4.2.2
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    const send = (message: object): void => void socket.write(textFrame(JSON.stringify(message)));
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', (data: Buffer) => {
      rest = Buffer.concat([rest, data]);
      for (;;) {
        const frame = takeFrame(rest);
        if (frame === undefined) return;
        rest = frame.rest;
        if (frame.text === undefined) {
          left();
          socket.end();
          return;
        }
        const command = JSON.parse(frame.text) as Parameters<typeof answer>[0];
        const result = answer(command, send);
        if (result !== undefined) send({ id: command.id, result });
      }
    });
    socket.on('error', () => undefined);
  });
  state.port = await listen(server);
  return state.port;
}

/** A masked frame of a client: its text, undefined for anything but text. */
function takeFrame(bytes: Buffer): { readonly text: string | undefined; readonly rest: Buffer } | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes.readUInt8(1) & 0x7f;
  const lengthSize = short === 126 ? 2 : short === 127 ? 8 : 0;
  const at = 2 + lengthSize + 4;
  if (bytes.length < at) return undefined;
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < at + length) return undefined;
  const mask = bytes.subarray(at - 4, at);
  const payload = Buffer.from(bytes.subarray(at, at + length).map((byte, i) => byte ^ (mask[i % 4] ?? 0)));
  return { text: (bytes.readUInt8(0) & 0x0f) === 1 ? payload.toString() : undefined, rest: bytes.subarray(at + length) };
}
