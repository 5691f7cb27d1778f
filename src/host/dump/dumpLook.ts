/** How the user wants to see the dump. The grouping is kept for the workspace. Pure. */
import type { Disposable } from '../base/disposable';
import { Emitter } from '../base/emitter';
import type { Memory } from '../tree/treeState';
import type { DumpGrouping } from './dumpGrouping';
import { DUMP_GROUPINGS } from './dumpGrouping';

const KEY = 'dumpGrouping';

export class DumpLook implements Disposable {
  readonly #memory: Memory;
  readonly #changed = new Emitter<void>();
  #grouping: DumpGrouping;
  #filter = '';

  readonly onDidChange = this.#changed.event;

  constructor(memory: Memory) {
    this.#memory = memory;
    this.#grouping = DUMP_GROUPINGS.find((each) => each === memory.get(KEY)) ?? 'verdict';
  }

  get grouping(): DumpGrouping {
    return this.#grouping;
  }

  async setGrouping(grouping: DumpGrouping): Promise<void> {
    if (grouping === this.#grouping) return;
    this.#grouping = grouping;
    this.#changed.fire();
    await this.#memory.update(KEY, grouping);
  }

  /** What {@link filterGroups} lists; blank where that is everything. */
  get filter(): string {
    return this.#filter;
  }

  setFilter(filter: string): void {
    if (filter === this.#filter) return;
    this.#filter = filter;
    this.#changed.fire();
  }

  dispose(): void {
    this.#changed.dispose();
  }
}
