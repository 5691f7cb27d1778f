/** What has to be asked of the process to unfold a row. Pure. */
import { assertNever } from '../../core/base/assertNever';
import type { DumpFrameParams, DumpLocation, DumpScope, DumpUnavailable, DumpVariableParams, DumpVariables } from '../../protocol/lsp';
import type { DumpQuery, DumpRow } from './dumpTree';
import { scopeRows, taskRows, unavailableRow, variableRows } from './dumpTree';

export interface LookUpServer {
  dumpLocate(params: DumpFrameParams): Promise<DumpLocation>;
  dumpVariables(params: DumpFrameParams): Promise<DumpVariables>;
  dumpVariable(params: DumpVariableParams): Promise<DumpScope | DumpUnavailable>;
}

/** One after the other: each look-up lets go of what the one before held in the process. */
export class LookUps {
  readonly #server: LookUpServer;
  readonly #describe: (error: unknown) => string;
  #last: Promise<unknown> = Promise.resolve();

  constructor(server: LookUpServer, describe: (error: unknown) => string) {
    this.#server = server;
    this.#describe = describe;
  }

  /** The rows below one that has a query. Never rejects: what went wrong stands in a row. */
  rows(row: DumpRow, query: DumpQuery): Promise<readonly DumpRow[]> {
    const answer = this.#last.then(async () => {
      try {
        return await this.#ask(row, query);
      } catch (error) {
        return [unavailableRow(row.dumpId, row.id, { message: this.#describe(error) })];
      }
    });
    this.#last = answer;
    return answer;
  }

  async #ask({ dumpId, id }: DumpRow, query: DumpQuery): Promise<readonly DumpRow[]> {
    switch (query.type) {
      case 'task':
        return taskRows(dumpId, id, query.group, query.task, await this.#locate(dumpId, query));
      case 'scopes':
        return scopeRows(dumpId, id, query, await this.#server.dumpVariables(frameParams(dumpId, query)));
      case 'variable':
        return variableRows(dumpId, id, query, await this.#variable(dumpId, query));
      default:
        return assertNever(query);
    }
  }

  /** Of frames that stand at one line in all tasks of the group, nothing has to be asked: each question walks the heap. */
  async #locate(dumpId: string, query: Extract<DumpQuery, { type: 'task' }>): Promise<readonly (DumpLocation | undefined)[]> {
    const { group, task } = query;
    const locations: (DumpLocation | undefined)[] = [];
    let unavailable: DumpUnavailable | undefined;
    for (const [frame, { kind, awaiting, awaitingKnown }] of group.chain.entries()) {
      const asks = kind === 'async function' || kind === 'async generator';
      const known = awaiting !== null && awaitingKnown >= group.count;
      const location: DumpLocation | undefined = !asks ? undefined : unavailable ?? (known ? { awaiting } : await this.#server.dumpLocate({ dumpId, groupId: group.id, task, frame }));
      if (location !== undefined && 'unavailable' in location) unavailable = location;
      locations.push(location);
    }
    return locations;
  }

  /** By its reference; where that is not kept any more, along the path from the scopes. */
  async #variable(dumpId: string, query: Extract<DumpQuery, { type: 'variable' }>): Promise<DumpScope | DumpUnavailable> {
    const direct = await this.#server.dumpVariable({ dumpId, reference: query.reference });
    if (!('unavailable' in direct) || direct.unavailable !== 'not kept') return direct;
    const [scope = 0, ...path] = query.path;
    const answer = await this.#server.dumpVariables(frameParams(dumpId, query));
    if ('unavailable' in answer) return answer;
    let level: DumpScope | DumpUnavailable | undefined = answer.scopes[scope];
    for (const index of path) {
      if (level === undefined || 'unavailable' in level) break;
      const reference: string | null | undefined = level.variables[index]?.reference;
      level = reference === undefined || reference === null ? undefined : await this.#server.dumpVariable({ dumpId, reference });
    }
    return level ?? direct;
  }
}

function frameParams(dumpId: string, { group, task, frame }: Extract<DumpQuery, { type: 'scopes' | 'variable' }>): DumpFrameParams {
  return { dumpId, groupId: group.id, task, frame };
}
