import type { ImagineOptions, RequestBody } from '@atelier/shared/contracts/request';
import type { ChatStyle } from '@atelier/shared/db/chat/person-settings';
import { commandSpec } from '../core/commands/command-table.ts';
import type { ChosenOptions } from '../core/commands/option-values.ts';
import { parseOptions } from '../core/commands/parse-options.ts';
import { mergeOptions, readDrawingOptions } from '../core/commands/read-drawing-options.ts';
import { checkText } from '../core/commands/validate-prompt.ts';
import type { ChannelSettings, PersonSettings } from '../ports.ts';

/** What stands behind a style of the chat: words for the prompt, and options. */
export function readStyleWords(words: string): { text: string; options: ChosenOptions } {
  const { options, example } = commandSpec('imagine');
  const parsed = parseOptions(
    words,
    options.filter((option) => option.name !== 'prompt'),
    example,
  );
  return { text: parsed.text, options: readDrawingOptions(parsed.values) };
}

/** The name of the style that counts: what was asked for, else the person's, else the channel's. */
export function styleNameOf(body: RequestBody, person: PersonSettings, channel: ChannelSettings): string | undefined {
  if (body.kind !== 'imagine' && body.kind !== 'words' && body.kind !== 'shots') return undefined;
  const asked = body.options?.style;
  if (asked !== undefined) return asked;
  return body.kind === 'imagine' && isPlain(body.options) ? (person.style ?? channel.style) : undefined;
}

/** Words alone: defaults of shape and model fit. */
function isPlain(options: ImagineOptions): boolean {
  return options.operation === undefined && (options.images ?? []).length === 0 && options.recipe === undefined;
}

/**
 * Puts what people and channels have set beneath what was asked for, and the words of a style behind the prompt. What was
 * said counts most, then the style, then the person's own settings, then the channel's.
 */
export function prepareBody(
  body: RequestBody,
  defaults: {
    person: PersonSettings;
    channel: ChannelSettings;
    style: ChatStyle | undefined;
    styleName: string | undefined;
  },
): RequestBody {
  const { person, channel } = defaults;
  const style = defaults.style === undefined ? undefined : readStyleWords(defaults.style.words);
  const join = (text: string): string => {
    if (style === undefined || style.text === '') return text;
    const joined = `${text}, ${style.text}`;
    // Said as of any text that is too long, not as a fault of ours.
    checkText(joined);
    return joined;
  };

  /** Without the name of a style of ours, which no planner knows. */
  function settle(asked: ChosenOptions): ChosenOptions {
    const { style: _name, ...rest } = asked;
    const own = style === undefined ? asked : rest;
    return mergeOptions(style?.options ?? {}, own);
  }

  if (body.kind === 'words') {
    if (style === undefined) return body;
    const options = settle(body.options ?? {});
    return { ...body, text: join(body.text), ...(Object.keys(options).length === 0 ? {} : { options }) };
  }
  if (body.kind === 'shots') {
    if (style === undefined) return body;
    const shared = [body.style, style.text].filter((part) => part !== undefined && part !== '').join(', ');
    checkText(shared);
    const options = settle(body.options ?? {});
    return { ...body, ...(shared === '' ? {} : { style: shared }), options };
  }
  if (body.kind !== 'imagine') return body;
  const { prompt, images, mask, ...asked } = body.options;
  const plain = isPlain(body.options);
  const size: ChosenOptions = person.aspect === undefined ? {} : { aspect: person.aspect };
  const beneath: ChosenOptions = !plain
    ? {}
    : {
        ...size,
        ...(person.count === undefined ? {} : { count: person.count }),
        ...(person.model === undefined ? {} : { model: person.model }),
        ...(person.negative === undefined ? {} : { negative: person.negative }),
        ...(channel.recipe === undefined ? {} : { recipe: channel.recipe }),
        ...(defaults.styleName === undefined ? {} : { style: defaults.styleName }),
      };
  return {
    kind: 'imagine',
    options: {
      prompt: join(prompt),
      ...settle(mergeOptions(beneath, asked)),
      ...(images === undefined ? {} : { images }),
      ...(mask === undefined ? {} : { mask }),
    },
  };
}
