/**
 * Counts the target's garbage collections, with an observer of performance entries: Node makes one for each of them, and an immediate
 * to hand it over. Where there are many, it listens for a part of the time only, and what it hears stands for the rest.
 *
 * Node's GCProfiler would tell the same, but goes on writing down every collection after it was stopped, until it has been collected
 * itself (node: src/node_v8.cc, GCProfiler::Stop): collections of a process whose whole heap is seldom collected get longer with each
 * time that it was used.
 */
import type { AgentPoll } from '../protocol/agent';
import type { NodeModules, PerformanceEntry, PerformanceObserver } from './host';

/** What one collection costs while it is listened for, in milliseconds, most of it after the collection (Node 24). */
const COLLECTION_COST_MS = 0.035;
/**
 * Of the target's time, what listening may take. That is little, since what waits for a collection are the slowest hundredth of
 * requests: a service that answers 80,000 a second has 40 collections of 0.2 ms meanwhile, of which one in seven is listened to.
 */
const SHARE = 0.0002;
/** It is listened again after so long at the latest. Milliseconds. */
const LONGEST_PAUSE_MS = 60_000;

export interface Collections {
  /** To be called at every poll. */
  take(now: number): AgentPoll['process']['gc'];
  stop(): void;
}

export function watchCollections({ PerformanceObserver }: Pick<NodeModules['perfHooks'], 'PerformanceObserver'>, begin: number): Collections {
  let count = 0;
  let totalMs = 0;
  let estimated = false;
  let heard = 0;
  let heardMs = 0;
  /** When listening began or was last accounted for, up to when all has been accounted for, and when it is to begin again. */
  let since = begin;
  let accounted = begin;
  let resume = 0;
  let listening = false;
  let observer: PerformanceObserver | undefined;
  listen();

  function hear(entries: readonly PerformanceEntry[]): void {
    heard += entries.length;
    for (let i = 0; i < entries.length; i++) heardMs += (entries[i] as PerformanceEntry).duration;
  }

  function listen(): void {
    if (PerformanceObserver === undefined) return;
    try {
      observer ??= new PerformanceObserver((list) => {
        hear(list.getEntries());
      });
      observer.observe({ entryTypes: ['gc'] });
      listening = true;
    } catch {
      // what a program has patched to throw tells nothing more
      observer = undefined;
      resume = Infinity;
    }
  }

  function account(now: number): void {
    // some may not have been handed over yet
    hear(observer?.takeRecords() ?? []);
    const spanMs = now - since;
    const standsFor = spanMs > 0 ? (now - accounted) / spanMs : 1;
    count += heard * standsFor;
    totalMs += heardMs * standsFor;
    const pauseMs = (heard * COLLECTION_COST_MS) / SHARE - spanMs;
    heard = 0;
    heardMs = 0;
    since = accounted = now;
    if (pauseMs <= 0) return;
    resume = now + (pauseMs < LONGEST_PAUSE_MS ? pauseMs : LONGEST_PAUSE_MS);
    observer?.disconnect();
    listening = false;
  }

  return {
    take(now) {
      if (listening) account(now);
      else if (now >= resume) {
        since = now;
        listen();
      }
      estimated ||= observer !== undefined && !listening;
      return { count: round(count), totalMs, estimated };
    },
    stop() {
      observer?.disconnect();
      listening = false;
    },
  };
}

const { round } = Math;
