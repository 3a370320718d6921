import { isLoopbackHost } from '@atelier/shared/config/is-loopback-host';
import { createLinkCode, ensurePerson, formatLinkCode } from '@atelier/shared/db/chat/link-codes';
import { openAccount } from '@atelier/shared/db/gateway/api-accounts';
import {
  type ApiScope,
  apiScopeSchema,
  type ApiTokenWithPerson,
  createApiToken,
  listApiTokens,
  maxTokensOfPerson,
  revokeAnyApiToken,
  revokeApiToken,
  usualScopes,
} from '@atelier/shared/db/gateway/api-tokens';
import { createSignInLink, readAddress, signInLinkMs } from '@atelier/shared/db/gateway/sign-in';
import { recordAdminAction } from '@atelier/shared/db/operators/admin-audit';
import { AppError, invalidInput } from '@atelier/shared/errors/app-error';
import type { CheckedCall } from '../../core/commands/check-call.ts';
import type { PanelLink } from '../../core/panels/panel.ts';
import type { ChatOutcome } from '../../ports.ts';
import { adminsOnly, type ChatContext, checkAlone, type KnownAsker, said } from '../chat-context.ts';
import { everybodysTokens, showList } from './list-commands.ts';

const dayMs = 24 * 3_600_000;
/** A token that was forgotten ends by itself, unless somebody wanted it for good. */
const usualDays = 90;

/** signin, token: for the person alone. */
export async function runBrowserCommand(context: ChatContext, call: CheckedCall, by: KnownAsker): Promise<ChatOutcome> {
  checkAlone(by, call.command);
  if (call.command === 'signin') return signIn(context, by);
  switch (call.subcommand) {
    case 'create':
      return createToken(context, call, by);
    case 'revoke':
      return revokeToken(context, call.text('token') ?? '', by);
    default: {
      const page = (call.number('page') ?? 1) - 1;
      const search = call.flag('everybody') === true ? { search: everybodysTokens } : {};
      return showList(context, { list: 'tokens', page, ...search }, by);
    }
  }
}

/** Links that sign a browser in as this person: at the page and at the gateway, where others reach them. */
async function signIn(context: ChatContext, by: KnownAsker): Promise<ChatOutcome> {
  const { db, people, publicUrl, randomBytes } = context.deps;
  const m = by.m.chat.signIn;
  // A signed-in browser may ask for work: it is no way around a rule against asking here.
  await context.access.check(by, 'imagine');
  const personId = await ensurePerson(db, by.user);
  people.forget();
  const links: PanelLink[] = [];
  // Who came through the page is signed in there.
  if (publicUrl !== undefined && by.place.door !== 'web') {
    const code = formatLinkCode(randomBytes(8));
    await createLinkCode(db, { code, personId, validMs: signInLinkMs, signsIn: true });
    links.push({ label: m.page, url: `${publicUrl}/#link=${code}` });
  }
  const gateway = await createSignInLink(db, personId);
  if (gateway !== undefined) links.push({ label: m.gateway, url: gateway.url });
  if (links.length === 0) {
    throw new AppError('unavailable', 'no address for browsers is known', {
      retry: 'never',
      publicMessage: {
        en: 'No page here has an address that a browser could open: whoever runs the server sets ATELIER_PUBLIC_URL, or starts the gateway.',
        zh: '此处尚无浏览器可打开的地址：请服务器的运行者设置 ATELIER_PUBLIC_URL 或启动网关。',
      },
    });
  }
  // A button that leads nowhere on the reader's own machine helps nobody, and platforms refuse such.
  const local = links.filter(({ url }) => isLoopbackHost(new URL(url).hostname));
  return {
    outcome: 'panel',
    panel: {
      title: m.title,
      text: [m.text(signInLinkMs / 60_000), ...(local.length === 0 ? [] : [m.onlyThere])].join('\n'),
      ...(local.length === 0 ? {} : { code: local.map(({ url }) => url).join('\n') }),
      rows: [],
      links: links.filter((link) => !local.includes(link)),
    },
  };
}

async function createToken(context: ChatContext, call: CheckedCall, by: KnownAsker): Promise<ChatOutcome> {
  const { db, people, now } = context.deps;
  const m = by.m.chat.tokens;
  const name = call.text('name') ?? '';
  const scopes = readScopes(call.text('scopes'));
  // A token is no way around a rule against asking.
  if (scopes.includes('submit')) await context.access.check(by, 'imagine');
  if (scopes.includes('admin') && !(await context.access.mayAdminister(by))) throw adminsOnly(by);
  const account = await openAccount(db, await ensurePerson(db, by.user));
  if (account === undefined) throw new AppError('internal', 'a person who was made is not there');
  people.forget();
  const existing = (await listApiTokens(db, account.personId)).filter((token) => token.revokedAt === null);
  if (existing.length >= maxTokensOfPerson) {
    throw invalidInput(
      `You have ${maxTokensOfPerson} tokens: end one first with /token revoke.`,
      `你已有 ${maxTokensOfPerson} 个令牌：请先用 /令牌 撤销 作废一个。`,
    );
  }
  const days = call.number('days') ?? usualDays;
  const expiresAt = days === 0 ? undefined : new Date(now() + days * dayMs);
  const { secret, token } = await createApiToken(db, { account: account.account, name, scopes, expiresAt });
  if (scopes.includes('admin')) {
    const details = { name, scopes: [...scopes] };
    await recordAdminAction(db, { actor: by.personId, action: 'create_token', target: token.id, details });
  }
  const address = await readAddress(db, 'gateway');
  const lines = [
    m.shownOnce,
    `${m.may(scopes.join(', '))} · ${expiresAt === undefined ? m.endless : m.ends(expiresAt.toISOString().slice(0, 10))}`,
    ...(address === undefined ? [] : [m.useAt(address)]),
  ];
  return {
    outcome: 'panel',
    panel: { title: m.created(name), text: lines.join('\n'), code: secret, rows: [], links: [] },
  };
}

/** `read,submit`, with any comma. @throws AppError `invalid_input` */
function readScopes(text: string | undefined): ApiScope[] {
  if (text === undefined) return [...usualScopes];
  const words = text.toLowerCase().split(/[\s,，、+]+/u);
  const scopes = words
    .filter((word) => word !== '')
    .map((word) => {
      const scope = apiScopeSchema.safeParse(word);
      if (scope.success) return scope.data;
      throw invalidInput(
        `Scopes are ${apiScopeSchema.options.join(', ')}, for example: --scopes read,submit`,
        `权限可以是 ${apiScopeSchema.options.join('、')}，例如：--权限 read,submit`,
      );
    });
  return scopes.length === 0 ? [...usualScopes] : [...new Set(scopes)];
}

/** One's own; an operator's word ends anybody's. */
async function revokeToken(context: ChatContext, typed: string, by: KnownAsker): Promise<ChatOutcome> {
  const { db } = context.deps;
  const own = findToken(await listApiTokens(db, by.personId), typed);
  if (own !== undefined && (await revokeApiToken(db, own.id, by.personId))) {
    return said(by.m.chat.tokens.revoked(own.name));
  }
  const mayEndAny = await context.access.mayAdminister(by);
  const another = mayEndAny ? findToken(await listApiTokens(db), typed) : undefined;
  if (another === undefined || !(await revokeAnyApiToken(db, { actor: by.personId, id: another.id }))) {
    throw new AppError('not_found', 'no such token', {
      publicMessage: {
        en: 'There is no such token: /token list shows yours with their numbers.',
        zh: '没有这个令牌：用 /令牌 列表 查看你的令牌及编号。',
      },
    });
  }
  return said(by.m.chat.tokens.revoked(another.name));
}

/**
 * By its id, the beginning of it as lists show it, or its name. Of several with one name it must be said which.
 *
 * @throws AppError `invalid_input`
 */
function findToken(tokens: readonly ApiTokenWithPerson[], typed: string): ApiTokenWithPerson | undefined {
  const valid = tokens.filter((token) => token.revokedAt === null);
  const number = typed.replace(/^#/, '').toLowerCase();
  const byId = /^[0-9a-f-]{8,36}$/.test(number) ? valid.filter(({ id }) => id.startsWith(number)) : [];
  const found = byId.length > 0 ? byId : valid.filter(({ name }) => name.toLowerCase() === typed.toLowerCase());
  if (found.length > 1) {
    throw invalidInput(
      `There are ${found.length} of this name: say its number from /token list.`,
      `有 ${found.length} 个同名令牌：请填写 /令牌 列表 中的编号。`,
    );
  }
  return found[0];
}
