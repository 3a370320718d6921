import { describe, expect, it } from 'vitest';
import { formatButtonId } from '../../../core/cards/card-buttons.ts';
import { noLiveFacts } from '../../../core/cards/card-facts.ts';
import { endedAt, finishedJob, plan, requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import { renderJobCard } from '../../../core/cards/render-job-card.ts';
import { drawJobCard } from '../cards/draw-job-card.ts';
import { formatMessageForm, parseMessageForm } from '../interactions/custom-ids.ts';
import { markerOf } from '../messages/message-marker.ts';
import { readMessageSource, type ShownMessage } from './message-source.ts';

const ours = '1000';
const request = requestRecord({ door: 'discord', state: 'succeeded', finishedAt: endedAt, plan });
const card = renderJobCard({ request, jobs: [finishedJob(0)], delivered: true }, noLiveFacts, 'en');

function shown(more: Partial<ShownMessage> = {}): ShownMessage {
  const { components } = drawJobCard(card, markerOf(request.id, 'card'));
  return { authorId: '1', authorName: 'Mei', applicationId: ours, content: '', attachments: [], components, ...more };
}

describe('the request of a message', () => {
  it('is found in the buttons of a card', () => {
    expect(readMessageSource(shown(), ours).requestId).toBe(request.id);
  });

  it("is never taken from somebody else's message, whatever buttons that has", () => {
    expect(readMessageSource(shown({ applicationId: '2000' }), ours).requestId).toBeUndefined();
    expect(readMessageSource(shown({ applicationId: null }), ours).requestId).toBeUndefined();
    expect(readMessageSource(shown(), undefined).requestId).toBeUndefined();
  });

  it('is not the question, the reader or the workflow that a button is about', () => {
    const buttons = (['answer', 'page', 'run_workflow'] as const).map((action) => ({
      type: 2,
      custom_id: formatButtonId(action, request.id),
    }));
    expect(
      readMessageSource(shown({ components: [{ type: 1, components: buttons }] }), ours).requestId,
    ).toBeUndefined();
  });
});

it('the words of a message are its content and its texts', () => {
  const components = [{ type: 17, components: [{ type: 10, content: 'in a card' }] }];
  expect(readMessageSource(shown({ content: 'above', components }), ours).text).toBe('above\nin a card');
});

it('a form about a message comes back as it was, and nothing else is taken for one', () => {
  const form = { action: 'edit', openedBy: '1', channelId: '2', messageId: '3' } as const;
  expect(parseMessageForm(formatMessageForm(form))).toEqual(form);
  for (const id of [
    '',
    'message:edit:1:2',
    'message:drop:1:2:3',
    'message:edit:1:2:x',
    formatButtonId('edit', request.id),
  ]) {
    expect(parseMessageForm(id)).toBeUndefined();
  }
});
