import type { ChatCore, TakenFile } from '../../../ports.ts';
import type { FilledCommand } from '../commands/read-command.ts';
import type { AttachmentFetcher } from '../conversation/fetch-attachment.ts';

/**
 * Takes in what was attached to the options of a command: at once, because the links expire.
 *
 * @throws AppError `invalid_input`, `too_large`, `unavailable`
 */
export async function takeInOptions(
  given: FilledCommand['attachments'],
  { chat, fetchAttachment }: { chat: ChatCore; fetchAttachment: AttachmentFetcher },
): Promise<Record<string, TakenFile>> {
  const taken = await Promise.all(
    given.map(async ({ option, attachment }): Promise<[string, TakenFile]> => {
      const bytes = await fetchAttachment(attachment.url);
      if (option.type === 'file') return [option.name, await chat.takeInFile(bytes, attachment.name)];
      return [option.name, { kind: 'image', image: await chat.takeInImage(bytes, attachment.name) }];
    }),
  );
  return Object.fromEntries(taken);
}
