/** Resources that are alike, counted together. */
import type { RawPosition, RawResource, RawText } from '../heapAnalysis';
import type { HeapObjectId } from '../heapGraph';
import { commonDetails, keyOf } from '../leaves/leaf';
import type { Details } from '../leaves/leaf';

/** Rows of one sort of resource; what is different from all of them goes into one more row, by type. */
export const GROUP_LIMIT = 1_000;

export interface Resource {
  readonly type: string;
  readonly text: RawText;
  readonly at: RawPosition | null;
  readonly details: Details;
  /** Node's own: shown, but not counted as the program's. */
  readonly ofNode: boolean;
  /** The socket whose address the heap does not hold; its text has a place for it. */
  readonly socket?: HeapObjectId;
}

interface Group {
  count: number;
  readonly sockets: number[];
  readonly resource: Omit<Resource, 'details'>;
  details: Readonly<Details>;
}

export class ResourceGroups {
  readonly #groups = new Map<string, Group>();
  /** The program's own. */
  total = 0;

  add(resource: Resource): void {
    if (!resource.ofNode) this.total++;
    // what the program starts through Node can be called the same as what Node has for itself
    const sort = resource.ofNode ? `${resource.type} of node` : resource.type;
    let key = keyOf(sort, resource.text, resource.at);
    if (!this.#groups.has(key) && this.#groups.size >= GROUP_LIMIT) key = sort;
    const group = this.#groups.get(key);
    if (group !== undefined) {
      group.count++;
      if (key !== sort && resource.socket !== undefined) group.sockets.push(resource.socket);
      group.details = commonDetails(group.details, resource.details);
    } else if (key === sort) {
      this.#groups.set(key, { count: 1, sockets: [], resource: { ...resource, text: ['others'], at: null }, details: {} });
    } else {
      this.#groups.set(key, { count: 1, sockets: resource.socket === undefined ? [] : [resource.socket], resource, details: resource.details });
    }
  }

  /** The most numerous first. */
  rows(): RawResource[] {
    return [...this.#groups.values()]
      .sort((a, b) => b.count - a.count)
      .map(({ count, sockets, resource: { type, text, at, ofNode }, details }) => ({
        count,
        type,
        text,
        at,
        details: ofNode ? { ...details, origin: 'node' } : details,
        ...(sockets.length > 0 && { sockets: Uint32Array.from(sockets) }),
      }));
  }
}
