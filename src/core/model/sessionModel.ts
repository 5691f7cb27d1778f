/**
 * The model of one session: takes the agent's deltas and keeps the display sites that people see. Several raw sites
 * (stacks) that fall on one source position are one display site. Pure: no clock, no I/O; time is the agent's.
 */
import { displayName } from '../format/text';
import { taskState } from '../format/taskState';
import { NO_ORIGIN_RULES, createOrigins } from './origin';
import type { OriginRules, Origins } from './origin';
import { placeFrame, placeSite } from './placement';
import type { PlacedFrame, Placement, PositionMapper } from './placement';
import { RateHistory } from './rateHistory';
import type { Rates } from './rateHistory';
import type { RawChange, RawPoll, RawSite, RawTask } from './rawPoll';
import { COUNTING_STEPS, TASK_KINDS, TASK_ROW_LIMIT } from './task';
import type { CountingStep, Losses, Origin, Overhead, ProcessFigures, PromiseCount, Since, Site, StackFrame, Task, TaskKind, TaskList } from './task';

/**
 * How long a site keeps its row after its last task ended, in milliseconds of the target's clock. A site that empties
 * and fills again every second must not make rows and code lenses blink.
 */
export const SITE_LINGER_MS = 30_000;

/**
 * How long a process must have been observed before its cost is told, in milliseconds of the target's clock. The first polls are a
 * few milliseconds apart, and what runs for the first time is compiled: that says nothing about what watching costs.
 */
export const COST_AFTER_MS = 1_000;
/**
 * What the cost is a share of, at least, in milliseconds. Two polls can follow each other at once, as when a view is opened: what the one
 * took is then half of the time until the other.
 */
const COST_SPAN_MS = 100;
/**
 * What the cost is a mean over, at least, in milliseconds, once there is as much. What is saved of the budget may be spent in one go: of a
 * single second that is a tenth, which nobody could tell from a budget that is not kept.
 */
const COST_WINDOW_MS = 10_000;

/** Half width of a 95 % interval in standard deviations. */
const Z95 = 1.96;

/** What one poll changed, as ids of display sites. */
export interface ModelDelta {
  /** New rows, and rows whose figures changed. An age alone is no change: it grows with the clock. */
  readonly changed: readonly string[];
  /** Rows that are gone; their ids come back when their sites do. */
  readonly removed: readonly string[];
}

interface RawState {
  readonly site: RawSite;
  readonly display: DisplaySite;
  figures: RawChange;
}

interface DisplaySite {
  readonly id: string;
  readonly kind: TaskKind;
  readonly since: Since;
  readonly placement: Placement;
  readonly stack: readonly PlacedFrame[];
  raws: RawState[];
  history: RateHistory;
  live: number;
  variance: number;
  started: number;
  abandoned: number;
  /** Start of the oldest live task on the agent's clock; Infinity when none is alive. */
  oldest: number;
  /** What a sample stood for, at most, since the site has been active, and when it did last. */
  heaviest: number;
  heaviestAt: number;
  rates: Rates;
  baseline: number;
  /** In the rows. A site enters them when a poll finds it alive. */
  shown: boolean;
  /** `live` as it went into the totals. */
  counted: number;
  emptySince: number;
  /** All that was taken for its tasks belongs elsewhere: there is nothing to remember. */
  mistaken: boolean;
}

const NO_RATES: Rates = { startedPerSec: 0, endedPerSec: 0 };

export class SessionModel {
  readonly #rules: OriginRules;
  readonly #whose: Origins;
  readonly #frames: (PlacedFrame | undefined)[] = [];
  readonly #rawSites = new Map<number, RawSite>();
  readonly #rawStates = new Map<number, RawState>();
  readonly #displays = new Map<string, DisplaySite>();
  readonly #byPosition = new Map<string, DisplaySite>();
  readonly #byFile = new Map<string, DisplaySite[]>();
  /** Sites whose rates are not 0. They change without being in a poll, until their window is empty. */
  readonly #active = new Set<DisplaySite>();
  /** Rows that have no live task. */
  readonly #lingering = new Set<DisplaySite>();
  readonly #totals: Record<TaskKind, number> = noTasks();
  readonly #origins: Record<Origin, number> = { app: 0, dependency: 0, node: 0 };
  readonly #before: Record<TaskKind, number> = noTasks();
  #startedAt = 0;
  /** When the agent that is there now was put in. */
  #agentSince = 0;
  /** What the agent took, by the last polls: together {@link COST_WINDOW_MS}, or as much as there is. */
  #costs: { readonly agentMs: number; readonly spanMs: number }[] = [];
  #now = 0;
  #wall = 0;
  #lastSeq = 0;
  #lostPolls = 0;
  #restarts = 0;
  #sampledPromises = false;
  #sampledResources = false;
  #bunchedPromises = false;
  #bunchedResources = false;
  #last: RawPoll | undefined;
  #baselineAt: number | undefined;
  #baselineWasSet = false;
  /** Sites of the process before this one, by position: a site keeps its id and its baseline when its process is restarted. */
  readonly #inherited = new Map<string, { readonly id: string; readonly baseline: number }>();
  #nextSite = 1;

  /** @param rules what the user says about whose code is whose; the agent has to know the same */
  constructor(rules: OriginRules = NO_ORIGIN_RULES) {
    this.#rules = rules;
    this.#whose = createOrigins(rules);
  }

  /** Takes one answer of the agent. Costs in proportion to what it holds and to what ended or started lately. */
  apply(poll: RawPoll, map: PositionMapper): ModelDelta {
    const changed = new Set<DisplaySite>();
    const removed: string[] = [];
    if (!this.#last) {
      this.#startedAt = poll.now - poll.spanMs;
      if (!this.#baselineWasSet) this.#baselineAt = poll.wall - poll.spanMs;
      this.#now = this.#startedAt;
    }
    const previous = this.#now;
    if (poll.seq <= this.#lastSeq) this.#forgetAgent(changed);
    // the first poll of an agent
    if (this.#lastSeq === 0) {
      this.#agentSince = poll.now - poll.spanMs;
      this.#costs = [];
    }
    this.#takeCost(poll);
    this.#lostPolls += Math.max(0, poll.seq - this.#lastSeq - 1);
    this.#lastSeq = poll.seq;
    this.#now = Math.max(this.#now, poll.now);
    this.#wall = poll.wall;
    this.#last = poll;

    poll.frames.forEach((frame, offset) => {
      this.#frames[poll.firstFrame + offset] = placeFrame(frame, map, this.#whose);
    });
    // All sites first: a site may be caused by one that comes later in the list.
    for (const site of poll.sites) {
      this.#rawSites.set(site.id, site);
      this.#placeAnew(site, previous, changed);
    }
    for (const change of poll.changes) {
      const raw = this.#rawState(change[0], previous);
      if (!raw) continue;
      this.#takeFigures(raw, change);
      changed.add(raw.display);
    }
    this.#takeSampling(poll, changed);
    for (const display of changed) this.#settle(display);
    for (const display of [...this.#active]) {
      if (changed.has(display)) continue;
      this.#updateRates(display);
      changed.add(display);
    }
    for (const display of [...this.#lingering]) {
      if (this.#now - display.emptySince < SITE_LINGER_MS) continue;
      this.#lingering.delete(display);
      display.shown = false;
      changed.delete(display);
      removed.push(display.id);
    }
    return { changed: [...changed].filter((display) => display.shown).map((display) => display.id), removed };
  }

  /** The rows: sites with live tasks, and those that had some within the last {@link SITE_LINGER_MS}. */
  *sites(): IterableIterator<Site> {
    for (const display of this.#displays.values()) if (display.shown) yield this.#toSite(display);
  }

  /** The rows at positions in one file. */
  *sitesInFile(file: string): IterableIterator<Site> {
    for (const display of this.#byFile.get(file) ?? []) if (display.shown) yield this.#toSite(display);
  }

  /** A site by id, whether it has a row now or had one. */
  site(id: string): Site | undefined {
    const display = this.#displays.get(id);
    return display && this.#toSite(display);
  }

  /** Whether the process has told of code in a file. */
  hasCodeIn(file: string): boolean {
    return this.#frames.some((frame) => frame?.file === file) || this.#byFile.has(file);
  }

  /** Whose code each frame of the site's stack is, in the order of {@link Site.stack}; null for builtins. */
  stackOrigins(id: string): readonly (Origin | null)[] {
    return (this.#displays.get(id)?.stack ?? []).map((frame) => frame.origin);
  }

  /** The agent's ids of what is merged into a site. It grows when another stack reaches the same position. */
  rawSiteIds(id: string): readonly number[] {
    return this.#displays.get(id)?.raws.map((raw) => raw.site.id) ?? [];
  }

  /** Live tasks of the user's own code, by kind. */
  get totals(): Readonly<Record<TaskKind, number>> {
    return { ...this.#totals };
  }

  /** The part of {@link totals} that began before the attach. */
  get before(): Readonly<Record<TaskKind, number>> {
    return { ...this.#before };
  }

  /** Live timers from before the attach that are in no other figure: a limit of the agent. */
  get beforeNotFollowed(): number {
    return this.#last?.beforeNotFollowed ?? 0;
  }

  /** Whether promises from before the attach can be told from the others: once some were passed over they cannot. */
  get canCountPromises(): boolean {
    return !this.#sampledPromises;
  }

  /** When the promises from before the attach were counted; undefined when they were not. */
  get beforePromises(): PromiseCount | undefined {
    const counted = this.#last?.beforePromises;
    return counted ? { afterMs: Math.max(0, counted.at - this.#startedAt), more: counted.more } : undefined;
  }

  /** How long the target had been running when it was attached to, in milliseconds. */
  get uptimeAtAttachMs(): number {
    return Math.max(0, (this.#last?.process.uptimeMs ?? 0) - this.observedMs);
  }

  /** Live tasks by whose code spawned them. */
  get origins(): Readonly<Record<Origin, number>> {
    return { ...this.#origins };
  }

  /** The agent's clock at the last poll, in milliseconds. Ages are as of then. */
  get clockMs(): number {
    return this.#now;
  }

  /** Wall clock of the target at the last poll, milliseconds since the epoch. */
  get wallMs(): number {
    return this.#wall;
  }

  /** How long the target has been watched, in milliseconds. */
  get observedMs(): number {
    return this.#now - this.#startedAt;
  }

  /** When the target process began, milliseconds since the epoch; undefined before the first poll. */
  get processStartedAt(): number | undefined {
    return this.#last && this.#last.wall - this.#last.process.uptimeMs;
  }

  get process(): ProcessFigures | undefined {
    return this.#last?.process;
  }

  /** Creations that nobody looked at and that no weight stands for, since the attach. */
  get dropped(): number {
    return this.#last?.dropped ?? 0;
  }

  /** Answers of the agent that never arrived. Sites first described in one of them cannot be shown. */
  get lostPolls(): number {
    return this.#lostPolls;
  }

  /** How often the agent had to be put into the target anew. Tasks from before the last time are not known. */
  get restarts(): number {
    return this.#restarts;
  }

  /** How far stacks go that the program lets the agent take. */
  get stacks(): Losses['stacks'] {
    return this.#last?.stacks ?? 'whole';
  }

  get losses(): Losses {
    return { dropped: this.dropped, lostPolls: this.#lostPolls, restarts: this.#restarts, stacks: this.stacks, beforeMissed: !(this.#last?.beforeComplete ?? true) };
  }

  /** Milliseconds since the epoch: when the baseline was set; the attach unless {@link setBaseline} was called. */
  get baselineAt(): number | undefined {
    return this.#baselineAt;
  }

  overhead(budgetPercent: number): Overhead | undefined {
    const poll = this.#last;
    if (!poll) return undefined;
    return {
      percent: this.#costPercent(),
      budgetPercent,
      measured: poll.measured,
      pollMs: poll.pollMs,
      counting: furthest(poll.promiseCounting, poll.resourceCounting),
      memoryBytes: poll.memoryBytes,
      memoryLimited: poll.memoryLimited,
      mode: this.#sampledPromises || this.#sampledResources ? 'sampled' : 'exact',
      promiseWeight: poll.promiseWeight,
      resourceWeight: poll.resourceWeight,
    };
  }

  /** From now on changes are relative to the present counts. Every row changes by this. */
  setBaseline(): void {
    for (const display of this.#displays.values()) display.baseline = display.counted;
    this.#baselineAt = this.#wall;
    this.#baselineWasSet = true;
  }

  /**
   * A model for the process that takes this one's place. It knows nothing but the ids of sites, so that who looks at one
   * goes on looking at it, and the baseline, if one was set.
   */
  successor(): SessionModel {
    const next = new SessionModel(this.#rules);
    for (const [key, site] of this.#inherited) next.#inherited.set(key, site);
    for (const [key, { id, baseline }] of this.#byPosition) next.#inherited.set(key, { id, baseline });
    next.#nextSite = this.#nextSite;
    next.#baselineWasSet = this.#baselineWasSet;
    if (this.#baselineWasSet) next.#baselineAt = this.#baselineAt;
    return next;
  }

  /** The tasks that the last poll listed, merged by display site, oldest first. */
  taskLists(): readonly TaskList[] {
    const lists = new Map<DisplaySite, { tasks: Task[]; more: number }>();
    for (const { site, rows, more } of this.#last?.tasks ?? []) {
      const display = this.#rawStates.get(site)?.display;
      if (!display) continue;
      const list = lists.get(display) ?? { tasks: [], more: 0 };
      lists.set(display, list);
      for (const row of rows) list.tasks.push(this.#toTask(display.kind, row));
      list.more += more;
    }
    return [...lists].map(([display, { tasks, more }]) => {
      tasks.sort((a, b) => b.ageMs - a.ageMs || a.id - b.id);
      const listed = tasks.slice(0, TASK_ROW_LIMIT);
      const cut = tasks.slice(TASK_ROW_LIMIT).reduce((sum, task) => sum + task.weight, 0);
      return { siteId: display.id, tasks: listed, more: Math.round(more + cut) };
    });
  }

  /**
   * The agent was put into the target anew, because its lease ran out while nobody could poll. Its ids and figures begin
   * again, and what was alive before is unknown to it.
   */
  #forgetAgent(changed: Set<DisplaySite>): void {
    this.#frames.length = 0;
    this.#rawSites.clear();
    this.#rawStates.clear();
    this.#lastSeq = 0;
    this.#restarts++;
    for (const display of this.#displays.values()) {
      display.raws = [];
      display.history = new RateHistory(this.#now);
      display.live = 0;
      display.variance = 0;
      display.started = 0;
      display.abandoned = 0;
      display.oldest = Infinity;
      display.heaviestAt = -Infinity;
      changed.add(display);
    }
  }

  #rawState(id: number, bornAt: number): RawState | undefined {
    const known = this.#rawStates.get(id);
    if (known) return known;
    const site = this.#rawSites.get(id);
    if (!site) return undefined;
    const placement = placeSite(
      site,
      (each) => this.#framesOf(each),
      (each) => this.#rawSites.get(each),
    );
    const display = this.#displayAt(site, placement, bornAt);
    const state: RawState = { site, display, figures: [id, 0, 0, 0, 0, -1] };
    display.raws.push(state);
    display.mistaken = false;
    this.#rawStates.set(id, state);
    return state;
  }

  /** The agent has learnt more about a site that it told of before: its tasks may belong elsewhere. */
  #placeAnew(site: RawSite, bornAt: number, changed: Set<DisplaySite>): void {
    const before = this.#rawStates.get(site.id);
    if (!before) return;
    const { figures, display } = before;
    this.#takeFigures(before, [site.id, 0, 0, 0, 0, -1]);
    display.raws = display.raws.filter((raw) => raw !== before);
    display.mistaken = display.raws.length === 0;
    changed.add(display);
    this.#rawStates.delete(site.id);
    const after = this.#rawState(site.id, bornAt);
    if (!after) return;
    this.#takeFigures(after, figures);
    changed.add(after.display);
    // what has moved has neither started nor ended
    for (const { history, started, live } of [display, after.display]) history.rebase(this.#now, started, live);
  }

  #displayAt(site: RawSite, placement: Placement, bornAt: number): DisplaySite {
    const { origin, file, line, column } = placement;
    const since = site.before ? 'before' : 'attach';
    const key = JSON.stringify([site.kind, since, origin, file, line, column, file === null ? [placement.function, site.before && site.type] : null]);
    const known = this.#byPosition.get(key);
    if (known) return known;
    const inherited = this.#inherited.get(key);
    const display: DisplaySite = {
      id: inherited?.id ?? `s${this.#nextSite++}`,
      kind: site.kind,
      since,
      placement,
      stack: this.#framesOf(site),
      raws: [],
      history: new RateHistory(bornAt),
      live: 0,
      variance: 0,
      started: 0,
      abandoned: 0,
      oldest: Infinity,
      heaviest: 1,
      heaviestAt: -Infinity,
      rates: NO_RATES,
      baseline: inherited?.baseline ?? 0,
      shown: false,
      counted: 0,
      emptySince: 0,
      mistaken: false,
    };
    this.#byPosition.set(key, display);
    this.#displays.set(display.id, display);
    if (file !== null) {
      const inFile = this.#byFile.get(file);
      if (inFile) inFile.push(display);
      else this.#byFile.set(file, [display]);
    }
    return display;
  }

  #framesOf(site: RawSite): readonly PlacedFrame[] {
    return site.frames.flatMap((index) => this.#frames[index] ?? []);
  }

  #takeFigures(raw: RawState, next: RawChange): void {
    const { display, figures: last } = raw;
    raw.figures = next;
    display.live += next[1] - last[1];
    display.variance += next[2] - last[2];
    // what began before the attach was not started since
    if (display.since === 'attach') display.started += next[3] - last[3];
    else if (last[3] === 0) {
      // seen for the first time: no change
      display.history = new RateHistory(this.#now, display.live);
      display.baseline += Math.round(next[1]);
    }
    display.abandoned += next[4] - last[4];
    const before = startOfOldest(last);
    const after = startOfOldest(next);
    if (after <= display.oldest) display.oldest = after;
    else if (before <= display.oldest) {
      display.oldest = display.raws.reduce((oldest, each) => Math.min(oldest, startOfOldest(each.figures)), Infinity);
    }
  }

  #takeCost({ now, agentMs, spanMs }: RawPoll): void {
    if (now - this.#agentSince < COST_AFTER_MS) return;
    this.#costs.push({ agentMs, spanMs });
    let beyondMs = sumOf(this.#costs, 'spanMs') - COST_WINDOW_MS;
    while (beyondMs >= (this.#costs[0]?.spanMs ?? Infinity)) beyondMs -= this.#costs.shift()?.spanMs ?? 0;
  }

  #costPercent(): number | null {
    const spanMs = sumOf(this.#costs, 'spanMs');
    return spanMs < COST_SPAN_MS ? null : Math.min(100, (sumOf(this.#costs, 'agentMs') / spanMs) * 100);
  }

  #takeSampling(poll: RawPoll, changed: Set<DisplaySite>): void {
    const promises = poll.sampledPromises && !this.#sampledPromises;
    const resources = poll.sampledResources && !this.#sampledResources;
    const promisesInBunches = poll.promiseCounting === 'duty-cycled' && !this.#bunchedPromises;
    const resourcesInBunches = poll.resourceCounting === 'duty-cycled' && !this.#bunchedResources;
    this.#sampledPromises ||= poll.sampledPromises;
    this.#sampledResources ||= poll.sampledResources;
    this.#bunchedPromises ||= promisesInBunches;
    this.#bunchedResources ||= resourcesInBunches;
    if (!promises && !resources && !promisesInBunches && !resourcesInBunches) return;
    // Once per session: every count of that class stops being exact, or what its error means.
    for (const display of this.#displays.values()) {
      if (display.kind === 'promise' ? promises || promisesInBunches : resources || resourcesInBunches) changed.add(display);
    }
  }

  /** Brings everything derived from a site's figures up to date. */
  #settle(display: DisplaySite): void {
    const count = Math.max(0, Math.round(display.live));
    const { origin } = display.placement;
    this.#origins[origin] += count - display.counted;
    if (origin === 'app') {
      this.#totals[display.kind] += count - display.counted;
      if (display.since === 'before') this.#before[display.kind] += count - display.counted;
    }
    display.counted = count;
    if (count > 0) {
      display.shown = true;
      this.#lingering.delete(display);
    } else if (display.shown && !this.#lingering.has(display)) {
      display.emptySince = display.mistaken ? -Infinity : this.#now;
      this.#lingering.add(display);
    }
    display.history.push(this.#now, display.started, display.live);
    this.#updateRates(display);
  }

  #updateRates(display: DisplaySite): void {
    const weight = this.#weightOf(display);
    if (weight >= this.#heaviestOf(display)) {
      display.heaviest = weight;
      display.heaviestAt = this.#now;
    }
    display.rates = display.history.rates(this.#now, this.#now - this.#startedAt);
    if (display.history.idle) this.#active.delete(display);
    else this.#active.add(display);
  }

  #toSite(display: DisplaySite): Site {
    const { placement, counted, rates } = display;
    const exact = this.#isExact(display);
    return {
      id: display.id,
      kind: display.kind,
      since: display.since,
      origin: placement.origin,
      function: placement.function,
      file: placement.file,
      line: placement.line,
      column: placement.column,
      count: counted,
      exact,
      error: exact ? 0 : this.#errorOf(display),
      bunched: !exact && this.#isBunched(display),
      oldestMs: counted > 0 && display.oldest !== Infinity ? Math.max(0, this.#now - display.oldest) : 0,
      ratePerSec: rates.startedPerSec,
      endedPerSec: rates.endedPerSec,
      started: Math.round(display.started),
      abandoned: Math.round(display.abandoned),
      sinceBaseline: counted - display.baseline,
      stack: display.stack.map(withoutOrigin),
    };
  }

  /**
   * Half width of the 95 % interval, its longer side. Few samples lie on both sides of the truth unevenly, and none at all may still
   * be some: so it is the upper bound of a score interval (E. B. Wilson, 1927, here for a Poisson count of samples that stand for
   * `weight` each), which is about 4 weights where there is no sample and comes to 1.96 standard deviations where there are many. The
   * weight is the greatest of those that tasks which are alive may have begun under: under a great one that is past, none of thousands
   * may have been looked at.
   */
  #errorOf(display: DisplaySite): number {
    const { live } = display;
    const variance = this.#isBunched(display) ? display.raws.reduce((sum, { figures }) => sum + Math.sqrt(Math.max(0, figures[2])), 0) ** 2 : display.variance;
    const own = live > 0 ? Math.max(0, variance) / live : 0;
    const beyond = Math.max(this.#weightOf(display) - 1, this.#heaviestOf(display) - 1, own);
    return (Z95 * Z95 * beyond) / 2 + Z95 * Math.sqrt(Math.max(0, variance) + ((Z95 * beyond) / 2) ** 2);
  }

  #isBunched({ kind }: DisplaySite): boolean {
    return kind === 'promise' ? this.#bunchedPromises : this.#bunchedResources;
  }

  /** What a sample stands for now. */
  #weightOf({ kind }: DisplaySite): number {
    return (kind === 'promise' ? this.#last?.promiseWeight : this.#last?.resourceWeight) ?? 1;
  }

  /** Where no sample is as old as that any more, what began then is over. */
  #heaviestOf({ heaviest, heaviestAt, oldest }: DisplaySite): number {
    return oldest <= heaviestAt ? heaviest : 1;
  }

  #isExact({ kind, since, raws }: DisplaySite): boolean {
    if (since === 'before') return raws.every(({ site }) => site.before?.estimated !== true);
    return kind === 'promise' ? !this.#sampledPromises : !this.#sampledResources;
  }

  #toTask(kind: TaskKind, row: RawTask): Task {
    const task: { -readonly [K in keyof Task]: Task[K] } = {
      id: row.id,
      kind,
      ageMs: Math.max(0, this.#now - row.start),
      state: taskState(kind, row),
      weight: row.weight,
    };
    if (row.delayMs !== undefined) task.delayMs = row.delayMs;
    if (row.repeats !== undefined) task.repeats = row.repeats;
    if (row.refed !== undefined) task.refed = row.refed;
    if (row.type !== undefined) task.type = displayName(row.type);
    if (row.localAddress !== undefined) task.localAddress = displayName(row.localAddress);
    if (row.remoteAddress !== undefined) task.remoteAddress = displayName(row.remoteAddress);
    if (row.path !== undefined) task.path = displayName(row.path);
    if (row.pid !== undefined) task.pid = row.pid;
    return task;
  }
}

function furthest(a: CountingStep, b: CountingStep): CountingStep {
  return COUNTING_STEPS.indexOf(a) > COUNTING_STEPS.indexOf(b) ? a : b;
}

function sumOf<Key extends string>(list: readonly Readonly<Record<Key, number>>[], key: Key): number {
  return list.reduce((sum, each) => sum + each[key], 0);
}

function noTasks(): Record<TaskKind, number> {
  return { promise: 0, timeout: 0, interval: 0, immediate: 0, handle: 0, request: 0 };
}

function withoutOrigin(frame: PlacedFrame): StackFrame {
  return { function: frame.function, file: frame.file, line: frame.line, column: frame.column };
}

function startOfOldest(figures: RawChange): number {
  return figures[1] > 0 && figures[5] >= 0 ? figures[5] : Infinity;
}

/** The kinds that have live tasks in `totals`, in the order in which they are listed to people. */
export function kindsPresent(totals: Readonly<Record<TaskKind, number>>): readonly TaskKind[] {
  return TASK_KINDS.filter((kind) => totals[kind] > 0);
}
