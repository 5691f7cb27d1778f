/** How the user wants to see the tree. Kept for the workspace. Pure. */
import type { Filter } from '../../core/view/filter';
import { EMPTY_FILTER, formatFilter, parseFilter } from '../../core/view/filter';
import type { Grouping } from '../../core/view/grouping';
import { GROUPINGS } from '../../core/view/grouping';
import type { Disposable } from '../base/disposable';
import { Emitter } from '../base/emitter';
import type { InternalsPlacement, SiteOrder } from '../contributions';

export interface TreeLook {
  readonly order: SiteOrder;
  readonly internals: InternalsPlacement;
  readonly grouping: Grouping;
  readonly filter: Filter;
  /** Only sites with more live tasks than at the baseline. */
  readonly onlyNew: boolean;
}

/** Filters that are offered again, the last first; the oldest goes. */
export const FILTER_HISTORY_LIMIT = 10;

/** `vscode.Memento`, as far as it is needed. */
export interface Memory {
  get(key: string): unknown;
  update(key: string, value: unknown): PromiseLike<void>;
}

const KEYS = { order: 'siteOrder', internals: 'internals', grouping: 'grouping', filter: 'filter', onlyNew: 'onlyNew', history: 'filterHistory' } as const;

const ORDERS: readonly SiteOrder[] = ['count', 'age', 'growth'];
const PLACEMENTS: readonly InternalsPlacement[] = ['folded', 'inline'];

export class TreeState implements Disposable {
  readonly #memory: Memory;
  readonly #changed = new Emitter<TreeLook>();
  #look: TreeLook;
  #preview: Filter | undefined;
  #history: readonly string[];

  /** {@link look} changed. */
  readonly onDidChange = this.#changed.event;

  constructor(memory: Memory) {
    this.#memory = memory;
    this.#look = {
      order: oneOf(ORDERS, memory.get(KEYS.order)),
      internals: oneOf(PLACEMENTS, memory.get(KEYS.internals)),
      grouping: oneOf(GROUPINGS, memory.get(KEYS.grouping)),
      filter: filterFrom(memory.get(KEYS.filter)),
      onlyNew: memory.get(KEYS.onlyNew) === true,
    };
    const history = memory.get(KEYS.history);
    this.#history = Array.isArray(history) ? history.filter((text): text is string => typeof text === 'string').slice(0, FILTER_HISTORY_LIMIT) : [];
  }

  /** What is to be drawn: a filter that is being typed already counts. */
  get look(): TreeLook {
    return this.#preview === undefined ? this.#look : { ...this.#look, filter: this.#preview };
  }

  /** The last filters that were set, the last first, as text. */
  get history(): readonly string[] {
    return this.#history;
  }

  /** Changes the look at once, and remembers it. */
  async set(part: Partial<TreeLook>): Promise<void> {
    const look = { ...this.#look, ...part };
    const written: PromiseLike<void>[] = [];
    for (const key of ['order', 'internals', 'grouping', 'onlyNew'] as const) {
      if (look[key] !== this.#look[key]) written.push(this.#memory.update(KEYS[key], look[key]));
    }
    if (part.filter !== undefined) {
      const text = formatFilter(part.filter);
      written.push(this.#memory.update(KEYS.filter, text));
      if (text !== '') {
        this.#history = [text, ...this.#history.filter((each) => each !== text)].slice(0, FILTER_HISTORY_LIMIT);
        written.push(this.#memory.update(KEYS.history, this.#history));
      }
    }
    this.#look = look;
    this.#preview = undefined;
    this.#changed.fire(this.look);
    await Promise.all(written);
  }

  /** Shows the tree as if the filter were this one; undefined goes back to the one that is set. */
  preview(filter: Filter | undefined): void {
    this.#preview = filter;
    this.#changed.fire(this.look);
  }

  dispose(): void {
    this.#changed.dispose();
  }
}

/** What is remembered may be from another version: then it is the first of the values. */
function oneOf<T extends string>(values: readonly T[], value: unknown): T {
  const [first] = values;
  if (first === undefined) throw new TypeError('There has to be a value to fall back to.');
  return values.find((each) => each === value) ?? first;
}

function filterFrom(value: unknown): Filter {
  const parsed = parseFilter(typeof value === 'string' ? value : '');
  return parsed.ok ? parsed.filter : EMPTY_FILTER;
}
