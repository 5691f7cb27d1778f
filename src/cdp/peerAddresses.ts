/**
 * The other ends of sockets, by the ids of a heap snapshot: a heap does not hold the address of a socket that was connected to an IP
 * address. Node lists its open handles, V8 tells the id of each, and the system knows the address: no walk over the heap is needed.
 */
import * as v from 'valibot';
import { hostAndPort } from '../core/heap/leaves/socket';
import type { Connection } from './connection';
import { evaluateUnseen } from './evaluate';
import { inObjectGroup } from './objectGroup';
import { PROCESS } from './primordials';
import { getProperties } from './remoteProperties';
import { TargetError } from './target';

/** Sockets that are asked for, the first that Node lists. Those beyond have no address. */
const SOCKET_LIMIT = 2_000;
/** Ids that are asked for at a time, so that the target gets to its own work in between. */
const IDS_AT_ONCE = 64;
/** Characters of an address; what is longer is none. */
const ADDRESS_LIMIT = 100;
/** What is held in the target meanwhile. */
const PEER_GROUP = 'asyncscope-peers';

/**
 * Sockets, each followed by the address and the port of its other end. `remoteAddress` would leave what it found on the socket (node:
 * Socket.prototype._getpeername in lib/net.js).
 */
const PEERS = `(function (p) {
  var found = [], handles = [];
  try { handles = p._getActiveHandles(); } catch (e) {}
  for (var i = 0; i < handles.length && found.length < 3 * ${SOCKET_LIMIT}; i++) {
    try {
      var handle = handles[i]._handle, peer = {};
      if (handle && typeof handle.getpeername === 'function' && handle.getpeername(peer) === 0) found.push(handles[i], '' + peer.address, +peer.port);
    } catch (e) {}
  }
  return found;
})(${PROCESS})
//# sourceURL=node:internal/asyncscope/peers`;

const list = v.object({ result: v.object({ objectId: v.string() }) });
const id = v.object({ heapSnapshotObjectId: v.pipe(v.string(), v.regex(/^\d+$/)) });

/**
 * Addresses of the other ends of connected sockets, as far as they are known.
 * @param wanted ids of sockets
 * @throws {TargetError} `closed`
 */
export async function findPeerAddresses(connection: Connection, wanted: ReadonlySet<number>): Promise<ReadonlyMap<number, string>> {
  const found = new Map<number, string>();
  try {
    await inObjectGroup(connection, PEER_GROUP, (group) => find(connection, wanted, found, group));
  } catch (error) {
    // a dump is whole without them
    if (!(error instanceof TargetError) || (error.reason !== 'agent failed' && error.reason !== 'timeout')) throw error;
  }
  return found;
}

async function find(connection: Connection, wanted: ReadonlySet<number>, found: Map<number, string>, objectGroup: string): Promise<void> {
  const sockets = v.safeParse(list, await evaluateUnseen(connection, { expression: PEERS, objectGroup }));
  if (!sockets.success) return;
  const { result } = await getProperties(connection, sockets.output.result.objectId);
  const values = result.filter(({ name }) => /^\d+$/.test(name)).map(({ value }) => value);
  const peers: { readonly objectId: string; readonly address: string }[] = [];
  for (let i = 0; i + 2 < values.length; i += 3) {
    const [socket, host, port] = values.slice(i, i + 3);
    if (socket?.objectId === undefined || typeof host?.value !== 'string' || host.value.length > ADDRESS_LIMIT || typeof port?.value !== 'number') continue;
    const address = hostAndPort(host.value, port.value);
    if (address !== null) peers.push({ objectId: socket.objectId, address });
  }
  for (let i = 0; i < peers.length && found.size < wanted.size; i += IDS_AT_ONCE) {
    const group = peers.slice(i, i + IDS_AT_ONCE);
    const ids = await Promise.all(group.map((peer) => connection.send('HeapProfiler.getHeapObjectId', { objectId: peer.objectId })));
    for (const [index, { address }] of group.entries()) {
      const known = v.safeParse(id, ids[index]);
      const socket = known.success ? Number(known.output.heapSnapshotObjectId) : -1;
      if (wanted.has(socket)) found.set(socket, address);
    }
  }
}
