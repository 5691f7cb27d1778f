/**
 * Reads V8 heap snapshots: JSON of hundreds of megabytes, nearly all of it numbers. Bytes come in pieces of any size, go
 * through a state machine once, and end in typed arrays; nothing else is kept, and no string or object is made on the way.
 *
 * The format is that of `HeapSnapshotJSONSerializer` in V8's `src/profiler/heap-snapshot-generator.cc`. What fields a node, an edge
 * and a location have, and what their types are called, the file says itself in `snapshot.meta`, so files of other versions can be
 * read too. Everything in a file is checked: it may be cut off, damaged or made to harm.
 */
import { HeapGraph, LOCATION_FIELDS, NODE_TYPE } from './heapGraph';
import type { HeapArrays } from './heapGraph';
import type { Progress } from './progress';
import { NO_PROGRESS } from './progress';
import { SnapshotError } from './snapshotError';
import type { SnapshotFailureReason } from './snapshotError';
import { parseLayout } from './snapshotLayout';
import type { SnapshotLayout } from './snapshotLayout';
import { StringBytes } from './stringTable';

/** Bytes between two reports of progress: a few milliseconds. */
const BYTES_PER_REPORT = 1024 * 1024;
/** Longest description (`snapshot`) that is read; V8's has 2 KB. Bytes; a longer one is refused as corrupted. */
const LONGEST_LAYOUT = 1024 * 1024;
/** Longest key of the outermost object, in bytes. A longer one is refused as corrupted. */
const LONGEST_KEY = 256;
/** Most digits of a number: those of 2^64. A longer one is refused as corrupted. */
const MOST_DIGITS = 20;
/** Digits that fit 32 bits without overflow. */
const SAFE_DIGITS = 9;
/** What a field takes at most, in bytes, where the quick way ends: digits, a comma and a line break. */
const LONGEST_FIELD = MOST_DIGITS + 2;
/**
 * The quick way goes so far at a time. V8 compiles a loop that never ends differently from a function that returns often: what comes
 * behind the loop is then unknown to it, and each end of it costs more than a thousand such returns. Bytes.
 */
const BYTES_PER_SCAN = 16_384;
/** Numbers beyond are kept as this: an object of 4 GB or more counts as one of 4 GB. */
const LARGEST = 0xffffffff;
/** Nodes, edges or locations that there is room for at first when nothing is known of the snapshot. Room then doubles. */
const FIRST_ROOM = 65_536;

const [TAB, NEWLINE, RETURN, SPACE] = [0x09, 0x0a, 0x0d, 0x20] as const;
const [QUOTE, COMMA, MINUS, COLON, BACKSLASH] = [0x22, 0x2c, 0x2d, 0x3a, 0x5c] as const;
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d] as const;
const ZERO = 0x30;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

export interface SnapshotReaderOptions {
  /** Size of the whole snapshot in bytes, where it is known: then it cannot announce more than can be in it. */
  readonly size?: number;
  /**
   * Told once what the snapshot says of itself, before room is made for it. What this throws, `push` throws; when it returns there is
   * memory for so much, and room is made once. Without it and without a size, room grows with what comes.
   */
  readonly announced?: (counts: SnapshotCounts) => void;
}

export interface SnapshotCounts {
  readonly nodes: number;
  readonly edges: number;
}

/**
 * Reads a snapshot that is there already.
 * @param source the bytes, in one or more pieces; they are not kept.
 * @throws {SnapshotError} when that is no whole, sound heap snapshot
 * @throws {AnalysisCancelled} as `progress` does
 */
export function readSnapshot(source: Uint8Array | Iterable<Uint8Array>, progress: Progress = NO_PROGRESS): HeapGraph {
  const pieces = source instanceof Uint8Array ? [source] : [...source];
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const reader = new SnapshotReader({ size });
  let done = 0;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += BYTES_PER_REPORT) {
      const part = piece.subarray(at, at + BYTES_PER_REPORT);
      reader.push(part);
      done += part.length;
      progress.report(done / size);
    }
  }
  return reader.finish();
}

/** Where in the file's outermost object the next byte stands. */
type State =
  | 'start'
  | 'key or end'
  | 'key'
  | 'in key'
  | 'colon'
  | 'value'
  | 'layout'
  | 'nodes'
  | 'edges'
  | 'locations'
  | 'strings'
  | 'skipped'
  | 'comma or end'
  | 'end';

/** What may come next in a list. */
type Expected = 'open' | 'first or close' | 'item' | 'comma or close';

export class SnapshotReader {
  readonly #size: number | undefined;
  readonly #announced: ((counts: SnapshotCounts) => void) | undefined;
  #state: State = 'start';
  /** Bytes before the current piece. */
  #before = 0;
  #key: number[] = [];
  readonly #seen = new Set<string>();
  #layoutBytes: number[] = [];
  #layout: SnapshotLayout | undefined;

  /** Of a value that is skipped or taken as a whole: open brackets, and whether it is inside a string. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  #scalar = false;

  /** Of a list: what may come, the number that the last piece ended in, and the fields of the record that is not complete. */
  #expected: Expected = 'open';
  #digits = 0;
  #number = 0;
  #field = 0;
  #record = new Uint32Array(0);

  #node = 0;
  #nodeRoom = 0;
  #nodeTypes = new Uint8Array(0);
  #nodeNames = new Uint32Array(0);
  #nodeIds = new Uint32Array(0);
  /** Of arrays only: see {@link HeapArrays.arraySizes}. */
  #sizes = new Uint32Array(0);
  #sized = 0;
  #firstEdges = new Uint32Array(1);
  #edgesOfNodes = 0;
  #largestName = 0;

  #nodeTypeMap = new Uint8Array(0);

  #edge = 0;
  #edgeRoom = 0;
  #edgeTypes = new Uint8Array(0);
  #edgeNames = new Uint32Array(0);
  #edgeTargets = new Uint32Array(0);
  #largestEdgeName = 0;
  #edgeTypeMap = new Uint8Array(0);
  #edgeNamed = new Uint8Array(0);

  #location = 0;
  #locations = new Uint32Array(0);

  readonly #strings = new StringBytes();

  constructor(options: SnapshotReaderOptions = {}) {
    this.#size = options.size;
    this.#announced = options.announced;
  }

  /**
   * Takes the next bytes of the file; they are not kept.
   * @throws {SnapshotError} when no sound snapshot can begin like this; then the reader is of no use any more
   */
  push(chunk: Uint8Array): void {
    let at = 0;
    const end = chunk.length;
    while (at < end) {
      switch (this.#state) {
        case 'nodes':
          at = this.#readRecords(chunk, at, end, 'nodes');
          break;
        case 'edges':
          at = this.#readRecords(chunk, at, end, 'edges');
          break;
        case 'locations':
          at = this.#readLocations(chunk, at, end);
          break;
        case 'strings':
          at = this.#readStrings(chunk, at, end);
          break;
        case 'skipped':
        case 'layout':
          at = this.#readWhole(chunk, at, end);
          break;
        default:
          this.#readFrame(chunk[at] ?? 0, this.#before + at);
          at++;
      }
    }
    this.#before += end;
  }

  /**
   * The graph, once the last byte was pushed.
   * @throws {SnapshotError} when something is missing or does not fit together
   */
  finish(): HeapGraph {
    const layout = this.#layout;
    if (this.#state !== 'end') {
      if (layout === undefined && !this.#seen.has('snapshot')) throw notASnapshot();
      throw new SnapshotError(
        'truncated',
        `The heap snapshot breaks off after ${this.#before} bytes: it was not written to its end. Take it again, and see that the disk has room.`,
      );
    }
    if (layout === undefined) throw notASnapshot();
    for (const key of ['nodes', 'edges', 'strings']) {
      if (!this.#seen.has(key)) throw corrupted(`it has no "${key}"`);
    }
    const strings = this.#strings;
    if (this.#node > 0 && this.#largestName >= strings.count) throw corrupted(`a node's name is string ${this.#largestName} of ${strings.count}`);
    if (this.#largestEdgeName > 0 && this.#largestEdgeName >= strings.count) {
      throw corrupted(`an edge's name is string ${this.#largestEdgeName} of ${strings.count}`);
    }
    if (this.#edge !== this.#edgesOfNodes) throw corrupted(`it has ${this.#edge} edges, and its nodes ${this.#edgesOfNodes}`);
    if (this.#node === 0) throw corrupted('it has no nodes');
    const locations = this.#locations.subarray(0, this.#location * LOCATION_FIELDS);
    const arrays: HeapArrays = {
      nodeTypes: this.#nodeTypes,
      nodeNames: this.#nodeNames,
      nodeIds: this.#nodeIds,
      firstEdges: this.#firstEdges,
      edgeTypes: this.#edgeTypes,
      edgeNames: this.#edgeNames,
      edgeTargets: this.#edgeTargets,
      arraySizes: this.#sizes.subarray(0, this.#sized),
      locations,
      locationOf: numberLocations(locations, this.#node),
    };
    return new HeapGraph(arrays, strings);
  }

  /** Share of the nodes and edges that were read, 0 to 1. */
  get share(): number {
    if (this.#layout === undefined) return 0;
    return (this.#node + this.#edge) / Math.max(1, this.#layout.nodeCount + this.#layout.edgeCount);
  }

  /** One byte between the values of the outermost object. */
  #readFrame(byte: number, at: number): void {
    switch (this.#state) {
      case 'start':
        if (byte === OPEN_OBJECT) this.#state = 'key or end';
        else if (!isSpace(byte) && byte !== BYTE_ORDER_MARK[at]) throw notASnapshot();
        return;
      case 'key or end':
      case 'key':
        if (byte === QUOTE) {
          this.#key = [];
          this.#escaped = false;
          this.#state = 'in key';
        } else if (byte === CLOSE_OBJECT && this.#state === 'key or end') this.#state = 'end';
        else if (!isSpace(byte)) throw this.#unexpected(at);
        return;
      case 'in key':
        if (byte === QUOTE && !this.#escaped) this.#state = 'colon';
        else {
          this.#escaped = byte === BACKSLASH && !this.#escaped;
          this.#key.push(byte);
          if (this.#key.length > LONGEST_KEY) throw this.#unexpected(at);
        }
        return;
      case 'colon':
        if (byte === COLON) this.#beginValue();
        else if (!isSpace(byte)) throw this.#unexpected(at);
        return;
      case 'comma or end':
        if (byte === COMMA) this.#state = 'key';
        else if (byte === CLOSE_OBJECT) this.#state = 'end';
        else if (!isSpace(byte)) throw this.#unexpected(at);
        return;
      default:
        if (!isSpace(byte)) throw corrupted(`something follows its end, at byte ${at}`);
    }
  }

  #beginValue(): void {
    const key = String.fromCharCode(...this.#key);
    if (this.#seen.has(key)) throw corrupted(`it has "${printable(key)}" twice`);
    if (KEYS.includes(key)) this.#seen.add(key);
    this.#depth = 0;
    this.#inString = false;
    this.#escaped = false;
    this.#scalar = false;
    this.#expected = 'open';
    this.#field = 0;
    this.#digits = 0;
    switch (key) {
      case 'snapshot':
        this.#layoutBytes = [];
        this.#state = 'layout';
        return;
      case 'nodes':
        this.#beginNodes(this.#known());
        return;
      case 'edges':
        this.#beginEdges(this.#known());
        return;
      case 'locations':
        this.#record = new Uint32Array(this.#known().location.fields);
        this.#state = 'locations';
        return;
      case 'strings':
        this.#state = 'strings';
        return;
      default:
        this.#state = 'skipped';
    }
  }

  #known(): SnapshotLayout {
    if (this.#layout === undefined) throw notASnapshot();
    return this.#layout;
  }

  /** A value that is skipped, or `snapshot`, which is kept until it is complete. */
  #readWhole(bytes: Uint8Array, from: number, end: number): number {
    const keep = this.#state === 'layout';
    let at = from;
    for (; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if (keep) {
        this.#layoutBytes.push(byte);
        if (this.#layoutBytes.length > LONGEST_LAYOUT) throw corrupted('its description is too long');
      }
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) {
          this.#inString = false;
          if (this.#depth === 0) return this.#endWhole(at + 1);
        }
        continue;
      }
      if (byte === QUOTE) {
        if (this.#scalar) throw this.#unexpected(this.#before + at);
        this.#inString = true;
      } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        if (this.#scalar) throw this.#unexpected(this.#before + at);
        this.#depth++;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        if (this.#depth === 0) {
          if (!this.#scalar) throw this.#unexpected(this.#before + at);
          return this.#endWhole(at);
        }
        this.#depth--;
        if (this.#depth === 0) return this.#endWhole(at + 1);
      } else if (this.#depth === 0 && !isSpace(byte)) {
        if (byte === COMMA) {
          if (!this.#scalar) throw this.#unexpected(this.#before + at);
          return this.#endWhole(at);
        }
        this.#scalar = true;
      }
    }
    return at;
  }

  #endWhole(at: number): number {
    if (this.#state === 'layout') {
      // a number or a word ends with what follows it, and cannot be a description anyway
      this.#layout = parseLayout(this.#layoutBytes);
      this.#layoutBytes = [];
      this.#announced?.({ nodes: this.#layout.nodeCount, edges: this.#layout.edgeCount });
    }
    this.#state = 'comma or end';
    return at;
  }

  #beginNodes({ node, nodeCount }: SnapshotLayout): void {
    const room = this.#roomFor(nodeCount, node.fields);
    this.#record = new Uint32Array(node.fields);
    this.#nodeTypeMap = Uint8Array.from(node.types);
    this.#state = 'nodes';
    this.#growNodes(room);
  }

  #beginEdges({ edge, edgeCount }: SnapshotLayout): void {
    const room = this.#roomFor(edgeCount, edge.fields);
    this.#record = new Uint32Array(edge.fields);
    this.#edgeTypeMap = Uint8Array.from(edge.types);
    this.#edgeNamed = Uint8Array.from(edge.named);
    this.#state = 'edges';
    this.#growEdges(room);
  }

  /** A record takes at least two bytes a field: what a file claims beyond that is not in it. */
  #roomFor(count: number, fields: number): number {
    if (this.#size === undefined) return this.#announced === undefined ? Math.min(count, FIRST_ROOM) : count;
    if (count * fields * 2 > this.#size + 1) throw corrupted(`it announces ${count} entries, which cannot be in ${this.#size} bytes`);
    return count;
  }

  #growNodes(room: number): void {
    this.#nodeTypes = grow8(this.#nodeTypes, room);
    this.#nodeNames = grow32(this.#nodeNames, room);
    this.#nodeIds = grow32(this.#nodeIds, room);
    this.#firstEdges = grow32(this.#firstEdges, room + 1);
    this.#nodeRoom = room;
  }

  #growEdges(room: number): void {
    this.#edgeTypes = grow8(this.#edgeTypes, room);
    this.#edgeNames = grow32(this.#edgeNames, room);
    this.#edgeTargets = grow32(this.#edgeTargets, room);
    this.#edgeRoom = room;
  }

  /** Of both long lists: most of it in the quick way, and what that leaves number by number. */
  #readRecords(bytes: Uint8Array, from: number, end: number, list: 'nodes' | 'edges'): number {
    const ofNodes = list === 'nodes';
    let at = from;
    while (at < end && this.#state === list) {
      if (this.#field === 0 && this.#digits === 0) {
        at = this.#nextItem(bytes, at, end);
        if (this.#expected === 'item') at = ofNodes ? this.#scanNodes(bytes, at, end) : this.#scanEdges(bytes, at, end);
      }
      at = this.#nextNumber(bytes, at, end);
      if (this.#digits !== COMPLETE) continue;
      this.#digits = 0;
      this.#record[this.#field++] = this.#number;
      if (this.#field < this.#record.length) continue;
      this.#field = 0;
      if (ofNodes) this.#addNode();
      else this.#addEdge();
    }
    if (this.#state !== list) {
      const { nodeCount, edgeCount } = this.#known();
      if (this.#field !== 0) throw corrupted(`its last ${ofNodes ? 'node' : 'edge'} is not complete`);
      const [announced, read] = ofNodes ? [nodeCount, this.#node] : [edgeCount, this.#edge];
      if (read !== announced) throw corrupted(`it announces ${announced} ${list} and has ${read}`);
    }
    return at;
  }

  /**
   * Takes whole nodes as long as they are written as V8 writes them: in its order of fields, numbers of up to nine digits, commas, a
   * line break after each node. All else, and what may be cut off by the end of the bytes, is left to the careful way. Written out
   * field by field: it is a fifth faster.
   */
  #scanNodes(bytes: Uint8Array, from: number, end: number): number {
    const { edgeCount, node: layout } = this.#known();
    const { fields } = layout;
    if (layout.type !== 0 || layout.name !== 1 || layout.id !== 2 || layout.selfSize !== 3 || layout.edgeCount !== 4) return from;
    const types = this.#nodeTypeMap;
    const nodeTypes = this.#nodeTypes;
    const nodeNames = this.#nodeNames;
    const nodeIds = this.#nodeIds;
    const sizes = this.#sizes;
    const firstEdges = this.#firstEdges;
    const room = this.#nodeRoom;
    const limit = Math.min(end, from + BYTES_PER_SCAN) - fields * LONGEST_FIELD;
    let largestName = this.#largestName;
    let edges = this.#edgesOfNodes;
    let node = this.#node;
    let sized = this.#sized;
    let begin = from;
    scan: while (begin < limit && node < room) {
      let at = begin;
      let rawType = (bytes[at++] as number) - ZERO;
      if (!(rawType >= 0 && rawType <= 9)) break;
      let digit = (bytes[at++] as number) - ZERO;
      if (digit >= 0 && digit <= 9) {
        rawType = rawType * 10 + digit;
        digit = (bytes[at++] as number) - ZERO;
      }
      if (digit !== COMMA - ZERO) break;

      const nameAt = at;
      let name = (bytes[at++] as number) - ZERO;
      if (!(name >= 0 && name <= 9)) break;
      digit = (bytes[at++] as number) - ZERO;
      while (digit >= 0 && digit <= 9) {
        name = (Math.imul(name, 10) + digit) | 0;
        digit = (bytes[at++] as number) - ZERO;
      }
      if (digit !== COMMA - ZERO || at - nameAt > SAFE_DIGITS + 1) break;

      const idAt = at;
      let id = (bytes[at++] as number) - ZERO;
      if (!(id >= 0 && id <= 9)) break;
      digit = (bytes[at++] as number) - ZERO;
      while (digit >= 0 && digit <= 9) {
        id = (Math.imul(id, 10) + digit) | 0;
        digit = (bytes[at++] as number) - ZERO;
      }
      if (digit !== COMMA - ZERO || at - idAt > SAFE_DIGITS + 1) break;

      const sizeAt = at;
      let size = (bytes[at++] as number) - ZERO;
      if (!(size >= 0 && size <= 9)) break;
      digit = (bytes[at++] as number) - ZERO;
      while (digit >= 0 && digit <= 9) {
        size = (Math.imul(size, 10) + digit) | 0;
        digit = (bytes[at++] as number) - ZERO;
      }
      if (digit !== COMMA - ZERO || at - sizeAt > SAFE_DIGITS + 1) break;

      const countAt = at;
      let count = (bytes[at++] as number) - ZERO;
      if (!(count >= 0 && count <= 9)) break;
      digit = (bytes[at++] as number) - ZERO;
      while (digit >= 0 && digit <= 9) {
        count = (Math.imul(count, 10) + digit) | 0;
        digit = (bytes[at++] as number) - ZERO;
      }
      if (at - countAt > SAFE_DIGITS + 1) break;

      // what comes behind is not kept, and mostly 0
      for (let field = 5; field < fields; field++) {
        if (digit !== COMMA - ZERO) break scan;
        const start = at;
        digit = (bytes[at++] as number) - ZERO;
        if (!(digit >= 0 && digit <= 9)) break scan;
        while (digit >= 0 && digit <= 9) digit = (bytes[at++] as number) - ZERO;
        if (at - start > SAFE_DIGITS + 1) break scan;
      }
      if (digit === NEWLINE - ZERO) digit = (bytes[at++] as number) - ZERO;
      if (digit !== COMMA - ZERO) break;

      const type = types[rawType];
      const ends = edges + count;
      if (type === undefined || ends > edgeCount) break;
      if (name > largestName) largestName = name;
      nodeTypes[node] = type;
      nodeNames[node] = name;
      nodeIds[node] = id;
      if (type === NODE_TYPE.array) {
        // `#addNode` makes room
        if (sized === sizes.length) break;
        sizes[sized++] = node;
        sizes[sized++] = size;
      }
      edges = ends;
      firstEdges[++node] = edges;
      begin = at;
    }
    this.#largestName = largestName;
    this.#edgesOfNodes = edges;
    this.#sized = sized;
    this.#node = node;
    return begin;
  }

  /** The node in `#record`. */
  #addNode(): void {
    const { node: layout, nodeCount, edgeCount } = this.#known();
    const record = this.#record;
    const index = this.#node;
    if (index === this.#nodeRoom) {
      if (index === nodeCount) throw corrupted(`it has more than the ${nodeCount} nodes that it announces`);
      this.#growNodes(Math.min(nodeCount, index * 2));
    }
    const type = this.#nodeTypeMap[record[layout.type] ?? 0];
    if (type === undefined) throw corrupted(`node ${index} has a type that is not described`);
    const name = record[layout.name] ?? 0;
    this.#largestName = Math.max(this.#largestName, name);
    this.#nodeTypes[index] = type;
    this.#nodeNames[index] = name;
    this.#nodeIds[index] = record[layout.id] ?? 0;
    if (type === NODE_TYPE.array) this.#addSize(index, record[layout.selfSize] ?? 0);
    this.#edgesOfNodes += record[layout.edgeCount] ?? 0;
    if (this.#edgesOfNodes > edgeCount) throw corrupted(`its nodes have more than the ${edgeCount} edges that it announces`);
    this.#node = index + 1;
    this.#firstEdges[index + 1] = this.#edgesOfNodes;
  }

  #addSize(node: number, size: number): void {
    if (this.#sized === this.#sizes.length) this.#sizes = grow32(this.#sizes, Math.max(this.#sized * 2, FIRST_ROOM));
    this.#sizes[this.#sized++] = node;
    this.#sizes[this.#sized++] = size;
  }

  /** As {@link #scanNodes}, for edges. */
  #scanEdges(bytes: Uint8Array, from: number, end: number): number {
    const { nodeCount, node, edge: layout } = this.#known();
    if (layout.fields !== 3 || layout.type !== 0 || layout.nameOrIndex !== 1 || layout.toNode !== 2) return from;
    const nodeFields = node.fields;
    const types = this.#edgeTypeMap;
    const named = this.#edgeNamed;
    const edgeTypes = this.#edgeTypes;
    const edgeNames = this.#edgeNames;
    const edgeTargets = this.#edgeTargets;
    const room = this.#edgeRoom;
    const limit = Math.min(end, from + BYTES_PER_SCAN) - 3 * LONGEST_FIELD;
    let largestName = this.#largestEdgeName;
    let edge = this.#edge;
    let begin = from;
    while (begin < limit && edge < room) {
      let at = begin;
      const rawType = (bytes[at++] as number) - ZERO;
      if (!(rawType >= 0 && rawType <= 9) || bytes[at++] !== COMMA) break;

      const nameAt = at;
      let name = (bytes[at++] as number) - ZERO;
      if (!(name >= 0 && name <= 9)) break;
      let digit = (bytes[at++] as number) - ZERO;
      while (digit >= 0 && digit <= 9) {
        name = (Math.imul(name, 10) + digit) | 0;
        digit = (bytes[at++] as number) - ZERO;
      }
      if (digit !== COMMA - ZERO || at - nameAt > SAFE_DIGITS + 1) break;

      const offsetAt = at;
      let offset = (bytes[at++] as number) - ZERO;
      if (!(offset >= 0 && offset <= 9)) break;
      digit = (bytes[at++] as number) - ZERO;
      while (digit >= 0 && digit <= 9) {
        offset = (Math.imul(offset, 10) + digit) | 0;
        digit = (bytes[at++] as number) - ZERO;
      }
      if (at - offsetAt > SAFE_DIGITS + 1) break;
      if (digit === NEWLINE - ZERO) digit = (bytes[at++] as number) - ZERO;
      if (digit !== COMMA - ZERO) break;

      const type = types[rawType];
      const target = (offset / nodeFields) | 0;
      if (type === undefined || target >= nodeCount || target * nodeFields !== offset) break;
      if (name > largestName && named[rawType] === 1) largestName = name;
      edgeTypes[edge] = type;
      edgeNames[edge] = name;
      edgeTargets[edge++] = target;
      begin = at;
    }
    this.#largestEdgeName = largestName;
    this.#edge = edge;
    return begin;
  }

  /** The edge in `#record`. */
  #addEdge(): void {
    const { edge: layout, node: nodeLayout, nodeCount, edgeCount } = this.#known();
    const record = this.#record;
    const index = this.#edge;
    if (index === this.#edgeRoom) {
      if (index === edgeCount) throw corrupted(`it has more than the ${edgeCount} edges that it announces`);
      this.#growEdges(Math.min(edgeCount, index * 2));
    }
    const rawType = record[layout.type] ?? 0;
    const type = this.#edgeTypeMap[rawType];
    if (type === undefined) throw corrupted(`edge ${index} has a type that is not described`);
    const name = record[layout.nameOrIndex] ?? 0;
    if (this.#edgeNamed[rawType] === 1) this.#largestEdgeName = Math.max(this.#largestEdgeName, name);
    const offset = record[layout.toNode] ?? 0;
    const target = Math.floor(offset / nodeLayout.fields);
    if (target >= nodeCount || target * nodeLayout.fields !== offset) throw corrupted(`edge ${index} leads to no node`);
    this.#edgeTypes[index] = type;
    this.#edgeNames[index] = name;
    this.#edgeTargets[index] = target;
    this.#edge = index + 1;
  }

  #readLocations(bytes: Uint8Array, from: number, end: number): number {
    const record = this.#record;
    let at = from;
    while (at < end && this.#state === 'locations') {
      if (this.#field === 0 && this.#digits === 0) {
        at = this.#nextItem(bytes, at, end);
        if (this.#expected === 'item') at = this.#scanLocations(bytes, at, end);
      }
      at = this.#nextNumber(bytes, at, end);
      if (this.#digits !== COMPLETE) continue;
      this.#digits = 0;
      record[this.#field++] = this.#number;
      if (this.#field < record.length) continue;
      this.#field = 0;
      this.#addLocation();
    }
    if (this.#state !== 'locations' && this.#field !== 0) throw corrupted('its last location is not complete');
    return at;
  }

  /** As {@link #scanNodes}, for locations, whatever the order of their fields. */
  #scanLocations(bytes: Uint8Array, from: number, end: number): number {
    const record = this.#record;
    const fields = record.length;
    const limit = Math.min(end, from + BYTES_PER_SCAN) - fields * LONGEST_FIELD;
    let begin = from;
    while (begin < limit) {
      let at = begin;
      for (let field = 0; field < fields; field++) {
        const start = at;
        let value = (bytes[at++] as number) - ZERO;
        if (!(value >= 0 && value <= 9)) return begin;
        let digit = (bytes[at++] as number) - ZERO;
        while (digit >= 0 && digit <= 9) {
          value = (Math.imul(value, 10) + digit) | 0;
          digit = (bytes[at++] as number) - ZERO;
        }
        if (at - start > SAFE_DIGITS + 1) return begin;
        if (digit === NEWLINE - ZERO && field === fields - 1) digit = (bytes[at++] as number) - ZERO;
        if (digit !== COMMA - ZERO) return begin;
        record[field] = value;
      }
      this.#addLocation();
      begin = at;
    }
    return begin;
  }

  /** The location in `#record`. */
  #addLocation(): void {
    const { location: layout, node: nodeLayout, nodeCount } = this.#known();
    const record = this.#record;
    const offset = record[layout.objectIndex] ?? 0;
    const node = Math.floor(offset / nodeLayout.fields);
    if (node >= nodeCount || node * nodeLayout.fields !== offset) throw corrupted(`location ${this.#location} belongs to no node`);
    const line = record[layout.line] ?? 0;
    const column = record[layout.column] ?? 0;
    // V8 writes -1 where it has no place, as an unsigned number
    if (line === LARGEST || column === LARGEST) return;
    const slot = this.#location * LOCATION_FIELDS;
    if (slot === this.#locations.length) this.#locations = grow32(this.#locations, Math.max(slot * 2, FIRST_ROOM));
    this.#locations[slot] = node;
    this.#locations[slot + 1] = record[layout.scriptId] ?? 0;
    this.#locations[slot + 2] = line;
    this.#locations[slot + 3] = column;
    this.#location++;
  }

  /** Goes on to where the next number of the list begins, if nothing is wrong on the way there. */
  #nextItem(bytes: Uint8Array, from: number, end: number): number {
    let at = from;
    while (at < end && isSpace(bytes[at] ?? 0)) at++;
    if (bytes[at] === COMMA && this.#expected === 'comma or close') {
      this.#expected = 'item';
      at++;
    }
    while (at < end && isSpace(bytes[at] ?? 0)) at++;
    return at;
  }

  /** Goes on to the end of the next number of the list, which is then in `#number`, or to the end of the list or of the bytes. */
  #nextNumber(bytes: Uint8Array, from: number, end: number): number {
    let at = from;
    if (at === end) return at;
    if (this.#digits === 0) {
      for (;;) {
        const byte = bytes[at] ?? 0;
        if (byte >= ZERO && byte <= ZERO + 9) break;
        if (byte === MINUS && this.#state === 'locations') {
          this.#expect('item', at);
          this.#digits = -1;
          this.#number = LARGEST;
          at++;
          break;
        }
        at++;
        if (byte === COMMA && this.#expected === 'comma or close') this.#expected = 'item';
        else if (byte === OPEN_LIST && this.#expected === 'open') this.#expected = 'first or close';
        else if (byte === CLOSE_LIST && (this.#expected === 'comma or close' || this.#expected === 'first or close')) {
          this.#state = 'comma or end';
          return at;
        } else if (!isSpace(byte)) throw this.#unexpected(this.#before + at - 1);
        if (at === end) return at;
      }
      if (this.#digits === 0) {
        this.#expect('item', at);
        this.#number = 0;
      }
    }
    const negative = this.#digits < 0;
    let digits = Math.abs(this.#digits);
    let value = this.#number;
    while (at < end) {
      const digit = (bytes[at] ?? 0) - ZERO;
      if (!(digit >= 0 && digit <= 9)) {
        this.#number = negative || value > LARGEST ? LARGEST : value;
        this.#digits = COMPLETE;
        this.#expected = 'comma or close';
        return at;
      }
      if (!negative) value = value * 10 + digit;
      at++;
      if (++digits > MOST_DIGITS) throw corrupted(`it has a number of more than ${MOST_DIGITS} digits, at byte ${this.#before + at}`);
    }
    this.#number = value;
    this.#digits = negative ? -digits : digits;
    return at;
  }

  #expect(what: 'item', at: number): void {
    if (this.#expected !== what && this.#expected !== 'first or close') throw this.#unexpected(this.#before + at);
  }

  #readStrings(bytes: Uint8Array, from: number, end: number): number {
    const strings = this.#strings;
    const base = strings.length - from;
    let at = from;
    let inString = this.#inString;
    let escaped = this.#escaped;
    let done = false;
    while (at < end && !done) {
      const byte = bytes[at++] ?? 0;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE && (this.#expected === 'item' || this.#expected === 'first or close')) {
        inString = true;
        strings.begin(base + at);
        this.#expected = 'comma or close';
      } else if (byte === COMMA && this.#expected === 'comma or close') this.#expected = 'item';
      else if (byte === OPEN_LIST && this.#expected === 'open') this.#expected = 'first or close';
      else if (byte === CLOSE_LIST && (this.#expected === 'comma or close' || this.#expected === 'first or close')) {
        this.#state = 'comma or end';
        done = true;
      } else if (!isSpace(byte)) throw this.#unexpected(this.#before + at - 1);
    }
    this.#inString = inString;
    this.#escaped = escaped;
    strings.add(bytes, from, at);
    return at;
  }

  #unexpected(at: number): SnapshotError {
    if (this.#layout === undefined && !this.#seen.has('snapshot')) return notASnapshot();
    return corrupted(`byte ${at} is not what belongs there`);
  }
}

/** In `#digits`: the number has ended. */
const COMPLETE = 99;
const KEYS = ['snapshot', 'nodes', 'edges', 'locations', 'strings'];

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === NEWLINE || byte === RETURN || byte === TAB;
}

function notASnapshot(): SnapshotError {
  return new SnapshotError('not a snapshot', 'This is not a V8 heap snapshot. Choose a .heapsnapshot file as Node or Chrome writes it.');
}

function corrupted(what: string, reason: SnapshotFailureReason = 'corrupted'): SnapshotError {
  return new SnapshotError(reason, `The heap snapshot is damaged: ${what}. Take it again.`);
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

function grow8(array: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  const grown = new Uint8Array(length);
  grown.set(array);
  return grown;
}

function grow32(array: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(length);
  grown.set(array);
  return grown;
}

/** For each node, one more than the number of its location, of several the first; 0 where it has none. */
function numberLocations(locations: Uint32Array, nodeCount: number): Uint32Array {
  const locationOf = new Uint32Array(nodeCount);
  for (let at = locations.length - LOCATION_FIELDS; at >= 0; at -= LOCATION_FIELDS) locationOf[locations[at] ?? 0] = at / LOCATION_FIELDS + 1;
  return locationOf;
}
