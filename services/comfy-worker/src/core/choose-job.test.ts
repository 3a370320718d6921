import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPickRules } from '@atelier/queue/pick-job';
import {
  activeJobOf,
  instanceOf,
  queuedJobOf as queued,
  snapshotOf as snapshot,
} from '@atelier/shared/db/testing/snapshot-fixtures';
import { chooseJob, chooseJobs, type Choice } from './choose-job.ts';

const chooser = { instanceId: 'gpu0', classes: new Set(['KSampler']) };

describe('chooseJob', () => {
  it('takes only what this ComfyUI has the nodes for, and keeps the floor of those it cannot serve', () => {
    const queue = [queued('j1', 'mei', { classes: ['KSampler', 'WanVideo'] }), queued('j2', 'ana')];
    const shares = [{ personId: 'ana', chargedGpuSeconds: 500, weight: 1 }];
    const choice = chooseJob(snapshot({ queued: queue, shares }), chooser, defaultPickRules);
    expect(choice?.pick.job.id).toBe('j2');
    expect(choice?.pick.floorGpuSeconds).toBe(0);
    expect(chooseJob(snapshot({ queued: queue.slice(0, 1) }), chooser, defaultPickRules)).toBeUndefined();
  });

  it('takes only jobs whose models this ComfyUI has, and that fit its memory', () => {
    const needs = { models: ['checkpoints/a.safetensors'] };
    const queue = [queued('j1', 'mei', needs), queued('j2', 'ana', { vramGb: 48 })];
    const models = new Set(['checkpoints/b.safetensors']);
    expect(chooseJob(snapshot({ queued: queue }), { ...chooser, models }, defaultPickRules)).toBeUndefined();
    const both = new Set([...models, ...needs.models]);
    expect(chooseJob(snapshot({ queued: queue }), { ...chooser, models: both }, defaultPickRules)?.pick.job.id).toBe(
      'j1',
    );
    const bigger = { queued: queue.slice(1), instances: [instanceOf('gpu0', { vramGb: 48 })] };
    expect(chooseJob(snapshot(bigger), chooser, defaultPickRules)?.pick.job.id).toBe('j2');
  });

  it('serves nobody but those for whom this ComfyUI is reserved', () => {
    const instances = [instanceOf('gpu0', { reservedFor: ['ana'] })];
    const queue = [queued('j1', 'mei'), queued('j2', 'ana')];
    expect(chooseJob(snapshot({ queued: queue, instances }), chooser, defaultPickRules)?.pick.job.id).toBe('j2');
  });

  it('charges what this kind of job took so far rather than what was guessed', () => {
    const measured = [{ estimateKey: 'sdxl', gpuSeconds: 3.5, runs: 12 }];
    const choice = chooseJob(snapshot({ queued: [queued('j1', 'mei')], measured }), chooser, defaultPickRules);
    expect(choice?.expectedGpuSeconds).toBe(3.5);
  });

  it('says whether what it expects was measured', () => {
    const queue = [queued('j1', 'mei')];
    const measured = [{ estimateKey: 'sdxl', gpuSeconds: 3.5, runs: 12 }];
    expect(chooseJob(snapshot({ queued: queue, measured }), chooser, defaultPickRules)?.isMeasured).toBe(true);
    expect(chooseJob(snapshot({ queued: queue }), chooser, defaultPickRules)?.isMeasured).toBe(false);
  });

  it("counts GPUs, not prompts, against a person's cap, and not its own, which will be free", () => {
    const rules = { ...defaultPickRules, maxRunningPerPerson: 2 };
    const queue = [queued('j9', 'mei')];
    const own = [activeJobOf('a1', 'mei'), activeJobOf('a2', 'mei', { state: 'posted' })];
    const elsewhere = (id: string, gpu: string, state: 'running' | 'posted' | 'storing' = 'running') =>
      activeJobOf(id, 'mei', { instanceId: gpu, state });
    const one = [
      ...own,
      elsewhere('a3', 'gpu1'),
      elsewhere('a4', 'gpu1', 'posted'),
      elsewhere('a5', 'gpu2', 'storing'),
    ];
    expect(chooseJob(snapshot({ queued: queue, active: one }), chooser, rules)?.pick.job.id).toBe('j9');
    const two = [...one, elsewhere('a6', 'gpu3')];
    expect(chooseJob(snapshot({ queued: queue, active: two }), chooser, rules)).toBeUndefined();
  });

  it('counts a GPU once against the cap of all, whoever waits behind whom there', () => {
    const others = Array.from({ length: 5 }, (_, gpu) => [
      activeJobOf(`r${gpu}`, `p${gpu}`, { instanceId: `gpu${gpu + 1}` }),
      activeJobOf(`w${gpu}`, `q${gpu}`, { instanceId: `gpu${gpu + 1}`, state: 'posted' }),
    ]).flat();
    const busy = snapshot({ queued: [queued('j9', 'mei')], active: others });
    expect(chooseJob(busy, chooser, { ...defaultPickRules, maxRunning: 6 })?.pick.job.id).toBe('j9');
    expect(chooseJob(busy, chooser, { ...defaultPickRules, maxRunning: 5 })).toBeUndefined();
  });

  it('picks nothing for a GPU that was paused, from the first look at the queue that shows it', () => {
    const instances = [instanceOf('gpu0', { paused: true })];
    expect(
      chooseJob(snapshot({ instances, queued: [queued('j1', 'mei')] }), chooser, defaultPickRules),
    ).toBeUndefined();
  });

  it('leaves what has just come to a GPU that stands idle, for a moment', () => {
    const instances = [instanceOf('gpu0'), instanceOf('gpu1')];
    const active = [activeJobOf('a1', 'mei')];
    const busy = { ...chooser, isBusy: true };
    const fresh = snapshot({ instances, active, queued: [queued('j1', 'ana', { waitedSeconds: 0.2 })] });
    expect(chooseJob(fresh, busy, defaultPickRules)).toBeUndefined();
    expect(chooseJob(fresh, chooser, defaultPickRules)?.pick.job.id).toBe('j1');
    const older = snapshot({ instances, active, queued: [queued('j1', 'ana', { waitedSeconds: 1.5 })] });
    expect(chooseJob(older, busy, defaultPickRules)?.pick.job.id).toBe('j1');
  });
});

describe('chooseJobs', () => {
  it('chooses what the same choices one after the other would', () => {
    const person = fc.constantFrom('mei', 'ana', 'tom');
    const job = fc.record({
      personId: person,
      residencyKey: fc.constantFrom('sdxl', 'sdxl + lora', 'flux'),
      estimateKey: fc.constantFrom('quick', 'slow'),
      priority: fc.constantFrom(0, 0, 0, 1),
      class: fc.constantFrom('interactive' as const, 'batch' as const),
      waitedSeconds: fc.nat({ max: 2_000 }),
    });
    const share = fc.record({ chargedGpuSeconds: fc.nat({ max: 200 }), weight: fc.constantFrom(1, 2) });
    fc.assert(
      fc.property(fc.array(job, { minLength: 1, maxLength: 12 }), fc.dictionary(person, share), (jobs, shares) => {
        const start = snapshot({
          queued: jobs.map((fields, at) => queued(`j${at}`, fields.personId, fields)),
          shares: Object.entries(shares).map(([personId, known]) => ({ personId, ...known })),
          measured: [{ estimateKey: 'quick', gpuSeconds: 2, runs: 1 }],
        });
        const oneByOne: Choice[] = [];
        let view = start;
        for (;;) {
          const { choices, after } = chooseJobs(
            view,
            { ...chooser, isBusy: oneByOne.length > 0 },
            defaultPickRules,
            () => false,
          );
          if (choices.length === 0) break;
          oneByOne.push(...choices);
          view = after;
        }
        const together = chooseJobs(start, chooser, defaultPickRules, () => true);
        expect(together.choices).toEqual(oneByOne);
        expect(together.after).toEqual(view);
        expect(oneByOne).toHaveLength(jobs.length);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('leaves to an idle GPU what has just come, from the second choice on', () => {
    const instances = [instanceOf('gpu0'), instanceOf('gpu1')];
    const queue = snapshot({ instances, queued: [queued('j1', 'ana'), queued('j2', 'mei')] });
    const { choices } = chooseJobs(queue, chooser, defaultPickRules, () => true);
    expect(choices.map(({ pick }) => pick.job.id)).toEqual(['j1']);
  });
});
