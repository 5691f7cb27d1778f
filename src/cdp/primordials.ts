/**
 * What Node keeps to itself and the agent needs, by a way that only a debugger has: the scope of `util.inspect`.
 *
 * A program may have replaced, patched or deleted what the agent is built of: `Map`, `WeakRef`, `Error` and the rest. Node
 * keeps its own copies, taken before the program ran, in an object that its modules call `primordials` (node:
 * lib/internal/per_context/primordials.js). `getPromiseDetails` tells the state of a promise, of which `kPending` is one (node:
 * src/node_util.cc).
 */
import * as v from 'valibot';
import type { Connection } from './connection';
import { evaluateUnseen } from './evaluate';
import { scopeVariables } from './remoteProperties';
import type { RemoteValue } from './remoteValue';

/** An expression: the target's `process`, also where the program has replaced or deleted that global. */
export const PROCESS = `(function (p) {
  return p && p.versions && p.versions.node ? p : typeof require === 'function' ? require('process') : p;
})(globalThis.process)`;
/** An expression: a function of a process and the name of a builtin module, for CommonJS, ES modules and bundles alike. */
export const LOAD = `(function (p, name) {
  try { if (typeof p.getBuiltinModule === 'function') return p.getBuiltinModule(name); } catch (e) {}
  return require(name);
})`;
const FIND = `(function (p) {
  try { return ${LOAD}(p, 'util').inspect; } catch (e) {}
})(${PROCESS})
//# sourceURL=node:internal/asyncscope/agent`;

const found = v.object({ result: v.object({ objectId: v.optional(v.string()) }) });

export interface NodeInternals {
  readonly primordials: RemoteValue | undefined;
  readonly getPromiseDetails: RemoteValue | undefined;
  readonly kPending: RemoteValue | undefined;
}

/**
 * Node's own variables, in the group `objectGroup`. Those that cannot be found are missing: the globals that are there have to do
 * then, and hooks alone tell of the ends of promises.
 * @throws {TargetError} `timeout` or `closed`
 */
export async function findInternals(connection: Connection, objectGroup: string): Promise<NodeInternals> {
  const inspect = v.safeParse(found, await evaluateUnseen(connection, { expression: FIND, objectGroup }));
  const names = ['primordials', 'getPromiseDetails', 'kPending'];
  const [primordials, getPromiseDetails, kPending] = await scopeVariables(connection, inspect.success ? inspect.output.result.objectId : undefined, names);
  return { primordials, getPromiseDetails, kPending };
}
