/** Heap snapshots of any size, for benchmarks. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

/** What is written in one call, UTF-16 units. */
const WRITE_UNITS = 1 << 20;
/** Names of strings that hold data get another one in each copy, as different objects have different strings. */
const DATA = /\d{2}/;

interface Snapshot {
  readonly snapshot: { readonly meta: { readonly node_fields: string[]; readonly node_types: [string[]] }; readonly node_count: number; readonly edge_count: number };
  readonly nodes: number[];
  readonly edges: number[];
  readonly locations: number[];
  readonly strings: string[];
}

/**
 * Writes a snapshot that has what is below another one's root many times over: V8's own shapes, as many of them as are wanted.
 * @param unit a snapshot that V8 has written, of at most a few hundred megabytes
 * @returns its nodes and edges
 */
export function tileSnapshot(unit: string, file: string, copies: number): { readonly nodes: number; readonly edges: number } {
  const json = JSON.parse(readFileSync(unit, 'utf8')) as Snapshot;
  const { meta, node_count: nodeCount, edge_count: edgeCount } = json.snapshot;
  const fields = meta.node_fields.length;
  const [type, name, id, edgesOf] = ['type', 'name', 'id', 'edge_count'].map((field) => meta.node_fields.indexOf(field)) as [number, number, number, number];
  const stringType = meta.node_types[0].indexOf('string');
  let lastId = 0;
  for (let at = id; at < json.nodes.length; at += fields) lastId = Math.max(lastId, json.nodes[at] ?? 0);
  const idsPerCopy = lastId + (lastId % 2) + 2;
  // the strings of data, which each copy but the first has anew
  const data = json.strings.flatMap((text, index) => (DATA.test(text) ? [index] : []));
  const dataNumber = new Map(data.map((index, number) => [index, number]));
  const nodes = 1 + (nodeCount - 1) * copies;
  const edges = edgeCount * copies;
  const rootEdges = json.nodes[edgesOf] ?? 0;
  const moved = (node: number, copy: number): number => (node === 0 ? 0 : node + copy * (nodeCount - 1));

  const out = new Output(file);
  out.write(`{"snapshot":${JSON.stringify({ ...json.snapshot, node_count: nodes, edge_count: edges })},\n"nodes":[`);
  for (let copy = 0; copy < copies; copy++) {
    for (let node = copy === 0 ? 0 : 1; node < nodeCount; node++) {
      const row = json.nodes.slice(node * fields, (node + 1) * fields);
      if (node === 0) row[edgesOf] = rootEdges * copies;
      row[id] = (row[id] ?? 0) + copy * idsPerCopy;
      const renamed = copy > 0 && row[type] === stringType ? dataNumber.get(row[name] ?? 0) : undefined;
      if (renamed !== undefined) row[name] = json.strings.length + (copy - 1) * data.length + renamed;
      out.write(`${node + copy === 0 ? '' : ','}${row.join(',')}\n`);
    }
  }
  out.write('],\n"edges":[');
  const writeEdges = (from: number, to: number, copy: number): void => {
    for (let edge = from; edge < to; edge++) {
      const target = moved((json.edges[edge * 3 + 2] ?? 0) / fields, copy) * fields;
      out.write(`${edge + copy === 0 ? '' : ','}${json.edges[edge * 3]},${json.edges[edge * 3 + 1]},${target}\n`);
    }
  };
  for (let copy = 0; copy < copies; copy++) writeEdges(0, rootEdges, copy);
  for (let copy = 0; copy < copies; copy++) writeEdges(rootEdges, edgeCount, copy);
  out.write('],\n"trace_function_infos":[],\n"trace_tree":[],\n"samples":[],\n"locations":[');
  for (let copy = 0; copy < copies; copy++) {
    for (let at = 0; at < json.locations.length; at += 4) {
      const node = moved((json.locations[at] ?? 0) / fields, copy);
      out.write(`${at + copy === 0 ? '' : ','}${node * fields},${json.locations.slice(at + 1, at + 4).join(',')}\n`);
    }
  }
  out.write('],\n"strings":[');
  for (const [index, text] of json.strings.entries()) out.write(`${index === 0 ? '' : ',\n'}${JSON.stringify(text)}`);
  for (let copy = 1; copy < copies; copy++) {
    for (const index of data) out.write(`,\n${JSON.stringify(`${json.strings[index]} ${copy}`)}`);
  }
  out.write(']}\n');
  out.close();
  return { nodes, edges };
}

class Output {
  readonly #descriptor: number;
  #pending: string[] = [];
  #units = 0;

  constructor(file: string) {
    this.#descriptor = openSync(file, 'wx', 0o600);
  }

  write(text: string): void {
    this.#pending.push(text);
    this.#units += text.length;
    if (this.#units > WRITE_UNITS) this.#flush();
  }

  close(): void {
    this.#flush();
    closeSync(this.#descriptor);
  }

  #flush(): void {
    writeSync(this.#descriptor, this.#pending.join(''));
    this.#pending = [];
    this.#units = 0;
  }
}
