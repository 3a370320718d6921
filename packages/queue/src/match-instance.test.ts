import { describe, expect, it } from 'vitest';
import { type JobNeeds, mismatchOf } from './match-instance.ts';

const job: JobNeeds = { personId: 'mei', classes: ['KSampler'], models: ['checkpoints/a.safetensors'], vramGb: 12 };
const offer = {
  classes: new Set(['KSampler', 'SaveImage']),
  models: new Set(['checkpoints/a.safetensors']),
  vramGb: 24,
};

describe('mismatchOf', () => {
  it('finds nothing where everything is there, or nothing is known', () => {
    expect(mismatchOf(job, offer)).toBeUndefined();
    expect(mismatchOf(job, {})).toBeUndefined();
  });

  it('names what is missing', () => {
    expect(mismatchOf(job, { ...offer, models: new Set(['loras/a.safetensors']), classes: new Set() })).toEqual({
      classes: ['KSampler'],
      models: ['checkpoints/a.safetensors'],
      reserved: false,
    });
  });

  it('takes a card that is sold with the memory asked for, and none with less', () => {
    expect(mismatchOf(job, { ...offer, vramGb: 11.6 })).toBeUndefined();
    expect(mismatchOf(job, { ...offer, vramGb: 10 })).toMatchObject({ vramGb: 12 });
  });

  it('keeps a reserved one to its people', () => {
    expect(mismatchOf(job, { ...offer, reservedFor: ['ana'] })).toMatchObject({ reserved: true });
    expect(mismatchOf(job, { ...offer, reservedFor: ['ana', 'mei'] })).toBeUndefined();
  });
});
