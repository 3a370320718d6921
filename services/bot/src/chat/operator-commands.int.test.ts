import { beforeAll, describe, expect, it } from 'vitest';
import type { PolicyView, PolicyViewRequest } from '@atelier/shared/contracts/control';
import { findApiToken, touchApiToken } from '@atelier/shared/db/gateway/api-tokens';
import { readPolicyRules } from '@atelier/shared/db/gateway/policy-rules';
import { announceAddress, useSignInCode } from '@atelier/shared/db/gateway/sign-in';
import { releaseInstance } from '@atelier/shared/db/instances/instance-store';
import { readAdminAudit } from '@atelier/shared/db/operators/admin-audit';
import { readQuota } from '@atelier/shared/db/operators/person-quota';
import { findPersonId } from '@atelier/shared/db/people/person-store';
import { holdTestInstance } from '@atelier/shared/db/testing/queue-fixtures';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Asker } from '../core/access/asker.ts';
import type { ChatOutcome } from '../ports.ts';
import { person, refusal, useTestChat } from './chat-fixtures.ts';

const { chat, backstage, run, press } = useTestChat({ admins: ['discord:1'], trustsChatAdmins: true });

let isAgentAway = false;
beforeAll(() => {
  backstage().bus?.answer('policyView', {}, async (asked) => {
    if (isAgentAway) throw new AppError('unavailable', 'no registry is known');
    return viewOf(asked);
  });
});

/** Two packs, as the agent would tell of them. */
const classes: PolicyView['classes'] = [
  {
    name: 'LoadImageFromUrl',
    pack: 'web-tools',
    allowed: false,
    reason: 'its pack is not on the list',
    suspicions: ['custom_pack', 'address_input'],
    inputs: ['url'],
  },
  { name: 'KSampler', pack: 'core', allowed: true, suspicions: [], inputs: [] },
];
function viewOf({ pack, search = '', limit }: PolicyViewRequest): PolicyView {
  const found = classes.filter(
    (one) => (pack === undefined || one.pack === pack) && one.name.toLowerCase().includes(search.toLowerCase()),
  );
  return {
    packs: [
      { pack: 'core', allowed: true, classes: 300, denied: 2, suspicious: 5 },
      { pack: 'web-tools', allowed: false, classes: 1, denied: 1, suspicious: 1 },
    ],
    classes: found.slice(0, limit),
    total: found.length,
  };
}

const boss = person('1');
const alone = (id: string): Asker => ({
  ...person(id, { door: 'telegram', standing: { isDirect: true } }),
  place: { door: 'telegram', id, userId: id },
});
const panelOf = (outcome: ChatOutcome) => {
  if (outcome.outcome !== 'panel') throw new Error(`no panel: ${JSON.stringify(outcome)}`);
  return outcome.panel;
};
const entriesOf = (outcome: ChatOutcome) => {
  if (outcome.outcome !== 'list') throw new Error(`no list: ${JSON.stringify(outcome)}`);
  return outcome.list.entries.map(({ title, text }) => `${title} · ${text}`);
};
const audit = async (action: string) =>
  (await readAdminAudit(backstage().db, { limit: 50 })).filter((entry) => entry.action === action);

describe('/token', () => {
  it('makes a token that is shown once, lists it with its last use, and ends it', async () => {
    const mei = person('2');
    const made = panelOf(await run('/token create ci --scopes read,submit --days 30', mei));
    const token = await findApiToken(backstage().db, made.code ?? '');
    expect(token).toMatchObject({
      name: 'ci',
      scopes: ['read', 'submit'],
      personId: await findPersonId(backstage().db, mei.user),
    });
    const days = ((token?.expiresAt?.getTime() ?? 0) - Date.now()) / 86_400_000;
    expect(days).toBeCloseTo(30, 1);
    await touchApiToken(backstage().db, token?.id ?? '');

    const listed = entriesOf(await run('/token', mei));
    expect(listed).toEqual([
      expect.stringMatching(/^ci · atl_\S{4}… · read, submit · until \d{4}-\S+ · used just now · #/),
    ]);
    expect(JSON.stringify(listed)).not.toContain(made.code);
    expect(entriesOf(await run('/token list', person('3')))).toEqual([]);

    expect(await refusal(run('/token revoke ci', person('3')))).toMatch(/no such token/);
    expect(await chat().suggest('token', 'ci', mei, 'token')).toEqual([
      { value: token?.id, label: expect.stringContaining('ci') },
    ]);
    expect(await run(`/token revoke ${token?.id.slice(0, 8)}`, mei)).toMatchObject({ outcome: 'said' });
    expect(await findApiToken(backstage().db, made.code ?? '')).toBeUndefined();
    expect(entriesOf(await run('/token', mei))).toEqual([expect.stringContaining('revoked')]);
  });

  it('ends by itself after 90 days unless told otherwise, and asks which of two it means', async () => {
    const ada = person('4');
    const [usual, lasting] = [
      panelOf(await run('/token create same', ada)),
      panelOf(await run('/令牌 创建 same --天数 0', ada)),
    ];
    const [first, second] = await Promise.all(
      [usual, lasting].map(({ code }) => findApiToken(backstage().db, code ?? '')),
    );
    expect(((first?.expiresAt?.getTime() ?? 0) - Date.now()) / 86_400_000).toBeCloseTo(90, 1);
    expect(second).toMatchObject({ expiresAt: null, scopes: ['read', 'submit', 'webhooks'] });
    expect(await refusal(run('/token revoke same', ada))).toMatch(/2 of this name/);
  });

  it('gives no more rights than its person has', async () => {
    expect(await refusal(run('/token create root --scopes admin', person('2')))).toMatch(/operators/);
    expect(await refusal(run('/token create root --scopes everything', person('2')))).toMatch(/Scopes are read/);
    expect(await refusal(run('/admin deny --person 5 --command imagined', boss))).toMatch(/one of: imagine, edit/);
    expect(await refusal(run('/admin deny --person 5 --command admin', boss))).toMatch(/one of/);
    expect((await chat().suggest('command', 'imagine', boss, 'admin')).map(({ value }) => value)).toEqual(['imagine']);
    await run('/admin deny --person 5 --command imagine', boss);
    expect(await refusal(run('/token create way-round', person('5')))).toMatch(/may not do this/);
    expect(await run('/token create look --scopes read', person('5'))).toMatchObject({ outcome: 'panel' });
    await run('/admin clear --person 5 --command imagine', boss);
  });

  it('of anybody is ended by an operator, and what operators do leaves a trace', async () => {
    await run('/token create theirs', person('6'));
    await run('/token create root --scopes read,admin', boss);
    expect(await refusal(run('/token list --everybody', person('6')))).toMatch(/operators/);
    const all = entriesOf(await run('/token list --everybody', boss));
    expect(all).toContainEqual(expect.stringMatching(/^theirs .* · 6 · read, submit, webhooks/));
    await run('/token revoke theirs', boss);
    expect(entriesOf(await run('/token', person('6')))).toEqual([expect.stringContaining('revoked')]);
    expect([...(await audit('create_token')), ...(await audit('revoke_token'))]).toMatchObject([
      { details: { name: 'root', scopes: ['read', 'admin'] } },
      { actor: await findPersonId(backstage().db, boss.user) },
    ]);
  });

  it('is said where nobody else reads', async () => {
    const inGroup = person('700', { door: 'telegram', standing: { isDirect: false } });
    for (const line of ['/token create ci', '/token', '/signin'])
      expect(await refusal(run(line, inGroup))).toMatch(/private chat/);
    expect(await run('/token create ci', alone('700'))).toMatchObject({ outcome: 'panel' });
    const page = {
      action: 'page',
      requestId: await findPersonId(backstage().db, inGroup.user),
      arg: 'tokens',
    } as const;
    expect(await refusal(press(page, inGroup))).toMatch(/private chat/);
    expect(entriesOf(await press(page, alone('700')))).toHaveLength(1);
  });
});

describe('/signin', () => {
  it('gives links that sign a browser in as this person, once', async () => {
    const mei = person('8');
    const page = { label: 'Open the page', url: expect.stringMatching(/^https:\/\/atelier\.example\.org\/#link=/) };
    expect(panelOf(await run('/signin', mei)).links).toEqual([page]);
    await announceAddress(backstage().db, 'gateway', 'https://api.example.org');
    const [, gateway] = panelOf(await run('/signin', mei)).links;
    expect(gateway?.url).toMatch(/^https:\/\/api\.example\.org\/sign-in#/);
    const code = gateway?.url.split('#')[1] ?? '';
    const session = await useSignInCode(backstage().db, code, 'a browser');
    expect(session?.account.personId).toBe(await findPersonId(backstage().db, mei.user));
    expect(await useSignInCode(backstage().db, code, 'a browser')).toBeUndefined();
  });

  it('is no way around a rule against asking', async () => {
    await run('/admin deny --here channel --command imagine', boss);
    for (const line of ['/signin', '/token create ci']) {
      expect(await refusal(run(line, person('9')))).toMatch(/may not do this here/);
    }
    expect(panelOf(await run('/token create look --scopes read', person('9'))).code).toMatch(/^atl_/);
    await run('/admin clear --here channel --command imagine', boss);
  });

  it('says where an address works that no other machine reaches', async () => {
    await announceAddress(backstage().db, 'gateway', 'http://127.0.0.1:8485');
    const { links, code, text } = panelOf(await run('/signin', person('8')));
    expect(links).toHaveLength(1);
    expect(code).toMatch(/^http:\/\/127\.0\.0\.1:8485\/sign-in#/);
    expect(text).toContain('on the machine that runs Atelier');
  });
});

describe('/admin policy', () => {
  it('shows what workflows may use, with what is suspicious', async () => {
    expect(await refusal(run('/admin policy', person('2')))).toMatch(/operators/);
    const { text } = panelOf(await run('/admin policy', boss));
    expect(text).toContain('✕ ⚠ web-tools: 1 class, 1 closed, 1 to look at twice');
    const shown = panelOf(await run('/admin policy --pack web-tools', boss)).text;
    expect(shown).toContain(
      '✕ ⚠ LoadImageFromUrl: code of a custom pack, names addresses or keys (url); its pack is not',
    );
    expect(shown).not.toContain('KSampler');
    expect(await chat().suggest('class', 'load', boss, 'admin')).toEqual([
      { value: 'LoadImageFromUrl', label: '✕ ⚠ LoadImageFromUrl (web-tools)' },
    ]);
    expect((await chat().suggest('pack', 'core', boss, 'admin')).map(({ value }) => value)).toEqual(['core']);
    expect(await chat().suggest('pack', '', person('2'), 'admin')).toEqual([]);
  });

  it('decides about packs and classes by the names that servers have, and takes it back', async () => {
    await run('/admin policy ksampler --decision deny --reason it is Sunday', boss);
    await run('/admin policy --pack web-tools --decision deny', boss);
    expect(await readPolicyRules(backstage().db)).toMatchObject([
      { subject: 'pack', name: 'web-tools', decision: 'deny' },
      { subject: 'class', name: 'KSampler', decision: 'deny', reason: 'it is Sunday' },
    ]);
    const allowed = await run('/管理 策略 LoadImageFromUrl --决定 允许', boss);
    expect(allowed).toMatchObject({
      text: expect.stringMatching(/Allowed: class LoadImageFromUrl.*\nLook twice: .*\nIts pack web-tools is denied/),
    });
    expect(panelOf(await run('/admin policy', boss)).text).toContain('✕ class KSampler: it is Sunday');
    expect(await refusal(run('/admin policy Loadimage --decision deny', boss))).toMatch(/example: LoadImageFromUrl/);
    expect(await refusal(run('/admin policy --decision deny', boss))).toMatch(/Say what it is about/);
    for (const what of ['KSampler', 'LoadImageFromUrl', '--pack web-tools'])
      await run(`/admin policy ${what} --decision default`, boss);
    expect(await readPolicyRules(backstage().db)).toEqual([]);
    expect(await refusal(run('/admin policy KSampler --decision default', boss))).toMatch(/Nothing was decided/);
    const trace = (await audit('set_policy')).map(({ target, details }) => `${target} ${String(details['decision'])}`);
    expect(trace).toEqual([
      'pack:web-tools null',
      'class:LoadImageFromUrl null',
      'class:KSampler null',
      'class:LoadImageFromUrl allow',
      'pack:web-tools deny',
      'class:KSampler deny',
    ]);
  });

  it('allows nothing that nobody can look at, and denies it all the same', async () => {
    isAgentAway = true;
    expect(await refusal(run('/admin policy LoadAnything --decision allow', boss))).toMatch(/try again when the agent/);
    await run('/admin policy LoadAnything --decision deny', boss);
    isAgentAway = false;
    expect(await readPolicyRules(backstage().db)).toMatchObject([{ name: 'LoadAnything', decision: 'deny' }]);
    await run('/admin policy LoadAnything --decision default', boss);
    expect(await readPolicyRules(backstage().db)).toEqual([]);
  });
});

describe('/admin', () => {
  it('keeps a ComfyUI for some people, says so, and gives it back', async () => {
    const { db } = backstage();
    const instance = await holdTestInstance(db, 'gpu-kept', 60_000);
    await run('/imagine a fox', person('31'));
    const [kept, unknown] = await Promise.all(['31', '32'].map((id) => findPersonId(db, { door: 'discord', id })));
    expect(await run('/admin reserve gpu-kept --people <@31>, 32', boss)).toMatchObject({
      text: expect.stringContaining('gpu-kept is kept for 31'),
    });
    const stored = async () =>
      (await db.sql`select reserved_for from instances where id = 'gpu-kept'`)[0]?.['reservedFor'];
    expect(await stored()).toEqual([kept, unknown]);
    expect(panelOf(await run('/admin', boss)).text).toContain('kept for 31');
    expect(await refusal(run('/admin reserve gpu-none --people 31', boss))).toMatch(/There are: .*gpu-kept/);
    expect(await refusal(run('/admin reserve gpu-kept --people Mei', boss))).toMatch(/by their id/);
    expect(await run('/管理 预留 gpu-kept --成员 所有人', boss)).toMatchObject({
      text: expect.stringContaining("everybody's"),
    });
    expect(await stored()).toBeNull();
    expect((await audit('reserve_instance')).map(({ target }) => target)).toEqual(['gpu-kept', 'gpu-kept']);
    await releaseInstance(db, instance);
  });

  it('gives somebody a larger share of the GPUs', async () => {
    await run('/imagine a fox', person('33'));
    const saved = panelOf(await run('/admin quota 33 --share 200', boss)).text;
    expect(saved).toContain('Share of the GPUs: 200 % of the usual');
    expect(panelOf(await run('/admin quota 33', boss)).text).toContain('200 %');
    const personId = await findPersonId(backstage().db, { door: 'discord', id: '33' });
    expect(await readQuota(backstage().db, personId)).toMatchObject({ weight: 2, imagesPerDay: null });
  });
});

describe('who manages a server that was let in', () => {
  it('stops and takes down what was asked there, and administers nothing', async () => {
    await run('/admin allow --here guild', boss);
    await run('/admin allow --person 20', boss);
    const manager = person('9', { channel: 'office', standing: { isChatAdmin: true } });
    const [here, elsewhere] = [person('10'), person('20', { guild: 'another' })];
    const ids = await Promise.all(
      [here, elsewhere].map(async (by) => {
        const made = await run('/imagine a fox', by);
        return made.outcome === 'accepted' ? made.requestId : '';
      }),
    );
    const cancel = (index: number, by: Asker) => press({ action: 'cancel', requestId: ids[index] ?? '' }, by);
    expect(await refusal(cancel(0, person('11')))).toMatch(/not allowed/);
    expect(await refusal(cancel(1, manager))).toMatch(/not allowed/);
    expect(await cancel(0, manager)).toMatchObject({ outcome: 'said' });
    expect(await audit('cancel_request')).toMatchObject([{ target: ids[0] }]);

    const lines = [
      'pause',
      'policy',
      'limits --rate 1',
      'quota 10 --images 1',
      'reserve gpu0 --people 10',
      'deny --person 10',
      'allow --here channel',
    ];
    for (const line of lines) expect(await refusal(run(`/admin ${line}`, manager))).toMatch(/Only operators/);
    expect(await refusal(run('/settings channel --role team', manager))).toMatch(/Only operators/);
    const { text } = panelOf(await run('/admin', manager));
    expect(text).toContain('Allowed: server guild');
    expect(text).not.toMatch(/person 20|Last done/);
    expect(panelOf(await run('/help', manager)).text).toContain('/admin');
    for (const subject of ['--here guild', '--person 20']) await run(`/admin clear ${subject}`, boss);
  });
});
