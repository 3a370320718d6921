import type { EventSink } from '../loop/event-sink.ts';
import { textOf, toolUsesOf } from '../loop/step.ts';

const MAX_SHOWN = 1_200;

/** Dollars, from millionths. */
export function dollars(microDollars: number): string {
  return `$${(microDollars / 1_000_000).toFixed(4)}`;
}

/** Prints each step of a run as it is kept. */
export function createStepPrinter(say: (line: string) => void): EventSink {
  let replies = 0;
  return (event) => {
    if (event.type === 'reply') {
      replies += 1;
      const { step, cost } = event;
      say(
        `\n── reply ${replies}: ${cost.inputTokens + cost.cacheReadTokens + cost.cacheWriteTokens} tokens read (${cost.cacheReadTokens} cached), ${cost.outputTokens} written, ${dollars(cost.microDollars)}`,
      );
      const text = textOf(step.content);
      if (text !== '') say(text);
      for (const use of toolUsesOf(step.content)) say(`→ ${use.name} ${shorten(JSON.stringify(use.input))}`);
    } else if (event.type === 'result') {
      const text = event.result.content.map((block) => (block.type === 'text' ? block.text : '[picture]')).join('\n');
      say(`← ${event.result.tool}${event.result.isError ? ' (error)' : ''}: ${shorten(text)}`);
    } else if (event.type === 'end') {
      say(`\nagent: ${event.reply ?? ''}`);
    }
  };
}

function shorten(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
