import { findBlockedWord } from '@atelier/shared/access/blocked-words';
import type { RequestCommand } from '@atelier/shared/access/command-of-body';
import { isDenied, type SubmissionRules } from '@atelier/shared/db/chat/submission-rules';
import type { Principal } from '../principal.ts';
import { problem } from '../problems/to-problem.ts';

/** What is asked for: the chats' command that it counts as (`*`: it is not known yet), and its words. */
export interface RuledAct {
  command: RequestCommand | '*';
  words: string;
}

/** Whom a chat denies may ask nowhere, and what may not be drawn there is drawn nowhere. @throws AppError `FORBIDDEN` */
export function checkRules(rules: SubmissionRules, by: Principal, act: RuledAct): void {
  if (isDenied(rules, by.personId, act.command)) {
    throw problem(
      'FORBIDDEN',
      'A rule forbids you this: ask an operator to allow you. What you have made stays yours.',
      '规则不允许你这样做：请联系管理员开通权限。你已有的作品仍可查看。',
    );
  }
  const word = findBlockedWord(act.words, rules.blockedWords);
  if (word === undefined) return;
  throw problem(
    'FORBIDDEN',
    `"${word}" may not be asked for here: leave it out.`,
    `此处不允许使用“${word}”：请去掉它。`,
  );
}
