/**
 * Sockets that wait in a pool for the next request. They belong to no line: whoever opened them is done with them. A pool
 * tells nobody when a socket comes back to it, so sockets are looked at when the agent is asked.
 */
import { readHidden, readOwn } from './host';

/** What a pool is called where its sockets are listed. */
export type PoolName = 'http.Agent keep-alive' | 'undici keep-alive';

/** Where a socket stands: idle in a pool, in use by a client that has pools, or none of a pool's. */
export type PoolState = PoolName | 'in use' | 'not pooled' | 'unknown';

/** Sockets that are looked at in one poll, one after the other: about half a millisecond. The others have their turn later. */
export const POOL_LOOKS = 256;

/** @param handle Node's own object of a TCP socket or a pipe */
export function poolState(isProxy: (value: unknown) => boolean, handle: object): PoolState {
  const socket = readHidden(isProxy, handle, 'owner_symbol');
  if (socket === undefined || socket === null) return 'unknown';
  // the server's end of a connection (node: lib/net.js, onconnection)
  if (isObject(readOwn(isProxy, socket, 'server'))) return 'not pooled';
  // http.Agent listens for `free` on the sockets that it keeps; one that is free has no request (node: lib/_http_agent.js)
  const message = readOwn(isProxy, socket, '_httpMessage');
  if (message !== undefined) {
    const listens = readOwn(isProxy, readOwn(isProxy, socket, '_events'), 'free') !== undefined;
    return message === null && listens ? 'http.Agent keep-alive' : 'in use';
  }
  // undici keeps its client beside the socket's parser, and in it a queue of requests with the index of the running one
  const client = readOwn(isProxy, readHidden(isProxy, socket, 'parser'), 'client');
  if (client === undefined) return 'unknown';
  const queue = readHidden(isProxy, client, 'queue');
  const running = readHidden(isProxy, client, 'running index');
  if (!Array.isArray(queue) || typeof running !== 'number') return 'unknown';
  return queue.length <= running ? 'undici keep-alive' : 'in use';
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
