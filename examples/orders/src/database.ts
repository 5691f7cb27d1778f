import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

import type { DatabaseAnswer, DatabaseCommand, DatabaseRequest, OrderRow } from './databaseServer.js';
import { readLines } from './lines.js';

export type Prices = Readonly<Record<string, number>>;

interface PendingQuery {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A client that runs all its queries over one connection. Queries reject when the database says no or goes away. */
export class Database {
  private readonly pending = new Map<number, PendingQuery>();
  private lastId = 0;

  private constructor(private readonly socket: Socket) {
    readLines(socket, (line) => this.receive(line));
    socket.on('error', (error) => this.rejectAll(error));
    socket.on('close', () => this.rejectAll(new Error('The database connection is closed.')));
  }

  static async connect(port: number): Promise<Database> {
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    return new Database(socket);
  }

  async insertOrder(order: OrderRow): Promise<void> {
    await this.query({ do: 'insert', order });
  }

  async updateStatus(id: string, status: string): Promise<void> {
    await this.query({ do: 'update', id, status });
  }

  async findOrder(id: string): Promise<OrderRow | undefined> {
    const row = await this.query({ do: 'select', id });
    return (row as OrderRow | null) ?? undefined;
  }

  async prices(): Promise<Prices> {
    return (await this.query({ do: 'prices' })) as Prices;
  }

  /** Queries still waiting for an answer reject. */
  async close(): Promise<void> {
    if (!this.socket.closed) {
      const closed = once(this.socket, 'close');
      this.socket.destroy();
      await closed;
    }
  }

  private query(command: DatabaseCommand): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (!this.socket.writable) {
        reject(new Error('The database connection is closed.'));
        return;
      }
      const request: DatabaseRequest = { id: ++this.lastId, command };
      this.pending.set(request.id, { resolve, reject });
      this.socket.write(`${JSON.stringify(request)}\n`);
    });
  }

  private receive(line: string): void {
    const answer = JSON.parse(line) as DatabaseAnswer;
    const query = this.pending.get(answer.id);
    this.pending.delete(answer.id);
    if (answer.error === undefined) {
      query?.resolve(answer.result);
    } else {
      query?.reject(new Error(`The database answered: ${answer.error}`));
    }
  }

  private rejectAll(error: Error): void {
    for (const query of this.pending.values()) {
      query.reject(error);
    }
    this.pending.clear();
  }
}
