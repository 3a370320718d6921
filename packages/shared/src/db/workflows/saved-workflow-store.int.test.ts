import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { useMigratedDatabase } from '@atelier/tests/support/migrated-database';
import {
  addWorkflow,
  deleteWorkflow,
  listWorkflows,
  readWorkflow,
  setWorkflow,
  shareWorkflow,
  type WorkflowChange,
} from './saved-workflow-store.ts';

const db = useMigratedDatabase({ poolSize: 4 });

/** A seed that no JavaScript number holds. */
const text = '{"3":{"class_type":"KSampler","inputs":{"seed":18446744073709551615}}}';

function add(personId: string, name: string, workflow = text): Promise<WorkflowChange> {
  return addWorkflow(db, { id: randomUUID(), personId, name, text: workflow });
}

function done(change: WorkflowChange) {
  if (change.outcome !== 'done') throw new Error(JSON.stringify(change));
  return change.workflow;
}

test('a workflow is kept as it was written, and found by id and by name in any case', async () => {
  const ada = randomUUID();
  const kept = done(await add(ada, ' Harbour '));
  expect(kept).toMatchObject({ name: 'Harbour', title: 'Harbour', shared: false, defaults: {}, workflowText: text });
  for (const name of ['harbour', 'HARBOUR', kept.id, kept.id.toUpperCase()]) {
    expect((await readWorkflow(db, ada, name))?.id).toBe(kept.id);
  }
  expect(done(await add(ada, 'harbour')).id).toBe(kept.id);
  expect(await add(ada, 'harbour', '{"nodes":[]}')).toMatchObject({
    outcome: 'refused',
    message: { en: expect.stringContaining('already have') },
  });
  expect(await add(ada, 'front', '{"nodes":[]}')).toMatchObject({ outcome: 'done' });
});

test.each([
  ['a name that is empty', '  ', text],
  ['a name that is an id', randomUUID(), text],
  ['a name that is a recipe of ours', 'wf:x', text],
  ['a text that is no JSON', 'x', '{"3":'],
  ['a text that is no workflow', 'x', '{"hello":"world"}'],
])('%s is refused in words', async (_name, name, workflow) => {
  const change = await add(randomUUID(), name, workflow);
  expect(change).toMatchObject({ outcome: 'refused', message: { zh: expect.stringMatching(/\p{Script=Han}/u) } });
});

test('others see it while it is shared, own ones first', async () => {
  const [ada, bob] = [randomUUID(), randomUUID()];
  const name = `fox ${ada.slice(0, 4)}`;
  const shared = done(await add(ada, name));
  expect(await readWorkflow(db, bob, shared.id)).toBeUndefined();
  await shareWorkflow(db, ada, name, true);
  expect((await readWorkflow(db, bob, name))?.id).toBe(shared.id);
  const own = done(await add(bob, name));
  expect((await readWorkflow(db, bob, name))?.id).toBe(own.id);
  const listed = (await listWorkflows(db, bob)).filter((workflow) => workflow.name === name);
  expect(listed.map(({ id, shared: isShared }) => [id, isShared])).toEqual([
    [own.id, false],
    [shared.id, true],
  ]);
  expect(await setWorkflow(db, bob, shared.id, { title: 'Mine now' })).toEqual({ outcome: 'not_found' });
  expect(await deleteWorkflow(db, bob, shared.id)).toBe(false);
  await shareWorkflow(db, ada, name, false);
  expect(await readWorkflow(db, bob, shared.id)).toBeUndefined();
});

test('its owner names it anew, sets values, takes them back, and deletes it', async () => {
  const ada = randomUUID();
  const kept = done(await add(ada, 'one'));
  await add(ada, 'two');
  expect(await setWorkflow(db, ada, 'one', { name: 'Two' })).toMatchObject({ outcome: 'refused' });
  expect(done(await setWorkflow(db, ada, 'one', { name: 'ONE', title: 'The first' }))).toMatchObject({
    id: kept.id,
    name: 'ONE',
    title: 'The first',
  });
  await setWorkflow(db, ada, 'one', { defaults: { steps: 9, negative: 'fog', lora: true } });
  const changed = done(await setWorkflow(db, ada, 'one', { defaults: { steps: 12, lora: null } }));
  expect(changed.defaults).toEqual({ steps: 12, negative: 'fog' });
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`p${index}`, index]));
  expect(await setWorkflow(db, ada, 'one', { defaults: many })).toMatchObject({ outcome: 'refused' });
  expect(await deleteWorkflow(db, ada, 'ONE')).toBe(true);
  expect(await deleteWorkflow(db, ada, 'ONE')).toBe(false);
  expect(await readWorkflow(db, ada, kept.id)).toBeUndefined();
});
