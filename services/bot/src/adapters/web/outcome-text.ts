import type { Language } from '@atelier/shared/contracts/identity';
import { noLiveFacts } from '../../core/cards/card-facts.ts';
import { renderJobCard } from '../../core/cards/render-job-card.ts';
import type { ChatOutcome } from '../../ports.ts';

/** An outcome as plain lines, for who reads in a terminal; undefined for those that it understands by themselves. */
export function outcomeText(outcome: ChatOutcome, language: Language): string | undefined {
  switch (outcome.outcome) {
    case 'panel': {
      const { title, text, code, links } = outcome.panel;
      return linesOf(title, text, code, ...links.map(({ label, url }) => `${label} ${url}`));
    }
    case 'list': {
      const { title, summary, entries } = outcome.list;
      return linesOf(title, summary, ...entries.map((entry) => linesOf(`• ${entry.title}`, entry.text)));
    }
    case 'form':
      return outcome.form.hint;
    case 'files':
      return linesOf(
        outcome.text,
        ...outcome.files.map((file) => (file.kind === 'stored' ? (file.url ?? file.filename) : file.text)),
      );
    case 'card': {
      const card = renderJobCard(outcome.facts, noLiveFacts, language);
      return linesOf(card.headline, card.title, card.facts.join(' · '), card.reply, card.error);
    }
    case 'answered':
      return outcome.text;
    default:
      return undefined;
  }
}

function linesOf(...lines: readonly (string | undefined)[]): string {
  return lines.filter((line) => line !== undefined && line !== '').join('\n');
}
