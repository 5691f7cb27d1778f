/**
 * The language server as the rest of the host sees it: typed requests, two streams of updates, and a life of its own
 * (started on first need, started again after a crash).
 */
import type * as vscode from 'vscode';
import type { CancellationToken, CloseAction, ErrorAction, LanguageClient, LanguageClientOptions, ServerOptions } from 'vscode-languageclient/node';
import type { Site } from '../../core/model/task';
import type {
  AttachParams,
  AttachResult,
  DiscoveredInspector,
  DumpFrameParams,
  DumpLocation,
  DumpParams,
  DumpResult,
  DumpScope,
  DumpUnavailable,
  DumpVariableParams,
  DumpVariables,
  HeapSnapshotResult,
  MarksUpdate,
  ProcessList,
  ProjectParams,
  RevealSiteArguments,
  ScriptSource,
  ScriptSourceParams,
  ServerSettings,
  SessionUpdate,
  SetPausedParams,
  SitesParams,
  WatchParams,
} from '../../protocol/lsp';
import { LSP, REVEAL_GROUPS_COMMAND, SHOW_IN_GRAPH_COMMAND, SHOW_VARIABLES_COMMAND } from '../../protocol/lsp';
import { systemClock } from '../base/clock';
import type { Disposable } from '../base/disposable';
import { DisposableStore } from '../base/disposable';
import { Emitter } from '../base/emitter';
import { safeErrorMessage } from '../redact';
import type { AttachServer } from '../sessions/attachments';
import { redactingLog } from './redactingLog';
import { RestartPolicy } from './restartPolicy';
import { toServerError } from './serverError';

export type ServerState = 'stopped' | 'starting' | 'running' | 'failed';

/** Of a long request, as the server tells it. */
export interface ServerProgress {
  /** Percent, 0 to 100. */
  readonly percent: number;
  readonly message: string | undefined;
}

export interface ServerClientOptions {
  /** Absolute path of the server's bundle. */
  readonly serverModule: string;
  readonly settings: () => ServerSettings;
  readonly log: vscode.LogOutputChannel;
}

/** Languages whose lines carry marks, lenses and hovers. */
const LANGUAGES = ['javascript', 'typescript', 'javascriptreact', 'typescriptreact'];

let nextProgressToken = 1;

export class ServerClient implements AttachServer, Disposable {
  readonly #options: ServerClientOptions;
  readonly #store = new DisposableStore();
  readonly #restarts = new RestartPolicy(systemClock);
  readonly #stateChanged = this.#store.add(new Emitter<ServerState>());
  readonly #updated = this.#store.add(new Emitter<SessionUpdate>());
  readonly #marked = this.#store.add(new Emitter<MarksUpdate>());
  #state: ServerState = 'stopped';
  #client: Promise<LanguageClient> | undefined;
  #process: () => number | undefined = () => undefined;

  readonly onDidChangeState = this.#stateChanged.event;
  readonly onUpdate = this.#updated.event;
  readonly onMarks = this.#marked.event;

  constructor(options: ServerClientOptions) {
    this.#options = options;
  }

  get state(): ServerState {
    return this.#state;
  }

  /** Process id of the running server. */
  get pid(): number | undefined {
    return this.#state === 'running' ? this.#process() : undefined;
  }

  async attach(params: AttachParams, signal: AbortSignal): Promise<AttachResult> {
    return this.#request<AttachResult>(LSP.attach, params, signal);
  }

  async detach(sessionId: string): Promise<void> {
    // Without a running server there is nothing to detach from, and no reason to start one.
    if (this.#state === 'running') await this.#request(LSP.detach, { sessionId });
  }

  async setPaused(params: SetPausedParams): Promise<void> {
    await this.#request(LSP.setPaused, params);
  }

  async setBaseline(sessionId: string): Promise<void> {
    await this.#request(LSP.setBaseline, { sessionId });
  }

  async watch(params: WatchParams): Promise<void> {
    if (this.#state === 'running') await this.#request(LSP.watch, params);
  }

  /** The site with its stack, or null once it is gone. */
  async site(params: RevealSiteArguments): Promise<Site | null> {
    return this.#request<Site | null>(LSP.site, params);
  }

  /** Those that the session knows, with their stacks. */
  async sites(params: SitesParams): Promise<readonly Site[]> {
    return this.#request<readonly Site[]>(LSP.sites, params);
  }

  /** The text of a file that is not on this machine, or why there is none. */
  async scriptSource(params: ScriptSourceParams): Promise<ScriptSource> {
    return this.#request<ScriptSource>(LSP.scriptSource, params);
  }

  async setProject(params: ProjectParams): Promise<void> {
    if (this.#state === 'running') await this.#request(LSP.project, params);
  }

  /** Stops the target while its heap is walked; the next update has the count. */
  async countPromises(sessionId: string): Promise<void> {
    await this.#request(LSP.countPromises, { sessionId });
  }

  async discover(signal: AbortSignal): Promise<readonly DiscoveredInspector[]> {
    return this.#request<readonly DiscoveredInspector[]>(LSP.discover, {}, signal);
  }

  async processes(signal: AbortSignal): Promise<ProcessList> {
    return this.#request<ProcessList>(LSP.processes, {}, signal);
  }

  async configure(settings: ServerSettings): Promise<void> {
    if (this.#state === 'running') await this.#request(LSP.configure, settings);
  }

  /** Rejects when `signal` is aborted, or when the target or the disk refuses. */
  async heapSnapshot(sessionId: string, file: string, signal: AbortSignal, onProgress: (progress: ServerProgress) => void): Promise<HeapSnapshotResult> {
    return this.#requestWithProgress<HeapSnapshotResult>(LSP.heapSnapshot, { sessionId, file }, signal, onProgress);
  }

  /** Of a session's process, or of a snapshot file. Rejects when `signal` is aborted, and where a dump cannot be had. */
  async dump(params: Pick<DumpParams, 'sessionId' | 'file'>, signal: AbortSignal, onProgress: (progress: ServerProgress) => void): Promise<DumpResult> {
    return this.#requestWithProgress<DumpResult>(LSP.dump, params, signal, onProgress);
  }

  async dumpClear(dumpId: string): Promise<void> {
    if (this.#state === 'running') await this.#request(LSP.dumpClear, { dumpId });
  }

  async dumpLocate(params: DumpFrameParams): Promise<DumpLocation> {
    return this.#request<DumpLocation>(LSP.dumpLocate, params);
  }

  async dumpVariables(params: DumpFrameParams): Promise<DumpVariables> {
    return this.#request<DumpVariables>(LSP.dumpVariables, params);
  }

  async dumpVariable(params: DumpVariableParams): Promise<DumpScope | DumpUnavailable> {
    return this.#request<DumpScope | DumpUnavailable>(LSP.dumpVariable, params);
  }

  /** Starts a server that had been given up. */
  async restart(): Promise<void> {
    this.#restarts.reset();
    await this.#stop();
    await this.#running();
  }

  dispose(): void {
    this.#stop().catch((error: unknown) => {
      this.#options.log.debug(`stopping the server: ${safeErrorMessage(error)}`);
    });
    this.#store.dispose();
  }

  async #stop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#setState('stopped');
    try {
      await (await client)?.dispose();
    } catch (error) {
      // A client that never started, or that died, cannot be stopped; there is nothing left of it either.
      this.#options.log.debug(`stopping the server: ${safeErrorMessage(error)}`);
    }
  }

  async #requestWithProgress<T>(method: string, params: object, signal: AbortSignal, onProgress: (progress: ServerProgress) => void): Promise<T> {
    const client = await this.#running();
    const { ProgressType } = await import('vscode-languageclient/node');
    const workDoneToken = `asyncscope-${String(nextProgressToken++)}`;
    const progress = client.onProgress(new ProgressType<{ percentage?: number; message?: string }>(), workDoneToken, (value) => {
      onProgress({ percent: value.percentage ?? 0, message: value.message });
    });
    try {
      return await this.#request<T>(method, { ...params, workDoneToken }, signal);
    } finally {
      progress.dispose();
    }
  }

  async #request<T>(method: string, params: object, signal?: AbortSignal): Promise<T> {
    const client = await this.#running();
    const { CancellationTokenSource } = await import('vscode-languageclient/node');
    const source = new CancellationTokenSource();
    const cancel = (): void => {
      source.cancel();
    };
    signal?.addEventListener('abort', cancel, { once: true });
    if (signal?.aborted === true) cancel();
    try {
      return await client.sendRequest<T>(method, params, source.token satisfies CancellationToken);
    } catch (error) {
      throw toServerError(error);
    } finally {
      signal?.removeEventListener('abort', cancel);
      source.dispose();
    }
  }

  #running(): Promise<LanguageClient> {
    this.#client ??= this.#start().catch((error: unknown) => {
      this.#options.log.error(`the server did not start: ${safeErrorMessage(error)}`);
      this.#gaveUp();
      throw error;
    });
    return this.#client;
  }

  async #start(): Promise<LanguageClient> {
    this.#setState('starting');
    // Loaded on first need: evaluating the client costs more than the rest of the activation.
    const lsp = await import('vscode-languageclient/node');
    const { serverModule, settings, log } = this.#options;
    const channel = redactingLog(log);
    const run = { module: serverModule, transport: lsp.TransportKind.ipc };
    const serverOptions: ServerOptions = { run, debug: run };
    let started = false;
    const closed = (): { action: CloseAction; handled: true } => {
      // One that has never run would only fail again, and whoever waits for it is told.
      const verdict = started ? this.#restarts.crashed() : 'give up';
      log.error(verdict === 'restart' ? 'the server ended unexpectedly; starting it again' : 'the server does not stay; giving up');
      if (verdict === 'restart') this.#setState('starting');
      else this.#gaveUp();
      return { action: verdict === 'restart' ? lsp.CloseAction.Restart : lsp.CloseAction.DoNotRestart, handled: true };
    };
    const clientOptions: LanguageClientOptions = {
      documentSelector: LANGUAGES.map((language) => ({ language, scheme: 'file' })),
      initializationOptions: settings,
      // Hovers link to what the dump knows; everything in them that came from a process is escaped by the server.
      markdown: { isTrusted: { enabledCommands: [REVEAL_GROUPS_COMMAND, SHOW_IN_GRAPH_COMMAND, SHOW_VARIABLES_COMMAND] } },
      outputChannel: channel,
      traceOutputChannel: channel,
      revealOutputChannelOn: lsp.RevealOutputChannelOn.Never,
      initializationFailedHandler: () => false,
      errorHandler: {
        error: (error): { action: ErrorAction; handled: true } => {
          log.warn(`connection to the server: ${safeErrorMessage(error)}`);
          return { action: lsp.ErrorAction.Continue, handled: true };
        },
        closed,
      },
    };
    const client = new lsp.LanguageClient('asyncscope', 'Asyncscope', serverOptions, clientOptions);
    client.onNotification(LSP.update, (update: SessionUpdate) => {
      this.#updated.fire(update);
    });
    client.onNotification(LSP.marks, (update: MarksUpdate) => {
      this.#marked.fire(update);
    });
    client.onDidChangeState(({ newState }) => {
      if (newState === lsp.State.Running) this.#setState('running');
      else if (newState === lsp.State.StartFailed) this.#gaveUp();
    });
    await client.start();
    started = true;
    this.#process = () => client.serverProcess?.pid;
    return client;
  }

  #gaveUp(): void {
    this.#client = undefined;
    this.#setState('failed');
  }

  #setState(state: ServerState): void {
    if (this.#state === state || this.#store.isDisposed) return;
    this.#state = state;
    this.#stateChanged.fire(state);
  }
}
