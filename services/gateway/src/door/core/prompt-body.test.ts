import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefusal, readPromptBody } from './prompt-body.ts';

const read = (body: unknown) => readPromptBody(JSON.stringify(body));

describe('the body of POST /prompt', () => {
  it('is read, without what lets a prompt pass the queue and without keys of paid services', () => {
    const body = {
      prompt: { '1': {} },
      client_id: 'editor',
      prompt_id: 'p',
      front: true,
      number: -5,
      extra_data: { a: 1, auth_token_comfy_org: 'secret', api_key_comfy_org: 'secret' },
      partial_execution_targets: ['9', 3],
    };
    expect(read(body)).toEqual({
      prompt: { '1': {} },
      clientId: 'editor',
      promptId: 'p',
      extraData: { a: 1 },
      targets: ['9'],
    });
  });

  it.each([
    ['{', 500, 'invalid_json'],
    ['5', 500, 'invalid_json'],
    ['null', 500, 'invalid_json'],
    ['[]', 400, 'no_prompt'],
    ['"prompt"', 400, 'no_prompt'],
    ['{}', 400, 'no_prompt'],
    ['{"prompt":null}', 400, 'no_prompt'],
    ['{"prompt":{},"prompt_id":5}', 400, 'invalid_prompt_id'],
    ['{"prompt":{},"prompt_id":"a\\u0000b"}', 400, 'invalid_prompt_id'],
    [`{"prompt":{},"prompt_id":"${'x'.repeat(201)}"}`, 400, 'invalid_prompt_id'],
    [`{"prompt":${'['.repeat(500)}${']'.repeat(500)}}`, 500, 'invalid_json'],
  ])('%s is refused with %s %s', (text, status, type) => {
    expect(readPromptBody(text)).toMatchObject({ status, error: { type } });
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const result = readPromptBody(text);
        expect(isRefusal(result) ? [400, 500].includes(result.status) : result.prompt !== undefined).toBe(true);
      }),
      { numRuns: 200, seed: 8 },
    );
  });
});
