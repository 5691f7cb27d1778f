import { describe, expect, it, vi } from 'vitest';
import { RefreshScheduler } from '../../../src/host/refreshScheduler';
import { ManualClock } from './manualClock';

function setUp(): { clock: ManualClock; draw: ReturnType<typeof vi.fn<() => void>>; errors: unknown[]; state: { visible: boolean }; handle: ReturnType<RefreshScheduler['register']> } {
  const clock = new ManualClock();
  const errors: unknown[] = [];
  const state = { visible: true };
  const draw = vi.fn<() => void>();
  const handle = new RefreshScheduler((error) => errors.push(error), clock, 250).register({ isVisible: () => state.visible, draw });
  return { clock, draw, errors, state, handle };
}

describe('RefreshScheduler', () => {
  it('draws a burst once, at the end of the turn', () => {
    const { clock, draw, handle } = setUp();
    for (let i = 0; i < 100; i++) handle.invalidate();
    expect(draw).not.toHaveBeenCalled();
    clock.advance(0);
    expect(draw).toHaveBeenCalledOnce();
  });

  it('draws at most once per interval and misses no change', () => {
    const { clock, draw, handle } = setUp();
    for (let ms = 0; ms < 1000; ms += 10) {
      handle.invalidate();
      clock.advance(10);
    }
    // At 0, 250, 500, 750 and 1000 ms; the last one holds the change of 990 ms.
    expect(draw).toHaveBeenCalledTimes(5);
    clock.advance(1000);
    expect(draw).toHaveBeenCalledTimes(5);
  });

  it('does nothing while nobody can see it, and catches up when it is shown', () => {
    const { clock, draw, state, handle } = setUp();
    state.visible = false;
    handle.invalidate();
    clock.advance(1000);
    expect(draw).not.toHaveBeenCalled();
    state.visible = true;
    handle.shown();
    clock.advance(0);
    expect(draw).toHaveBeenCalledOnce();
  });

  it('draws at once on demand, and only when something changed', () => {
    const { draw, handle } = setUp();
    handle.flush();
    expect(draw).not.toHaveBeenCalled();
    handle.invalidate();
    handle.flush();
    expect(draw).toHaveBeenCalledOnce();
  });

  it('survives a drawing that throws', () => {
    const { clock, draw, errors, handle } = setUp();
    draw.mockImplementationOnce(() => { throw new Error('no'); });
    handle.invalidate();
    clock.advance(0);
    expect(errors).toHaveLength(1);
    handle.invalidate();
    clock.advance(250);
    expect(draw).toHaveBeenCalledTimes(2);
  });

  it('forgets what was disposed of', () => {
    const { clock, draw, handle } = setUp();
    handle.invalidate();
    handle.dispose();
    handle.invalidate();
    clock.advance(1000);
    expect(draw).not.toHaveBeenCalled();
  });
});
