/** `asyncscope ps`: looks at one process for a while and prints what it is waiting for. */
import { EMPTY_PROJECT_CONFIG, parseProjectFile, PROJECT_FILE } from '../core/config/projectFile';
import { NO_ORIGIN_RULES, joinOriginRules } from '../core/model/origin';
import type { OriginRules } from '../core/model/origin';
import { SessionModel } from '../core/model/sessionModel';
import { errorMessage } from '../core/base/errorMessage';
import { formatMilliseconds } from '../core/format/quantity';
import { clip, stripControls } from '../core/format/text';
import { STABLE_MS, attachAgain } from '../cdp/attachAgain';
import { asksForInternals, formatFilter, matchesFilter } from '../core/view/filter';
import { HiddenSites } from '../core/view/hiddenSites';
import { TargetError } from '../cdp/target';
import type { AttachOptions, AttachedTarget, CloseReason } from '../cdp/target';
import { countPromisesIfCheap, pollInto } from '../server/session';
import { createSourceMaps } from '../server/sourceMaps';
import type { PositionSource } from '../server/sourceMaps';
import { DEFAULT_DURATION_S } from './arguments';
import type { PsArguments } from './arguments';
import { pictureOf, toJsonLine } from './psFormat';
import { sortSites } from './sortSites';
import { renderTable } from './table';

export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
export const EXIT_ENDED = 3;
/** By convention 128 and the signal's number. */
export const EXIT_SIGINT = 130;
export const EXIT_SIGTERM = 143;

/** What the agent may cost the target, in percent of its time. */
export const CLI_BUDGET_PERCENT = 1;

/**
 * Between two polls of an observation that is printed once, in milliseconds. Polls before the last keep the agent's
 * lease, and give a picture of a program that ends early.
 */
const OBSERVE_POLL_MS = 250;

/** Longest message, in UTF-16 units. */
const MESSAGE_LIMIT = 2_000;

/** How long a program that we started may take to end when asked to, in milliseconds. Then it is killed. */
const END_TIMEOUT_MS = 2000;

/** What `ps` needs of a program that it started. */
export interface StartedProgram {
  readonly target: AttachedTarget;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  readonly kill: (signal: 'SIGTERM' | 'SIGKILL') => void;
}

export interface PsEnvironment {
  readonly attach: (target: string, options: AttachOptions) => Promise<AttachedTarget>;
  /** @param stdout where the program's standard output goes. */
  readonly start: (command: readonly string[], stdout: 'inherit' | 'stderr', options: AttachOptions) => Promise<StartedProgram>;
  readonly print: (text: string) => void;
  /** One line for people, without its newline; never mixed with what is printed. */
  readonly complain: (line: string) => void;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
  /** Resolves after `ms`, or at once when `signal` is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly terminal: { readonly isTerminal: boolean; readonly columns: number; readonly rows: number; readonly color: boolean };
  readonly cwd: string;
  /** The `.asyncscope.json` of a directory; undefined when there is none. Rejects when it cannot be read. */
  readonly readProjectFile: (directory: string) => Promise<string | undefined>;
  readonly positions?: () => PositionSource;
}

/** Why `ps` is to stop before it is done: the reason of the signal that is given to {@link ps}. */
export type StopReason = 'SIGINT' | 'SIGTERM' | 'nobody reads';

/**
 * Runs the command; resolves with the exit code. Leaves nothing of ours in the target, and ends what it started.
 * @param stop aborted with a {@link StopReason}.
 */
export async function ps(args: PsArguments, environment: PsEnvironment, stop: AbortSignal): Promise<number> {
  let program: StartedProgram | undefined;
  let target: AttachedTarget;
  const origins = await originRules(args, environment);
  try {
    if (args.source.kind === 'spawn') {
      // Machine-readable output must not be mixed with what the program prints.
      program = await environment.start(args.source.command, args.json ? 'stderr' : 'inherit', attachOptions(environment, stop, origins, args));
      target = program.target;
    } else {
      const { allowRemote, allowSignal } = args.source;
      target = await environment.attach(args.source.target, attachOptions(environment, stop, origins, args, { allowRemote, allowSignal }));
    }
  } catch (error) {
    if (stop.aborted) return stoppedCode(stop, false);
    environment.complain(oneLine(errorMessage(error) + adviceOf(error)));
    return EXIT_FAILED;
  }
  const { now } = environment;
  const deadline = now() + 1000 * (args.durationS ?? (args.watch ? Infinity : DEFAULT_DURATION_S));
  let model = new SessionModel(origins);
  let next: AttachedTarget | undefined = target;
  let code = EXIT_OK;
  for (let lives = 0; next !== undefined; lives++) {
    target = next;
    const began = now();
    try {
      code = await observe(args, environment, target, program, model, origins, deadline, stop);
    } finally {
      await target.detach();
      if (program) await endProgram(program, environment);
    }
    if (code !== EXIT_ENDED || !args.follow) return code;
    if (now() - began > STABLE_MS) lives = 0;
    next = await awaitReturn(args, environment, target, origins, lives, deadline, stop);
    model = model.successor();
  }
  return stop.aborted ? stoppedCode(stop, true) : code;
}

/** Waits for a process that has gone; undefined when it is to be waited for no longer. */
async function awaitReturn(
  args: PsArguments,
  environment: PsEnvironment,
  { info }: AttachedTarget,
  origins: OriginRules,
  attempts: number,
  deadline: number,
  stop: AbortSignal,
): Promise<AttachedTarget | undefined> {
  const { source } = args;
  if (source.kind !== 'attach') return undefined;
  const { allowRemote, allowSignal } = source;
  environment.complain(`Waiting for it to come back at ${oneLine(info.url)}.`);
  try {
    return await attachAgain({
      gone: info,
      attach: (target) => environment.attach(target, attachOptions(environment, stop, origins, args, { allowRemote, allowSignal })),
      attempts,
      now: environment.now,
      wait: (ms) => environment.sleep(ms, stop),
      wanted: () => !stop.aborted && environment.now() < deadline,
    });
  } catch (error) {
    environment.complain(oneLine(errorMessage(error)));
    return undefined;
  }
}

function attachOptions(
  environment: PsEnvironment,
  stop: AbortSignal,
  origins: OriginRules,
  { memoryLimitBytes }: PsArguments,
  consents: Pick<AttachOptions, 'allowRemote' | 'allowSignal'> = {},
): AttachOptions {
  return {
    budgetPercent: CLI_BUDGET_PERCENT,
    memoryLimitBytes,
    origins,
    signal: stop,
    onWaiting: () => environment.complain('The process waits for a debugger before its first line (--inspect-brk). It is watched as soon as it runs.'),
    ...consents,
  };
}

async function observe(
  args: PsArguments,
  environment: PsEnvironment,
  target: AttachedTarget,
  program: StartedProgram | undefined,
  model: SessionModel,
  origins: OriginRules,
  deadline: number,
  stop: AbortSignal,
): Promise<number> {
  const { now, complain } = environment;
  const positions = environment.positions?.() ?? createSourceMaps(undefined, origins, (problem) => complain(oneLine(problem)), args.pathMappings);
  const hidden = args.config ? await hiddenSites(environment, target.info.cwd) : new HiddenSites([]);
  const over = new AbortController();
  const watching = target.closed.then((reason) => over.abort(reason));
  const halt = AbortSignal.any([stop, over.signal]);
  const began = now();
  const interval = args.watch ? args.intervalS * 1000 : OBSERVE_POLL_MS;
  let pictures = 0;
  let complained = false;
  const show = (): void => {
    if (pictures > 0) environment.print(draw(args, environment, model, target, hidden));
  };

  for (;;) {
    try {
      await unless(halt, pollInto(model, target, positions));
      pictures++;
      complained = false;
      if (pictures === 1 && !program) await unless(halt, args.beforePromises ? target.countPromises() : countPromisesIfCheap(model, target));
      // The first picture is empty where we attached to what runs already.
      if (args.watch && pictures > 1) show();
    } catch (error) {
      if (halt.aborted) break;
      if (error instanceof TargetError && error.reason === 'closed') {
        await watching;
        break;
      }
      if (!(error instanceof TargetError && error.reason === 'timeout')) {
        complain(oneLine(errorMessage(error)));
        return EXIT_FAILED;
      }
      if (!complained) complain('The process does not answer: its event loop is blocked, or a debugger holds it. Still trying.');
      complained = true;
    }
    const left = deadline - now();
    if (left <= 0) break;
    await environment.sleep(Math.min(interval, left), halt);
  }

  if (stop.reason === 'nobody reads') return EXIT_OK;
  if (!args.watch || pictures === 1) show();
  if (stop.aborted) return stoppedCode(stop, args.watch);
  if (over.signal.aborted) {
    complain(await endText(over.signal.reason as CloseReason, program, now() - began, () => environment.sleep(END_TIMEOUT_MS, stop)));
    return EXIT_ENDED;
  }
  if (pictures === 0) {
    complain('The process never answered: its event loop is blocked, or a debugger holds it. Try a longer --duration.');
    return EXIT_FAILED;
  }
  return EXIT_OK;
}

/**
 * Whose code is whose: what was typed, and what the file of this directory says. The agent has to know before it is in the
 * target, whose own directory is not known then.
 */
export async function originRules(args: Pick<PsArguments, 'config' | 'origins'>, { cwd, readProjectFile }: Pick<PsEnvironment, 'cwd' | 'readProjectFile'>): Promise<OriginRules> {
  // what is wrong with the file is told where it is read for the hidden sites
  const text = args.config ? await readProjectFile(cwd).catch(() => undefined) : undefined;
  const config = text === undefined ? undefined : parseProjectFile(text).config;
  return joinOriginRules([args.origins, config?.origin ?? NO_ORIGIN_RULES]);
}

/** What is hidden by the file of this directory, or else of the target's. A damaged file hides nothing, and is told of. */
async function hiddenSites({ cwd, readProjectFile, complain }: PsEnvironment, targetCwd: string): Promise<HiddenSites> {
  for (const directory of new Set([cwd, targetCwd])) {
    try {
      const text = await readProjectFile(directory);
      if (text === undefined) continue;
      const { config = EMPTY_PROJECT_CONFIG, problems } = parseProjectFile(text);
      for (const { line, column, message } of problems) complain(oneLine(`${PROJECT_FILE}, line ${line}, column ${column}: ${message}`));
      return new HiddenSites(config.hide.map((entry) => ({ folder: directory, entry })));
    } catch (error) {
      complain(oneLine(`${PROJECT_FILE} cannot be read: ${errorMessage(error)}`));
    }
  }
  return new HiddenSites([]);
}

function draw(args: PsArguments, environment: PsEnvironment, model: SessionModel, target: AttachedTarget, hiddenSites: HiddenSites): string {
  const live = sortSites(model.sites(), args.sort).filter((site) => site.count > 0);
  const hidden = hiddenSites.among(target.info.url, live);
  const matching = live.filter((site) => matchesFilter(args.filter, site));
  if (args.json) {
    const reasons = new Map([...hidden].map(([id, { entry }]) => [id, entry.reason]));
    const picture = pictureOf(model, target.info, matching, CLI_BUDGET_PERCENT, args.filter.length === 0 ? null : formatFilter(args.filter), reasons);
    return picture ? toJsonLine(picture) : '';
  }
  const sites = matching.filter((site) => !hidden.has(site.id));
  const listsAll = args.all || asksForInternals(args.filter);
  const { isTerminal, columns, rows, color } = environment.terminal;
  const redraws = args.watch && isTerminal;
  const table = renderTable(model, target.info, sites, {
    columns,
    rows: redraws ? rows : Infinity,
    color: color && args.color,
    all: listsAll,
    cwd: environment.cwd,
    filter: args.filter.length === 0 ? undefined : formatFilter(args.filter),
    unfiltered: live.filter(({ id, origin }) => !hidden.has(id) && (listsAll || origin === 'app')).length,
    hidden: live.filter((site) => hidden.has(site.id)),
  });
  // Home, then the picture, then nothing below it: clearing first would flicker.
  if (redraws) return `\u001b[H${table.replace(/\n/g, '\u001b[K\n')}\u001b[J`;
  return args.watch ? `${table}\n` : table;
}

/** The result of `work`, or a rejection as soon as `signal` is aborted; its own late rejection is of no interest then. */
function unless<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new TargetError('cancelled', 'Interrupted.'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort)).catch(abort);
  });
}

async function endText(reason: CloseReason, program: StartedProgram | undefined, afterMs: number, giveUp: () => Promise<void>): Promise<string> {
  if (reason === 'inspector closed') {
    return `The program has closed its inspector, or another tool has. ${program ? 'It is ended.' : 'The process runs on.'}`;
  }
  if (!program) {
    return reason === 'target exited'
      ? 'The process exited while it was being watched.'
      : 'The connection to the process was lost. If it still runs, try again.';
  }
  const end = await (reason === 'target exited' ? program.exited : Promise.race([program.exited, giveUp()]));
  if (!end) return 'The connection to the program was lost. It is ended.';
  return `The program ended by itself after ${formatMilliseconds(afterMs)} (${end.signal ?? `exit code ${end.code ?? '?'}`}): this is the last picture of it.`;
}

async function endProgram(program: StartedProgram, environment: PsEnvironment): Promise<void> {
  const ended = new AbortController();
  const exited = program.exited.then(() => ended.abort());
  program.kill('SIGTERM');
  await environment.sleep(END_TIMEOUT_MS, ended.signal);
  if (!ended.signal.aborted) program.kill('SIGKILL');
  await exited;
}

export function stoppedCode(stop: AbortSignal, wasAskedFor: boolean): number {
  if (wasAskedFor || stop.reason === 'nobody reads') return EXIT_OK;
  return stop.reason === 'SIGTERM' ? EXIT_SIGTERM : EXIT_SIGINT;
}

/** How to say yes to what is not done unasked. */
export function adviceOf(error: unknown): string {
  switch (error instanceof TargetError ? error.reason : undefined) {
    case 'remote host':
      return ' To attach all the same, add --allow-remote.';
    case 'signal unsure':
      return ' To send it all the same, add --force-signal.';
    default:
      return '';
  }
}

/** A message for people. What is to be done stands at its end, so it is longer than a name may be. */
export function oneLine(text: string): string {
  return clip(stripControls(text.replace(/\s+/g, ' ').trim()), MESSAGE_LIMIT);
}
