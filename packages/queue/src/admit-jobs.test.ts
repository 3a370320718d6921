import { describe, expect, it } from 'vitest';
import { admitJobs } from './admit-jobs.ts';

const limits = { maxQueued: 10, maxQueuedPerPerson: 4 };

describe('admitJobs', () => {
  it('takes all that fit', () => {
    expect(admitJobs({ all: 6, ofPerson: 0 }, 4, limits)).toEqual({ accepted: 4 });
  });

  it('takes the first ones up to what one person may queue', () => {
    expect(admitJobs({ all: 3, ofPerson: 3 }, 4, limits)).toEqual({ accepted: 1, limit: 'person' });
    expect(admitJobs({ all: 3, ofPerson: 5 }, 1, limits)).toEqual({ accepted: 0, limit: 'person' });
  });

  it('takes none past what the queue holds', () => {
    expect(admitJobs({ all: 9, ofPerson: 0 }, 4, limits)).toEqual({ accepted: 1, limit: 'queue' });
    expect(admitJobs({ all: 12, ofPerson: 0 }, 1, limits)).toEqual({ accepted: 0, limit: 'queue' });
  });
});
