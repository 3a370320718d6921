import type { PolicyView } from '@atelier/shared/contracts/control';
import type { Language } from '@atelier/shared/contracts/identity';
import type { StoredPolicyRule } from '@atelier/shared/db/gateway/policy-rules';
import { shorten } from '@atelier/shared/text/shorten';
import { messagesFor } from '../messages/messages-for.ts';
import type { Panel } from './panel.ts';

type ViewedClass = PolicyView['classes'][number];

/** A chat's message has room for some thousand characters. */
const maxLines = 20;
const maxReasonChars = 80;

/** Something beside the pack that it is of should make an operator look twice. */
export function isSuspicious({ suspicions }: Pick<ViewedClass, 'suspicions'>): boolean {
  return suspicions.some((suspicion) => suspicion !== 'custom_pack');
}

/** A name with what holds for it: ✓ open, ✕ closed, ⚠ to be looked at twice. */
export function marked(name: string, allowed: boolean, suspicious: boolean): string {
  return `${allowed ? '✓' : '✕'} ${suspicious ? '⚠ ' : ''}${name}`;
}

/** What should make one look twice, in words; empty where nothing should. */
export function suspicionWords({ suspicions, inputs }: ViewedClass, language: Language): string {
  const m = messagesFor(language).chat.admin.policy;
  const words = suspicions.map((suspicion) => m.suspicions[suspicion]).join(', ');
  return inputs.length === 0 ? words : `${words} (${inputs.join(', ')})`;
}

/** All packs, or the classes that were asked for, each with what holds for it and why; then what operators decided. */
export function renderPolicy(
  view: PolicyView,
  rules: readonly StoredPolicyRule[],
  language: Language,
  about: 'packs' | 'classes',
): Panel {
  const m = messagesFor(language).chat.admin.policy;
  const entries =
    about === 'packs'
      ? view.packs.map(
          ({ pack, allowed, classes, denied, suspicious }) =>
            `${marked(pack, allowed, suspicious > 0)}: ${m.pack(classes, denied, suspicious)}`,
        )
      : view.classes.map((one) => classLine(one, language));
  const total = about === 'packs' ? entries.length : view.total;
  const shown = entries.slice(0, maxLines);
  const decided = rules.map(
    ({ subject, name, decision, reason }) =>
      `${decision === 'allow' ? '✓' : '✕'} ${m.subjects[subject]} ${name}${reason === '' ? '' : `: ${shorten(reason, maxReasonChars)}`}`,
  );
  return {
    title: m.title,
    text: [
      ...shown,
      ...(total > shown.length ? [m.more(total - shown.length)] : []),
      ...(decided.length === 0 ? [] : [m.decided, ...decided.slice(0, maxLines)]),
      ...(decided.length > maxLines ? [m.more(decided.length - maxLines)] : []),
      m.how,
    ].join('\n'),
    rows: [],
    links: [],
  };
}

function classLine(one: ViewedClass, language: Language): string {
  const m = messagesFor(language).chat.admin.policy;
  const why = [
    suspicionWords(one, language),
    one.allowed ? m.open : shorten(one.reason ?? m.closed, maxReasonChars),
  ].filter((part) => part !== '');
  return `${marked(one.name, one.allowed, isSuspicious(one))}: ${why.join('; ')}`;
}
