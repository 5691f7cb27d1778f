/**
 * What the passes over a heap graph find, before positions are looked up in a live process and mapped to sources. Plain data: it
 * crosses from the worker that analyses to the thread that asked.
 */
import type { FrameKind, Verdict, WaitsForKind } from '../model/dump';
import type { HeapObjectId, ScriptPosition } from './heapGraph';

/** A place in a script, by index into {@link HeapAnalysis.scripts}. 0-based, as V8 has it. */
export type RawPosition = ScriptPosition;

/**
 * Text with places in it, which are written out once they are mapped: a position; the file that a position is in; the name of a function; a variable of
 * a script's own, by its name or by the file that it is declared in, which in a bundle is one of many; or an address. Texts from the process are cut to a
 * limit.
 */
export type RawText = readonly (string | { readonly at: RawPosition } | { readonly file: RawPosition } | RawFunction | RawVariable | typeof PEER_ADDRESS)[];

/** Where a wait has the addresses of {@link RawGroup.sockets}, once they are known. */
export const PEER_ADDRESS = { peerAddress: true } as const;

export interface RawFunction {
  readonly function: string;
  readonly declared: RawPosition;
}

export interface RawVariable {
  readonly variable: string;
  readonly script: number;
  readonly show: 'name' | 'file';
}

export interface HeapAnalysis {
  readonly totals: { readonly suspended: number; readonly pendingPromises: number; readonly timers: number; readonly handles: number; readonly requests: number };
  /** URL or path of each script that a position names, as V8 has it; missing where the heap does not tell. */
  readonly scripts: ReadonlyMap<number, string>;
  readonly groups: readonly RawGroup[];
  readonly resources: RawResources;
  /** What could not be looked at, for people; not empty: the dump is partial. */
  readonly notes: readonly string[];
}

/** Chains that stand alike as far as the heap tells: the await positions may still tell them apart. */
export interface RawGroup {
  readonly count: number;
  /** Outermost first, consecutive repeats folded. */
  readonly chain: readonly RawFrame[];
  /**
   * Ids of the suspended generators, `chain.length` for each of the first `members.length / chain.length` chains; 0 where a frame has none
   * (`then`, a combinator). Of repeats the outermost. At most {@link MEMBER_LIMIT} chains.
   */
  readonly members: Uint32Array;
  /** For each of these chains, the promise that its leaf hangs on; 0 where there is none. */
  readonly awaited: Uint32Array;
  /** For each of these chains, the id of the socket whose address the heap does not hold; 0 where there is none, and missing where no chain has one. */
  readonly sockets?: Uint32Array;
  readonly waitsFor: RawWaitsFor;
  readonly verdict: Verdict | null;
  readonly why: RawText;
  readonly heldBy: readonly { readonly count: number; readonly path: RawText }[];
}

export interface RawFrame {
  readonly function: string | null;
  readonly kind: FrameKind;
  /** Of the function; null for combinators and builtins. */
  readonly declared: RawPosition | null;
  readonly repeats: number;
  readonly detail: string | null;
}

export interface RawWaitsFor {
  readonly kind: WaitsForKind;
  readonly text: RawText;
  readonly at: RawPosition | null;
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

export interface RawResource {
  readonly count: number;
  /** As those of {@link RawGroup}, for each that it counts. */
  readonly sockets?: Uint32Array;
  readonly type: string;
  readonly text: RawText;
  readonly at: RawPosition | null;
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

export interface RawResources {
  readonly timers: readonly RawResource[];
  readonly handles: readonly RawResource[];
  readonly requests: readonly RawResource[];
  readonly listeners: readonly {
    readonly emitter: string;
    readonly event: string;
    readonly emitters: number;
    readonly count: number;
    readonly limit: number | null;
    readonly aboveLimit: boolean;
    readonly at: RawPosition | null;
  }[];
  readonly streams: readonly {
    readonly stream: string;
    readonly count: number;
    readonly state: string;
    readonly bufferedBytes: number;
    readonly highWaterMark: number;
    readonly objectMode: boolean;
  }[];
}

/** Chains of one group whose objects are kept for look-ups; of the rest only the count. */
export const MEMBER_LIMIT = 100_000;

/** A suspended generator by the id that V8 knows it by. */
export type GeneratorId = HeapObjectId;

/** What an analysis goes through, in this order; `share` of each is 0 to 1. */
export type AnalysisPhase = 'reading' | 'awaits' | 'settleability' | 'holders' | 'resources';
