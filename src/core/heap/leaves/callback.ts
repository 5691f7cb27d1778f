/** How a function that will be called is named in a text. */
import type { RawPosition, RawText } from '../heapAnalysis';
import type { NodeIndex } from '../heapGraph';
import type { HeapObjects } from './heapObjects';

export interface Callback {
  /** Null for V8's builtins, such as the `resolve` of a promise. */
  readonly at: RawPosition | null;
  readonly name: string;
  /** One of Node's own. */
  readonly isNode: boolean;
}

/** Of a function, or of what it is bound to or wraps. */
export function callbackOf(objects: HeapObjects, closure: NodeIndex): Callback {
  const inner = objects.isClosure(closure) ? objects.innermost(closure) : closure;
  const at = objects.position(inner);
  return { at, name: at === null ? '' : objects.className(inner), isNode: at !== null && objects.isNodeScript(at.scriptId) };
}

/** `, refresh (src/cache.ts:12)`; nothing for a builtin, or one of Node's own. */
export function callbackText({ at, name, isNode }: Callback): RawText {
  if (at === null || isNode) return [];
  return [...(name === '' ? [' ('] : [', ', { function: name, declared: at }, ' (']), { at }, ')'];
}
