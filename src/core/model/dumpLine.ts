/** Where functions of a dump lead: the same in its tree, its graph, and the details of the graph. */
import type { DumpFrame, DumpPosition } from './dump';
import { originOfScript } from './origin';

/** What has no place, and what stands in a module of Node itself, of which there is no file, cannot be opened. */
export function canBeOpened(position: DumpPosition | null | undefined): position is DumpPosition {
  return position !== null && position !== undefined && originOfScript(position.file) !== 'node';
}

/** Where a function stands, else where it begins; undefined where that cannot be opened. */
export function lineOf({ awaiting, declared }: Pick<DumpFrame, 'awaiting' | 'declared'>): DumpPosition | undefined {
  const position = awaiting ?? declared;
  return canBeOpened(position) ? position : undefined;
}

/**
 * The index of the function that is opened for several: the innermost of the user's own code, else of a package; -1 when none can be.
 * @param frames outermost first
 */
export function innermostLine(frames: readonly Pick<DumpFrame, 'origin' | 'awaiting' | 'declared'>[]): number {
  const own = frames.findLastIndex((frame) => frame.origin === 'app' && lineOf(frame) !== undefined);
  return own >= 0 ? own : frames.findLastIndex((frame) => lineOf(frame) !== undefined);
}
