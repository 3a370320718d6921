import { type APIComponentInContainer, ComponentType } from 'discord.js';
import type { AttachedFile } from '../messages/message-body.ts';

/** A file that Discord plays or shows within a gallery; what else there is stands below it as a file. */
function isShown({ contentType = '' }: AttachedFile): boolean {
  return /^(image|video)\//.test(contentType);
}

/** The files of a message: pictures and videos side by side, sounds and others one under the other. */
export function drawGallery(files: readonly AttachedFile[], isCovered: boolean): APIComponentInContainer[] {
  const shown = files.filter(isShown);
  const spoiler = isCovered ? { spoiler: true } : {};
  return [
    ...(shown.length === 0
      ? []
      : [
          {
            type: ComponentType.MediaGallery as const,
            items: shown.map((file) => ({
              media: { url: `attachment://${file.name}` },
              ...(file.alt === undefined ? {} : { description: file.alt }),
              ...spoiler,
            })),
          },
        ]),
    ...files
      .filter((file) => !isShown(file))
      .map((file) => ({
        type: ComponentType.File as const,
        file: { url: `attachment://${file.name}` },
        ...spoiler,
      })),
  ];
}
