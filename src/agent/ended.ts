/**
 * Whether a timer, handle or request is over, by its own state: for the time in which Node is not asked to tell of ends. What shows
 * none, a job of `crypto` or a DNS query, is over when it is collected.
 */
import { readHidden, readOwn } from './host';
import type { PromiseDetails, TargetProcess } from './host';

export interface Endings {
  /** To be called before a row of {@link isOver}: what is under way is listed once for all. */
  begin(): void;
  /** @param held as the table keeps it: a timer or an immediate itself, of all else a weak reference */
  isOver(asyncId: number, held: object | null): boolean;
}

/** Requests that libuv lists while they are under way. */
const LISTED = /^(?:FSReqCallback|GetAddrInfoReqWrap|GetNameInfoReqWrap)$/;

/** Handles of Node's that say -1 for their descriptor once they are closed. */
const WITH_DESCRIPTOR = /^(?:FileHandle|TCP|Pipe|TTY)$/;

export function createEndings(process: TargetProcess, isProxy: (value: unknown) => boolean, details: PromiseDetails | undefined): Endings {
  const read = (holder: unknown, key: PropertyKey): unknown => readOwn(isProxy, holder, key);
  const hidden = (holder: unknown, description: string): unknown => readHidden(isProxy, holder, description);
  const listActive = process._getActiveRequests;
  let active: Set<unknown> | undefined;

  function isActive(request: object): boolean {
    if (active === undefined) {
      active = new Set();
      const list = listActive?.call(process) ?? [];
      for (let i = 0; i < list.length; i++) active.add(list[i]);
    }
    return active.has(request);
  }

  /** Whether the object that a handle belongs to has let go of it (node: lib/net.js, lib/dgram.js, lib/internal/fs/watchers.js …). */
  function isLetGo(handle: object, owner: unknown): boolean {
    let own = read(owner, '_handle') ?? hidden(owner, 'kHandle') ?? read(hidden(owner, 'state symbol'), 'handle');
    // the TLS layer stands on the socket's own handle
    if (own !== handle && own !== null && own !== undefined) own = read(own, '_parent') ?? own;
    return own !== handle;
  }

  return {
    begin() {
      active = undefined;
    },
    isOver(asyncId, held) {
      if (held === null) return false;
      if (!(held instanceof WeakReference)) {
        // one that is started again gets another number
        return read(held, '_destroyed') === true || hidden(held, 'asyncId') !== asyncId;
      }
      const resource = held.deref() as object | undefined;
      if (resource === undefined) return true;
      const owner = hidden(resource, 'owner_symbol');
      if (typeof owner === 'object' && owner !== null && owner !== resource) return isLetGo(resource, owner);
      // node: lib/_http_client.js, responseOnEnd: a request whose answer is there has no parser any more
      const request = read(resource, 'req');
      if (request !== undefined) return read(request, 'parser') === null;
      const promise = read(resource, 'promise');
      if (typeof promise === 'object' && promise !== null && details !== undefined) {
        const state = details.of(promise)?.[0];
        if (state !== undefined) return state !== details.pending;
      }
      const name = read(read(getPrototypeOf(resource), 'constructor'), 'name');
      if (typeof name !== 'string') return false;
      if (WITH_DESCRIPTOR.test(name)) return ((resource as { readonly fd?: unknown }).fd ?? 0) as number < 0;
      return LISTED.test(name) && !isActive(resource);
    },
  };
}

const { getPrototypeOf } = Object;
const WeakReference = WeakRef;
