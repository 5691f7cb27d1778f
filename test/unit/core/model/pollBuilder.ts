/** Answers of an agent in a few words. */
import type { AgentChange, AgentFrame, AgentPoll, AgentSite } from '../../../../src/protocol/agent';
import { FRAME_NATIVE } from '../../../../src/protocol/agent';

export type Figures = Partial<Record<'live' | 'variance' | 'started' | 'abandoned' | 'oldest', number>>;

/** A frame: `at('/app/a.js', 3)`, `at('node:fs', 1)`, `native('Promise')`. */
export function at(script: string, line: number, column = 1, name: string | null = 'f'): AgentFrame {
  return [name, script, line, column, 0];
}

export function native(name: string): AgentFrame {
  return [name, null, 0, 0, FRAME_NATIVE];
}

/** Builds the polls of one agent: interns frames and sites as the agent does. */
export class PollBuilder {
  #seq = 0;
  #frames = 0;
  #sites = 0;
  #newFrames: AgentFrame[] = [];
  #newSites: AgentSite[] = [];
  #changes: AgentChange[] = [];
  #tasks: AgentPoll['tasks'] = [];

  /** Adds a site; returns its id. */
  site(frames: readonly AgentFrame[], site: Partial<Omit<AgentSite, 'frames' | 'id'>> = {}): number {
    const id = this.#sites++;
    const first = this.#frames + this.#newFrames.length;
    this.#newFrames.push(...frames);
    this.#newSites.push({
      id,
      kind: 'promise',
      type: 'PROMISE',
      label: null,
      inner: false,
      asyncCall: false,
      cause: null,
      ...site,
      frames: frames.map((_, index) => first + index),
    });
    return id;
  }

  change(site: number, figures: Figures): this {
    const { live = 0, variance = 0, started = live, abandoned = 0, oldest = live > 0 ? 0 : -1 } = figures;
    this.#changes.push([site, live, variance, started, abandoned, oldest]);
    return this;
  }

  /** A site that has live tasks, in one go. */
  alive(frames: readonly AgentFrame[], live: number, site: Partial<Omit<AgentSite, 'frames' | 'id'>> = {}): number {
    const id = this.site(frames, site);
    this.change(id, { live });
    return id;
  }

  tasks(list: AgentPoll['tasks'][number]): this {
    this.#tasks.push(list);
    return this;
  }

  /** @param now the agent's clock, milliseconds. */
  poll(now: number, overrides: Partial<AgentPoll> = {}): AgentPoll {
    const poll: AgentPoll = {
      v: 1,
      seq: ++this.#seq,
      now,
      wall: 1_000_000 + now,
      firstFrame: this.#frames,
      frames: this.#newFrames,
      sites: this.#newSites,
      changes: this.#changes,
      unsure: [],
      dropped: 0,
      beforeNotFollowed: 0,
      beforeComplete: true,
      beforePromises: { at: 0, more: 0 },
      sampledPromises: false,
      sampledResources: false,
      promiseWeight: 1,
      resourceWeight: 1,
      promiseCounting: 'exact',
      resourceCounting: 'exact',
      memoryBytes: 0,
      memoryLimited: false,
      measured: null,
      agentMs: 1,
      spanMs: this.#seq === 1 ? 0 : 1000,
      pollMs: 0.2,
      process: {
        heap: { used: 50e6, total: 60e6, limit: 4e9, rss: 90e6, external: 1e6, arrayBuffers: 1e5 },
        loop: { delayP50Ms: 0.1, delayP99Ms: 1.5, delayMaxMs: 3, utilization: 0.25, stillMs: 0 },
        gc: { count: 2, totalMs: 4, estimated: false },
        activeResources: { Timeout: 1 },
        uptimeMs: 5000 + now,
      },
      tasks: this.#tasks,
      ...overrides,
    };
    this.#frames += this.#newFrames.length;
    this.#newFrames = [];
    this.#newSites = [];
    this.#changes = [];
    this.#tasks = [];
    return poll;
  }
}
