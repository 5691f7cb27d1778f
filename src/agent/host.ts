/**
 * What the agent uses of the target, taken once at install time: the program may replace or patch its globals later, and
 * the agent must neither notice nor be noticed.
 */

/** The part of Node's modules that the agent needs. */
export interface NodeModules {
  readonly asyncHooks: {
    createHook(callbacks: Partial<HookCallbacks> & { trackPromises?: boolean }): AsyncHook;
    executionAsyncId(): number;
    readonly asyncWrapProviders: Readonly<Record<string, number>>;
    executionAsyncResource?(): unknown;
    readonly AsyncResource: new (type: string, options: { requireManualDestroy: boolean }) => { asyncId(): number };
  };
  readonly v8: {
    readonly promiseHooks: {
      onInit(hook: (promise: object, parent: object | undefined) => void): () => void;
      onBefore(hook: (promise: object) => void): () => void;
      onAfter(hook: (promise: object) => void): () => void;
      onSettled(hook: (promise: object) => void): () => void;
    };
    getHeapStatistics(): { readonly heap_size_limit: number };
  };
  readonly perfHooks: {
    /** A program may have taken it away. */
    readonly PerformanceObserver?: new (hear: (list: { getEntries(): readonly PerformanceEntry[] }) => void) => PerformanceObserver;
    monitorEventLoopDelay(options: { resolution: number }): DelayHistogram;
    readonly performance: {
      now(): number;
      /** Since Node 20.18. */
      readonly nodeTiming?: { readonly uvMetricsInfo?: { readonly events: number } };
      eventLoopUtilization(now?: LoopUtilization, before?: LoopUtilization): LoopUtilization;
    };
  };
  readonly isProxy: (value: unknown) => boolean;
}

export interface HookCallbacks {
  init(asyncId: number, type: string, triggerAsyncId: number, resource: object): void;
  before(asyncId: number): void;
  destroy(asyncId: number): void;
}

export interface AsyncHook {
  enable(): void;
  disable(): void;
}

export interface LoopUtilization {
  readonly idle: number;
  readonly active: number;
  readonly utilization: number;
}

export interface DelayHistogram {
  readonly count: number;
  readonly max: number;
  percentile(p: number): number;
  enable(): void;
  disable(): void;
  reset(): void;
}

export interface PerformanceEntry {
  /** Milliseconds. */
  readonly duration: number;
}

export interface PerformanceObserver {
  observe(options: { entryTypes: readonly string[] }): void;
  takeRecords(): readonly PerformanceEntry[];
  disconnect(): void;
}

export interface TargetProcess {
  memoryUsage(): { rss: number; heapTotal: number; heapUsed: number; external: number; arrayBuffers?: number };
  uptime(): number;
  /** Microseconds. */
  cpuUsage(): { readonly user: number; readonly system: number };
  getActiveResourcesInfo?(): string[];
  /** Owners of handles that keep the process alive; requests under way. Undocumented, there since Node 0.x. */
  _getActiveHandles?(): unknown[];
  _getActiveRequests?(): unknown[];
}

/** How Node tells the state of a promise (node: src/node_util.cc, GetPromiseDetails). */
export interface PromiseDetails {
  of(promise: object): readonly unknown[] | undefined;
  readonly pending: unknown;
}

/** A V8 call site, as handed to `Error.prepareStackTrace` (https://v8.dev/docs/stack-trace-api). */
export interface CallSite {
  getFunctionName(): string | null;
  /** Undefined for evaluated code without a `sourceURL`. */
  getScriptNameOrSourceURL(): string | null | undefined;
  /** `eval at load (/app/plugins.js:12:5)`, for evaluated code. */
  getEvalOrigin(): string | undefined;
  /** Of the script's source; kept by V8. Since Node 16.15. */
  getScriptHash?(): string;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
  /** Offset in the script's source, a cheap and unique key of a position within one script. */
  getPosition(): number;
  /** Where the function begins that the position is in (V8: src/objects/call-site-info.h). */
  getEnclosingLineNumber(): number | null;
  getEnclosingColumnNumber(): number | null;
  isConstructor(): boolean;
  isAsync(): boolean;
  isEval(): boolean;
}

/** An `Error` constructor as V8 makes it. */
export interface V8Error {
  stackTraceLimit?: number;
  prepareStackTrace?: ((error: unknown, sites: CallSite[]) => unknown) | undefined;
  captureStackTrace(holder: object, above: unknown): void;
}

/**
 * Reads an own data property without running anything of the program: no getter, no proxy trap.
 * Returns undefined when there is no such property or reading it would run code.
 */
export function readOwn(isProxy: (value: unknown) => boolean, holder: unknown, key: PropertyKey): unknown {
  if ((typeof holder !== 'object' && typeof holder !== 'function') || holder === null || isProxy(holder)) return undefined;
  return getOwnPropertyDescriptor(holder, key)?.value;
}

/** Reads an own data property that Node keeps under a symbol of its own, by the symbol's description. */
export function readHidden(isProxy: (value: unknown) => boolean, holder: unknown, description: string): unknown {
  if (typeof holder !== 'object' || holder === null || isProxy(holder)) return undefined;
  for (const symbol of getOwnPropertySymbols(holder)) {
    if (symbol.description === description) return readOwn(isProxy, holder, symbol);
  }
  return undefined;
}

const { getOwnPropertyDescriptor, getOwnPropertySymbols } = Object;
