import { crowd } from './crowd';
import { cycle } from './cycle';
import { inFlight } from './inFlight';
import { orphan } from './orphan';
import { stuck } from './stuck';
import type { Evidence, VerdictRule } from './verdictRule';

/** The most exact first: a loop is an orphan of which it is known why. */
export const VERDICT_RULES: readonly VerdictRule[] = [cycle, orphan, crowd, stuck, inFlight];

/** Null where nothing can be said. */
export function verdictOf(evidence: Evidence): VerdictRule | null {
  return VERDICT_RULES.find((rule) => rule.applies(evidence)) ?? null;
}
