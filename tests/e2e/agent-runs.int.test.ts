import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import sharp from 'sharp';
import { cancelRequest } from '@atelier/shared/db/requests/cancel-request';
import { openAgentConversation, type AgentConversation } from '../support/anthropic/agent-conversation.ts';
import { textMessage, type ScriptedStep } from '../support/anthropic/scripted-anthropic.ts';
import { openingOf, resultsIn, saidIn, toolMessage } from '../support/anthropic/tool-steps.ts';

let talk: AgentConversation;
beforeAll(async () => {
  talk = await openAgentConversation();
});
afterAll(() => talk.close());
beforeEach(() => {
  talk.claude.reset();
  talk.waits.length = 0;
});

const draw = (prompt: string, more: Record<string, unknown> = {}) =>
  toolMessage([['run', { make: { prompt }, ...more }]]);
const drawAndEnd = (prompt: string) => draw(prompt, { reply: 'Here it comes.' });
const error = (
  status: number,
  type: string,
  more: Partial<Extract<ScriptedStep, { kind: 'error' }>> = {},
): ScriptedStep => ({ kind: 'error', status, type, ...more });

describe('plans before GPU time', () => {
  beforeAll(() => talk.restart({ ATELIER_PLAN_APPROVAL: 'always' }));
  afterAll(() => talk.restart());

  test('wait for the person, hold nothing meanwhile, and run at their word', async () => {
    const id = await talk.say('a castle', [drawAndEnd('a castle')]);
    const asking = await talk.world.until(id, 'asking');
    expect(asking.question).toMatchObject({
      kind: 'plan',
      choices: [{ id: 'run' }, { id: 'change' }, { id: 'cancel' }],
      plan: { prompt: 'a castle' },
    });
    expect(asking.question?.gpuSeconds?.high).toBeGreaterThan(0);
    expect(await talk.world.jobsOf(id)).toEqual([]);
    await talk.answer(asking, { choice: 'run' });
    expect(await talk.world.until(id, 'working')).toMatchObject({
      jobsTotal: 1,
      reply: 'Here it comes.',
      question: null,
    });
    // The plan was paid for once.
    expect(talk.asked()).toHaveLength(1);
  });

  test('are changed by the person, and asked about again', async () => {
    const id = await talk.say('a castle', [drawAndEnd('a castle'), drawAndEnd('a castle at night')]);
    await talk.answer(await talk.world.until(id, 'asking'), { choice: 'change', text: 'at night' });
    const again = await talk.world.until(id, 'asking');
    expect(resultsIn(talk.asked()[1])[0]?.text).toContain('at night');
    await talk.answer(again, { choice: 'run' });
    expect((await talk.world.until(id, 'working')).plan?.prompt).toBe('a castle at night');
  });

  test('end with the request when the person cancels them', async () => {
    const id = await talk.say('a castle', [drawAndEnd('a castle')]);
    await talk.answer(await talk.world.until(id, 'asking'), { choice: 'cancel' });
    expect(await talk.world.until(id, 'cancelled')).toMatchObject({ jobsTotal: 0 });
    expect(talk.asked()).toHaveLength(1);
  });
});

describe('one question', () => {
  test('with choices waits for its answer', async () => {
    const id = await talk.say('draw my pet', [
      toolMessage([['ask', { question: 'Which pet?', choices: ['the cat', 'the dog'] }]]),
      drawAndEnd('a cat'),
    ]);
    const asking = await talk.world.until(id, 'asking');
    expect(asking.question).toMatchObject({
      kind: 'question',
      choices: [{ id: '1', label: { en: 'the cat' } }, { id: '2' }],
    });
    await talk.answer(asking, { choice: '1' });
    await talk.world.until(id, 'working');
    expect(resultsIn(talk.asked()[1])[0]?.text).toContain('the cat');
  });

  test('leaves the conversation free for others meanwhile', async () => {
    const place = randomUUID();
    const id = await talk.say('draw my pet', [toolMessage([['ask', { question: 'Which pet?' }]])], { place });
    const asking = await talk.world.until(id, 'asking');
    const other = await talk.say('how are things going today?', [textMessage('Fine.')], { place, person: 'Li' });
    await talk.world.until(other, 'replied');
    expect(openingOf(talk.asked().at(-1))).toContain('draw my pet → asking, 0 pictures You ask: Which pet?');
    talk.claude.script(textMessage('A parrot, then.'));
    await talk.answer(asking, { text: 'my parrot' });
    expect((await talk.world.until(id, 'replied')).reply).toBe('A parrot, then.');
  });
});

describe('waiting for jobs', () => {
  test('parks the run, and goes on with what came out', async () => {
    const picture = await sharp({ create: { width: 512, height: 512, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    talk.world.store(picture);
    const id = await talk.say('draw and check', [
      draw('a fox'),
      toolMessage([['jobs', { wait: true }]]),
      {
        kind: 'when',
        answer: (request) =>
          resultsIn(request)[0]?.text.includes('succeeded in 4 GPU s') ? textMessage('A fine fox.') : textMessage('?'),
      },
    ]);
    await talk.world.until(id, 'working');
    expect(talk.asked()).toHaveLength(2);
    await talk.world.worker.finish(id, { picture });
    expect(await talk.world.until(id, 'succeeded')).toMatchObject({ reply: 'A fine fox.', jobsSucceeded: 1 });
    const owed = await talk.world.db.sql`select kind from deliveries where request_id = ${id}`;
    expect(owed.map((row) => row['kind'])).toEqual(['result']);
  });

  test('is over at once where they have ended already', async () => {
    const ended = Promise.withResolvers<void>();
    const id = await talk.say('draw and check', [
      draw('a quick fox'),
      // The job ends while the model thinks.
      toolMessage([['jobs', { wait: true }]], { hold: { afterEvents: 1, until: ended.promise } }),
      textMessage('Done.'),
    ]);
    await talk.untilJobs(id, 1);
    await talk.world.worker.finish(id);
    ended.resolve();
    expect(await talk.world.until(id, 'succeeded')).toMatchObject({ reply: 'Done.' });
  });
});

describe('failed runs', () => {
  const outOfMemory = {
    code: 'execution_error',
    nodeId: '3',
    classType: 'KSampler',
    details: 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 4.00 GiB',
  };

  test('come back with node, cause and what helps, and are mended', async () => {
    const id = await talk.say('a huge fox', [drawAndEnd('a fox'), drawAndEnd('a smaller fox')]);
    await talk.world.until(id, 'working');
    await talk.world.worker.fail(id, outOfMemory);
    await talk.world.until(id, 'working');
    await talk.untilAsked(2);
    expect(saidIn(talk.asked()[1])).toMatch(/Node 3 \(KSampler\): the GPU has too little memory.*repairs left: 3/s);
    await talk.untilJobs(id, 2);
    await talk.world.until(id, 'working');
    await talk.world.worker.finish(id);
    expect(await talk.world.until(id, 'succeeded')).toMatchObject({
      jobsTotal: 2,
      jobsSucceeded: 1,
      plan: { count: 2 },
    });
  });

  test('with the same failure twice end honestly: no further run is allowed', async () => {
    const id = await talk.say('a huge fox', [
      drawAndEnd('a fox'),
      drawAndEnd('another fox'),
      drawAndEnd('a third fox'),
      textMessage('I tried twice; the GPU is too small.'),
    ]);
    for (const jobs of [1, 2]) {
      await talk.untilJobs(id, jobs);
      await talk.world.until(id, 'working');
      await talk.world.worker.fail(id, outOfMemory);
    }
    const failed = await talk.world.until(id, 'failed');
    expect(failed).toMatchObject({ jobsTotal: 2, reply: 'I tried twice; the GPU is too small.' });
    expect(failed.error).toMatchObject({
      code: 'execution_error',
      message: { en: 'I tried twice; the GPU is too small.' },
    });
    expect(resultsIn(talk.asked()[3])).toMatchObject([
      { isError: true, text: expect.stringContaining('same failure') },
    ]);
  });

  test('are mended three times at most', async () => {
    const id = await talk.say('a fox', [
      ...[1, 2, 3, 4, 5].map((n) => drawAndEnd(`try ${n}`)),
      textMessage('Four tries, four failures.'),
    ]);
    const causes = [
      'CUDA out of memory',
      'No such file: x.safetensors',
      'mat1 and mat2 shapes cannot be multiplied',
      'cannot identify image file',
    ];
    for (const [index, details] of causes.entries()) {
      await talk.untilJobs(id, index + 1);
      await talk.world.until(id, 'working');
      await talk.world.worker.fail(id, { ...outOfMemory, details });
    }
    expect(await talk.world.until(id, 'failed')).toMatchObject({ jobsTotal: 4, reply: 'Four tries, four failures.' });
  });
});

describe('a model that is away when the jobs have ended', () => {
  test('leaves a failure its own words', async () => {
    const id = await talk.say('a fox', [drawAndEnd('a fox'), error(401, 'authentication_error')]);
    await talk.world.until(id, 'working');
    await talk.world.worker.fail(id, { message: { en: 'The node stumbled over this.', zh: '节点出错。' } });
    const failed = await talk.world.until(id, 'failed');
    expect(failed.error?.message.en).toBe('The node stumbled over this.');
  });

  test('leaves the pictures to speak for themselves, also where it was switched off meanwhile', async () => {
    const id = await talk.say('draw and check', [draw('a fox'), toolMessage([['jobs', { wait: true }]])]);
    await talk.world.until(id, 'working');
    while ((await talk.world.db.sql`select agent_wake from requests where id = ${id}`)[0]?.['agentWake'] !== 'end') {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await talk.restartWithoutModel();
    await talk.world.worker.finish(id);
    expect(await talk.world.until(id, 'succeeded')).toMatchObject({ jobsTotal: 1, reply: null });
    await talk.restart();
  });
});

describe('a look at the result', () => {
  afterAll(() => talk.restart());

  test('makes one better attempt, and no second', async () => {
    await talk.restart({ ATELIER_VISION_CHECK: 'retry' });
    const picture = await sharp({ create: { width: 512, height: 512, channels: 3, background: 'blue' } })
      .png()
      .toBuffer();
    talk.world.store(picture);
    const id = await talk.say('a fox', [drawAndEnd('a fox'), drawAndEnd('a fox, centred')]);
    await talk.world.until(id, 'working');
    await talk.world.worker.finish(id, { picture });
    await talk.untilJobs(id, 2);
    await talk.world.until(id, 'working');
    expect(JSON.stringify(talk.asked()[1]?.messages.at(-1))).toContain('"image/jpeg"');
    await talk.world.worker.finish(id, { picture });
    expect(await talk.world.until(id, 'succeeded')).toMatchObject({ jobsSucceeded: 2 });
    expect(talk.asked()).toHaveLength(2);
  });
});

describe('the end from outside', () => {
  /** Words that begin and never end. */
  const endless = { afterEvents: 5, until: new Promise(() => {}) };

  test('a stop ends the stream, and nothing of it is kept', async () => {
    const id = await talk.say('a very long story', [textMessage('Once upon a time', { chunkSize: 1, hold: endless })]);
    await talk.untilAsked(1);
    const cancelled = await cancelRequest(talk.world.db, id);
    expect(cancelled.outcome).toBe('cancelling');
    talk.world.bus.publishLive('cancelWake', {}, { requestId: id, jobIds: [] }, id);
    expect(await talk.world.until(id, 'cancelled')).toMatchObject({ reply: null });
    expect(await talk.world.db.sql`select 1 from agent_steps where run_id = ${id} and kind = 'reply'`).toHaveLength(0);
  });

  test('a stop while the agent thinks ends the jobs that it started, and the request with them', async () => {
    const id = await talk.say('draw, then talk', [
      draw('a fox'),
      textMessage('Blah blah', { chunkSize: 1, hold: endless }),
    ]);
    await talk.untilAsked(2);
    await cancelRequest(talk.world.db, id);
    talk.world.bus.publishLive('cancelWake', {}, { requestId: id, jobIds: [] }, id);
    expect(await talk.world.until(id, 'cancelled')).toMatchObject({ jobsOpen: 0 });
    expect((await talk.world.jobsOf(id)).map(({ state }) => state)).toEqual(['cancelled']);
  });

  test("cancel is a tool, for one's own requests alone", async () => {
    const place = randomUUID();
    const mine = await talk.say('a fox', [drawAndEnd('a fox')], { place, person: 'Mei' });
    await talk.world.until(mine, 'working');
    const ref = `#${mine.replaceAll('-', '').slice(0, 8)}`;
    const other = await talk.say(
      'stop that one',
      [toolMessage([['cancel', { request: ref }]]), textMessage('I may not.')],
      { place, person: 'Eve' },
    );
    await talk.world.until(other, 'replied');
    expect(resultsIn(talk.asked().at(-1))).toMatchObject([
      { isError: true, text: expect.stringContaining("another person's") },
    ]);
    const own = await talk.say(
      'stop that one',
      [toolMessage([['cancel', { request: ref }]]), textMessage('Stopped.')],
      { place, person: 'Mei' },
    );
    await talk.world.until(own, 'replied');
    expect(await talk.world.until(mine, 'cancelled')).toMatchObject({ jobsOpen: 0 });
  });
});

describe('the model', () => {
  const notesOf = async (id: string) =>
    (await talk.world.until(id, 'working')).plan?.notes.map(({ en }) => en).join(' ');

  test('429 with retry-after is waited for', async () => {
    const id = await talk.say('a fox', [
      error(429, 'rate_limit_error', { headers: { 'retry-after': '3' } }),
      drawAndEnd('a fox'),
    ]);
    await talk.world.until(id, 'working');
    expect(talk.waits).toEqual([3_000]);
  });

  test('429 without it is a limit of money: asked once, then the words are read by rules, and the plan says so', async () => {
    const id = await talk.say('a red fox in snow, portrait', [error(429, 'rate_limit_error')]);
    expect(await notesOf(id)).toContain('spending limit is reached; your words were read by simple rules');
    expect(talk.asked()).toHaveLength(1);
    expect(talk.waits).toEqual([]);
  });

  test('529 backs off, twice as long each time, then gives way to the rules', async () => {
    const id = await talk.say(
      'a fox',
      Array.from({ length: 4 }, () => error(529, 'overloaded_error')),
    );
    expect(await notesOf(id)).toContain('overloaded');
    expect(talk.waits).toEqual([500, 1_000, 2_000]);
  });

  test('a cut stream and an error inside one are asked again, and what they cost is counted', async () => {
    const content = [{ type: 'text' as const, text: 'a fox that is never told' }];
    const id = await talk.say('what can you do for my shop?', [
      { kind: 'cut', afterEvents: 4, content },
      { kind: 'stream_error', afterEvents: 3, type: 'overloaded_error', content },
      textMessage('Many things.'),
    ]);
    const request = await talk.world.until(id, 'replied');
    expect(request.reply).toBe('Many things.');
    expect(request.cost?.modelCalls).toBe(3);
    expect(request.cost?.inputTokens).toBe(300);
  });

  test('malformed arguments of a tool come back as an answer, not as an end', async () => {
    const id = await talk.say('a fox', [
      toolMessage([['run', { make: 'a fox' }]]),
      toolMessage([['run', { make: { prompt: 'a fox', steps: 'many' } }]]),
      drawAndEnd('a fox'),
    ]);
    await talk.world.until(id, 'working');
    expect(resultsIn(talk.asked()[1])).toMatchObject([{ isError: true, text: expect.stringContaining('make') }]);
    expect(resultsIn(talk.asked()[2])).toMatchObject([{ isError: true, text: expect.stringContaining('steps') }]);
  });

  test('a reply that is cut at its longest does nothing by half', async () => {
    const id = await talk.say('a fox', [
      toolMessage([['run', { make: { prompt: 'a f' } }]], { stopReason: 'max_tokens' }),
      drawAndEnd('a fox'),
    ]);
    expect(await talk.world.until(id, 'working')).toMatchObject({ jobsTotal: 1, plan: { prompt: 'a fox' } });
    expect(resultsIn(talk.asked()[1])).toMatchObject([{ isError: true, text: expect.stringContaining('cut off') }]);
  });

  test('an empty reply is asked again; two are given up', async () => {
    const empty = textMessage('');
    const id = await talk.say('a fox', [empty, empty]);
    expect(await notesOf(id)).toContain('no usable answer');
  });

  test('what the model declines is not drawn by rules instead', async () => {
    const id = await talk.say('something bad', [textMessage('', { stopReason: 'refusal' })]);
    expect(await talk.world.until(id, 'failed')).toMatchObject({ jobsTotal: 0, error: { code: 'declined' } });
  });

  test('that fails after jobs were queued leaves them, and says so', async () => {
    const id = await talk.say('a fox', [draw('a fox'), error(401, 'authentication_error')]);
    const request = await talk.world.until(id, 'working');
    expect(request.reply).toContain('what was queued goes on');
    await talk.world.worker.finish(id);
    await talk.world.until(id, 'succeeded');
  });

  test('uses several tools at a time, and their results stand in order', async () => {
    const id = await talk.say('look around, please', [
      toolMessage(
        [
          ['server', {}],
          ['search', { in: 'models' }],
          ['memory', { action: 'recall' }],
        ],
        { say: 'Let me see.' },
      ),
      textMessage('All well.'),
    ]);
    await talk.world.until(id, 'replied');
    expect(resultsIn(talk.asked()[1]).map(({ text }) => text.split('\n')[1]?.slice(0, 6))).toEqual([
      'queue:',
      'checkp',
      'nothin',
    ]);
  });
});

describe('budgets', () => {
  afterAll(() => talk.restart());

  test('the last step allowed is words', async () => {
    await talk.restart({ ATELIER_BUDGET_ITERATIONS: '3' });
    const id = await talk.say('look and look', [
      toolMessage([['server', {}]]),
      toolMessage([['server', {}]]),
      { kind: 'when', answer: (request) => textMessage(JSON.stringify(request['tool_choice'])) },
    ]);
    expect((await talk.world.until(id, 'replied')).reply).toBe('{"type":"none"}');
  });

  test('tokens and money end a run honestly', async () => {
    await talk.restart({ ATELIER_BUDGET_RUN_TOKENS: '140' });
    const id = await talk.say('look around', [toolMessage([['server', {}]], { say: 'I look.' })]);
    expect((await talk.world.until(id, 'replied')).reply).toMatch(/I look\..*limit of text/s);
    await talk.restart({ ATELIER_BUDGET_RUN_CENTS: '1' });
    const usage = { input_tokens: 10_000 };
    const dear = await talk.say('look around', [toolMessage([['server', {}]], { usage })]);
    expect((await talk.world.until(dear, 'working', 'replied', 'failed')).cost?.microDollars).toBeGreaterThan(10_000);
    expect(talk.asked()).toHaveLength(2);
  });

  test('of a person and a day leave the words to the rules', async () => {
    await talk.restart({ ATELIER_BUDGET_PERSON_DAY_CENTS: '1' });
    const usage = { input_tokens: 10_000 };
    const first = await talk.say('tell me something nice', [textMessage('Sure.', { usage })], { person: 'Rich' });
    await talk.world.until(first, 'replied');
    const second = await talk.say('a red fox', [], { person: 'Rich' });
    expect((await talk.world.until(second, 'working')).plan?.notes.map(({ en }) => en).join()).toContain(
      'your budget for today is used up',
    );
    const other = await talk.say('tell me something nice', [textMessage('Gladly.')], { person: 'Poor' });
    expect((await talk.world.until(other, 'replied')).reply).toBe('Gladly.');
  });

  test('GPU seconds of a run bound what it may queue', async () => {
    await talk.restart({ ATELIER_BUDGET_RUN_GPU_SECONDS: '1' });
    const id = await talk.say('eight foxes', [draw('eight foxes', { count: 8 }), textMessage('Too much at once.')]);
    expect(await talk.world.until(id, 'replied')).toMatchObject({ jobsTotal: 0 });
    expect(resultsIn(talk.asked()[1])).toMatchObject([{ isError: true, text: expect.stringContaining('GPU seconds') }]);
  });

  test('a long run is summed up, with draft and preferences word for word', async () => {
    await talk.restart({ ATELIER_BUDGET_CONTEXT_TOKENS: '4000' });
    const usage = { input_tokens: 5_000 };
    const id = await talk.say('a long job', [
      toolMessage([['draft', { recipe: 'text-to-image', values: { prompt: 'a very red fox' } }]]),
      toolMessage([['server', {}]], { usage }),
      textMessage('Done at last.'),
    ]);
    await talk.world.until(id, 'replied');
    const [, second, third] = talk.asked();
    expect(second?.messages).toHaveLength(3);
    expect(third?.messages).toHaveLength(1);
    expect(openingOf(third)).toMatch(
      /<message from="Ada".*draft at hand: .*a very red fox.*Steps so far:.*Last results:.*queue:/s,
    );
  });
});
