import type { CardImage, JobCard } from '../../../core/cards/job-card.ts';
import type { CardPreview, PreviewContext, PreviewSample } from '../../../preview/card-preview.ts';
import { drawForm } from '../cards/draw-form.ts';
import { drawJobCard } from '../cards/draw-job-card.ts';
import { drawList, drawPanel } from '../cards/draw-panel.ts';
import { drawQueueCard } from '../cards/draw-texts.ts';
import type { AttachedFile, MessageBody } from '../messages/message-body.ts';
import { markerOf } from '../messages/message-marker.ts';
import { discordStyles } from './discord-styles.ts';
import { renderMessageHtml, renderModalHtml } from './render-message-html.ts';

/** The messages that the adapter sends, in the look of Discord. */
export function createDiscordPreview(): CardPreview {
  return {
    platform: 'discord',
    css: discordStyles,
    async draw(sample, context) {
      return sample.kind === 'form' ? renderModalHtml(drawForm(sample.form)) : drawSample(sample, context);
    },
  };
}

function drawSample(sample: Exclude<PreviewSample, { kind: 'form' }>, context: PreviewContext): string {
  switch (sample.kind) {
    case 'card': {
      const { card } = sample;
      const body = drawJobCard(card, markerOf(card.requestId, 'card'), { files: picturesOf(card, context) });
      return renderMessageHtml(body, {
        ephemeral: card.isPrivate,
        usedBy: { person: card.author, command: 'imagine' },
      });
    }
    case 'queue':
      return privately(drawQueueCard(sample.card));
    case 'panel': {
      const { image } = sample.panel;
      return privately(drawPanel(sample.panel, image === undefined ? [] : [fileOf(image, 0, context)]));
    }
    case 'list': {
      const pictures = sample.list.entries.flatMap(({ image }, index): [number, AttachedFile][] =>
        image === undefined ? [] : [[index, fileOf(image, index, context)]],
      );
      return privately(drawList(sample.list, new Map(pictures)));
    }
    default:
      return sample satisfies never;
  }
}

function privately(body: MessageBody): string {
  return renderMessageHtml(body, { ephemeral: true });
}

function picturesOf(card: JobCard, context: PreviewContext): AttachedFile[] {
  // While it is drawn, the card shows a preview.
  if (card.progress !== undefined && !card.final) return [];
  return card.tiles.flatMap(({ image }, index) => (image === undefined ? [] : [fileOf(image, index, context)]));
}

function fileOf(image: CardImage, index: number, context: PreviewContext): AttachedFile {
  const [head = '', data = ''] = context.pictureUrl(image.hash).split(/,(.*)/s);
  const contentType = /^data:([^;,]+)/.exec(head)?.[1] ?? 'image/png';
  const bytes = head.endsWith(';base64') ? Buffer.from(data, 'base64') : Buffer.from(decodeURIComponent(data));
  return { name: `${index + 1}.png`, data: bytes, contentType, alt: image.alt };
}
