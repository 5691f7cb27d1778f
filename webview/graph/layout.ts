/** Where boxes and edges of the graph stand: what is outermost on the left, what everything hangs on on the right. Pure. */
import { graphlib, layout as layOut } from '@dagrejs/dagre';
import { VERDICTS_AND_NONE } from '../../src/core/format/dumpText';
import type { Graph } from './model';

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Pixels at a zoom of 1; `x` and `y` are the upper left corner. */
export interface Rectangle extends Point, Size {}

export interface Layout extends Size {
  /** By the index of each box. */
  readonly boxes: readonly Rectangle[];
  /** By the index of each edge, from the right side of a box to the left side of another. */
  readonly edges: readonly (readonly Point[])[];
}

/** Pixels between boxes above one another, between those that follow one another, and between parts that nothing joins. */
const ROW_GAP = 14;
const COLUMN_GAP = 64;
const PART_GAP = 26;
const MARGIN = 16;
/** Below everything, where the legend stands. */
const LEGEND_ROOM = 44;

/** Each part that nothing joins to the others is laid out by itself; the worst stands on top. */
export function layoutGraph(graph: Graph, sizeOf: (box: number) => Size): Layout {
  const boxes: Rectangle[] = graph.boxes.map(() => ({ x: 0, y: 0, width: 0, height: 0 }));
  const edges: (readonly Point[])[] = graph.edges.map(() => []);
  let [top, width] = [MARGIN, 0];
  for (const part of partsOf(graph)) {
    const placed = layoutPart(graph, part, sizeOf);
    for (const [box, { x, y, ...size }] of placed.boxes) boxes[box] = { x: x + MARGIN, y: y + top, ...size };
    for (const [edge, points] of placed.edges) edges[edge] = points.map(({ x, y }) => ({ x: x + MARGIN, y: y + top }));
    top += placed.height + PART_GAP;
    width = Math.max(width, placed.width);
  }
  return { boxes, edges, width: width + 2 * MARGIN, height: Math.max(top - PART_GAP, 0) + LEGEND_ROOM };
}

interface Part {
  readonly boxes: readonly number[];
  readonly edges: readonly number[];
}

function partsOf({ boxes, edges }: Graph): readonly Part[] {
  const parent = boxes.map((_, index) => index);
  const find = (index: number): number => {
    let at = index;
    for (let up = parent[at] ?? at; up !== at; up = parent[at] ?? at) {
      parent[at] = parent[up] ?? up;
      at = up;
    }
    return at;
  };
  for (const { from, to } of edges) parent[find(from)] = find(to);
  const parts = new Map<number, { boxes: number[]; edges: number[] }>();
  const partOf = (box: number): { boxes: number[]; edges: number[] } => {
    const root = find(box);
    let part = parts.get(root);
    if (part === undefined) parts.set(root, (part = { boxes: [], edges: [] }));
    return part;
  };
  for (const index of boxes.keys()) partOf(index).boxes.push(index);
  for (const [index, { from }] of edges.entries()) partOf(from).edges.push(index);
  const rank = ({ boxes: own }: Part): readonly [more: number, verdict: number, count: number] => [
    Number(own.every((box) => boxes[box]?.type === 'more')),
    Math.min(...own.map((box) => VERDICTS_AND_NONE.indexOf(boxes[box]?.verdict ?? null))),
    -Math.max(...own.map((box) => boxes[box]?.count ?? 0)),
  ];
  const ranked = [...parts.values()].map((part) => ({ part, rank: rank(part) }));
  ranked.sort((a, b) => a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1] || a.rank[2] - b.rank[2]);
  return ranked.map(({ part }) => part);
}

interface PlacedPart extends Size {
  readonly boxes: readonly (readonly [box: number, at: Rectangle])[];
  readonly edges: readonly (readonly [edge: number, points: readonly Point[]])[];
}

/** A node before all outermost functions, which keeps them in the first column. */
const ORIGIN = 'origin';
/** Against the weight of an edge: so heavy that nothing pulls a box out of the first column. */
const ORIGIN_WEIGHT = 1000;

function layoutPart({ edges }: Graph, part: Part, sizeOf: (box: number) => Size): PlacedPart {
  const [only] = part.boxes;
  if (part.boxes.length === 1 && only !== undefined) {
    const size = sizeOf(only);
    return { ...size, boxes: [[only, { x: 0, y: 0, ...size }]], edges: [] };
  }
  const graph = new graphlib.Graph({ multigraph: false });
  graph.setGraph({ rankdir: 'LR', nodesep: ROW_GAP, ranksep: COLUMN_GAP, edgesep: 10, ranker: part.boxes.length > SIMPLE_RANKING_FROM ? 'longest-path' : 'network-simplex' });
  for (const box of part.boxes) graph.setNode(String(box), { ...sizeOf(box) });
  const inner = new Set(part.edges.flatMap((index) => edges[index]?.to ?? []));
  const outermost = part.boxes.filter((box) => !inner.has(box));
  if (outermost.length > 1) {
    graph.setNode(ORIGIN, { width: 0, height: 0 });
    for (const box of outermost) graph.setEdge(ORIGIN, String(box), { weight: ORIGIN_WEIGHT });
  }
  for (const index of part.edges) {
    const edge = edges[index];
    if (edge !== undefined) graph.setEdge(String(edge.from), String(edge.to), { weight: 1 + Math.log10(Math.max(1, edge.count)) });
  }
  layOut(graph);
  const centred = part.boxes.map((box): readonly [number, Rectangle] => [box, graph.node(String(box)) as Rectangle]);
  const columns = columnsOf(centred.map(([, at]) => at));
  const left = columns[0]?.left ?? 0;
  const top = Math.min(...centred.map(([, { y, height }]) => y - height / 2));
  const columnAt = (x: number): Column | undefined => columns.find((column) => x >= column.left - 1 && x <= column.right + 1);
  const boxes = centred.map(([box, { x, y, width, height }]): readonly [number, Rectangle] => [box, { x: (columnAt(x)?.left ?? x) - left, y: y - height / 2 - top, width, height }]);
  const placed = new Map(boxes);
  const routes = part.edges.map((index): readonly [number, readonly Point[]] => {
    const edge = edges[index];
    const [from, to] = [placed.get(edge?.from ?? -1), placed.get(edge?.to ?? -1)];
    if (edge === undefined || from === undefined || to === undefined) return [index, []];
    const start = { x: from.x + from.width, y: from.y + from.height / 2 };
    const end = { x: to.x, y: to.y + to.height / 2 };
    const { points = [] } = graph.edge(String(edge.from), String(edge.to)) as { points?: readonly Point[] };
    // Level beside its own column and through those in between: edges bend in the gaps only, where no box stands.
    const own = (columnAt(from.x + left)?.right ?? start.x + left) - left;
    const through = points.slice(1, -1).flatMap(({ x, y }): Point[] => {
      const column = columnAt(x);
      const [begin, finish] = column === undefined ? [0, 0] : [column.left - left, column.right - left];
      return column === undefined || begin <= own || begin >= end.x ? [] : [{ x: begin, y: y - top }, { x: finish, y: y - top }];
    });
    return [index, [start, ...(own > start.x ? [{ x: own, y: start.y }] : []), ...through, end]];
  });
  return { width: Math.max(...boxes.map(([, { x, width }]) => x + width)), height: Math.max(...boxes.map(([, { y, height }]) => y + height)), boxes, edges: routes };
}

interface Column {
  readonly left: number;
  readonly right: number;
}

/** Boxes of one column have the same centre: from the leftmost to the rightmost of their sides. */
function columnsOf(centred: readonly Rectangle[]): readonly Column[] {
  const columns = new Map<number, { left: number; right: number }>();
  for (const { x, width } of centred) {
    const key = Math.round(x);
    const column = columns.get(key);
    if (column === undefined) columns.set(key, { left: x - width / 2, right: x + width / 2 });
    else {
      column.left = Math.min(column.left, x - width / 2);
      column.right = Math.max(column.right, x + width / 2);
    }
  }
  return [...columns.values()].sort((a, b) => a.left - b.left);
}

/** Boxes in one part from which on the quick way of ranking is taken; the other takes seconds for a thousand. */
const SIMPLE_RANKING_FROM = 300;
