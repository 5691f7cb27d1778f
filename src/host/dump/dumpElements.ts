/** The rows of "Async Dump" that VS Code has asked for, and what was looked up for them. Pure. */
import { DUMP_ROW_CONTEXTS } from '../contributions';
import type { DumpQuery, DumpRow } from './dumpTree';
import type { LookUps } from './lookUps';

/** What VS Code holds on to: one object per row. */
export interface DumpElement {
  readonly id: string;
  readonly row: DumpRow;
  readonly parent: DumpElement | undefined;
}

export class DumpElements {
  readonly #lookUps: Pick<LookUps, 'rows'>;
  /** By the row that they stand below. */
  readonly #children = new Map<string, Promise<readonly DumpElement[]>>();
  /** What was looked up in a process, by row: each look-up stops the process for a walk over its heap, and other rows do not change it. */
  readonly #lookedUp = new Map<string, { readonly dumpId: string; readonly rows: Promise<readonly DumpRow[]> }>();
  /** Rows below which it stands why something could not be had. */
  readonly #unavailable = new Set<string>();

  constructor(lookUps: Pick<LookUps, 'rows'>) {
    this.#lookUps = lookUps;
  }

  below(element: DumpElement): Promise<readonly DumpElement[]> {
    let children = this.#children.get(element.id);
    if (children === undefined) {
      const { row } = element;
      const rows = row.query === undefined ? Promise.resolve(row.children()) : this.#lookUp(row, row.query);
      children = rows.then((found) => found.map((each): DumpElement => ({ id: each.id, row: each, parent: element })));
      this.#children.set(element.id, children);
    }
    return children;
  }

  /** All rows are made anew. What was looked up in a dump that is still there is not looked up again, what could not be had is. */
  clear(isKept: (dumpId: string) => boolean): void {
    this.#children.clear();
    this.#unavailable.clear();
    for (const [id, { dumpId }] of this.#lookedUp) if (!isKept(dumpId)) this.#lookedUp.delete(id);
  }

  /** What could not be had below a row is asked for again when its row is opened the next time. False where nothing was missing. */
  forgetUnavailable({ id }: DumpElement): boolean {
    return this.#unavailable.delete(id) && this.#children.delete(id);
  }

  #lookUp(row: DumpRow, query: DumpQuery): Promise<readonly DumpRow[]> {
    const known = this.#lookedUp.get(row.id);
    if (known !== undefined) return known.rows;
    const rows = this.#lookUps.rows(row, query).then((found) => {
      if (found.some(({ context }) => context === DUMP_ROW_CONTEXTS.unavailable)) {
        this.#lookedUp.delete(row.id);
        this.#unavailable.add(row.id);
      }
      return found;
    });
    this.#lookedUp.set(row.id, { dumpId: row.dumpId, rows });
    return rows;
  }
}
