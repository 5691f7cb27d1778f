/** Whose code a script is: by its name, and by what the user says of it. */
import { compileGlob, matchesGlob, scriptPath } from '../base/scriptGlob';
import type { ScriptGlob } from '../base/scriptGlob';
import type { Origin } from './task';

/** Most globs that are used, over all origins; those beyond are left out. */
export const ORIGIN_GLOB_LIMIT = 1_000;

/** Globs of scripts and sources, by whose code they are to count as. Where several fit, `app` goes before the others. */
export type OriginRules = Readonly<Partial<Record<Origin, readonly string[] | undefined>>>;

export const NO_ORIGIN_RULES: OriginRules = {};

/** A rule as it goes to the agent. */
export interface OriginPattern extends ScriptGlob {
  readonly origin: Origin;
}

export interface Origins {
  /** Whose code a script is. */
  of(script: string): Origin;
  /**
   * Whose code a source is that a script was made from. What is said of the source decides; else what a dependency was compiled
   * from is whose the dependency is, and a bundle is the user's file, but what was bundled into it may not be.
   */
  ofSource(script: string, source: string): Origin;
}

const IN_NODE_MODULES = /(?:^|[\\/])node_modules[\\/]/;
const BY_RANK: readonly Origin[] = ['app', 'dependency', 'node'];

/** Whose code a script is, by its name: a path, a URL, or a name such as `node:fs`. */
export function originOfScript(script: string): Origin {
  if (isOfNode(script)) return 'node';
  return IN_NODE_MODULES.test(script) ? 'dependency' : 'app';
}

/** Leaves out globs that are none; {@link unusableGlobs} names them. */
export function originPatterns(rules: OriginRules): readonly OriginPattern[] {
  return BY_RANK.flatMap((origin) => (rules[origin] ?? []).flatMap((glob) => (compileGlob(glob) ?? []).map((each) => ({ ...each, origin })))).slice(0, ORIGIN_GLOB_LIMIT);
}

/** Says what is wrong with a glob that is none, a sentence. */
export function unusableGlobText(glob: string): string {
  return `${JSON.stringify(glob)} is no glob that can be used. Use *, **, ? and {a,b}, as in "packages/shared/**".`;
}

export function unusableGlobs(rules: OriginRules): readonly string[] {
  return BY_RANK.flatMap((origin) => (rules[origin] ?? []).filter((glob) => compileGlob(glob) === undefined));
}

/** The rules of several places as one. */
export function joinOriginRules(all: readonly OriginRules[]): OriginRules {
  return Object.fromEntries(BY_RANK.map((origin) => [origin, all.flatMap((rules) => rules[origin] ?? [])]));
}

export function createOrigins(rules: OriginRules = NO_ORIGIN_RULES): Origins {
  const patterns = originPatterns(rules);
  const said = (script: string): Origin | undefined => {
    if (patterns.length === 0 || isOfNode(script)) return undefined;
    const path = scriptPath(script);
    return patterns.find((pattern) => matchesGlob(pattern, path))?.origin;
  };
  const of = (script: string): Origin => said(script) ?? originOfScript(script);
  return {
    of,
    ofSource(script, source) {
      const known = said(source);
      if (known !== undefined) return known;
      const origin = of(script);
      return origin === 'app' && originOfScript(script) === 'app' ? originOfScript(source) : origin;
    },
  };
}

/** Node's own modules are Node's, whatever anybody says. */
function isOfNode(script: string): boolean {
  return script.startsWith('node:') || script.startsWith('internal/');
}
