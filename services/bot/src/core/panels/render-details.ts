import type { Language } from '@atelier/shared/contracts/identity';
import type { CardFacts } from '../cards/card-facts.ts';
import { titleOf } from '../cards/card-facts.ts';
import { lineageText } from '../cards/lineage-text.ts';
import { messagesFor } from '../messages/messages-for.ts';

/** What is known of how a request was made, a line each. */
export function renderDetails(facts: CardFacts, language: Language): string {
  const messages = messagesFor(language);
  const m = messages.chat.details;
  const lineage = lineageText(facts, messages);
  const { request, jobs } = facts;
  const { plan, cost } = request;
  const asked = titleOf(facts);
  const started = jobs.flatMap((job) => job.startedAt?.getTime() ?? []);
  const finished = jobs.flatMap((job) => job.finishedAt?.getTime() ?? []);
  const gpuSeconds = jobs.reduce((sum, job) => sum + (job.gpuSeconds ?? 0), 0);
  const dollars = cost === null || cost.microDollars === 0 ? '' : `$${(cost.microDollars / 1e6).toFixed(4)}`;
  const lines = [
    m.author(request.personName),
    ...(plan === null || plan.prompt === '' ? [] : [m.prompt(plan.prompt)]),
    ...(asked === undefined || asked === plan?.prompt ? [] : [m.words(asked)]),
    ...(plan?.negative === undefined || plan.negative === '' ? [] : [m.negative(plan.negative)]),
    ...(plan === null ? [] : [m.recipe(plan.recipeTitle[language])]),
    ...(plan?.model === undefined ? [] : [m.model(plan.model)]),
    ...(plan?.width === undefined || plan.height === undefined ? [] : [m.size(plan.width, plan.height)]),
    ...(plan === null ? [] : [m.seed(plan.seed)]),
    ...(plan?.steps === undefined ? [] : [m.sampling(plan.steps, plan.cfg)]),
    ...(started.length === 0 || finished.length === 0
      ? []
      : [
          m.times(
            m.seconds(Math.max(0, Math.min(...started) - request.createdAt.getTime()) / 1_000),
            m.seconds(Math.max(0, Math.max(...finished) - Math.min(...started)) / 1_000),
          ),
        ]),
    ...(gpuSeconds === 0 && dollars === '' ? [] : [m.cost(m.seconds(gpuSeconds), dollars)]),
    ...(cost === null || cost.modelCalls === 0
      ? []
      : [m.tokens(cost.inputTokens + cost.cacheReadTokens + cost.cacheWriteTokens, cost.outputTokens)]),
    ...(lineage === undefined ? [] : [lineage]),
    m.number(shortNumber(request.id)),
  ];
  return lines.join('\n');
}

/** What people call a request by: the first digits of its id. */
export function shortNumber(requestId: string): string {
  return requestId.slice(0, 8);
}
