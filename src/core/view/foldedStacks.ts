/** Stacks in the collapsed format of flame graphs: `outermost;…;innermost count`, a line each. Pure. */
import { frameFunction } from '../format/functionName';
import { FROM_BEFORE } from '../format/figures';
import { displayName } from '../format/text';
import type { Site, StackFrame } from '../model/task';

/**
 * One line for each stack, equal ones added up, in the order of the sites. The innermost frame is the kind of the tasks,
 * so that several kinds of one line stay apart. Of tasks from before the attach the stack is what they will call. Counts are rounded estimates where the site's are.
 * @returns lines with their newlines; empty when nothing is alive.
 */
export function foldStacks(sites: Iterable<Pick<Site, 'kind' | 'since' | 'function' | 'file' | 'line' | 'count' | 'stack'>>): string {
  const counts = new Map<string, number>();
  for (const site of sites) {
    if (Math.round(site.count) === 0) continue;
    // A site whose stack is not known has its own position at least.
    const frames: readonly StackFrame[] = site.stack.length > 0 ? site.stack : [{ function: site.function, file: site.file, line: site.line, column: 0 }];
    const stack = [...frames.map(foldedFrame).reverse(), `[${site.kind}${site.since === 'before' ? ` ${FROM_BEFORE}` : ''}]`].join(';');
    counts.set(stack, (counts.get(stack) ?? 0) + Math.round(site.count));
  }
  return [...counts].map(([stack, count]) => `${stack} ${String(count)}\n`).join('');
}

/** `placeOrder (/srv/orders.ts:42)`. A semicolon would end the frame, and a newline the stack. */
function foldedFrame(frame: StackFrame): string {
  const name = frameFunction(frame);
  const position = frame.file === null ? '' : ` (${frame.file}${frame.line > 0 ? `:${String(frame.line)}` : ''})`;
  return `${displayName(name)}${displayName(position)}`.replaceAll(';', ',');
}
