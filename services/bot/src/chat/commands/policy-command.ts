import type { PolicyView } from '@atelier/shared/contracts/control';
import {
  clearPolicyRule,
  type DecidedPolicyRule,
  readPolicyRules,
  setPolicyRule,
  type StoredPolicyRule,
} from '@atelier/shared/db/gateway/policy-rules';
import { AppError, invalidInput } from '@atelier/shared/errors/app-error';
import type { CheckedCall } from '../../core/commands/check-call.ts';
import { isSuspicious, renderPolicy, suspicionWords } from '../../core/panels/render-policy.ts';
import type { ChatOutcome } from '../../ports.ts';
import { type ChatContext, type KnownAsker, said } from '../chat-context.ts';

type Subject = Pick<StoredPolicyRule, 'subject' | 'name'>;
/** As many as the agent tells at a time. */
const maxClasses = 100;

/** `/admin policy`: what workflows may use, and deciding about a pack or a class; the same rules as the gateway's. */
export async function policyCommand(context: ChatContext, call: CheckedCall, by: KnownAsker): Promise<ChatOutcome> {
  const pack = call.text('pack');
  const name = call.text('class');
  const decision = call.text('decision');
  if (decision === undefined) return show(context, { pack, name }, by);
  if (decision !== 'allow' && decision !== 'deny' && decision !== 'default') {
    throw new AppError('internal', `there is no decision ${decision}`);
  }
  const subject: StoredPolicyRule['subject'] = name === undefined ? 'pack' : 'class';
  const named = name ?? pack;
  if (named === undefined) {
    throw invalidInput(
      'Say what it is about, for example: /admin policy LoadImageFromUrl --decision deny',
      '请指定节点包或节点，例如：/管理 策略 LoadImageFromUrl --决定 禁止',
    );
  }
  return decide(context, { subject, name: named }, decision, call.text('reason') ?? '', by);
}

async function show(
  context: ChatContext,
  { pack, name }: { pack: string | undefined; name: string | undefined },
  by: KnownAsker,
): Promise<ChatOutcome> {
  const [view, rules] = await Promise.all([
    context.deps.viewPolicy({
      ...(pack === undefined ? {} : { pack }),
      ...(name === undefined ? {} : { search: name }),
      limit: pack === undefined && name === undefined ? 0 : maxClasses,
    }),
    readPolicyRules(context.deps.db),
  ]);
  if (pack !== undefined && !view.packs.some((one) => one.pack === pack))
    throw unknownSubject({ subject: 'pack', name: pack }, view);
  if (name !== undefined && view.total === 0) throw unknownSubject({ subject: 'class', name }, view);
  const ofThese = rules.filter((rule) => isAbout(rule, pack, name, view));
  const panel = renderPolicy(
    view,
    ofThese,
    by.user.language,
    pack === undefined && name === undefined ? 'packs' : 'classes',
  );
  return { outcome: 'panel', panel };
}

/** Of what is shown; of everything where nothing is named. */
function isAbout(
  rule: DecidedPolicyRule,
  pack: string | undefined,
  name: string | undefined,
  view: PolicyView,
): boolean {
  if (pack === undefined && name === undefined) return true;
  if (rule.subject === 'pack') return rule.name === pack || view.classes.some((one) => one.pack === rule.name);
  return view.classes.some((one) => one.name === rule.name);
}

async function decide(
  context: ChatContext,
  wanted: Subject,
  decision: 'allow' | 'deny' | 'default',
  reason: string,
  by: KnownAsker,
): Promise<ChatOutcome> {
  const { db } = context.deps;
  const m = by.m.chat.admin.policy;
  const [found, rules] = await Promise.all([findSubject(context, wanted, decision), readPolicyRules(db)]);
  const { subject, name } = found.subject;
  const words = `${m.subjects[subject]} ${name}`;
  if (decision === 'default') {
    if (!(await clearPolicyRule(db, { actor: by.personId, rule: { subject, name } }))) throw nothingDecided(words);
    return said(m.saved.default(words));
  }
  await setPolicyRule(db, { actor: by.personId, rule: { subject, name, decision, reason } });
  const { known } = found;
  const warnings =
    known === undefined || decision === 'deny'
      ? []
      : [
          ...(isSuspicious(known) ? [m.lookTwice(suspicionWords(known, by.user.language))] : []),
          ...(isPackDenied(rules, known.pack) ? [m.packIsClosed(known.pack)] : []),
        ];
  return said([m.saved[decision](words), ...warnings].join('\n'));
}

function isPackDenied(rules: readonly StoredPolicyRule[], pack: string): boolean {
  return rules.some((rule) => rule.subject === 'pack' && rule.name === pack && rule.decision === 'deny');
}

/**
 * The name as the servers have it, so that a slip of the pen opens or closes nothing by accident. Where nobody can say what
 * they have, it is taken as it is: closing something must not wait. Opening can: a rule for a name that nobody looked at
 * would let in whatever is called so later.
 *
 * @throws AppError `not_found`, `unavailable`
 */
async function findSubject(
  context: ChatContext,
  wanted: Subject,
  decision: 'allow' | 'deny' | 'default',
): Promise<{ subject: Subject; known?: PolicyView['classes'][number] }> {
  const { subject, name } = wanted;
  const isSame = (other: string): boolean => other.toLowerCase() === name.toLowerCase();
  let view: PolicyView;
  try {
    view = await context.deps.viewPolicy(subject === 'pack' ? { limit: 0 } : { search: name, limit: maxClasses });
  } catch (error) {
    context.deps.log.debug({ err: error }, 'nobody says which nodes there are');
    if (decision === 'allow') throw nobodyKnows(wanted, error);
    return { subject: wanted };
  }
  const known = view.classes.find((one) => one.name === name) ?? view.classes.find((one) => isSame(one.name));
  if (subject === 'class' && known !== undefined) return { subject: { subject, name: known.name }, known };
  const pack = view.packs.find((one) => one.pack === name) ?? view.packs.find((one) => isSame(one.pack));
  if (subject === 'pack' && pack !== undefined) return { subject: { subject, name: pack.pack } };
  // What was decided about a server that is gone can still be taken back.
  const rules = await readPolicyRules(context.deps.db);
  if (rules.some((rule) => rule.subject === subject && rule.name === name)) return { subject: wanted };
  throw unknownSubject(wanted, view);
}

function nobodyKnows({ name }: Subject, cause: unknown): AppError {
  return new AppError('unavailable', 'nobody says which nodes there are', {
    cause,
    publicMessage: {
      en: `Nobody can say now whether a server has ${name}, so it is not allowed unseen: try again when the agent is back. Denying works at once.`,
      zh: `目前无法确认是否有服务器提供 ${name}，因此不能直接允许：请等智能体恢复后再试。禁止则立即生效。`,
    },
  });
}

function unknownSubject({ subject, name }: Subject, view: PolicyView): AppError {
  const near = (subject === 'pack' ? view.packs.map((one) => one.pack) : view.classes.map((one) => one.name)).slice(
    0,
    5,
  );
  const names = near.length === 0 ? '' : near.join(', ');
  return new AppError('not_found', 'the servers have nothing of this name', {
    publicMessage: {
      en: `No server has the ${subject} ${name}.${names === '' ? '' : ` There are, for example: ${names}.`}`,
      zh: `没有服务器提供${subject === 'pack' ? '节点包' : '节点'} ${name}。${names === '' ? '' : `例如有：${names}。`}`,
    },
  });
}

function nothingDecided(words: string): AppError {
  return new AppError('not_found', 'there is no such rule', {
    publicMessage: {
      en: `Nothing was decided about the ${words}: what is built in holds.`,
      zh: `尚未对${words}作出决定：当前为默认规则。`,
    },
  });
}
