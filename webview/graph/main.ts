/** The await graph: takes the host's messages, keeps what the user does with the picture, and asks the host for the rest. */
import { formatCount, formatPercent } from '../../src/core/format/quantity';
import { VERDICTS_AND_NONE, verdictText } from '../../src/core/format/dumpText';
import { canBeOpened } from '../../src/core/model/dumpLine';
import type { FromGraph, GraphFrame, GraphGroup, GraphStatus } from '../../src/protocol/webview';
import { parseToGraph, REVEAL_LIMIT, WEBVIEW_VERSION } from '../../src/protocol/webview';
import type { View } from './canvas';
import { Canvas } from './canvas';
import { detailsOf } from './details';
import { button, element, verdictClass } from './dom';
import type { Graph } from './model';
import { boxMatches, buildGraph, openable, search, shownGroups, UNFOLD_STEP } from './model';

/** VS Code's own, see "Webview API" in its documentation. */
declare function acquireVsCodeApi(): { postMessage(message: unknown): void; getState(): unknown; setState(state: unknown): void };

/** What is kept while the panel is hidden, when VS Code throws the page away. */
interface Kept {
  readonly dumpId: string;
  readonly view: View;
  readonly unfolded: readonly string[];
  readonly selected: string | undefined;
  readonly query: string;
}

interface Dump {
  readonly dumpId: string;
  readonly title: string;
  readonly total: number;
  readonly frames: GraphFrame[];
  readonly groups: GraphGroup[];
}

const vscode = acquireVsCodeApi();

let dump: Dump | undefined;
let status: GraphStatus = { text: '', full: '', canLookUp: false };
let graph: Graph = { boxes: [], edges: [] };
/** Ids of groups that are drawn beside the first ones, the last unfolded last. They can be here before their groups are. */
let unfolded: readonly string[] = [];
/** The id of the selected box: its index changes with every drawing. */
let selected: string | undefined;
let kept = readKept(vscode.getState());
let keeping = false;
/** Where the picture was before the panel was hidden, until all groups that it may lead to are here. */
let view: View | undefined;

const title = element('h1', {});
const statusText = element('p', { class: 'status', role: 'status' });
const query = element('input', { type: 'text', class: 'search', placeholder: 'Search functions, files, waits', 'aria-label': 'Search the graph', spellcheck: 'false' });
const found = element('span', { class: 'found', role: 'status' });
const more = button('', { class: 'secondary', hidden: true }, () => { unfoldMatches(); });
const zoom = button('100 %', { class: 'icon wide', title: 'Back to the first view (0)', 'aria-label': 'Zoom. Back to the first view' }, () => { canvas.reset(); });
const details = element('aside', { class: 'details', 'aria-label': 'Details', hidden: true });
const empty = element('p', { class: 'empty', role: 'status' }, 'Waiting for the dump…');
const legend = element('div', { class: 'legend', role: 'note', 'aria-label': 'Legend' });
const again = button('↻', { class: 'icon', title: 'Dump again', 'aria-label': 'Dump again' }, () => { if (dump !== undefined) post({ version: WEBVIEW_VERSION, type: 'dumpAgain', dumpId: dump.dumpId }); });

const canvas = new Canvas({
  onSelect: select,
  onOpen: open,
  onCleared: () => { select(undefined); },
  onMoved: ({ zoom: factor }) => {
    zoom.textContent = formatPercent(Math.round(factor * 100));
    keep();
  },
});

document.body.append(
  element(
    'header',
    {},
    element('div', { class: 'headline' }, title, statusText),
    element(
      'div',
      { class: 'toolbar', role: 'toolbar', 'aria-label': 'Graph' },
      query,
      found,
      more,
      element('span', { class: 'spring' }),
      button('−', { class: 'icon', title: 'Zoom out (-)', 'aria-label': 'Zoom out' }, () => { canvas.zoomBy(-1); }),
      zoom,
      button('+', { class: 'icon', title: 'Zoom in (+)', 'aria-label': 'Zoom in' }, () => { canvas.zoomBy(1); }),
      button('Fit', { class: 'secondary', title: 'The whole graph (F)' }, () => { canvas.fit(); }),
      again,
    ),
  ),
  element('main', {}, element('div', { class: 'picture' }, canvas.root, empty, legend), details),
);

window.addEventListener('message', ({ data }) => { receive(data); });
window.addEventListener('error', ({ message }) => { post({ version: WEBVIEW_VERSION, type: 'error', text: message.slice(0, 500) }); });
window.addEventListener('keydown', (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === 'f') {
    query.focus();
    query.select();
    event.preventDefault();
  } else if (event.key === 'Escape' && event.target instanceof Node && details.contains(event.target)) {
    closeDetails();
  }
});
query.addEventListener('input', () => {
  showMatches();
  keep();
});
query.addEventListener('keydown', (event) => {
  if (event.key === 'Enter') walkMatches(event.shiftKey ? -1 : 1);
  else if (event.key === 'Escape') {
    query.value = '';
    showMatches();
    if (graph.boxes.length > 0) canvas.focus(canvas.focused);
  } else return;
  event.preventDefault();
});
post({ version: WEBVIEW_VERSION, type: 'ready' });

function receive(data: unknown): void {
  const message = parseToGraph(data);
  if (message === undefined) return;
  switch (message.type) {
    case 'state':
      begin({ dumpId: message.dumpId, title: message.title, total: message.total, frames: [...message.frames], groups: [...message.groups] });
      showStatus(message.status);
      return;
    case 'groups':
      if (dump?.dumpId !== message.dumpId) return;
      dump.frames.push(...message.frames);
      dump.groups.push(...message.groups);
      redraw();
      showDetails();
      if (view !== undefined) canvas.move(view, false);
      if (dump.groups.length >= dump.total) view = undefined;
      return;
    case 'status':
      if (dump?.dumpId !== message.dumpId) return;
      showStatus(message.status);
      showDetails();
      return;
    case 'select':
      if (dump?.dumpId === message.dumpId) selectGroups(message.groupIds);
      return;
    case 'empty':
      dump = undefined;
      title.textContent = 'Await Graph';
      statusText.textContent = '';
      statusText.title = '';
      select(undefined);
      redraw();
      empty.textContent = message.text;
  }
}

/** Another dump. One of the same process looks at the same place, as long as there is something. */
function begin(next: Dump): void {
  const before = graph.boxes.length === 0 ? undefined : dump?.title;
  dump = next;
  unfolded = [];
  selected = undefined;
  title.textContent = next.title;
  const state = kept?.dumpId === next.dumpId ? kept : undefined;
  if (state !== undefined) {
    selected = state.selected;
    query.value = state.query;
    unfolded = state.unfolded;
  }
  redraw();
  // First, as it takes room from the picture.
  showDetails();
  view = state !== undefined && next.groups.length < next.total ? state.view : undefined;
  if (state !== undefined) canvas.move(state.view, false);
  else if (before !== next.title || !canvas.showsBoxes) canvas.reset();
  kept = undefined;
  keep();
}

/** Which groups are drawn. */
function shown(): ReadonlySet<number> {
  if (dump === undefined) return new Set();
  const indices = new Map(unfolded.length === 0 ? [] : dump.groups.map(({ id }, index) => [id, index]));
  return shownGroups(dump, unfolded.flatMap((id) => indices.get(id) ?? []));
}

function redraw(): void {
  graph = dump === undefined ? { boxes: [], edges: [] } : buildGraph(dump, shown());
  canvas.draw(graph);
  const nothing = graph.boxes.length === 0;
  empty.hidden = !nothing;
  empty.textContent = nothing ? 'Nothing is suspended in this process.' : '';
  canvas.root.hidden = nothing;
  drawLegend();
  showMatches();
  showSelection();
}

function showStatus(next: GraphStatus): void {
  status = next;
  statusText.textContent = next.text;
  statusText.title = next.full;
}

/** The verdicts that there are, so that nobody has to learn the others. */
function drawLegend(): void {
  const present = VERDICTS_AND_NONE.filter((verdict) => dump?.groups.some((group) => group.verdict === verdict) === true);
  legend.hidden = present.length === 0;
  legend.replaceChildren(
    ...present.map((verdict) => element('span', { class: `key ${verdictClass(verdict)}`, title: `They ${verdictText(verdict).meaning}.` }, element('span', { class: 'swatch', 'aria-hidden': true }), verdictText(verdict).name)),
    element('span', { class: 'key dim' }, 'Thickness: number of tasks'),
  );
}

function select(box: number | undefined): void {
  selected = box === undefined ? undefined : graph.boxes[box]?.id;
  showSelection();
  showDetails();
  keep();
}

function selectedBox(): number | undefined {
  const index = graph.boxes.findIndex(({ id }) => id === selected);
  return selected === undefined || index < 0 ? undefined : index;
}

/** Everything that the groups of the selected box pass through: the only paths that there are. */
function showSelection(): void {
  const box = selectedBox();
  const groups = new Set(box === undefined ? [] : graph.boxes[box]?.groups);
  const related = new Set(graph.boxes.flatMap((each, index) => (each.groups.some((group) => groups.has(group)) ? [index] : [])));
  canvas.select(box, related);
}

function showDetails(): void {
  const index = selectedBox();
  const box = index === undefined ? undefined : graph.boxes[index];
  details.hidden = box === undefined;
  if (dump === undefined || box === undefined) {
    details.replaceChildren();
    return;
  }
  const { dumpId } = dump;
  details.replaceChildren(
    ...detailsOf(dump, box, status.canLookUp, {
      onOpenFrame: (group, frame, line) => { post({ version: WEBVIEW_VERSION, type: 'open', dumpId, groupId: group.id, place: { of: 'frame', frame, line } }); },
      onOpenLeaf: (group) => { post({ version: WEBVIEW_VERSION, type: 'open', dumpId, groupId: group.id, place: { of: 'leaf' } }); },
      onReveal: (groups) => { post({ version: WEBVIEW_VERSION, type: 'reveal', dumpId, groupIds: groups.slice(0, REVEAL_LIMIT).map(({ id }) => id) }); },
      onVariables: (group, frame) => { post({ version: WEBVIEW_VERSION, type: 'variables', dumpId, groupId: group.id, frame }); },
      onUnfold: () => { if (index !== undefined) unfold(index); },
      onClose: closeDetails,
    }),
  );
  details.scrollTop = 0;
}

function closeDetails(): void {
  select(undefined);
  canvas.focus(canvas.focused);
}

/** @param line of the box; the one that counts when it is missing */
function open(index: number, line: number | undefined): void {
  const box = graph.boxes[index];
  if (dump === undefined || box === undefined) return;
  if (box.type === 'more') {
    unfold(index);
    return;
  }
  if (selected !== box.id) select(index);
  if (box.type === 'leaf') {
    const group = dump.groups[box.groups.find((each) => canBeOpened(dump?.groups[each]?.waitsFor.at)) ?? -1];
    if (group !== undefined) post({ version: WEBVIEW_VERSION, type: 'open', dumpId: dump.dumpId, groupId: group.id, place: { of: 'leaf' } });
    return;
  }
  const place = line === undefined ? openable(box) : box.frames[line];
  const group = dump.groups[place?.group ?? -1];
  if (place !== undefined && group !== undefined) post({ version: WEBVIEW_VERSION, type: 'open', dumpId: dump.dumpId, groupId: group.id, place: { of: 'frame', frame: place.index, line: 'awaiting' } });
}

/** Draws some of the groups that a box counts, and leads to the first of them. */
function unfold(index: number): void {
  const groups = graph.boxes[index]?.groups.slice(0, UNFOLD_STEP) ?? [];
  const [first] = groups;
  drawGroups(groups);
  const box = graph.boxes.findIndex((each) => each.type !== 'more' && first !== undefined && each.groups.includes(first));
  if (box >= 0) canvas.focus(box);
}

function drawGroups(groups: readonly number[]): void {
  const added = new Set(groups.flatMap((group) => dump?.groups[group]?.id ?? []));
  unfolded = [...unfolded.filter((id) => !added.has(id)), ...added];
  redraw();
  keep();
  showDetails();
}

function selectGroups(ids: readonly string[]): void {
  if (dump === undefined) return;
  const wanted = new Set(ids);
  const groups = dump.groups.flatMap(({ id }, index) => (wanted.has(id) ? [index] : [])).slice(0, UNFOLD_STEP);
  const drawn = shown();
  const hidden = groups.filter((each) => !drawn.has(each));
  if (hidden.length > 0) drawGroups(hidden);
  // The innermost box that all of them share, else the first that one of them has.
  const holding = graph.boxes.map((box, index) => ({ box, index, held: groups.filter((each) => box.groups.includes(each)).length })).filter(({ box, held }) => held > 0 && box.type !== 'more');
  const [best] = holding.sort((a, b) => b.held - a.held || a.box.groups.length - b.box.groups.length);
  if (best === undefined) return;
  select(best.index);
  canvas.focus(best.index);
}

function matches(): readonly number[] {
  return graph.boxes.flatMap((box, index) => (boxMatches(box, query.value) ? [index] : []));
}

/** Groups that match and are not drawn. */
function hiddenMatches(): readonly number[] {
  if (dump === undefined) return [];
  const drawn = shown();
  return search(dump, query.value).filter((each) => !drawn.has(each));
}

function showMatches(): void {
  const boxes = matches();
  canvas.mark(new Set(boxes));
  const hidden = hiddenMatches().length;
  const asked = query.value.trim() !== '';
  found.textContent = !asked ? '' : boxes.length === 0 && hidden === 0 ? 'Nothing found' : `${formatCount(boxes.length)} found`;
  more.hidden = !asked || hidden === 0;
  more.textContent = `${formatCount(hidden)} more not drawn`;
  more.title = 'Draws some of them';
}

function unfoldMatches(): void {
  drawGroups(hiddenMatches().slice(0, UNFOLD_STEP));
  walkMatches(1);
}

/** The match after or before the one that has the keyboard; the keyboard stays in the search. */
function walkMatches(direction: 1 | -1): void {
  const boxes = matches();
  if (boxes.length === 0) {
    if (hiddenMatches().length > 0) unfoldMatches();
    return;
  }
  const at = boxes.indexOf(selectedBox() ?? -1);
  const next = boxes[at < 0 ? (direction === 1 ? 0 : boxes.length - 1) : (at + direction + boxes.length) % boxes.length];
  if (next === undefined) return;
  select(next);
  canvas.show(next);
  found.textContent = `${formatCount(boxes.indexOf(next) + 1)} of ${formatCount(boxes.length)}`;
}

/** Once per picture: moving it would else send a message for every pixel. */
function keep(): void {
  if (keeping) return;
  keeping = true;
  requestAnimationFrame(() => {
    keeping = false;
    if (dump !== undefined) vscode.setState({ dumpId: dump.dumpId, view: canvas.view, unfolded, selected, query: query.value } satisfies Kept);
  });
}

/** It was written by this page, maybe by an older version of it. */
function readKept(state: unknown): Kept | undefined {
  if (typeof state !== 'object' || state === null) return undefined;
  const { dumpId, view, unfolded: ids, selected: box, query: words } = state as Partial<Record<keyof Kept, unknown>>;
  const { x, y, zoom: factor } = (typeof view === 'object' && view !== null ? view : {}) as Partial<Record<keyof View, unknown>>;
  if (typeof dumpId !== 'string' || typeof x !== 'number' || typeof y !== 'number' || typeof factor !== 'number') return undefined;
  return { dumpId, view: { x, y, zoom: factor }, unfolded: Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [], selected: typeof box === 'string' ? box : undefined, query: typeof words === 'string' ? words : '' };
}

function post(message: FromGraph): void {
  vscode.postMessage(message);
}
