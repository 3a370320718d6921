import { describe, expect, it } from 'vitest';
import { MAX_PROMPT_CHARS, type RequestBody } from '@atelier/shared/contracts/request';
import { prepareBody } from './prepare-request.ts';

const style = { owner: 'house', name: 'film', words: 'grainy film --steps 30' };
const prepare = (body: RequestBody) => prepareBody(body, { person: {}, channel: {}, style, styleName: 'film' });

describe('prepareBody', () => {
  it('puts the words of a style behind the prompt, and its options beneath', () => {
    expect(prepare({ kind: 'imagine', options: { prompt: 'a fox', style: 'film' } })).toEqual({
      kind: 'imagine',
      options: { prompt: 'a fox, grainy film', steps: 30 },
    });
  });

  it.each<RequestBody>([
    { kind: 'words', text: 'x'.repeat(MAX_PROMPT_CHARS) },
    { kind: 'imagine', options: { prompt: 'x'.repeat(MAX_PROMPT_CHARS) } },
    { kind: 'shots', shots: [{ shotId: '1', prompt: 'a fox' }], style: 'x'.repeat(MAX_PROMPT_CHARS) },
  ])('says what is too long with its style: $kind', (body) => {
    expect(() => prepare(body)).toThrow(/shorten it to 4000/);
  });
});
