/** Which sites the entries of `.asyncscope.json` hide. Pure, but it remembers the sites that it has seen. */
import type { HideEntry } from '../config/projectFile';
import type { Site } from '../model/task';

/** An entry and the folder whose file it stands in: an absolute path. */
export interface HideRule {
  readonly folder: string;
  readonly entry: HideEntry;
}

export type HideableSite = Pick<Site, 'id' | 'kind' | 'function' | 'file' | 'line'>;

/**
 * How many lines a site may have moved since it was hidden and still be found, where its own line has no such site.
 * Beyond it is more likely another one, and showing too much is better than hiding too much.
 */
export const LINE_DRIFT_LIMIT = 50;

/** Sites that one rule could be about, in one session, by id. */
type Candidates = Map<string, number>;

export class HiddenSites {
  readonly #byFile = new Map<string, HideRule[]>();
  readonly #anywhere: HideRule[] = [];
  readonly #candidates = new Map<string, Map<HideRule, Candidates>>();

  constructor(rules: readonly HideRule[]) {
    for (const rule of rules) {
      const { file } = rule.entry;
      if (file === undefined) this.#anywhere.push(rule);
      else {
        const path = absolute(rule.folder, file);
        const known = this.#byFile.get(path);
        if (known === undefined) this.#byFile.set(path, [rule]);
        else known.push(rule);
      }
    }
  }

  get isEmpty(): boolean {
    return this.#byFile.size === 0 && this.#anywhere.length === 0;
  }

  /**
   * The hidden ones of some sites of a session, with the rule that hides each. Sites of a session keep their ids and
   * positions, so what was seen before helps to tell which of several sites a rule means.
   */
  among(sessionId: string, sites: Iterable<HideableSite>): ReadonlyMap<string, HideRule> {
    const hidden = new Map<string, HideRule>();
    if (this.isEmpty) return hidden;
    const fitting: (readonly [HideableSite, HideRule])[] = [];
    for (const site of sites) {
      for (const rule of this.#fitting(site)) {
        fitting.push([site, rule]);
        this.#candidatesOf(sessionId, rule).set(site.id, site.line);
      }
    }
    for (const [site, rule] of fitting) {
      if (!hidden.has(site.id) && isMeant(rule, site, this.#candidatesOf(sessionId, rule))) hidden.set(site.id, rule);
    }
    return hidden;
  }

  /** What was seen of other sessions is forgotten: they are over. */
  keep(sessionIds: readonly string[]): void {
    for (const id of this.#candidates.keys()) if (!sessionIds.includes(id)) this.#candidates.delete(id);
  }

  *#fitting(site: HideableSite): IterableIterator<HideRule> {
    const inFile = site.file === null ? undefined : this.#byFile.get(normalized(site.file));
    for (const rule of inFile ?? []) if (fits(rule.entry, site)) yield rule;
    for (const rule of this.#anywhere) if (fits(rule.entry, site)) yield rule;
  }

  #candidatesOf(sessionId: string, rule: HideRule): Candidates {
    const session = this.#candidates.get(sessionId) ?? new Map<HideRule, Candidates>();
    this.#candidates.set(sessionId, session);
    const candidates = session.get(rule) ?? new Map<string, number>();
    session.set(rule, candidates);
    return candidates;
  }
}

/**
 * The entry that hides a site.
 * @param folder absolute path of the folder that the file is for.
 */
export function hideEntryFor(site: HideableSite, folder: string, reason: string): HideEntry {
  return {
    ...(site.file !== null && { file: relativeTo(folder, site.file) }),
    function: site.function,
    kind: site.kind,
    ...(site.line > 0 && { line: site.line }),
    reason,
  };
}

function fits({ function: name, kind }: HideEntry, site: HideableSite): boolean {
  return (name === undefined || name === site.function) && (kind === undefined || kind === site.kind);
}

/**
 * The line decides among sites that are alike: its own site if it was ever seen, else the nearest. Edits move lines, so
 * a line alone decides nothing.
 */
function isMeant({ entry }: HideRule, site: HideableSite, candidates: Candidates): boolean {
  const { line, file } = entry;
  if (line === undefined || file === undefined || site.line === line) return true;
  const distance = Math.abs(site.line - line);
  if (distance > LINE_DRIFT_LIMIT) return false;
  for (const [id, other] of candidates) {
    const away = Math.abs(other - line);
    // Of two that are equally near, the upper one: it has to be one of them, and always the same.
    if (id !== site.id && (away < distance || (away === distance && other < site.line))) return false;
  }
  return true;
}

/** With forward slashes and a small drive letter, so that one file has one name. */
function normalized(path: string): string {
  return path.replaceAll('\\', '/').replace(/^[A-Z](?=:\/)/, (letter) => letter.toLowerCase());
}

function absolute(folder: string, file: string): string {
  const path = normalized(file).replace(/^(?:\.\/)+/, '');
  return /^(?:\/|[a-z][a-z0-9+.-]*:)/i.test(path) ? path : `${normalized(folder).replace(/\/$/, '')}/${path}`;
}

function relativeTo(folder: string, file: string): string {
  return isInside(folder, file) ? normalized(file).slice(baseOf(folder).length) : normalized(file);
}

/** Whether a file is below a folder, by their absolute paths. */
export function isInside(folder: string, file: string): boolean {
  return normalized(file).startsWith(baseOf(folder));
}

function baseOf(folder: string): string {
  return `${normalized(folder).replace(/\/$/, '')}/`;
}
