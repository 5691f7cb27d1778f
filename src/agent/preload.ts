/**
 * Required by Node ahead of a program that Asyncscope starts itself: opens the inspector and waits until the agent is in.
 *
 * `--inspect-brk` would do for the program alone, but its children and workers inherit it and would wait for a debugger
 * that never comes; this takes itself out of what they inherit.
 */

interface Inspector {
  open(port: number, host: string, wait: boolean): void;
}

declare const require: (name: string) => unknown;
declare const process: { execArgv: string[] };
declare const __filename: string;

const { isMainThread } = require('worker_threads') as { isMainThread: boolean };

if (isMainThread) {
  const at = process.execArgv.findIndex((argument, i) => argument === '--require' && process.execArgv[i + 1] === __filename);
  if (at !== -1) process.execArgv.splice(at, 2);
  const inspector = require('inspector') as Inspector;
  // Both in one call, in which V8 answers nobody in between: a client that has said "run" before the program waits leaves it waiting for ever.
  inspector.open(0, '127.0.0.1', true);
}
