/** The dumps that are on the screen: the last of each process, and those of files. Pure. */
import type { Dump, DumpGroup } from '../../core/model/dump';
import type { Disposable } from '../base/disposable';
import { Emitter } from '../base/emitter';

export interface HeldDump {
  /** The server's. */
  readonly id: string;
  /** Of the process, or of the file. */
  readonly name: string;
  readonly dump: Dump;
  /** Undefined for a file. */
  readonly sessionId: string | undefined;
  /** How often another process had taken the place of the first when the dump was taken. */
  readonly processRestarts: number;
}

export class DumpStore implements Disposable {
  readonly #held = new Map<string, HeldDump>();
  readonly #groups = new WeakMap<Dump, ReadonlyMap<string, DumpGroup>>();
  readonly #changed = new Emitter<void>();
  #taking = 0;

  readonly onDidChange = this.#changed.event;

  /** How many are being taken. */
  get taking(): number {
    return this.#taking;
  }

  /** Runs what takes a dump. */
  async whileTaking<T>(take: () => Promise<T>): Promise<T> {
    this.#taking++;
    this.#changed.fire();
    try {
      return await take();
    } finally {
      this.#taking--;
      this.#changed.fire();
    }
  }

  /** The last one first. */
  all(): readonly HeldDump[] {
    return [...this.#held.values()].reverse();
  }

  get(dumpId: string): HeldDump | undefined {
    return this.#held.get(dumpId);
  }

  group(dumpId: string, groupId: string): DumpGroup | undefined {
    const dump = this.#held.get(dumpId)?.dump;
    if (dump === undefined) return undefined;
    let groups = this.#groups.get(dump);
    if (groups === undefined) {
      groups = new Map(dump.groups.map((group) => [group.id, group]));
      this.#groups.set(dump, groups);
    }
    return groups.get(groupId);
  }

  /**
   * Takes the place of the last dump of the same process or file, and of those of earlier runs, which have its name and have ended.
   * @returns ids of those that the server may forget
   */
  add(held: HeldDump, hasEnded: (sessionId: string) => boolean): readonly string[] {
    const replaced = this.all().filter((each) => {
      if (each.id === held.id) return false;
      if (held.sessionId === undefined) return each.dump.target.file !== null && each.dump.target.file === held.dump.target.file;
      return each.sessionId !== undefined && (each.sessionId === held.sessionId || (each.name === held.name && hasEnded(each.sessionId)));
    });
    for (const { id } of replaced) this.#held.delete(id);
    this.#held.delete(held.id);
    this.#held.set(held.id, held);
    this.#changed.fire();
    return replaced.map(({ id }) => id);
  }

  remove(dumpId: string): void {
    if (this.#held.delete(dumpId)) this.#changed.fire();
  }

  clear(): void {
    if (this.#held.size === 0) return;
    this.#held.clear();
    this.#changed.fire();
  }

  dispose(): void {
    this.#held.clear();
    this.#changed.dispose();
  }
}
