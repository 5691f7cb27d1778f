import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

import { readLines } from './lines.js';

/** One request or answer is one line of JSON. */
export type DatabaseCommand =
  | { readonly do: 'insert'; readonly order: OrderRow }
  | { readonly do: 'update'; readonly id: string; readonly status: string }
  | { readonly do: 'select'; readonly id: string }
  | { readonly do: 'prices' };

export interface DatabaseRequest {
  readonly id: number;
  readonly command: DatabaseCommand;
}

export interface DatabaseAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

export interface OrderRow {
  readonly id: string;
  readonly customer: string;
  readonly sku: string;
  readonly quantity: number;
  readonly city: string;
  readonly total: number;
  readonly status: string;
}

export interface DatabaseServer {
  readonly port: number;
  close(): Promise<void>;
}

/** How long each command takes, in milliseconds. */
const LATENCY_MS = { insert: 12, update: 8, select: 4, prices: 30 } as const;
/** Every so many commands one meets a checkpoint and waits for it. */
const CHECKPOINT_EVERY = 40;
const CHECKPOINT_MS = 180;
/** Every so many inserts one is turned away, as a busy database does; the client retries it. */
const BUSY_EVERY = 25;
/** Only the newest orders are kept, so that the service can run for days. */
const MAX_ROWS = 1_000;

const PRICES = { tea: 4.5, coffee: 7.9, cocoa: 6.2, mug: 11, kettle: 39 };

/** Starts the "database": a table of orders behind a socket on the loopback interface. */
export async function startDatabaseServer(): Promise<DatabaseServer> {
  const rows = new Map<string, OrderRow>();
  const connections = new Set<Socket>();
  let commands = 0;
  let inserts = 0;

  function latencyOf(command: DatabaseCommand): number {
    commands++;
    return LATENCY_MS[command.do] + (commands % CHECKPOINT_EVERY === 0 ? CHECKPOINT_MS : 0);
  }

  function execute(command: DatabaseCommand): unknown {
    switch (command.do) {
      case 'insert':
        inserts++;
        if (inserts % BUSY_EVERY === 0) {
          throw new Error('busy');
        }
        rows.set(command.order.id, command.order);
        dropOldest(rows, MAX_ROWS);
        return command.order.id;
      case 'update': {
        const row = rows.get(command.id);
        if (row !== undefined) {
          rows.set(command.id, { ...row, status: command.status });
        }
        return row !== undefined;
      }
      case 'select':
        return rows.get(command.id) ?? null;
      case 'prices':
        return PRICES;
    }
  }

  function answer(socket: Socket, request: DatabaseRequest): void {
    try {
      send(socket, { id: request.id, result: execute(request.command) });
    } catch (error) {
      send(socket, { id: request.id, error: error instanceof Error ? error.message : 'failed' });
    }
  }

  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    socket.on('error', () => socket.destroy());
    readLines(socket, (line) => {
      const request = JSON.parse(line) as DatabaseRequest;
      setTimeout(() => answer(socket, request), latencyOf(request.command));
    });
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });

  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        connections.forEach((socket) => socket.destroy());
      }),
  };
}

function send(socket: Socket, answer: DatabaseAnswer): void {
  if (socket.writable) {
    socket.write(`${JSON.stringify(answer)}\n`);
  }
}

function dropOldest(rows: Map<string, OrderRow>, max: number): void {
  for (const id of rows.keys()) {
    if (rows.size <= max) {
      return;
    }
    rows.delete(id);
  }
}
