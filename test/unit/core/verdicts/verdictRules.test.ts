import { describe, expect, it } from 'vitest';
import { CROWD_REACTIONS } from '../../../../src/core/verdicts/crowd';
import { VERDICT_RULES, verdictOf } from '../../../../src/core/verdicts/verdictRules';
import type { Evidence } from '../../../../src/core/verdicts/verdictRule';
import type { RawText } from '../../../../src/core/heap/heapAnalysis';
import { VERDICTS } from '../../../../src/core/model/dump';

const NOTHING_KNOWN: Evidence = {
  cannotSettle: false,
  loop: false,
  reactions: 1,
  idleReactions: 0,
  settlers: 'none',
  waitsFor: { kind: 'app promise', text: ['its resolver is in Map held'], at: null, details: {} },
  holder: null,
};

function verdict(evidence: Partial<Evidence>): string | null {
  return verdictOf({ ...NOTHING_KNOWN, ...evidence })?.verdict ?? null;
}

function why(evidence: Partial<Evidence>): string {
  const all = { ...NOTHING_KNOWN, ...evidence };
  return text(verdictOf(all)?.why(all) ?? []);
}

/** Without the places. */
function text(parts: RawText): string {
  return parts.map((part) => (typeof part === 'string' ? part : '')).join('');
}

describe('a verdict', () => {
  it('is none where nothing is known, and where native code may settle it', () => {
    expect(verdict({})).toBeNull();
    expect(verdict({ settlers: 'native' })).toBeNull();
  });

  it('is an orphan when nothing can settle it, whatever else is known', () => {
    expect(verdict({ cannotSettle: true, settlers: 'held' })).toBe('orphan');
  });

  it('is a cycle only when nothing outside of the loop can settle it', () => {
    expect(verdict({ loop: true, cannotSettle: true })).toBe('cycle');
    expect(verdict({ loop: true })).toBeNull();
  });

  it('is a crowd from a number of callbacks on that nobody waits for', () => {
    expect(verdict({ reactions: 9 * CROWD_REACTIONS, idleReactions: CROWD_REACTIONS - 1, settlers: 'held' })).toBe('stuck');
    expect(verdict({ reactions: 9 * CROWD_REACTIONS, idleReactions: CROWD_REACTIONS, settlers: 'held' })).toBe('crowd');
  });

  it('tells what is in flight from what the program holds', () => {
    expect(verdict({ settlers: 'held' })).toBe('stuck');
    expect(verdict({ settlers: 'in flight' })).toBe('in flight');
  });
});

describe('what a verdict says', () => {
  it('names the evidence', () => {
    expect(why({ settlers: 'held', holder: ['Map held in ', 'users.js'] })).toContain('held by Map held in users.js');
    const event = { ...NOTHING_KNOWN.waitsFor, kind: 'event' as const };
    expect(why({ settlers: 'held', waitsFor: event, holder: ['global bus'] })).toContain('listener that it waits with is held by global bus');
    expect(why({ settlers: 'in flight' })).toContain('its resolver is in Map held');
    expect(why({ reactions: 20_000, idleReactions: 19_999 })).toContain('20,000 callbacks');
    expect(why({ reactions: 20_000, idleReactions: 19_999 })).toContain('19,999');
  });

  it('is one to three sentences, for each of the verdicts', () => {
    expect(VERDICT_RULES.map((rule) => rule.verdict).sort()).toEqual([...VERDICTS].sort());
    for (const rule of VERDICT_RULES) {
      const sentences = text(rule.why(NOTHING_KNOWN)).match(/[.!](?:\s|$)/gu) ?? [];
      expect(sentences.length, rule.verdict).toBeGreaterThan(0);
      expect(sentences.length, rule.verdict).toBeLessThanOrEqual(3);
    }
  });
});
