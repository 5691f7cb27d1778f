/** Names of functions in a reader's words, the same in tree, hover and terminal. */
import type { Site, StackFrame } from '../model/task';

/** V8 has no name for an arrow function in a call, nor for a module's own code; Node and the DevTools say this of both. */
export const NO_NAME = '(anonymous)';

/** The function of a frame. */
export function frameFunction({ function: name }: Pick<StackFrame, 'function'>): string {
  return name ?? NO_NAME;
}

/** The function or callback that the tasks of a site run, else the one around the site. */
export function siteFunction({ function: name, file }: Pick<Site, 'function' | 'file'>): string {
  return name ?? (file === null ? '(internal)' : NO_NAME);
}
