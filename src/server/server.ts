/**
 * The language server: plain LSP for code lenses and hovers, and the methods of `src/protocol/lsp.ts`. Any client can
 * drive it; nothing here knows of VS Code. Everything that a client sends is checked before it is used.
 */
import { CodeLensRefreshRequest, ErrorCodes, LSPErrorCodes, ResponseError, TextDocumentSyncKind } from 'vscode-languageserver';
import type { CancellationToken, Connection, Hover, InitializeResult } from 'vscode-languageserver';
import * as v from 'valibot';
import type { Clock } from '../core/base/clock';
import { errorMessage } from '../core/base/errorMessage';
import { SnapshotError } from '../core/heap/snapshotError';
import { TargetError } from '../cdp/target';
import {
  DEFAULT_SERVER_SETTINGS,
  LSP,
  attachParams,
  dumpClearParams,
  dumpFrameParams,
  dumpParams,
  dumpVariableParams,
  heapSnapshotParams,
  initializationOptions,
  serverSettings,
  projectParams,
  scriptSourceParams,
  sessionParams,
  setPausedParams,
  siteParams,
  sitesParams,
  watchParams,
} from '../protocol/lsp';
import type { AttachResult, DiscoveredInspector, DumpParams, DumpResult, HeapSnapshotParams, HeapSnapshotResult, NodeProcess, ProcessList, ScriptSource, ServerSettings } from '../protocol/lsp';
import type { Site } from '../core/model/task';
import { HiddenSites } from '../core/view/hiddenSites';
import { createDocumentStore, readChangeTime, readDiskText } from './documents';
import type { OpenDocument } from './documents';
import { DumpStore } from './dump/dumpStore';
import type { Look, NewDump } from './dump/dumpStore';
import { HeapTurns } from './dump/heapTurns';
import { createDumpProgress, phaseText } from './dump/phases';
import type { DumpProgress } from './dump/phases';
import { dumpFile, dumpProcess } from './dump/takeDump';
import type { Analyze, DumpOptions } from './dump/takeDump';
import { LensBoard } from './features/codeLens';
import { hoverAt } from './features/hover';
import { suspendedHover, suspendedLenses, suspendedMarks } from './features/suspended';
import { HeapSnapshotError, writeHeapSnapshot } from './heapSnapshotFile';
import { HeapAnalysisError } from './heapWorker/messages';
import { documentSites } from './lineSites';
import type { DocumentSite } from './lineSites';
import { createRefreshScheduler } from './refreshScheduler';
import type { Session } from './session';
import { Sessions } from './sessions';
import type { Attach } from './sessions';
import { createSourceMaps } from './sourceMaps';
import type { PositionSource } from './sourceMaps';

export interface ServerDependencies {
  readonly attach: Attach;
  readonly discover: () => Promise<readonly DiscoveredInspector[]>;
  /** Rejects with an error for people where processes cannot be listed. */
  readonly processes: () => Promise<readonly NodeProcess[]>;
  readonly clock: Clock;
  /** Makes the source maps of a session; those of this machine's disk unless a test has others. */
  readonly createPositions?: () => PositionSource;
  /** Analyses heap snapshots; in a thread of its own unless a test has another way. */
  readonly analyze?: Analyze;
  readonly version: string;
}

/** Serves one client. Call before `connection.listen()`. */
export function serve(connection: Connection, dependencies: ServerDependencies): void {
  const { clock } = dependencies;
  let settings: ServerSettings = DEFAULT_SERVER_SETTINGS;
  let refreshSupported = false;
  let hidden = new HiddenSites([]);
  const documents = createDocumentStore(() => clock.wall());
  const board = new LensBoard();
  const heapTurns = new HeapTurns(clock);
  const dumps = new DumpStore(heapTurns);
  const sessions = new Sessions({
    attach: dependencies.attach,
    clock,
    settings: () => settings,
    onUpdate: (update) => {
      send(LSP.update, update);
      scheduler.changed();
    },
    onForgotten: () => {
      hidden.keep([...sessions.all()].map(({ id }) => id));
      scheduler.changed();
    },
    ...(dependencies.createPositions && { createPositions: dependencies.createPositions }),
    onProblem: log,
  });
  const dumpsOnLines = () => dumps.onLines((sessionId) => (sessions.get(sessionId)?.status ?? 'ended') !== 'ended');
  const sitesOf = (document: OpenDocument): readonly DocumentSite[] => visible(documentSites(document, sessions.all(), clock.now()));
  const scheduler = createRefreshScheduler({
    clock,
    board,
    documents: () => documents.all(),
    sitesOf,
    lensesAreOn: () => settings.codeLens,
    suspendedOf: (document) => suspendedMarks(document, dumpsOnLines()),
    sendMarks: (update) => send(LSP.marks, update),
    refreshLenses,
  });

  /** Hidden sites are quiet on the line as well; totals count them. */
  function visible(sites: readonly DocumentSite[]): readonly DocumentSite[] {
    if (hidden.isEmpty) return sites;
    const sessionIds = new Set(sites.map(({ session }) => session.id));
    const rules = new Map([...sessionIds].map((id) => [id, hidden.among(id, sites.filter(({ session }) => session.id === id).map(({ site }) => site))]));
    return sites.filter(({ session, site }) => rules.get(session.id)?.has(site.id) !== true);
  }

  /** A client that has gone takes no more news; its absence ends this process. */
  function send(method: string, params: object): void {
    connection.sendNotification(method, params).catch((error: unknown) => log(error));
  }

  function log(error: unknown): void {
    connection.console.warn(errorMessage(error));
  }

  function refreshLenses(): void {
    if (settings.codeLens) askForLenses();
  }

  function askForLenses(): void {
    if (refreshSupported) connection.sendRequest(CodeLensRefreshRequest.type).catch(log);
  }

  function sessionOf(params: { readonly sessionId: string }): Session {
    const session = sessions.get(params.sessionId);
    if (!session) throw new ResponseError(ErrorCodes.InvalidParams, `There is no session ${params.sessionId}.`);
    return session;
  }

  connection.onInitialize((params): InitializeResult => {
    const options = v.safeParse(initializationOptions, params.initializationOptions);
    if (options.success) settings = merge(options.output ?? {});
    else connection.console.warn(`Settings ignored: ${describe(options.issues)}`);
    refreshSupported = params.capabilities.workspace?.codeLens?.refreshSupport === true;
    return {
      capabilities: {
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: { includeText: false } },
        codeLensProvider: { resolveProvider: false },
        hoverProvider: true,
      },
      serverInfo: { name: 'asyncscope', version: dependencies.version },
    };
  });

  connection.onShutdown(async () => {
    scheduler.dispose();
    await sessions.dispose();
  });

  connection.onDidOpenTextDocument(({ textDocument: { uri, languageId, version, text } }) => {
    documents.open(uri, languageId, version, text, readDiskText(uri), readChangeTime(uri));
    const document = documents.get(uri);
    if (document) scheduler.opened(document);
  });
  connection.onDidChangeTextDocument(({ textDocument, contentChanges }) => {
    documents.change(textDocument.uri, textDocument.version, contentChanges);
  });
  connection.onDidSaveTextDocument(({ textDocument }) => documents.save(textDocument.uri));
  connection.onDidCloseTextDocument(({ textDocument }) => {
    documents.close(textDocument.uri);
    scheduler.closed(textDocument.uri);
  });

  connection.onCodeLens(({ textDocument }) => {
    const document = documents.get(textDocument.uri);
    if (!document || !settings.codeLens) return [];
    // marks that were newer than what the client had may not be any more
    scheduler.changed();
    return [...board.lenses(document), ...(settings.suspendedLens ? suspendedLenses(document, dumpsOnLines()) : [])];
  });
  connection.onHover(({ textDocument, position }) => {
    const document = documents.get(textDocument.uri);
    if (!document) return null;
    return joined(hoverAt(document, sitesOf(document), position), suspendedHover(document, dumpsOnLines(), position));
  });

  handle(LSP.configure, serverSettings, (next) => {
    const lensesToggled = next.codeLens !== settings.codeLens || next.suspendedLens !== settings.suspendedLens;
    settings = next;
    if (lensesToggled) {
      askForLenses();
      scheduler.changed();
    }
    return null;
  });

  handle(LSP.attach, attachParams, async (params, signal): Promise<AttachResult> => {
    if (params.target === undefined && params.proxy === undefined) {
      throw new ResponseError(ErrorCodes.InvalidParams, 'Either target or proxy is needed.');
    }
    return { sessionId: (await sessions.attach(params, signal)).id };
  });

  handle(LSP.detach, sessionParams, async (params) => {
    // Whoever detaches what has just ended by itself has got what they want.
    await sessions.get(params.sessionId)?.detach();
    return null;
  });

  handle(LSP.setPaused, setPausedParams, (params) => {
    sessionOf(params).setPaused(params.paused);
    return null;
  });

  handle(LSP.setBaseline, sessionParams, (params) => {
    sessionOf(params).setBaseline();
    return null;
  });

  handle(LSP.countPromises, sessionParams, async (params) => {
    await sessionOf(params).countPromises();
    return null;
  });

  handle(LSP.watch, watchParams, async (params) => {
    await sessionOf(params).watch(params.siteIds);
    return null;
  });

  handle(LSP.site, siteParams, (params): Site | null => sessionOf(params).site(params.siteId) ?? null);

  handle(LSP.sites, sitesParams, (params): readonly Site[] => {
    const session = sessionOf(params);
    return params.siteIds.flatMap((id) => session.site(id) ?? []);
  });

  handle(LSP.scriptSource, scriptSourceParams, (params): Promise<ScriptSource> => sessionOf(params).scriptSource(params.file, () => dumps.tellOf(params.sessionId, params.file)));

  handle(LSP.project, projectParams, ({ folders }) => {
    hidden = new HiddenSites(folders.flatMap(({ folder, hide }) => hide.map((entry) => ({ folder, entry }))));
    // Asked for by the user, so lenses do not wait for their time.
    for (const document of documents.all()) scheduler.opened(document);
    refreshLenses();
    return null;
  });

  handle(LSP.discover, v.unknown(), () => dependencies.discover());

  handle(LSP.processes, v.unknown(), async (): Promise<ProcessList> => {
    try {
      return { processes: await dependencies.processes() };
    } catch (error) {
      return { processes: [], unavailable: errorMessage(error) };
    }
  });

  handle(LSP.heapSnapshot, heapSnapshotParams, takeSnapshot);

  async function takeSnapshot(params: HeapSnapshotParams, signal: AbortSignal): Promise<HeapSnapshotResult> {
    const session = sessionOf(params);
    const progress = connection.window.attachWorkDoneProgress(params.workDoneToken);
    progress.begin('Heap snapshot', 0, 'The process stands still', true);
    let shown = 0;
    try {
      return await writeHeapSnapshot(params.file, (options) => heapTurns.snapshot(session.id, () => dumps.release(session.id), () => session.takeHeapSnapshot(options)), {
        signal,
        now: () => clock.now(),
        progress: (done) => {
          const percent = Math.min(100, Math.floor(done * 100));
          if (percent <= shown) return;
          shown = percent;
          progress.report(percent);
        },
      });
    } finally {
      progress.done();
    }
  }

  handle(LSP.dump, dumpParams, takeDump);

  handle(LSP.dumpClear, dumpClearParams, async ({ dumpId }) => {
    await dumps.clear(dumpId);
    dumpsChanged();
    return null;
  });

  handle(LSP.dumpLocate, dumpFrameParams, (params) => dumps.locate(params));
  handle(LSP.dumpVariables, dumpFrameParams, (params) => dumps.variables(params));
  handle(LSP.dumpVariable, dumpVariableParams, (params) => dumps.variable(params));

  /** Asked for by the user: lenses do not wait for their time. */
  function dumpsChanged(): void {
    scheduler.changed();
    refreshLenses();
  }

  async function takeDump(params: DumpParams, signal: AbortSignal): Promise<DumpResult> {
    if ((params.sessionId === undefined) === (params.file === undefined)) {
      throw new ResponseError(ErrorCodes.InvalidParams, 'Either sessionId or file is needed.');
    }
    const work = connection.window.attachWorkDoneProgress(params.workDoneToken);
    work.begin('Async dump', 0, phaseText(params.file === undefined ? 'snapshot' : 'reading'), true);
    const progress = createDumpProgress((percent, text) => work.report(percent, text));
    try {
      const { file, sessionId = '' } = params;
      const dump = await dumps.add(file === undefined ? await dumpSession(sessionOf({ sessionId }), progress, signal) : await dumpSnapshot(file, progress, signal));
      dumpsChanged();
      return { dumpId: dump.id, dump: dump.taken.dump };
    } finally {
      work.done();
    }
  }

  async function dumpSession(session: Session, progress: DumpProgress, signal: AbortSignal): Promise<NewDump> {
    return session.lookAtHeap(async (target) => {
      const look: Look = (work) => session.lookAtHeap(work, target);
      const taken = await dumpProcess(heapTurns.target(session.id, target, () => dumps.release(session.id)), { ...dumpOptions(progress, signal), positions: session.positions, origins: session.origins, startedAt: session.model.processStartedAt });
      return { taken, process: { sessionId: session.id, look }, startedAt: session.model.processStartedAt ?? Infinity };
    });
  }

  async function dumpSnapshot(file: string, progress: DumpProgress, signal: AbortSignal): Promise<NewDump> {
    const { origin: origins, pathMappings } = settings;
    const positions = dependencies.createPositions?.() ?? createSourceMaps(undefined, origins, log, pathMappings);
    const taken = await dumpFile(file, { ...dumpOptions(progress, signal), positions, origins });
    // the process ran what was on the disk when the snapshot was written, as far as anybody knows
    return { taken, startedAt: Date.parse(taken.dump.at) };
  }

  function dumpOptions(progress: DumpProgress, signal: AbortSignal): Omit<DumpOptions, 'positions' | 'origins'> {
    return { progress, signal, now: () => clock.now(), wall: () => clock.wall(), lookupBudgetMs: settings.dumpLookupMs, analyze: dependencies.analyze };
  }

  /** Registers a request: parameters are checked, cancellation becomes a signal, errors become answers. */
  function handle<Schema extends v.GenericSchema>(
    method: string,
    schema: Schema,
    answer: (params: v.InferOutput<Schema>, signal: AbortSignal) => unknown,
  ): void {
    connection.onRequest(method, async (params: unknown, token: CancellationToken) => {
      const checked = v.safeParse(schema, params);
      if (!checked.success) throw new ResponseError(ErrorCodes.InvalidParams, `${method}: ${describe(checked.issues)}`);
      const abort = new AbortController();
      const listener = token.onCancellationRequested(() => abort.abort());
      if (token.isCancellationRequested) abort.abort();
      try {
        return await answer(checked.output, abort.signal);
      } catch (error) {
        throw asResponse(error, abort.signal.aborted);
      } finally {
        listener.dispose();
      }
    });
  }
}

function merge(partial: { readonly [K in keyof ServerSettings]?: ServerSettings[K] | undefined }): ServerSettings {
  return {
    pollIntervalMs: partial.pollIntervalMs ?? DEFAULT_SERVER_SETTINGS.pollIntervalMs,
    budgetPercent: partial.budgetPercent ?? DEFAULT_SERVER_SETTINGS.budgetPercent,
    memoryLimitMb: partial.memoryLimitMb ?? DEFAULT_SERVER_SETTINGS.memoryLimitMb,
    codeLens: partial.codeLens ?? DEFAULT_SERVER_SETTINGS.codeLens,
    suspendedLens: partial.suspendedLens ?? DEFAULT_SERVER_SETTINGS.suspendedLens,
    followRestarts: partial.followRestarts ?? DEFAULT_SERVER_SETTINGS.followRestarts,
    origin: partial.origin ?? DEFAULT_SERVER_SETTINGS.origin,
    pathMappings: partial.pathMappings ?? DEFAULT_SERVER_SETTINGS.pathMappings,
    ...(partial.dumpLookupMs !== undefined && { dumpLookupMs: partial.dumpLookupMs }),
  };
}

function joined(first: Hover | null, second: Hover | null): Hover | null {
  if (first === null || second === null) return first ?? second;
  const values = [first, second].map(({ contents }) => (typeof contents === 'object' && 'value' in contents ? contents.value : ''));
  return { ...first, contents: { kind: 'markdown', value: values.join('\n\n---\n\n') } };
}

function describe(issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string {
  return `${v.getDotPath(issues[0]) ?? 'parameters'}: ${issues[0].message}`;
}

function asResponse(error: unknown, cancelled: boolean): ResponseError<{ readonly reason: string } | undefined> {
  if (error instanceof ResponseError) return error as ResponseError<undefined>;
  const told = error instanceof TargetError || error instanceof HeapSnapshotError || error instanceof SnapshotError || error instanceof HeapAnalysisError;
  const reason = told ? error.reason : undefined;
  if (cancelled || reason === 'cancelled') return new ResponseError(LSPErrorCodes.RequestCancelled, 'Cancelled.', undefined);
  return new ResponseError(LSPErrorCodes.RequestFailed, errorMessage(error), reason === undefined ? undefined : { reason });
}
