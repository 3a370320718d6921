import { shorten } from '@atelier/shared/text/shorten';
import type { EventSink } from '../loop/event-sink.ts';
import { dollars } from '../loop/model-prices.ts';
import { textOf, toolUsesOf } from '../loop/step.ts';

const MAX_SHOWN = 1_200;

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
      for (const use of toolUsesOf(step.content)) say(`→ ${use.name} ${shorten(JSON.stringify(use.input), MAX_SHOWN)}`);
    } else if (event.type === 'result') {
      const text = event.result.content.map((block) => (block.type === 'text' ? block.text : '[picture]')).join('\n');
      say(`← ${event.result.tool}${event.result.isError ? ' (error)' : ''}: ${shorten(text, MAX_SHOWN)}`);
    } else if (event.type === 'end') {
      say(`\nagent: ${event.reply ?? ''}`);
    }
  };
}
