/**
 * Counts the target's garbage collections. Node's GCProfiler notes the state of all heap spaces before and after each of them, as text:
 * where there are many, it listens for a part of the time only, and what it hears stands for the rest.
 */
import type { AgentPoll } from '../protocol/agent';
import type { NodeModules } from './host';

/** What one collection costs while it is listened for, in milliseconds, half of it when it is read (Node 24). */
const COLLECTION_COST_MS = 0.05;
/**
 * Of the target's time, what listening may take. That is little, since it makes pauses longer that are what the slowest hundredth of
 * requests wait for: a service that answers 80,000 a second has 40 collections of 0.2 ms meanwhile, of which one in ten is listened to.
 */
const SHARE = 0.0002;
/** It is listened again after so long at the latest. Milliseconds. */
const LONGEST_PAUSE_MS = 60_000;

export interface Collections {
  /** To be called at every poll. */
  take(now: number): AgentPoll['process']['gc'];
  stop(): void;
}

export function watchCollections({ GCProfiler }: NodeModules['v8'], begin: number): Collections {
  const profiler = GCProfiler === undefined ? undefined : new GCProfiler();
  profiler?.start();
  let count = 0;
  let totalMs = 0;
  let estimated = false;
  let listening = profiler !== undefined;
  /** When listening began, up to when it has been accounted for, and when it is to begin again. */
  let since = begin;
  let accounted = begin;
  let resume = 0;

  function hear(now: number): void {
    const statistics = profiler?.stop()?.statistics ?? [];
    listening = false;
    const heardMs = now - since;
    const standsFor = heardMs > 0 ? (now - accounted) / heardMs : 1;
    let spent = 0;
    // GCProfiler reports microseconds (node: src/node_v8.cc, GCProfiler::AfterGCCallback)
    for (let i = 0; i < statistics.length; i++) spent += (statistics[i] as { cost: number }).cost / 1000;
    count += statistics.length * standsFor;
    totalMs += spent * standsFor;
    accounted = now;
    const pause = (statistics.length * COLLECTION_COST_MS) / SHARE - heardMs;
    resume = now + (pause < LONGEST_PAUSE_MS ? pause : LONGEST_PAUSE_MS);
  }

  return {
    take(now) {
      if (profiler === undefined) return { count, totalMs, estimated };
      if (listening) hear(now);
      if (now >= resume) {
        profiler.start();
        listening = true;
        since = now;
      } else estimated = true;
      return { count: round(count), totalMs, estimated };
    },
    stop() {
      profiler?.stop();
      listening = false;
    },
  };
}

const { round } = Math;
