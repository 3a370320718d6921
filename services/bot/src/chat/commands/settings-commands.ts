import {
  createLinkCode,
  ensurePerson,
  formatLinkCode,
  parseLinkCode,
  useLinkCode,
} from '@atelier/shared/db/chat/link-codes';
import { saveChannelSettings } from '@atelier/shared/db/chat/chat-settings';
import { deleteStyle, HOUSE, saveStyle } from '@atelier/shared/db/chat/person-settings';
import { recordAdminAction } from '@atelier/shared/db/operators/admin-audit';
import { AppError, invalidInput } from '@atelier/shared/errors/app-error';
import type { CheckedCall } from '../../core/commands/check-call.ts';
import { readDrawingOptions } from '../../core/commands/read-drawing-options.ts';
import { messagesFor } from '../../core/messages/messages-for.ts';
import type { Messages } from '../../core/messages/messages.ts';
import type { ChatOutcome } from '../../ports.ts';
import { adminsOnly, type ChatContext, checkAlone, type KnownAsker, said } from '../chat-context.ts';
import { readStyleWords } from '../prepare-request.ts';
import { showList } from './list-commands.ts';

const codeMinutes = 10;
/** Of everybody: a code lives minutes, and is one of 31^8. */
const triesPerMinute = 60;
const triesOfOnePerMinute = 5;
const maxStylesOfOwner = 200;
type Changes = Record<string, string | number | boolean | null>;

/** settings, prefer, link. */
export async function runSettingsCommand(
  context: ChatContext,
  call: CheckedCall,
  by: KnownAsker,
): Promise<ChatOutcome> {
  if (call.command === 'link') return link(context, call, by);
  if (call.command === 'prefer') return prefer(context, call, by);
  return call.subcommand === 'channel' ? channelSettings(context, call, by) : mySettings(context, call, by);
}

async function mySettings(context: ChatContext, call: CheckedCall, by: KnownAsker): Promise<ChatOutcome> {
  const { people } = context.deps;
  const { aspect, count, style, model, negative } = readDrawingOptions(call.values);
  const language = call.text('language');
  const changes = definedOnly({
    language: language === 'auto' ? null : language,
    aspect,
    count,
    style: noneIsNull(style),
    model: noneIsNull(model),
    negative: noneIsNull(negative),
    isPrivate: call.flag('private'),
    wantsPing: call.flag('ping'),
  });
  const isChange = Object.keys(changes).length > 0;
  if (isChange) {
    const personId = await ensurePerson(context.deps.db, by.user);
    await people.save(personId, changes);
  }
  const { settings } = await people.find(by.user);
  // The answer to a change of language is in the new one.
  const m = messagesFor(settings.language ?? by.user.language);
  return settingsPanel(m.chat.settings.mineTitle, settings, isChange, m);
}

async function channelSettings(context: ChatContext, call: CheckedCall, by: KnownAsker): Promise<ChatOutcome> {
  const { db, settings } = context.deps;
  const { recipe, style } = readDrawingOptions(call.values);
  const language = call.text('language');
  const role = call.text('role');
  const changes = definedOnly({
    language: language === 'auto' ? null : language,
    recipe: noneIsNull(recipe),
    style: noneIsNull(style),
    showsAdult: call.flag('adult'),
    hasBoard: call.flag('board'),
    role: noneIsNull(role),
  });
  const isChange = Object.keys(changes).length > 0;
  if (isChange) {
    const isAdmin = await context.access.mayAdminister(by);
    const isManager = by.standing?.isChatAdmin === true;
    // What reaches beyond the channel is for operators.
    const reachesOut = role !== undefined;
    if (!isAdmin && (reachesOut || !isManager)) throw reachesOut ? adminsOnly(by) : managersOnly();
    const { replyTo: _replyTo, userId: _userId, ...place } = by.place;
    await saveChannelSettings(db, { actor: by.personId, place, changes });
    await settings.refresh();
  }
  const current = settings.channel(by.place.door, [by.place.id]);
  return settingsPanel(by.m.chat.settings.channelTitle, current, isChange, by.m);
}

function settingsPanel(
  title: string,
  settings: Readonly<Partial<Record<keyof Messages['chat']['settings']['names'], string | number | boolean>>>,
  wasSaved: boolean,
  m: Messages,
): ChatOutcome {
  const { names, line, nothing, saved, yes, no, team, admin } = m.chat.settings;
  const show = (value: string | number | boolean): string => {
    if (typeof value === 'boolean') return value ? yes : no;
    return { team, admin, en: 'English', zh: '中文' }[String(value)] ?? String(value);
  };
  const lines = Object.entries(names).flatMap(([key, name]) => {
    const value = settings[key as keyof typeof names];
    return value === undefined ? [] : [line(name, show(value))];
  });
  const text = [...(wasSaved ? [saved] : []), ...(lines.length === 0 ? [nothing] : lines)].join('\n');
  return { outcome: 'panel', panel: { title, text, rows: [], links: [] } };
}

async function prefer(context: ChatContext, call: CheckedCall, by: KnownAsker): Promise<ChatOutcome> {
  const { db } = context.deps;
  if (call.subcommand === 'list' || call.subcommand === undefined) {
    return showList(context, { list: 'styles', page: (call.number('page') ?? 1) - 1 }, by);
  }
  const name = call.text('name') ?? '';
  const isHouse = call.flag('house') === true;
  if (isHouse && !(await context.access.mayAdminister(by))) throw adminsOnly(by);
  const owner = isHouse ? HOUSE : await ensurePerson(db, by.user);
  if (call.subcommand === 'delete') {
    if (!(await deleteStyle(db, { owner, name }))) {
      throw new AppError('not_found', 'no such style', {
        publicMessage: {
          en: `There is no ${name}: /prefer list shows them.`,
          zh: `没有 ${name}：用 /偏好 列表 查看。`,
        },
      });
    }
    if (isHouse) await recordAdminAction(db, { actor: by.personId, action: 'set_house_style', target: name });
    return said(by.m.chat.styles.deleted(name));
  }
  if (!/^[\p{L}\p{N}_-]{1,40}$/u.test(name)) {
    throw invalidInput(
      'A name has letters and digits without spaces, for example: /prefer set cine, cinematic light --ar 16:9',
      '名称只能包含文字和数字，不含空格，例如：/偏好 保存 电影 电影感光线 --比例 16:9',
    );
  }
  const words = call.text('words') ?? '';
  // Said now rather than when it is used.
  const { options } = readStyleWords(words);
  if (options.style !== undefined && options.style.toLowerCase() === name.toLowerCase()) {
    throw invalidInput('A style cannot mean itself.', '风格不能引用自身。');
  }
  if (!(await saveStyle(db, { owner, name, words }, maxStylesOfOwner))) {
    throw invalidInput(
      `There are ${maxStylesOfOwner} already: delete one first with /prefer delete.`,
      `已有 ${maxStylesOfOwner} 个：请先用 /偏好 删除 删除一个。`,
    );
  }
  if (isHouse)
    await recordAdminAction(db, { actor: by.personId, action: 'set_house_style', target: name, details: { words } });
  return said(by.m.chat.styles.saved(name));
}

async function link(context: ChatContext, call: CheckedCall, by: KnownAsker): Promise<ChatOutcome> {
  const { db, people, randomBytes, publicUrl } = context.deps;
  const m = by.m.chat.link;
  const typed = call.text('code');
  // Whoever reads a code first is that person from then on.
  if (typed === undefined) checkAlone(by, 'link');
  const personId = await ensurePerson(db, by.user);
  if (typed !== undefined) {
    const result = await redeem(context, typed, personId);
    return said(result === 'same' ? m.same : m.linked);
  }
  // Who came through a chat may use the page; who came through the page has the token already.
  const signsIn = by.place.door === 'discord' || by.place.door === 'telegram';
  const code = formatLinkCode(randomBytes(8));
  await createLinkCode(db, { code, personId, validMs: codeMinutes * 60_000, signsIn });
  people.forget();
  return {
    outcome: 'panel',
    panel: {
      title: m.title,
      text: m.code(codeMinutes),
      code,
      rows: [],
      links: publicUrl === undefined || !signsIn ? [] : [{ label: m.page, url: `${publicUrl}/#link=${code}` }],
    },
  };
}

/** Uses a code for a person. @throws AppError `invalid_input` where it is none, or is gone. */
async function redeem(context: Pick<ChatContext, 'deps'>, typed: string, personId: string): Promise<'linked' | 'same'> {
  const { linkTries } = context.deps;
  // One person alone must not use up what everybody may try.
  if (linkTries.take(personId, triesOfOnePerMinute) > 0 || linkTries.take('all', triesPerMinute) > 0)
    throw new AppError('rate_limited', 'too many codes were tried');
  const code = parseLinkCode(typed);
  const used = code === undefined ? undefined : await useLinkCode(context.deps.db, { code, personId });
  context.deps.people.forget();
  if (used === undefined || used.outcome === 'gone') {
    throw invalidInput(
      'This code is wrong, was used, or is too old: ask for a new one with /link on the other platform.',
      '代码不正确、已使用或已过期：请在另一平台发送 /关联 获取新的代码。',
    );
  }
  return used.outcome;
}

function managersOnly(): AppError {
  return new AppError('forbidden', 'for those who manage the channel', {
    publicMessage: {
      en: 'Only those who manage this channel may change its settings: ask one of them. Yours are /settings mine.',
      zh: '只有本频道的管理者可以修改设置：请联系他们。个人设置请用 /设置 我的。',
    },
  });
}

function noneIsNull(value: string | undefined): string | null | undefined {
  return value === 'none' || value === '无' ? null : value;
}

function definedOnly(values: Record<string, string | number | boolean | null | undefined>): Changes {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Changes;
}
