/** Streams that hold something, or make somebody wait. */
import type { NodeIndex } from '../heapGraph';
import type { RawResources } from '../heapAnalysis';
import type { HeapObjects } from '../leaves/heapObjects';
import { streamSide } from '../leaves/stream';

/** Rows; the emptiest are left out. */
const ROW_LIMIT = 200;

type Row = RawResources['streams'][number];

export class StreamCount {
  readonly #objects: HeapObjects;
  readonly #rows = new Map<string, { -readonly [K in keyof Row]: Row[K] }>();

  constructor(objects: HeapObjects) {
    this.#objects = objects;
  }

  add(stream: NodeIndex): void {
    const objects = this.#objects;
    for (const which of ['readable', 'writable'] as const) {
      const side = streamSide(objects, stream, which);
      if (typeof side?.buffered !== 'number' || side.destroyed || (side.buffered === 0 && !side.needsDrain)) continue;
      const name = objects.className(stream);
      const full = side.highWaterMark !== null && side.buffered >= side.highWaterMark;
      const state = which === 'readable' ? (full ? 'full, not read' : 'not read') : side.needsDrain ? 'full, waiting for drain' : side.ended ? 'ending' : 'being written';
      const key = `${name}\u0000${state}\u0000${side.objectMode ? 'objects' : ''}`;
      const row = this.#rows.get(key);
      if (row === undefined) {
        this.#rows.set(key, { stream: name, count: 1, state, bufferedBytes: side.buffered, highWaterMark: side.highWaterMark ?? 0, objectMode: side.objectMode });
        continue;
      }
      row.count++;
      if (side.buffered > row.bufferedBytes) {
        row.bufferedBytes = side.buffered;
        row.highWaterMark = side.highWaterMark ?? 0;
      }
    }
  }

  rows(): RawResources['streams'] {
    return [...this.#rows.values()].sort((a, b) => b.bufferedBytes - a.bufferedBytes).slice(0, ROW_LIMIT);
  }
}
