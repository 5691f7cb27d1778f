/** Which sites are open in the tree, so that the server lists their tasks and no others. */
export class WatchList {
  readonly #sites = new Map<string, Set<string>>();
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

  /** Forgets the sessions that are gone; nobody is told, since nobody is there. */
  keep(exists: (sessionId: string) => boolean): void {
    for (const sessionId of [...this.#sites.keys()]) if (!exists(sessionId)) this.#sites.delete(sessionId);
  }
}
