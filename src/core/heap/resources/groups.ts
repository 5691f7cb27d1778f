/** Resources that are alike, counted together. */
import type { RawPosition, RawResource, RawText } from '../heapAnalysis';
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
}

interface Group {
  count: number;
  readonly resource: Omit<Resource, 'details'>;
  details: Readonly<Details>;
}

export class ResourceGroups {
  readonly #groups = new Map<string, Group>();
  /** The program's own. */
  total = 0;

  add(resource: Resource): void {
    if (!resource.ofNode) this.total++;
    let key = keyOf(resource.type, resource.text, resource.at);
    if (!this.#groups.has(key) && this.#groups.size >= GROUP_LIMIT) key = resource.type;
    const group = this.#groups.get(key);
    if (group !== undefined) {
      group.count++;
      group.details = commonDetails(group.details, resource.details);
    } else if (key === resource.type) {
      this.#groups.set(key, { count: 1, resource: { ...resource, text: ['others'], at: null }, details: {} });
    } else {
      this.#groups.set(key, { count: 1, resource, details: resource.details });
    }
  }

  /** The most numerous first. */
  rows(): RawResource[] {
    return [...this.#groups.values()]
      .sort((a, b) => b.count - a.count)
      .map(({ count, resource: { type, text, at, ofNode }, details }) => ({ count, type, text, at, details: ofNode ? { ...details, origin: 'node' } : details }));
  }
}
