/** Which sites are open in the tree, so that the server lists their tasks and no others. */
export class WatchList {
  readonly #sites = new Map<string, Set<string>>();
  #live: ReadonlySet<string> = new Set();
  readonly #watch: (sessionId: string, siteIds: readonly string[]) => void;

  /** @param watch is told the whole new list of a session whenever it changes. */
  constructor(watch: (sessionId: string, siteIds: readonly string[]) => void) {
    this.#watch = watch;
  }

  add(sessionId: string, siteId: string): void {
    const sites = this.#sites.get(sessionId) ?? new Set<string>();
    this.#sites.set(sessionId, sites);
    if (sites.has(siteId)) return;
    sites.add(siteId);
    this.#watch(sessionId, [...sites]);
  }

  delete(sessionId: string, siteId: string): void {
    const sites = this.#sites.get(sessionId);
    if (sites?.delete(siteId) === true) this.#watch(sessionId, [...sites]);
  }

  /**
   * Says which sessions there are. One that comes back, as all do after a crash of the server, is told its list again:
   * its rows are still open.
   */
  live(sessionIds: readonly string[]): void {
    for (const sessionId of sessionIds) {
      const sites = this.#sites.get(sessionId);
      if (!this.#live.has(sessionId) && sites !== undefined && sites.size > 0) this.#watch(sessionId, [...sites]);
    }
    this.#live = new Set(sessionIds);
  }
}
