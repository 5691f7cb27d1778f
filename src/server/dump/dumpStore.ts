/** The dumps that clients still look at, and the look-ups in the processes that they are of. */
import type { DumpFrameParams, DumpLocation, DumpScope, DumpUnavailable, DumpVariableParams, DumpVariables } from '../../protocol/lsp';
import { TargetError } from '../../cdp/target';
import type { Dump, DumpPosition } from '../../core/model/dump';
import type { HeapTarget, RemoteVariable } from '../../cdp/target';
import type { HeapTurns } from './heapTurns';
import type { TakenDump } from './takeDump';
import { variableOf } from './variableText';

/** Dumps that are kept at a time; beyond it the oldest is forgotten. One holds about 8 bytes for each suspended function. */
export const DUMP_LIMIT = 10;

/** Runs work that walks the heap of the dumped process; rejects with a {@link TargetError} `closed` once that process is gone. */
export type Look = <T>(work: (target: HeapTarget) => Promise<T>) => Promise<T>;

export interface NewDump {
  readonly taken: TakenDump;
  /** Missing for a file. */
  readonly process?: { readonly sessionId: string; readonly look: Look };
  /** When the process began, milliseconds since the epoch: which text of its files it runs. */
  readonly startedAt: number;
}

export interface StoredDump extends NewDump {
  readonly id: string;
}

export class DumpStore {
  readonly #dumps = new Map<string, StoredDump>();
  /** Handles of values that were handed out, by dump. */
  readonly #references = new Map<string, ReadonlySet<string>>();
  readonly #turns: HeapTurns;
  #nextId = 1;

  constructor(turns: HeapTurns) {
    this.#turns = turns;
  }

  /** The oldest first. */
  all(): readonly StoredDump[] {
    return [...this.#dumps.values()];
  }

  /**
   * Those that lines tell of: of each process that is watched; but the last of all alone where that is of a file, or of a process that
   * has gone. What stood in one run and in the next are not to be added up.
   */
  onLines(isWatched: (sessionId: string) => boolean): readonly StoredDump[] {
    const watched = this.all().filter(({ process }) => process !== undefined && isWatched(process.sessionId));
    const last = this.all().at(-1);
    return last === undefined || watched.includes(last) ? watched : [last];
  }

  /** Whether a dump of a session's process names a file. */
  tellOf(sessionId: string, file: string): boolean {
    return this.all().some(({ process, taken }) => process?.sessionId === sessionId && positionsOf(taken.dump).some((position) => position?.file === file));
  }

  get(dumpId: string): StoredDump | undefined {
    return this.#dumps.get(dumpId);
  }

  /** Takes the place of the last dump of the same session. */
  async add(dump: NewDump): Promise<StoredDump> {
    const sessionId = dump.process?.sessionId;
    if (sessionId !== undefined) for (const each of this.all()) if (each.process?.sessionId === sessionId) await this.clear(each.id);
    const stored = { ...dump, id: `dump-${this.#nextId++}` };
    this.#dumps.set(stored.id, stored);
    for (const { id } of this.all().slice(0, -DUMP_LIMIT)) await this.clear(id);
    return stored;
  }

  /** Never rejects. */
  async clear(dumpId: string): Promise<void> {
    const dump = this.#dumps.get(dumpId);
    this.#dumps.delete(dumpId);
    if (dump !== undefined) await this.#release(dump);
  }

  /** Lets go of everything that look-ups hold in the process of a session. Never rejects. */
  async release(sessionId: string): Promise<void> {
    for (const dump of this.all()) if (dump.process?.sessionId === sessionId) await this.#release(dump);
  }

  async locate(params: DumpFrameParams): Promise<DumpLocation> {
    return this.#lookUp(params, async ({ target, dump, id, awaited }) => {
      const frame = await target.frames.locate(id);
      if (frame === undefined || !(await stillWaits(target, awaited))) return RESUMED;
      return { awaiting: dump.taken.place(frame.at) };
    });
  }

  async variables(params: DumpFrameParams): Promise<DumpVariables> {
    return this.#lookUp(params, async ({ target, dump, id, awaited }) => {
      await this.#release(dump);
      const found = await target.frames.scopes(id, groupOf(dump));
      if (found === undefined || !(await stillWaits(target, awaited))) {
        await target.frames.release(groupOf(dump));
        return RESUMED;
      }
      const scopes = found.scopes.map(({ name, variables }) => scopeOf(name, variables));
      return (await this.#remember(dump, scopes)) ? { scopes } : FORGOTTEN;
    });
  }

  async variable({ dumpId, reference }: DumpVariableParams): Promise<DumpScope | DumpUnavailable> {
    const dump = this.#dumps.get(dumpId);
    if (dump === undefined) return FORGOTTEN;
    const { process } = dump;
    if (process === undefined) return LET_GO;
    return unlessEnded(() =>
      this.#turns.lookUp(process.sessionId, async () => {
        // only now: a snapshot that it has waited for lets go of everything
        const known = this.#references.get(dumpId);
        if (known?.has(reference) !== true) return LET_GO;
        const scope = scopeOf('', await process.look(({ frames }) => frames.members(reference)));
        return (await this.#remember(dump, [scope], known)) ? scope : FORGOTTEN;
      }),
    );
  }

  async #lookUp<T extends object>({ dumpId, groupId, task, frame }: DumpFrameParams, look: (found: Found) => Promise<T | DumpUnavailable>): Promise<T | DumpUnavailable> {
    const dump = this.#dumps.get(dumpId);
    const group = dump?.taken.kept.get(groupId);
    if (dump === undefined || group === undefined) return FORGOTTEN;
    const { process } = dump;
    if (process === undefined) return { unavailable: 'file', message: 'A snapshot file does not say it: it is looked up in a running process only.' };
    const id = frame < group.frames ? (group.members[task * group.frames + frame] ?? 0) : 0;
    if (id === 0) return { unavailable: 'not kept', message: 'This is no suspended function that could be looked up: a callback, a builtin, or beyond what a dump keeps of one group.' };
    return unlessEnded(() => this.#turns.lookUp(process.sessionId, () => process.look((target) => look({ target, dump, id, awaited: group.awaited[task] ?? 0 }))));
  }

  /** Resolves to false, and lets go of everything, where the dump was cleared meanwhile: nobody else would. */
  async #remember(dump: StoredDump, scopes: readonly DumpScope[], before: ReadonlySet<string> = new Set()): Promise<boolean> {
    const references = scopes.flatMap(({ variables }) => variables.flatMap(({ reference }) => reference ?? []));
    this.#references.set(dump.id, new Set([...before, ...references]));
    if (this.#dumps.get(dump.id) === dump) return true;
    await this.#release(dump);
    return false;
  }

  async #release(dump: StoredDump): Promise<void> {
    if (!this.#references.delete(dump.id)) return;
    try {
      await dump.process?.look(({ frames }) => frames.release(groupOf(dump)));
    } catch {
      // a connection that is closed holds nothing
    }
  }
}

interface Found {
  readonly target: HeapTarget;
  readonly dump: StoredDump;
  readonly id: number;
  readonly awaited: number;
}

const RESUMED: DumpUnavailable = { unavailable: 'resumed', message: 'It does not wait there any more: it has gone on since the dump.' };
/** The client has to find them again from the scopes: each look-up lets go of what the one before held. */
export const LET_GO: DumpUnavailable = { unavailable: 'not kept', message: 'These variables were let go of. Open them again.' };
const FORGOTTEN: DumpUnavailable = { unavailable: 'gone', message: 'This dump is not kept any more. Take a new one.' };
const ENDED: DumpUnavailable = { unavailable: 'ended', message: 'The process of this dump is gone, or nobody is attached to it any more.' };

/** What waits for a promise that is pending stands where it stood. 0: for nothing that anybody could settle. */
async function stillWaits({ frames }: HeapTarget, promise: number): Promise<boolean> {
  return promise === 0 || frames.isPending(promise);
}

async function unlessEnded<T extends object>(work: () => Promise<T>): Promise<T | DumpUnavailable> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TargetError && error.reason === 'closed') return ENDED;
    throw error;
  }
}

function scopeOf(name: string, variables: readonly RemoteVariable[]): DumpScope {
  return { name, variables: variables.map(variableOf) };
}

function positionsOf({ groups, resources }: Dump): readonly (DumpPosition | null)[] {
  return [
    ...groups.flatMap(({ chain, waitsFor }) => [waitsFor.at, ...chain.flatMap(({ declared, awaiting }) => [declared, awaiting])]),
    ...[...resources.timers, ...resources.handles, ...resources.requests, ...resources.listeners].map(({ at }) => at),
  ];
}

/** What this dump holds in its process. */
function groupOf({ id }: StoredDump): string {
  return `asyncscope-${id}`;
}
