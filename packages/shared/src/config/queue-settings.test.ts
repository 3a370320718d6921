import { expect, test } from 'vitest';
import { z } from 'zod';
import { parseConfig } from './parse-config.ts';
import { defaultQueueLimits, queueLimitsOf, queueSettings } from './queue-settings.ts';

const limitsOf = (env: Record<string, string>) => queueLimitsOf(parseConfig(z.object(queueSettings), env));

test('the limits of the queue, under both names of the first', () => {
  expect(limitsOf({})).toEqual(defaultQueueLimits);
  expect(limitsOf({ COMFY_MAX_CONCURRENT: '3' }).maxRunning).toBe(3);
  expect(limitsOf({ COMFY_MAX_CONCURRENT: '3', ATELIER_MAX_RUNNING: '4' }).maxRunning).toBe(4);
  expect(() => limitsOf({ ATELIER_MAX_QUEUED_PER_PERSON: '0' })).toThrow('ATELIER_MAX_QUEUED_PER_PERSON');
});
