import { beforeAll, describe, expect, it } from 'vitest';
import { findQuestionRequest } from '@atelier/shared/db/chat/request-marks';
import { expireQuestions, readAnswers } from '@atelier/shared/db/requests/ask-question';
import { plan } from '@atelier/shared/db/testing/record-fixtures';
import type { Asker } from '../core/access/asker.ts';
import { formatButtonId, parseButtonId, type PressedButton } from '../core/cards/card-buttons.ts';
import { renderJobCard } from '../core/cards/render-job-card.ts';
import { person, refusal, useTestChat } from './chat-fixtures.ts';

const { chat, bot, backstage, run, press, accepted, drawn, finished, asking, ask, bodyOf } = useTestChat({
  admins: ['discord:boss'],
});
beforeAll(async () => {
  // One person does what a team does in an hour.
  await run('/admin limits --rate 1000', person('boss'));
});

describe('buttons', () => {
  it('make new requests from a picture, with where they come from', async () => {
    const mei = person('mei');
    const requestId = await drawn(mei);
    const [facts] = await chat().readFacts([requestId]);
    const card = renderJobCard({ ...facts!, delivered: true }, chat().live(), 'en');
    const varied = card.buttons.find(({ action }) => action === 'vary_subtle');
    const next = await accepted(press(parseButtonId(varied?.id ?? '')!, person('ada')));
    const [made] = await chat().readFacts([next]);
    expect(made?.request).toMatchObject({
      parentRequestId: requestId,
      parentPicture: 0,
      body: { kind: 'derive', action: 'vary_subtle', source: { requestId, picture: 0 } },
    });
    expect(renderJobCard(made!, chat().live(), 'en').lineage?.text).toBe('Variation of picture 1');
    expect(await refusal(press({ action: 'upscale_subtle', requestId, picture: 7 }, mei))).toMatch(/no longer kept/);

    const form = await press({ action: 'remix', requestId }, mei);
    if (form.outcome !== 'form') throw new Error('no form');
    const values = Object.fromEntries(form.form.fields.map((field) => [field.name, field.value ?? '']));
    expect(values['prompt']).toBe(plan.prompt);
    const remixed = await accepted(
      chat().submitForm(parseButtonId(form.form.id)!, { ...values, prompt: 'a blue fox --ar 1:1' }, person('mei')),
    );
    expect(await bodyOf(remixed)).toMatchObject({
      action: 'remix',
      options: { prompt: 'a blue fox', aspect: '1:1', negative: plan.negative },
    });
  });

  it('show a region before it is redrawn, which is no picture to list', async () => {
    const mei = person('mei');
    const source = { requestId: await drawn(mei), picture: 0 };
    const words = { region: 'the tail', text: 'a blue tail' };
    const asked = { kind: 'derive', action: 'vary_region', source, ...words } as const;
    const form: PressedButton = { action: 'vary_region', ...source };
    const requestId = await finished(await accepted(chat().submitForm(form, words, mei)));
    expect(await bodyOf(requestId)).toEqual({ ...asked, showRegion: true });
    const { sql } = backstage().db;
    await sql`update requests set plan = plan || ${sql.json({ shownRegion: words.region })} where id = ${requestId}`;

    await press({ action: 'favourite', requestId, picture: 0 }, mei);
    for (const line of ['/gallery', '/gallery mine']) {
      expect(JSON.stringify(await run(line, mei))).not.toContain(requestId);
    }
    const redrawn = await accepted(press({ action: 'redraw_region', requestId }, mei));
    expect(await bodyOf(redrawn)).toEqual(asked);
    const [made] = await chat().readFacts([redrawn]);
    expect(made?.request).toMatchObject({ parentRequestId: source.requestId, parentPicture: 0 });
    // Only what shows a region has one to redraw.
    await refusal(press({ action: 'redraw_region', requestId: source.requestId }, mei));
    await press({ action: 'delete', requestId, arg: 'yes' }, mei);
    expect(await refusal(press({ action: 'redraw_region', requestId }, mei))).toMatch(/deleted/);
  });

  it('keep the words of a region private that was shown privately, on a picture that is not', async () => {
    const mei = person('mei');
    const source = { requestId: await drawn(mei), picture: 0 };
    const form: PressedButton = { action: 'vary_region', ...source };
    const asked = await accepted(chat().submitForm(form, { region: 'the tail', text: 'my secret' }, mei));
    const { sql } = backstage().db;
    await sql`update requests set is_private = true where id = ${asked}`;
    const requestId = await finished(asked);
    await sql`update requests set plan = plan || '{"shownRegion": "the tail"}' where id = ${requestId}`;
    expect(await refusal(press({ action: 'redraw_region', requestId }, person('ada')))).toMatch(/not allowed/);
    const redrawn = await accepted(press({ action: 'redraw_region', requestId }, mei));
    expect((await chat().readFacts([redrawn]))[0]?.request.isPrivate).toBe(true);
  });

  it('ask for the same again under the rules of what it was', async () => {
    const boss = person('boss');
    const ada = person('4242');
    const requestId = await drawn(person('mei'), '/storyboard a griffin | a griffin that sleeps');
    const again = await accepted(press({ action: 'retry', requestId }, ada));
    const rerolled = await accepted(press({ action: 'reroll', requestId }, ada));
    const deny = '/admin deny --person 4242 --command storyboard';
    await run(deny, boss);
    for (const action of ['retry', 'reroll', 'rerun'] as const) {
      expect(await refusal(press({ action, requestId }, ada))).toMatch(/may not do this here/);
    }
    for (const earlier of [again, rerolled]) {
      expect(await refusal(press({ action: 'retry', requestId: earlier }, ada))).toMatch(/may not do this here/);
    }
    await run('/admin clear --person 4242 --command storyboard', boss);
    await run('/admin limits --block griffin', boss);
    expect(await refusal(press({ action: 'retry', requestId }, ada))).toMatch(/“griffin”/);
    expect(await refusal(press({ action: 'reroll', requestId }, ada))).toMatch(/“griffin”/);
    await run('/admin limits --unblock griffin', boss);
    await accepted(press({ action: 'retry', requestId }, ada));
  });

  it('keep, show and delete pictures, each for who may', async () => {
    const mei = person('mei');
    const requestId = await drawn(mei);
    const keep: PressedButton = { action: 'favourite', requestId, picture: 0 };
    expect(await press(keep, mei)).toMatchObject({ text: expect.stringContaining('Kept') });
    expect(await run('/gallery mine', mei)).toMatchObject({ list: { entries: [{ requestId }] } });
    expect(await press({ ...keep, arg: 'on' }, mei)).toMatchObject({ text: expect.stringContaining('Kept') });
    expect(await press(keep, mei)).toMatchObject({ text: expect.stringContaining('No longer') });
    const files = await press({ action: 'original', requestId }, person('ada'));
    if (files.outcome !== 'files' || files.files[0]?.kind !== 'stored') throw new Error('no files');
    const link = files.files[0].url?.replace('https://atelier.example.org', bot().url) ?? '';
    expect((await fetch(link)).status).toBe(200);
    const another = link.replace(/(?<=\/files\/)./, (first) => (first === '0' ? '1' : '0'));
    expect((await fetch(another)).status).toBe(404);

    expect(await refusal(press({ action: 'delete', requestId, arg: 'yes' }, person('ada')))).toMatch(/Only the author/);
    expect(await press({ action: 'delete', requestId }, mei)).toMatchObject({ outcome: 'panel' });
    await press({ action: 'delete', requestId, arg: 'yes' }, mei);
    expect(await refusal(press({ action: 'original', requestId }, mei))).toMatch(/deleted/);
    expect((await fetch(link)).status).toBe(404);
    const [facts] = await chat().readFacts([requestId]);
    expect(renderJobCard(facts!, chat().live(), 'en')).toMatchObject({ isDeleted: true, buttons: [], tiles: [] });
  });

  it('hide private requests from everybody else', async () => {
    const requestId = await drawn(person('mei'), '/imagine a secret fox --private');
    expect(await refusal(press({ action: 'details', requestId }, person('ada')))).toMatch(/not allowed/);
    expect(await press({ action: 'details', requestId }, person('mei'))).toMatchObject({ outcome: 'panel' });
    const derived = await accepted(press({ action: 'reroll', requestId }, person('mei')));
    expect((await chat().readFacts([derived]))[0]?.request.isPrivate).toBe(true);
    const edited = await accepted(run(`/edit make it blue --job ${requestId}`, person('mei')));
    expect((await chat().readFacts([edited]))[0]?.request.isPrivate).toBe(true);
    const said = await accepted(chat().submit({ ...person('mei'), text: 'make it blue', about: [{ requestId }] }));
    expect((await chat().readFacts([said]))[0]?.request.isPrivate).toBe(true);
    const about = { ...person('ada'), text: 'make it blue', about: [{ requestId }] };
    expect(await refusal(chat().submit(about))).toMatch(/not allowed/);
  });

  it('show a private request to everybody once its author has shared it', async () => {
    const requestId = await drawn(person('mei'), '/imagine a shared secret --private');
    await press({ action: 'share', requestId }, person('mei'));
    const gallery = await run('/gallery', person('ada'));
    if (gallery.outcome !== 'list') throw new Error('no list');
    expect(gallery.list.entries.map((entry) => entry.requestId)).toContain(requestId);
    const varied = await accepted(press({ action: 'reroll', requestId }, person('ada')));
    expect((await chat().readFacts([varied]))[0]?.request.isPrivate).toBe(false);
  });

  it('keep what is private out of Telegram groups, also where its author asks there', async () => {
    const alone: Asker = {
      ...person('701', { door: 'telegram', standing: { isDirect: true } }),
      place: { door: 'telegram', id: '701', userId: '701' },
    };
    const inGroup = person('701', { door: 'telegram', standing: { isDirect: false } });
    const requestId = await drawn(alone, '/imagine a hidden fox --private');
    await press({ action: 'favourite', requestId, picture: 0 }, alone);
    expect(await run('/history', alone)).toMatchObject({ list: { entries: [{ requestId }] } });
    for (const line of ['/history', '/jobs', '/history hidden', '/gallery mine'])
      expect(await run(line, inGroup)).toMatchObject({ list: { entries: [] } });
    expect(await refusal(run(`/show ${requestId}`, inGroup))).toMatch(/private chat/);
    expect(await refusal(press({ action: 'original', requestId }, inGroup))).toMatch(/private chat/);
  });

  it('answer questions once, for their author', async () => {
    const questionId = await asking(person('mei'));
    const choose = (arg: string, by: Asker) => press({ action: 'answer', requestId: questionId, arg }, by);
    const requestId = await findQuestionRequest(backstage().db, questionId);
    const [facts] = await chat().readFacts([requestId ?? '']);
    expect(renderJobCard(facts!, chat().live(), 'en').rows[0]?.map(({ id }) => id)).toEqual(
      ['run', 'change', 'cancel'].map((arg) => formatButtonId('answer', questionId, { arg })),
    );
    expect(await refusal(choose('run', person('ada')))).toMatch(/Only the author/);
    expect(await choose('change', person('mei'))).toMatchObject({ outcome: 'form', form: { textField: 'text' } });
    expect(await choose('run', person('mei'))).toMatchObject({ outcome: 'answered', requestId });
    expect(await choose('run', person('mei'))).toMatchObject({ outcome: 'answered' });
    expect(await refusal(choose('cancel', person('mei')))).toMatch(/answered already/);
  });

  it('need not be pressed: words that reply to one’s own card that asks are the answer', async () => {
    const [lena, ada] = [person('lena'), person('ada')];
    const questionId = await asking(lena);
    const requestId = (await findQuestionRequest(backstage().db, questionId)) ?? '';
    const reply = (by: Asker) => chat().submit({ ...by, text: 'the one at night', about: [{ requestId }] });
    // Of another person they are a request about it.
    expect(await reply(ada)).toMatchObject({ outcome: 'accepted' });
    expect(await reply(lena)).toMatchObject({ outcome: 'answered', requestId });
    const [answer] = await readAnswers(backstage().db, requestId);
    expect(answer).toMatchObject({ questionId, text: 'the one at night' });
    // Told twice of the same message, it is one answer, also where something else is asked by then.
    expect(await reply(lena)).toMatchObject({ outcome: 'answered', requestId });
    const more = { ...person('lena'), text: 'and a hare', about: [{ requestId }] };
    expect(await chat().submit(more)).toMatchObject({ outcome: 'accepted' });
    await ask(requestId);
    expect(await reply(lena)).toMatchObject({ outcome: 'answered', requestId });
    expect(await chat().submit(more)).toMatchObject({ outcome: 'accepted', created: false });
    expect(await readAnswers(backstage().db, requestId)).toHaveLength(1);
    expect(await reply(person('lena'))).toMatchObject({ outcome: 'answered', requestId });
    expect(await readAnswers(backstage().db, requestId)).toHaveLength(2);
  });

  it('say that a question has expired, whatever way it is answered', async () => {
    const lena = person('lena');
    const questionId = await asking(lena);
    await backstage().db.sql`
      update requests set question_expires_at = now() where question->>'id' = ${questionId}`;
    await expireQuestions(backstage().db, 60_000);
    const late = [
      () => press({ action: 'answer', requestId: questionId, arg: 'run' }, lena),
      () => press({ action: 'answer', requestId: questionId, arg: 'change' }, lena),
      () => press({ action: 'answer_text', requestId: questionId }, lena),
      () => chat().submitForm({ action: 'answer_text', requestId: questionId }, { text: 'at night' }, lena),
    ];
    for (const answer of late) expect(await refusal(answer())).toMatch(/question expired/);
  });

  it('try again only the shots of a storyboard that gave nothing', async () => {
    const lena = person('lena');
    const requestId = await accepted(run('/imagine a storyboard', lena));
    await backstage().plan(requestId, 2);
    await backstage().db.sql`
      update jobs set state = case index when 0 then 'succeeded' else 'failed' end, finished_at = now(),
        params = jsonb_build_object('values', '{}'::jsonb, 'shotId', case index when 0 then 'a' else 'b' end)
      where request_id = ${requestId}`;
    await backstage().db.sql`update requests set state = 'succeeded', finished_at = now() where id = ${requestId}`;
    const again = await accepted(press({ action: 'retry', requestId }, lena));
    expect(await bodyOf(again)).toEqual({ kind: 'rerun', requestId, shotIds: ['b'] });
  });
});
