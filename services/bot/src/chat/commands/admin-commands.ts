import type { Door } from '@atelier/shared/contracts/identity';
import {
  type AccessRule,
  clearAccessRule,
  type RuleScope,
  setAccessRule,
  setChatLimit,
} from '@atelier/shared/db/chat/chat-settings';
import { readPersonName } from '@atelier/shared/db/chat/person-settings';
import { countReports } from '@atelier/shared/db/chat/request-marks';
import { readAdminAudit } from '@atelier/shared/db/operators/admin-audit';
import { pauseInstance, reserveInstance, resumeInstance } from '@atelier/shared/db/operators/control-instance';
import { type InstanceStatus, readInstanceStatus } from '@atelier/shared/db/operators/instance-status';
import { type Quota, readQuota, setQuota, setWeight } from '@atelier/shared/db/operators/person-quota';
import { setJobPriority } from '@atelier/shared/db/operators/set-job-priority';
import { findPersonId } from '@atelier/shared/db/people/person-store';
import { AppError, invalidInput } from '@atelier/shared/errors/app-error';
import type { CheckedCall } from '../../core/commands/check-call.ts';
import { commandNames, type CommandName } from '../../core/commands/command-spec.ts';
import { findCommand } from '../../core/commands/command-table.ts';
import { renderQueueCard } from '../../core/cards/queue-card.ts';
import { renderInstance } from '../../core/panels/render-instance.ts';
import type { ChatOutcome } from '../../ports.ts';
import { adminsOnly, type ChatContext, type KnownAsker, said } from '../chat-context.ts';
import { requestIdOfJob } from './drawing-commands.ts';
import { policyCommand } from './policy-command.ts';

const maxWords = 1_000;
/** Servers that are shown in full. */
const maxDetailed = 4;

/** What operators do; each change is written into the audit log by the statement that makes it. */
export async function runAdminCommand(context: ChatContext, call: CheckedCall, by: KnownAsker): Promise<ChatOutcome> {
  if (!(await context.access.mayAdminister(by))) {
    // Who looks after a place may see how it stands there; all else here reaches beyond it.
    if (call.subcommand === 'status' && context.access.tends(by)) return placeStatus(context, by);
    throw adminsOnly(by);
  }
  switch (call.subcommand) {
    case 'pause':
    case 'resume':
      return pauseOrResume(context, call, by, call.subcommand);
    case 'reserve':
      return reserve(context, call, by);
    case 'priority': {
      const requestId = await requestIdOfJob(context, call.text('job') ?? '');
      const priority = call.number('level') ?? 0;
      const { waiting, started, outbox } = await setJobPriority(context.deps.db, {
        actor: by.personId,
        target: { requestId },
        priority,
      });
      context.deps.relay.nudge(outbox);
      context.deps.queue.ring();
      return said(by.m.chat.admin.priority({ waiting, started, level: priority }));
    }
    case 'quota':
      return quota(context, call, by);
    case 'allow':
    case 'deny':
    case 'clear':
      return rule(context, call, by, call.subcommand);
    case 'limits':
      return limits(context, call, by);
    case 'policy':
      return policyCommand(context, call, by);
    default:
      return status(context, by);
  }
}

async function pauseOrResume(
  context: ChatContext,
  call: CheckedCall,
  by: KnownAsker,
  action: 'pause' | 'resume',
): Promise<ChatOutcome> {
  const { db, tellWorker, queue } = context.deps;
  const wanted = call.text('instance');
  const all = await readInstanceStatus(db);
  const chosen = all.filter((instance) => (wanted === undefined ? instance.alive : instance.id === wanted));
  if (chosen.length === 0) throw noSuchInstance(all, by);
  for (const { id } of chosen) {
    const control = { actor: by.personId, instanceId: id };
    await (action === 'pause' ? pauseInstance(db, control) : resumeInstance(db, control));
    tellWorker(id, action);
  }
  queue.ring();
  const names = chosen.map((instance) => instance.id).join(', ');
  return said(action === 'pause' ? by.m.chat.admin.paused(names) : by.m.chat.admin.resumed(names));
}

function noSuchInstance(all: readonly InstanceStatus[], by: KnownAsker): AppError {
  const names = all.map((instance) => instance.id).join(', ') || by.m.chat.admin.none;
  return new AppError('not_found', 'no such instance', {
    publicMessage: { en: `There is no such ComfyUI. There are: ${names}.`, zh: `没有这个 ComfyUI。现有：${names}。` },
  });
}

/** What people type to give a ComfyUI back. */
const everybody: ReadonlySet<string> = new Set(['everybody', 'all', '所有人', '全员']);

async function reserve(context: ChatContext, call: CheckedCall, by: KnownAsker): Promise<ChatOutcome> {
  const { db, queue } = context.deps;
  const instanceId = call.text('instance') ?? '';
  const all = await readInstanceStatus(db);
  if (!all.some(({ id }) => id === instanceId)) throw noSuchInstance(all, by);
  const typed = call.text('people');
  if (typed !== undefined) {
    const personIds = everybody.has(typed.toLowerCase()) ? null : await peopleIn(typed, context, by);
    await reserveInstance(db, { actor: by.personId, instanceId, personIds });
    queue.ring();
  }
  const instance = (await readInstanceStatus(db)).find(({ id }) => id === instanceId);
  const names = instance?.reservedFor?.map(({ personId, personName }) => personName ?? personId).join(', ');
  return said(by.m.chat.admin.reserved(instanceId, names));
}

function peopleIn(typed: string, { deps }: ChatContext, by: KnownAsker): Promise<string[]> {
  const ids = typed.split(/[\s,，、]+/).filter((part) => part !== '');
  return Promise.all(ids.map((id) => findPersonId(deps.db, { door: by.place.door, id: platformId(id, by) })));
}

async function quota(context: ChatContext, call: CheckedCall, by: KnownAsker): Promise<ChatOutcome> {
  const { db } = context.deps;
  const m = by.m.chat;
  const personId = await findPersonId(db, { door: by.place.door, id: platformId(call.text('person') ?? '', by) });
  const before = await readQuota(db, personId);
  const changed = {
    gpuSecondsPerDay: call.number('gpu_seconds'),
    imagesPerDay: call.number('images'),
    pendingJobs: call.number('pending'),
  };
  const isChange = Object.values(changed).some((value) => value !== undefined);
  const settle = (value: number | undefined, old: number | null): number | null =>
    value === undefined ? old : value === 0 ? null : value;
  const next: Quota = {
    gpuSecondsPerDay: settle(changed.gpuSecondsPerDay, before.gpuSecondsPerDay),
    imagesPerDay: settle(changed.imagesPerDay, before.imagesPerDay),
    pendingJobs: settle(changed.pendingJobs, before.pendingJobs),
  };
  if (isChange) await setQuota(db, { actor: by.personId, personId, quota: next });
  const percent = call.number('share');
  if (percent !== undefined) await setWeight(db, { actor: by.personId, personId, weight: percent / 100 });
  const share = percent ?? Math.round(before.weight * 100);
  const limits = quotaLines({ ...before, ...next }, by);
  const name = (await readPersonName(db, personId)) ?? call.text('person') ?? '';
  return panel(m.admin.quotaTitle(name), [
    ...(isChange || percent !== undefined ? [m.admin.quotaSaved] : []),
    ...(limits.length === 0 ? [m.admin.unlimited] : limits),
    ...(share === 100 ? [] : [m.admin.share(share)]),
  ]);
}

/** What counts against a person's limits, a line for each limit. */
export function quotaLines(
  state: Quota & { usedGpuSeconds: number; usedImages: number; openJobs: number },
  by: KnownAsker,
): string[] {
  const { quota: line, quotas } = by.m.chat.usage;
  return [
    ...(state.gpuSecondsPerDay === null
      ? []
      : [line(quotas.gpuSeconds, Math.round(state.usedGpuSeconds), state.gpuSecondsPerDay)]),
    ...(state.imagesPerDay === null ? [] : [line(quotas.images, state.usedImages, state.imagesPerDay)]),
    ...(state.pendingJobs === null ? [] : [line(quotas.jobs, state.openJobs, state.pendingJobs)]),
  ];
}

/** @throws AppError `invalid_input` where there is no such command, or it is for operators alone. */
function ruledCommand(name: string): CommandName {
  const found = findCommand(name.replace(/^\//, '').toLowerCase())?.name;
  if (found !== undefined && found !== 'admin') return found;
  const offered = commandNames.filter((one) => one !== 'admin').join(', ');
  throw invalidInput(`command is one of: ${offered}.`, `命令可以是：${offered}。`);
}

async function rule(
  context: ChatContext,
  call: CheckedCall,
  by: KnownAsker,
  action: 'allow' | 'deny' | 'clear',
): Promise<ChatOutcome> {
  const { db, settings } = context.deps;
  const m = by.m.chat.admin;
  const { scope, subject } = subjectOf(call, by);
  const named = call.text('command');
  const command = named === undefined ? '*' : ruledCommand(named);
  const door: Door = by.place.door;
  if (action === 'clear') {
    const found = await clearAccessRule(db, { actor: by.personId, rule: { door, scope, subject, command } });
    if (!found) {
      throw new AppError('not_found', 'no such rule', {
        publicMessage: {
          en: 'There is no such rule: /admin status lists them.',
          zh: '没有这条规则：用 /管理 状态 查看。',
        },
      });
    }
  } else {
    await setAccessRule(db, { actor: by.personId, rule: { door, scope, subject, command, effect: action } });
  }
  await settings.refresh();
  return said(action === 'clear' ? m.ruleCleared : m.rule(action, `${m.scopes[scope]} ${subject}`, command));
}

function subjectOf(call: CheckedCall, by: KnownAsker): { scope: RuleScope; subject: string } {
  const person = call.text('person');
  if (person !== undefined) return { scope: 'person', subject: platformId(person, by) };
  const role = call.text('role');
  if (role !== undefined) return { scope: 'role', subject: platformId(role, by) };
  const channel = call.text('channel');
  if (channel !== undefined) return { scope: 'channel', subject: platformId(channel, by) };
  const here = call.text('here');
  if (here === 'guild' && by.place.guildId !== undefined) return { scope: 'guild', subject: by.place.guildId };
  if (here !== undefined) return { scope: 'channel', subject: by.place.id };
  throw invalidInput(
    'Say whom: --person, --role, --channel, or --here channel.',
    '请指定对象：--成员、--身份组、--频道，或 --此处 channel。',
  );
}

/** `<@123>`, `<@&123>` and `<#123>` as people type them. In chats ids are numbers: a rule for a name would hold for nobody. */
function platformId(typed: string, { place }: KnownAsker): string {
  const id = /^<[@#][!&]?(\d+)>$/.exec(typed)?.[1] ?? typed.replace(/^@/, '');
  const isChat = place.door === 'discord' || place.door === 'telegram';
  if (!(isChat ? /^-?\d{1,20}$/ : /^[\w.@-]{1,100}$/).test(id)) {
    throw invalidInput(
      'Name them by their id on this platform, not by name; who sends /admin without being an operator is shown theirs.',
      '请用该平台上的数字 ID 指定，而不是名字；非管理员发送 /管理 时会看到自己的 ID。',
    );
  }
  return id;
}

async function limits(context: ChatContext, call: CheckedCall, by: KnownAsker): Promise<ChatOutcome> {
  const { db, settings } = context.deps;
  const actor = by.personId;
  const m = by.m.chat.admin;
  const rate = call.number('rate');
  const block = wordsIn(call.text('block'));
  const unblock = wordsIn(call.text('unblock')).map((word) => word.toLowerCase());
  const adult = call.text('adult');
  await settings.refresh();
  if (rate !== undefined) await setChatLimit(db, { actor, key: 'ratePerMinute', value: rate });
  if (block.length + unblock.length > 0) {
    const kept = settings.limits.blockedWords.filter((word) => !unblock.includes(word.toLowerCase()));
    const value = [...new Set([...kept, ...block])].slice(0, maxWords);
    await setChatLimit(db, { actor, key: 'blockedWords', value });
  }
  if (adult !== undefined) {
    const value = adult === 'none' || adult === '无' ? [] : wordsIn(adult).slice(0, maxWords);
    await setChatLimit(db, { actor, key: 'adultWords', value });
  }
  const isChange = rate !== undefined || block.length + unblock.length > 0 || adult !== undefined;
  await settings.refresh();
  const { ratePerMinute, blockedWords, adultWords } = settings.limits;
  return panel(m.limitsTitle, [
    ...(isChange ? [m.limitsSaved] : []),
    m.rate(ratePerMinute),
    m.blocked(blockedWords.join(', ') || m.none),
    m.adult(adultWords.join(', ') || m.none),
  ]);
}

function wordsIn(text: string | undefined): string[] {
  return (text ?? '')
    .split(/[,，、\n]/)
    .map((word) => word.trim())
    .filter((word) => word !== '' && word.length <= 60);
}

async function status(context: ChatContext, by: KnownAsker): Promise<ChatOutcome> {
  const { db, settings } = context.deps;
  const m = by.m.chat.admin;
  const [work, reports, audit] = await Promise.all([
    workLines(context, by, 'all'),
    countReports(db),
    readAdminAudit(db, { limit: 5 }),
  ]);
  const rules = settings.rules.filter((one) => one.door === by.place.door).map((one) => ruleLine(one, by));
  return panel(m.statusTitle, [
    ...work,
    m.reports(reports),
    m.rules,
    ...(rules.length === 0 ? [m.everybody] : rules.slice(0, 30)),
    m.audit,
    ...(audit.length === 0
      ? [m.none]
      : audit.map((entry) => `${entry.at.toISOString().slice(0, 16)} ${entry.action} ${entry.target}`)),
  ]);
}

/** The same without what is said of other places and people. */
async function placeStatus(context: ChatContext, by: KnownAsker): Promise<ChatOutcome> {
  const { place, standing } = by;
  const m = by.m.chat.admin;
  const here = [place.id, ...(standing?.channelIds ?? []), ...(place.guildId === undefined ? [] : [place.guildId])];
  const rules = context.deps.settings.rules
    .filter((one) => one.door === place.door && one.scope !== 'person' && here.includes(one.subject))
    .map((one) => ruleLine(one, by));
  return panel(m.statusTitle, [...(await workLines(context, by, 'heads')), m.rules, ...rules]);
}

/** @param of each ComfyUI: all that is known of it, or whether it works. */
async function workLines(context: ChatContext, by: KnownAsker, of: 'all' | 'heads'): Promise<string[]> {
  const m = by.m.chat.admin;
  const [instances, facts] = await Promise.all([readInstanceStatus(context.deps.db), context.deps.queue.read()]);
  const card = renderQueueCard(facts, by.user.language, by.personId);
  // Of many, a line each: chats cut what is too long, and the rest of the panel would be lost.
  const isMany = instances.filter(({ alive }) => alive).length > maxDetailed;
  const lines = of === 'heads' || isMany ? 1 : Infinity;
  return [
    ...instances.flatMap((instance) =>
      renderInstance(instance, context.deps.status.workerStatus(instance.id), m, by.user.language).slice(0, lines),
    ),
    m.queue(card.waiting, card.running),
  ];
}

function ruleLine({ effect, scope, subject, command }: AccessRule, by: KnownAsker): string {
  const m = by.m.chat.admin;
  return m.rule(effect, `${m.scopes[scope]} ${subject}`, command);
}

function panel(title: string, lines: readonly string[]): ChatOutcome {
  return { outcome: 'panel', panel: { title, text: lines.join('\n'), rows: [], links: [] } };
}
