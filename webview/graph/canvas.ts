/** The picture: boxes and edges that can be moved, zoomed, and walked through with the keyboard. */
import { formatCount } from '../../src/core/format/quantity';
import { frameName, taskCount, groupCount, verdictText, waitsForText } from '../../src/core/format/dumpText';
import { lineOf } from '../../src/core/model/dumpLine';
import { element, svgElement, verdictClass } from './dom';
import type { Layout, Point, Rectangle, Size } from './layout';
import { layoutGraph } from './layout';
import type { Box, Graph } from './model';
import { leafLabel, placeText } from './model';

/** Zoom: 1 is as large as the rest of the window. */
const LEAST_ZOOM = 0.15;
const MOST_ZOOM = 2.5;
const ZOOM_STEP = 1.25;
/** A picture that would have to be smaller than this to fit is shown from its upper left corner instead: it could not be read. */
const LEGIBLE_ZOOM = 0.85;
/** Pixels that an arrow key with Shift moves the picture. */
const PAN_STEP = 80;
/** Pixels that have to be left around a box that comes into view. */
const VIEW_MARGIN = 24;

/** Pixels inside a box. */
const LINE_HEIGHT = 18;
const PADDING_X = 10;
const PADDING_Y = 7;
const PLACE_GAP = 14;
const WIDTH = { least: 90, most: 360, text: 290 } as const;
/** Borders and padding of a leaf, left and right together, as the style sheet has them. */
const LEAF_SIDES = 27;
/** Lines that what is waited for can have; its end is left out beyond. */
const TEXT_LINES = 3;
/** Functions that a box lists; of more the middle is left out. */
const LINE_LIMIT = 8;

/** How the picture is moved: what stands at the upper left corner, and how large. */
export interface View extends Point {
  readonly zoom: number;
}

export interface CanvasEvents {
  /** A box was clicked or chosen with the keyboard. */
  readonly onSelect: (box: number) => void;
  /** Enter on a box, or a click on one of its lines: which, or the one that counts. */
  readonly onOpen: (box: number, line: number | undefined) => void;
  readonly onMoved: (view: View) => void;
  readonly onCleared: () => void;
}

type Line = { readonly type: 'frame'; readonly index: number; readonly name: string; readonly place: string; readonly dim: boolean; readonly opens: boolean } | { readonly type: 'text'; readonly text: string };

export class Canvas {
  readonly root: HTMLElement;
  readonly #events: CanvasEvents;
  readonly #stage = element('div', { class: 'stage' });
  readonly #edgesLayer = svgElement('svg', { class: 'edges', 'aria-hidden': true });
  readonly #labelsLayer = svgElement('svg', { class: 'edges labels', 'aria-hidden': true });
  readonly #boxesLayer = element('div', { class: 'boxes' });
  readonly #context = document.createElement('canvas').getContext('2d');
  #graph: Graph = { boxes: [], edges: [] };
  #layout: Layout = { boxes: [], edges: [], width: 0, height: 0 };
  #boxElements: HTMLElement[] = [];
  #edgeElements: SVGElement[] = [];
  #labelElements: SVGElement[] = [];
  #view: View = { x: 0, y: 0, zoom: 1 };
  #focused = 0;

  constructor(events: CanvasEvents) {
    this.#events = events;
    this.#stage.append(this.#edgesLayer, this.#boxesLayer, this.#labelsLayer);
    this.root = element('div', { class: 'canvas', role: 'application', 'aria-label': 'Await graph. Arrow keys go from box to box, Enter opens the line, Space shows details.' }, this.#stage);
    this.#listen();
  }

  get view(): View {
    return this.#view;
  }

  get focused(): number {
    return this.#focused;
  }

  /** Some box can be seen. The view of a larger graph can be beside all of them. */
  get showsBoxes(): boolean {
    const { zoom, ...view } = this.#view;
    const meets = (from: number, size: number, begin: number, room: number): boolean => from * zoom < begin + room - VIEW_MARGIN && (from + size) * zoom > begin + VIEW_MARGIN;
    return this.#layout.boxes.some(({ x, y, width, height }) => meets(x, width, view.x, this.root.clientWidth) && meets(y, height, view.y, this.root.clientHeight));
  }

  /** Draws another graph. The view stays as it is. */
  draw(graph: Graph): void {
    this.#graph = graph;
    const lines = graph.boxes.map(linesOf);
    this.#layout = layoutGraph(graph, (box) => this.#sizeOf(graph.boxes[box], lines[box] ?? []));
    const { width, height } = this.#layout;
    for (const layer of [this.#edgesLayer, this.#labelsLayer]) {
      layer.setAttribute('width', String(width));
      layer.setAttribute('height', String(height));
    }
    this.#edgeElements = graph.edges.map((edge, index) => svgElement('path', { class: `edge ${verdictClass(edge.verdict)}`, d: curve(this.#layout.edges[index] ?? []), 'stroke-width': edgeWidth(edge.count) }));
    this.#edgesLayer.replaceChildren(...this.#edgeElements);
    this.#labelElements = graph.edges.map((edge, index) => {
      // Where neither of its boxes says how many come this way.
      const counted = graph.boxes[edge.from]?.count !== edge.count && graph.boxes[edge.to]?.count !== edge.count;
      return svgElement('g', { class: 'edge-count' }, ...(counted ? edgeLabel(edge.count, this.#layout.edges[index] ?? []) : []));
    });
    this.#labelsLayer.replaceChildren(...this.#labelElements);
    this.#boxElements = graph.boxes.map((box, index) => this.#boxElement(box, index, lines[index] ?? []));
    this.#boxesLayer.replaceChildren(...this.#boxElements);
    this.#focused = Math.min(this.#focused, Math.max(0, graph.boxes.length - 1));
    this.#setTabStop(this.#firstBox());
  }

  /** @param related boxes that share a group with the selected one; the others step back */
  select(selected: number | undefined, related: ReadonlySet<number>): void {
    this.root.classList.toggle('has-selection', selected !== undefined);
    for (const [index, each] of this.#boxElements.entries()) {
      each.classList.toggle('selected', index === selected);
      each.classList.toggle('related', related.has(index));
      each.setAttribute('aria-pressed', String(index === selected));
    }
    for (const [index, each] of this.#edgeElements.entries()) {
      const edge = this.#graph.edges[index];
      const isRelated = edge !== undefined && related.has(edge.from) && related.has(edge.to);
      each.classList.toggle('related', isRelated);
      this.#labelElements[index]?.classList.toggle('related', isRelated);
    }
    if (selected !== undefined) this.#setTabStop(selected);
  }

  /** @param found boxes that say what is looked for */
  mark(found: ReadonlySet<number>): void {
    this.root.classList.toggle('has-matches', found.size > 0);
    for (const [index, each] of this.#boxElements.entries()) each.classList.toggle('match', found.has(index));
  }

  /** Moves the keyboard's place to a box, and the box into view. */
  focus(box: number): void {
    this.#setTabStop(box);
    this.#boxElements[box]?.focus({ preventScroll: true });
    this.show(box);
  }

  show(box: number): void {
    const at = this.#layout.boxes[box];
    if (at === undefined) return;
    const { zoom } = this.#view;
    const { clientWidth, clientHeight } = this.root;
    const into = (view: number, from: number, size: number, room: number): number => {
      const begin = from * zoom - view;
      const end = begin + size * zoom;
      if (begin < VIEW_MARGIN || size * zoom > room - 2 * VIEW_MARGIN) return from * zoom - VIEW_MARGIN;
      return end > room - VIEW_MARGIN ? view + end - room + VIEW_MARGIN : view;
    };
    this.move({ zoom, x: into(this.#view.x, at.x, at.width, clientWidth), y: into(this.#view.y, at.y, at.height, clientHeight) }, true);
  }

  /** The whole picture, as large as it may be. */
  fit(): void {
    this.move({ ...this.#centred(Math.max(LEAST_ZOOM, this.#fittingZoom())) }, true);
  }

  /** The picture as it is shown first: whole when it can be read then, else its upper left corner. */
  reset(): void {
    const fitting = this.#fittingZoom();
    const wide = this.root.clientWidth / Math.max(1, this.#layout.width);
    if (fitting >= LEGIBLE_ZOOM) this.move(this.#centred(Math.min(1, fitting)), false);
    else {
      const factor = Math.min(1, Math.max(LEGIBLE_ZOOM, wide));
      // Where much hangs on one function, that one stands in the middle of it.
      const first = (this.#layout.boxes[this.#firstBox()]?.y ?? 0) * factor;
      this.move({ x: 0, y: first > this.root.clientHeight * 0.7 ? first - this.root.clientHeight / 2 : 0, zoom: factor }, false);
    }
  }

  zoomBy(steps: number, around: Point = { x: this.root.clientWidth / 2, y: this.root.clientHeight / 2 }): void {
    const { x, y, zoom } = this.#view;
    const next = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, zoom * ZOOM_STEP ** steps));
    this.move({ zoom: next, x: ((x + around.x) * next) / zoom - around.x, y: ((y + around.y) * next) / zoom - around.y }, false);
  }

  move({ x, y, zoom }: View, smoothly: boolean): void {
    // At least a corner of the picture stays on the screen.
    const within = (value: number, size: number, room: number): number => Math.min(Math.max(value, VIEW_MARGIN - room), Math.max(0, size * zoom - VIEW_MARGIN));
    this.#view = { zoom, x: within(x, this.#layout.width, this.root.clientWidth), y: within(y, this.#layout.height, this.root.clientHeight) };
    this.#stage.classList.toggle('smooth', smoothly);
    this.#stage.style.transform = `translate(${String(-this.#view.x)}px, ${String(-this.#view.y)}px) scale(${String(zoom)})`;
    this.#events.onMoved(this.#view);
  }

  #fittingZoom(): number {
    const { width, height } = this.#layout;
    return Math.min(this.root.clientWidth / Math.max(1, width), this.root.clientHeight / Math.max(1, height), MOST_ZOOM);
  }

  #centred(zoom: number): View {
    const spare = (room: number, size: number): number => Math.min(0, -(room - size * zoom) / 2);
    // Tall pictures begin at the top; small ones stand where one begins to read.
    return { zoom, x: spare(this.root.clientWidth, this.#layout.width), y: Math.max(spare(this.root.clientHeight, this.#layout.height), -2 * VIEW_MARGIN) };
  }

  #sizeOf(box: Box | undefined, lines: readonly Line[]): Size {
    if (box === undefined) return { width: 0, height: 0 };
    const body = getComputedStyle(document.body);
    const width = (text: string, weight = '400'): number => {
      if (this.#context === null) return text.length * 7;
      this.#context.font = `${weight} 12px ${body.fontFamily}`;
      return this.#context.measureText(text).width;
    };
    const widths = lines.map((line) => (line.type === 'text' ? width(line.text, '600') : width(line.name, '600') + (line.place === '' ? 0 : PLACE_GAP + width(line.place))));
    const head = width(headText(box), '600') + (verdictName(box) === '' ? 0 : PLACE_GAP + width(verdictName(box)) + 18);
    const content = Math.ceil(Math.max(head, ...widths)) + 2;
    const full = Math.min(box.type === 'leaf' ? WIDTH.text : WIDTH.most, Math.max(WIDTH.least, content + 2 * PADDING_X + 8));
    const rows = box.type === 'leaf' ? Math.min(TEXT_LINES, rowsOf(leafLabel(box.waitsFor), full - LEAF_SIDES, (text) => width(text, '600'))) : lines.length;
    return { width: full, height: (rows + 1) * LINE_HEIGHT + 2 * PADDING_Y };
  }

  #boxElement(box: Box, index: number, lines: readonly Line[]): HTMLElement {
    const at: Rectangle = this.#layout.boxes[index] ?? { x: 0, y: 0, width: 0, height: 0 };
    const name = verdictName(box);
    const made = element(
      'div',
      { class: `box ${box.type} ${verdictClass(box.verdict)}`, role: 'button', tabindex: -1, 'data-box': index, 'aria-label': spokenBox(box), 'aria-pressed': 'false', title: tooltip(box) },
      element('div', { class: 'head' }, element('span', { class: 'count' }, headText(box)), ...(name === '' ? [] : [element('span', { class: 'chip' }, name)])),
      ...lines.map((line) =>
        line.type === 'text'
          ? element('div', { class: 'line' }, element('span', { class: 'text' }, line.text))
          : element('div', { class: `line${line.opens ? ' frame' : ''}${line.dim ? ' dim' : ''}`, 'data-line': line.opens ? line.index : undefined }, element('span', { class: 'name' }, line.name), element('span', { class: 'place' }, line.place)),
      ),
    );
    made.style.left = `${String(at.x)}px`;
    made.style.top = `${String(at.y)}px`;
    made.style.width = `${String(at.width)}px`;
    made.style.height = `${String(at.height)}px`;
    return made;
  }

  #listen(): void {
    this.root.addEventListener('click', (event) => {
      const box = boxOf(event.target);
      if (box === undefined) return;
      const line = lineAt(event.target);
      this.#setTabStop(box);
      this.#events.onSelect(box);
      if (line !== undefined) this.#events.onOpen(box, line);
    });
    this.root.addEventListener('dblclick', (event) => {
      const box = boxOf(event.target);
      // The clicks have opened the line that they hit.
      if (box !== undefined && lineAt(event.target) === undefined) this.#events.onOpen(box, undefined);
    });
    this.root.addEventListener('keydown', (event) => { this.#onKey(event); });
    this.root.addEventListener('wheel', (event) => {
      event.preventDefault();
      const { left, top } = this.root.getBoundingClientRect();
      // A pinch comes as a wheel with Ctrl.
      if (event.ctrlKey || event.metaKey) this.zoomBy(-event.deltaY / (event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 100 : 3), { x: event.clientX - left, y: event.clientY - top });
      else {
        const unit = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : LINE_HEIGHT;
        const [across, down] = event.shiftKey && event.deltaX === 0 ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
        this.move({ ...this.#view, x: this.#view.x + across * unit, y: this.#view.y + down * unit }, false);
      }
    }, { passive: false });
    this.#listenToDrags();
  }

  #listenToDrags(): void {
    let from: { readonly pointer: number; readonly x: number; readonly y: number; readonly view: View; moved: boolean } | undefined;
    this.root.addEventListener('pointerdown', (event) => {
      if (event.button !== 0 || boxOf(event.target) !== undefined) return;
      from = { pointer: event.pointerId, x: event.clientX, y: event.clientY, view: this.#view, moved: false };
      this.root.setPointerCapture(event.pointerId);
    });
    this.root.addEventListener('pointermove', (event) => {
      if (from?.pointer !== event.pointerId) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      from.moved ||= Math.abs(dx) + Math.abs(dy) > 3;
      if (!from.moved) return;
      this.root.classList.add('dragging');
      this.move({ ...from.view, x: from.view.x - dx, y: from.view.y - dy }, false);
    });
    const end = (event: PointerEvent): void => {
      if (from?.pointer !== event.pointerId) return;
      if (!from.moved && event.type === 'pointerup') this.#events.onCleared();
      from = undefined;
      this.root.classList.remove('dragging');
    };
    this.root.addEventListener('pointerup', end);
    this.root.addEventListener('pointercancel', end);
  }

  #onKey(event: KeyboardEvent): void {
    // With these VS Code has commands of its own: on Windows Alt with arrows goes to the editor before, and back.
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] } as const)[event.key];
    if (arrow !== undefined) {
      const [dx, dy] = arrow;
      if (event.shiftKey) this.move({ ...this.#view, x: this.#view.x + dx * PAN_STEP, y: this.#view.y + dy * PAN_STEP }, false);
      else {
        const next = dx === 0 ? this.#boxBeside(this.#focused, dy) : this.#boxAlong(this.#focused, dx);
        if (next !== undefined) this.focus(next);
      }
      event.preventDefault();
      return;
    }
    const act = ({
      Enter: () => { this.#events.onOpen(this.#focused, undefined); },
      ' ': () => { this.#events.onSelect(this.#focused); },
      Escape: () => { this.#events.onCleared(); },
      Home: () => { this.focus(this.#firstBox()); },
      End: () => { this.focus(this.#boxElements.length - 1); },
      '+': () => { this.zoomBy(1); },
      '=': () => { this.zoomBy(1); },
      '-': () => { this.zoomBy(-1); },
      '0': () => { this.reset(); },
      f: () => { this.fit(); },
    } as Readonly<Record<string, () => void>>)[event.key];
    if (act === undefined) return;
    act();
    event.preventDefault();
  }

  /** Along the edge with the most tasks. */
  #boxAlong(box: number, direction: 1 | -1): number | undefined {
    const edges = this.#graph.edges.filter(({ from, to }) => (direction === 1 ? from : to) === box).sort((a, b) => b.count - a.count);
    return direction === 1 ? edges[0]?.to : edges[0]?.from;
  }

  /** The nearest box above or below; one in the same column before others. */
  #boxBeside(box: number, direction: 1 | -1 | 0): number | undefined {
    const from = this.#layout.boxes[box];
    if (from === undefined) return undefined;
    let best: { readonly box: number; readonly distance: number } | undefined;
    for (const [index, at] of this.#layout.boxes.entries()) {
      const gap = direction === 1 ? at.y - (from.y + from.height) : from.y - (at.y + at.height);
      if (index === box || gap < -1) continue;
      const apart = Math.max(0, at.x - (from.x + from.width), from.x - (at.x + at.width));
      const distance = gap + 3 * apart;
      if (best === undefined || distance < best.distance) best = { box: index, distance };
    }
    return best?.box;
  }

  /** The uppermost of the outermost functions: the picture is sorted by how bad things are. */
  #firstBox(): number {
    let first = 0;
    for (const [index, { x, y }] of this.#layout.boxes.entries()) {
      const at = this.#layout.boxes[first];
      if (at !== undefined && (x < at.x || (x === at.x && y < at.y))) first = index;
    }
    return first;
  }

  /** Tab leads to one box; from there on the arrows go. */
  #setTabStop(box: number): void {
    this.#boxElements[this.#focused]?.setAttribute('tabindex', '-1');
    this.#focused = box;
    this.#boxElements[box]?.setAttribute('tabindex', '0');
  }
}

function boxOf(target: EventTarget | null): number | undefined {
  const box = target instanceof Element ? target.closest<HTMLElement>('[data-box]')?.dataset['box'] : undefined;
  return box === undefined ? undefined : Number(box);
}

/** The line of a box that a click opens. */
function lineAt(target: EventTarget | null): number | undefined {
  const line = target instanceof Element ? target.closest<HTMLElement>('[data-line]')?.dataset['line'] : undefined;
  return line === undefined ? undefined : Number(line);
}

function linesOf(box: Box): readonly Line[] {
  switch (box.type) {
    case 'frames': {
      // What Node does between two functions is told in the details.
      const users = box.frames.filter(({ frame }) => frame.origin !== 'node' || frame.kind === 'combinator');
      const all = (users.length > 0 ? users : box.frames).map((each): Line => ({ type: 'frame', index: box.frames.indexOf(each), name: frameName(each.frame), place: placeText(each.frame), dim: each.frame.origin !== 'app', opens: lineOf(each.frame) !== undefined }));
      if (all.length <= LINE_LIMIT) return all;
      const head = LINE_LIMIT / 2;
      const tail = LINE_LIMIT - head - 1;
      return [...all.slice(0, head), { type: 'text', text: `… ${formatCount(all.length - head - tail)} more functions` }, ...all.slice(-tail)];
    }
    case 'leaf':
      return [{ type: 'text', text: leafLabel(box.waitsFor) }];
    case 'more':
      return [{ type: 'text', text: taskCount(box.count) }];
  }
}

function headText(box: Box): string {
  switch (box.type) {
    case 'frames':
      return taskCount(box.count);
    case 'leaf':
      return `${formatCount(box.count)} ${box.count === 1 ? 'waits' : 'wait'} for`;
    case 'more':
      return `${formatCount(box.groups.length)} more ${box.groups.length === 1 ? 'group' : 'groups'}`;
  }
}

/** What is under way is said where it ends, not at every function before. */
function verdictName({ type, verdict, worst, count }: Box): string {
  if (type === 'more' || verdict === null || (type === 'frames' && verdict === 'in flight')) return '';
  return worst === count ? verdictText(verdict).name : `${formatCount(worst)} ${verdictText(verdict).name}`;
}

function spokenBox(box: Box): string {
  const verdict = box.verdict === null ? '' : `, ${verdictText(box.verdict).name}`;
  switch (box.type) {
    case 'frames':
      return `${box.frames.map(({ frame }) => `${frameName(frame)}${placeText(frame) === '' ? '' : ` at ${placeText(frame).replace(/:(\d+)$/, ' line $1')}`}`).join(', ')}: ${taskCount(box.count)}${verdict}`;
    case 'leaf':
      return `Waiting for ${waitsForText(box.waitsFor)}: ${taskCount(box.count)}${verdict}`;
    case 'more':
      return `${groupCount(box.groups.length)} more with ${taskCount(box.count)}. Enter unfolds some.`;
  }
}

function tooltip(box: Box): string {
  switch (box.type) {
    case 'frames':
      return box.frames.map(({ frame }) => `${frameName(frame)}  ${placeText(frame)}`.trimEnd()).join('\n');
    case 'leaf':
      return leafLabel(box.waitsFor);
    case 'more':
      return 'Groups that are not drawn yet. Double-click or Enter unfolds some.';
  }
}

/** How many lines a text takes: broken between words, and anywhere in a word that is too long, as addresses are. */
function rowsOf(text: string, room: number, width: (text: string) => number): number {
  let [rows, used] = [1, 0];
  const space = width(' ');
  for (const word of text.split(' ')) {
    const wide = width(word);
    if (used > 0 && used + space + wide > room) {
      rows++;
      used = 0;
    } else if (used > 0) used += space;
    rows += Math.floor(wide / (room + 1));
    used += wide % (room + 1);
  }
  return rows;
}

/** Pixels: one for a task, and so much more for each tenfold. */
function edgeWidth(count: number): number {
  return 1.5 + 2.2 * Math.log10(Math.max(1, count));
}

/** A smooth line through all points that leaves and arrives level. */
function curve(points: readonly Point[]): string {
  const [first, ...others] = points;
  if (first === undefined) return '';
  let at = first;
  let path = `M${String(first.x)} ${String(first.y)}`;
  for (const next of others) {
    const middle = (at.x + next.x) / 2;
    path += `C${String(middle)} ${String(at.y)} ${String(middle)} ${String(next.y)} ${String(next.x)} ${String(next.y)}`;
    at = next;
  }
  return path;
}

/** Just before the box that the edge leads to. */
function edgeLabel(count: number, points: readonly Point[]): readonly SVGElement[] {
  const [last, before] = [points.at(-1), points.at(-2)];
  if (last === undefined || before === undefined) return [];
  const text = svgElement('text', { x: last.x - Math.min(22, (last.x - before.x) / 2), y: last.y + (before.y - last.y) * 0.18 + 4 });
  text.textContent = formatCount(count);
  return [text];
}
