/**
 * How eagerly V8 compiles while a heap is analysed. An analysis is over in a second or two, and whatever it does once for each promise
 * would be compiled by V8's slowest compiler, in threads beside it, just before it is done: a quarter of the processor time. It pays for
 * the loops over all nodes and edges only, which that compiler takes as loops, however often they are called.
 */
import { setFlagsFromString } from 'node:v8';

/**
 * Calls of a function before V8's slowest compiler takes it; V8 has 3,000. With 200,000 an analysis takes 6 to 15 % less processor time
 * (Node 24 and 26, heaps of 0.5 to 2.4 million objects), with 100,000 or 1,000,000 less gain.
 */
const CALLS_BEFORE_TURBOFAN = 200_000;
/** Of Node, where it was measured. On Node 22 it takes a fifth more: there the compiler before the slowest is switched off. */
const FIRST_VERSION = 24;
const LAST_VERSION = 26;

/** For V8's command line; null where it is left as it is. Not in Electron, whose V8 may not let its options be changed. */
export function compilerOption({ node, electron }: Readonly<Record<string, string | undefined>>): string | null {
  const version = Number.parseInt(node ?? '', 10);
  if (electron !== undefined || !(version >= FIRST_VERSION && version <= LAST_VERSION)) return null;
  return `--invocation-count-for-turbofan=${CALLS_BEFORE_TURBOFAN}`;
}

/** Holds for all threads of this process from now on, and changes nothing but what V8 compiles when. */
export function compileSparingly(): void {
  const option = compilerOption(process.versions);
  if (option !== null) setFlagsFromString(option);
}
