import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CalibratedWait,
  calibrateWaits,
  emptyWaitCalibration,
  recordWait,
  type WaitCalibration,
  type WaitConditions,
} from './wait-calibration.ts';

const quiet: WaitConditions = { people: 2, loads: [0.1, 0.1, 0.1] };
const busy: WaitConditions = { people: 30, loads: [1.5, 1.2, 0.9] };

/** What became of `count` forecasts of 100 s: they took `actual` seconds. */
function after(count: number, conditions: WaitConditions, actual: number, state = emptyWaitCalibration) {
  let next: WaitCalibration = state;
  for (let run = 0; run < count; run += 1) next = recordWait(next, { seconds: 100, conditions }, actual);
  return next;
}

const calibrate = (state: WaitCalibration, conditions: WaitConditions, seconds: number): CalibratedWait =>
  calibrateWaits(state, conditions)(seconds);

describe('calibrateWaits', () => {
  it('spreads a forecast by a fixed factor before anything is known', () => {
    expect(calibrate(emptyWaitCalibration, quiet, 100)).toEqual({ low: 70, middle: 100, high: 140 });
    expect(calibrate(after(19, quiet, 500), quiet, 100).middle).toBe(100);
  });

  it('moves the middle to where waits ended', () => {
    expect(calibrate(after(30, quiet, 205), quiet, 100).middle).toBeCloseTo(205);
  });

  it('tells busy times from quiet ones, and lends what it knows to conditions and lengths that it has not seen', () => {
    const state = after(60, busy, 310, after(60, quiet, 100));
    expect(calibrate(state, quiet, 100).middle).toBeCloseTo(100);
    expect(calibrate(state, busy, 100).middle).toBeCloseTo(310);
    expect(calibrate(state, { people: 25, loads: [1.2, 1, 1] }, 995).middle).toBeCloseTo(2_995);
  });

  it('tells long waits from short ones', () => {
    let state = after(60, quiet, 100);
    for (let run = 0; run < 60; run += 1) state = recordWait(state, { seconds: 5_000, conditions: quiet }, 9_000);
    expect(calibrate(state, quiet, 100).middle).toBeCloseTo(100);
    expect(calibrate(state, quiet, 5_000).middle).toBeCloseTo(9_000);
  });

  it('covers four fifths of waits that err by any steady factor', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.3, max: 4, noNaN: true }),
        fc.array(fc.double({ min: 0.5, max: 2, noNaN: true }), { minLength: 40, maxLength: 40 }),
        (factor, noise) => {
          let state = emptyWaitCalibration;
          for (const one of noise) state = recordWait(state, { seconds: 300, conditions: quiet }, 300 * factor * one);
          const { low, middle, high } = calibrate(state, quiet, 300);
          // Half a second for waits that lie on the edge.
          const inside = noise.filter((one) => 300 * factor * one >= low - 0.5 && 300 * factor * one <= high + 0.5);
          expect(inside.length / noise.length).toBeGreaterThanOrEqual(0.79);
          expect(low).toBeLessThanOrEqual(middle);
          expect(middle).toBeLessThanOrEqual(high);
        },
      ),
      { seed: 3, numRuns: 30 },
    );
  });

  it('uses those cases that lie nearest, whatever the order in which they came', () => {
    const caseArbitrary = fc.record({
      seconds: fc.integer({ min: 0, max: 5_000 }),
      people: fc.integer({ min: 0, max: 50 }),
      load: fc.integer({ min: 0, max: 2_000 }).map((thousandths) => thousandths / 1_000),
      actual: fc.integer({ min: 0, max: 9_000 }),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(caseArbitrary, { minLength: 45, maxLength: 70, selector: (one) => one.load }),
        (all) => {
          const stateOf = (cases: typeof all): WaitCalibration =>
            cases.reduce(
              (state, { seconds, people, load, actual }) =>
                recordWait(state, { seconds, conditions: { people, loads: [load, load, load] } }, actual),
              emptyWaitCalibration,
            );
          const [{ seconds, people, load }] = all as [(typeof all)[0]];
          const asked = { people, loads: [load, load, load] };
          expect(calibrate(stateOf(all.toReversed()), asked, seconds)).toEqual(calibrate(stateOf(all), asked, seconds));
        },
      ),
      { seed: 5, numRuns: 30 },
    );
  });

  it('widens after misses and narrows after hits', () => {
    const forecast = { seconds: 100, conditions: quiet };
    const missed = recordWait(emptyWaitCalibration, forecast, 500, { low: 70, high: 140 });
    expect(missed.tails.above).toBeLessThan(0.1);
    expect(missed.tails.below).toBeGreaterThan(0.1);
    const hit = recordWait(emptyWaitCalibration, forecast, 100, { low: 70, high: 140 });
    expect(hit.tails.above).toBeGreaterThan(0.1);
  });

  it('keeps a state of bounded size, and leaves the state given as it was', () => {
    const state = after(4_100, quiet, 100);
    expect(state.cases).toHaveLength(4_000);
    expect(emptyWaitCalibration).toEqual({ cases: [], tails: { below: 0.1, above: 0.1 } });
  });
});
