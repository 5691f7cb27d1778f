/** What is to be said of a dump as a whole, and of the process that it is of. Pure. */
import { groupCount, taskCount } from '../../core/format/dumpText';
import { displayName } from '../../core/format/text';
import { formatCount, formatDuration } from '../../core/format/quantity';
import type { Dump } from '../../core/model/dump';
import type { SessionStore } from '../sessions/sessionStore';
import { filterGroups } from './dumpFilter';
import type { HeldDump } from './dumpStore';
import { dumpTime } from './dumpTree';

/** Whether single tasks and variables can still be looked up. */
export type DumpSource = 'process' | 'ended' | 'file';

export function dumpSource({ sessionId, processRestarts }: HeldDump, sessions: SessionStore): DumpSource {
  if (sessionId === undefined) return 'file';
  const session = sessions.get(sessionId);
  return session === undefined || session.status === 'ended' || session.status === 'waiting' || session.processRestarts !== processRestarts ? 'ended' : 'process';
}

const SOURCE_TEXTS: Readonly<Record<DumpSource, string>> = {
  process: '',
  ended: ' ⚠ That process has ended: single tasks and variables cannot be looked up any more.',
  file: ' From a file: single tasks and variables cannot be looked up.',
};

/** Why variables cannot be shown, whatever is asked; undefined where the process has to tell. */
export function whyNoVariables({ sessionId }: HeldDump): string | undefined {
  return sessionId === undefined ? 'this dump is from a file: variables cannot be looked up' : undefined;
}

/** `1,204 suspended functions, 3,104 pending promises. Taken at 14:03:22, for which the process stood still for 312 ms.` */
export function dumpMessage({ dump }: HeldDump, source: DumpSource): string {
  const taken = dump.pauseMs === null ? '' : ` Taken at ${dumpTime(dump)}; the process stood still for ${formatDuration(dump.pauseMs)}.`;
  return `${countsOf(dump)}.${taken}${SOURCE_TEXTS[source]}`;
}

/** `Filter: socket — 3 of 240 groups, 12 tasks`; empty without a filter, or a dump. */
export function filterMessage(dumps: readonly HeldDump[], filter: string): string {
  if (filter.trim() === '' || dumps.length === 0) return '';
  const all = dumps.flatMap(({ dump }) => dump.groups);
  const shown = filterGroups(all, filter);
  return `Filter: ${displayName(filter)} — ${formatCount(shown.length)} of ${groupCount(all.length)}, ${taskCount(shown.reduce((sum, { count }) => sum + count, 0))}`;
}

/** The same in few words: `1,204 suspended functions, 3,104 pending promises · 14:03:22 · the process has ended`. */
export function dumpHeadline({ dump }: HeldDump, source: DumpSource): string {
  const state: Readonly<Record<DumpSource, string>> = { process: '', ended: '⚠ the process has ended', file: 'from a file' };
  return [dump.partial ? '⚠ incomplete' : '', countsOf(dump), dumpTime(dump), state[source]].filter((part) => part !== '').join(' · ');
}

function countsOf({ totals: { suspended, pendingPromises } }: Dump): string {
  return `${formatCount(suspended)} suspended ${suspended === 1 ? 'function' : 'functions'}, ${formatCount(pendingPromises)} pending ${pendingPromises === 1 ? 'promise' : 'promises'}`;
}
