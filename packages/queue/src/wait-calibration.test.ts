import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calibrateWait, emptyWaitCalibration, recordWait, waitCalibrationSchema } from './wait-calibration.ts';

const group = 'own-0';

describe('calibrateWait', () => {
  it('spreads a forecast by a fixed factor before anything is known', () => {
    expect(calibrateWait(emptyWaitCalibration, { seconds: 100, group })).toEqual({ low: 70, middle: 100, high: 140 });
  });

  it('moves the middle to where waits ended', () => {
    let state = emptyWaitCalibration;
    for (let run = 0; run < 30; run += 1) state = recordWait(state, { seconds: 100, group }, 205);
    expect(calibrateWait(state, { seconds: 100, group }).middle).toBeCloseTo(205);
  });

  it('lends what it knows to sizes and groups that it has not seen', () => {
    let state = emptyWaitCalibration;
    for (let run = 0; run < 30; run += 1) state = recordWait(state, { seconds: 100, group }, 205);
    expect(calibrateWait(state, { seconds: 995, group: 'own-8' }).middle).toBeCloseTo(1_995);
  });

  it('covers four fifths of waits that err by any steady factor', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.3, max: 4, noNaN: true }),
        fc.array(fc.double({ min: 0.5, max: 2, noNaN: true }), { minLength: 200, maxLength: 200 }),
        (factor, noise) => {
          let state = emptyWaitCalibration;
          for (const one of noise) state = recordWait(state, { seconds: 300, group }, 300 * factor * one);
          const { low, high } = calibrateWait(state, { seconds: 300, group });
          // Half a second for waits that lie on the edge.
          const inside = noise.filter((one) => 300 * factor * one >= low - 0.5 && 300 * factor * one <= high + 0.5);
          expect(inside.length / noise.length).toBeGreaterThanOrEqual(0.79);
        },
      ),
      { seed: 3, numRuns: 30 },
    );
  });

  it('widens after misses and narrows after hits', () => {
    const forecast = { seconds: 100, group };
    const missed = recordWait(emptyWaitCalibration, forecast, 500, { low: 70, high: 140 });
    expect(missed.tails.above).toBeLessThan(0.1);
    expect(missed.tails.below).toBeGreaterThan(0.1);
    const hit = recordWait(emptyWaitCalibration, forecast, 100, { low: 70, high: 140 });
    expect(hit.tails.above).toBeGreaterThan(0.1);
  });

  it('keeps a state of bounded size that survives JSON, and leaves the state given as it was', () => {
    let state = emptyWaitCalibration;
    for (let run = 0; run < 500; run += 1) state = recordWait(state, { seconds: run * 20, group }, run);
    expect(Math.max(...Object.values(state.errors).map((errors) => errors.length))).toBeLessThanOrEqual(200);
    expect(waitCalibrationSchema.parse(JSON.parse(JSON.stringify(state)))).toEqual(state);
    expect(emptyWaitCalibration).toEqual({ errors: {}, tails: { below: 0.1, above: 0.1 } });
  });
});
