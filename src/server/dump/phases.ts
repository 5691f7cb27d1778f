/** What a dump goes through, for people who wait for it. */
import type { AnalysisPhase } from '../../core/heap/heapAnalysis';

export type DumpPhase = 'snapshot' | AnalysisPhase | 'positions' | 'sources';

/** What each says, and where it ends in the whole, in percent: of a process of a hundred megabytes, about. */
const PHASES: Readonly<Record<DumpPhase, { readonly text: string; readonly end: number }>> = {
  snapshot: { text: 'The process stands still', end: 50 },
  reading: { text: 'Reading', end: 60 },
  awaits: { text: 'Who waits for whom', end: 68 },
  settleability: { text: 'What can still settle', end: 76 },
  holders: { text: 'Who holds them', end: 84 },
  resources: { text: 'Timers, handles and requests', end: 88 },
  positions: { text: 'Which line they stand on', end: 97 },
  sources: { text: 'Source maps', end: 100 },
};
const ORDER = Object.keys(PHASES) as readonly DumpPhase[];

export type DumpProgress = (phase: DumpPhase, share: number) => void;

export function phaseText(phase: DumpPhase): string {
  return PHASES[phase].text;
}

/**
 * Tells of a progress that only goes forward: phases overlap, as a snapshot is read while it is taken.
 * @param tell gets whole percents, and a text when either changes
 */
export function createDumpProgress(tell: (percent: number, text: string) => void): DumpProgress {
  let current = -1;
  let shown = -1;
  return (phase, share) => {
    const index = ORDER.indexOf(phase);
    if (index < current) return;
    const start = PHASES[ORDER[index - 1] ?? phase].end * (index === 0 ? 0 : 1);
    const percent = Math.max(shown, Math.floor(start + (PHASES[phase].end - start) * Math.min(1, Math.max(0, share))));
    if (index === current && percent === shown) return;
    current = index;
    shown = percent;
    tell(percent, PHASES[phase].text);
  };
}
