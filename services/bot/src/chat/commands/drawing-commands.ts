import type { AssetRef, ImagineOptions, RequestBody, SourceRef } from '@atelier/shared/contracts/request';
import { findRequestByPrefix } from '@atelier/shared/db/chat/chat-lists';
import { AppError, invalidInput } from '@atelier/shared/errors/app-error';
import { isKeptPrivate } from '../../core/cards/card-facts.ts';
import type { CheckedCall } from '../../core/commands/check-call.ts';
import { parseShots } from '../../core/commands/parse-shots.ts';
import { readDrawingOptions } from '../../core/commands/read-drawing-options.ts';
import { validatePrompt } from '../../core/commands/validate-prompt.ts';
import type { ChatCommandCall, ChatOutcome } from '../../ports.ts';
import { checkAdultSource } from '../adult-places.ts';
import { type ChatContext, type KnownAsker, pictureOf } from '../chat-context.ts';

/** A command that is checked, with what came along. */
export interface DrawingCall {
  checked: CheckedCall;
  call: ChatCommandCall;
  by: KnownAsker;
}

/** imagine, edit, describe, blend, upscale, animate, storyboard: each becomes one request. */
export async function runDrawingCommand(
  context: ChatContext,
  { checked, call, by }: DrawingCall,
): Promise<ChatOutcome> {
  const images = imagesOfCall(call);
  const isPrivate = checked.flag('private');
  const accept = (body: RequestBody): Promise<ChatOutcome> => context.accept(by, body, { isPrivate });
  /** What comes of a private result is private, unless they say otherwise. */
  const acceptFrom = ({ source, isPrivate: was }: Source, body: RequestBody): Promise<ChatOutcome> =>
    context.accept(by, body, { isPrivate: isPrivate ?? (was ? true : undefined), parent: source });
  const options = readDrawingOptions(checked.values);
  const mask = imageOf(call, 'mask');
  const withMask = mask === undefined ? {} : { mask };
  const prompt = checked.text('prompt');
  const imagine = (text: string, rest: Partial<ImagineOptions>): RequestBody => ({
    kind: 'imagine',
    options: { prompt: text, ...options, ...(images.length === 0 ? {} : { images }), ...withMask, ...rest },
  });

  switch (checked.command) {
    case 'imagine':
      return accept(imagine(validatePrompt(prompt ?? ''), {}));
    case 'edit': {
      const text = validatePrompt(prompt ?? '');
      if (images.length > 0) return accept(imagine(text, { operation: mask === undefined ? 'image-edit' : 'inpaint' }));
      const from = await sourceOf(context, checked, call, by);
      const { source } = from;
      return acceptFrom(from, {
        kind: 'derive',
        action: 'edit',
        source,
        text,
        ...given({ ...options, ...withMask }),
      });
    }
    case 'describe': {
      if (images.length > 0) return accept({ kind: 'describe', images: images.slice(0, 5) });
      const from = await sourceOf(context, checked, call, by);
      return acceptFrom(from, { kind: 'describe', images: [from.image] });
    }
    case 'blend':
      if (images.length < 2) {
        throw invalidInput('Attach 2 to 5 pictures to blend.', '请附上 2 到 5 张图片进行融合。');
      }
      return accept(imagine(prompt ?? 'a blend of these pictures', { operation: 'blend' }));
    case 'upscale': {
      const creative = checked.text('mode') === 'creative';
      if (images.length > 0) return accept(imagine('upscale', { operation: creative ? 'hires-fix' : 'upscale' }));
      const from = await sourceOf(context, checked, call, by);
      const action = creative ? 'upscale_creative' : 'upscale_subtle';
      return acceptFrom(from, { kind: 'derive', action, source: from.source });
    }
    case 'animate': {
      if (images.length > 0) return accept(imagine(prompt ?? 'subtle motion', { operation: 'image-to-video' }));
      if (checked.text('job') === undefined && (call.about ?? []).length === 0 && prompt !== undefined) {
        return accept(imagine(validatePrompt(prompt), { operation: 'text-to-video' }));
      }
      const from = await sourceOf(context, checked, call, by);
      return acceptFrom(from, {
        kind: 'derive',
        action: 'animate',
        source: from.source,
        ...(prompt === undefined ? {} : { text: prompt }),
        ...given(options),
      });
    }
    case 'storyboard':
      return accept(storyboardBody(checked, call, images, options));
    default:
      throw new AppError('internal', `${checked.command} draws nothing`);
  }
}

function storyboardBody(
  checked: CheckedCall,
  call: ChatCommandCall,
  images: readonly AssetRef[],
  options: ReturnType<typeof readDrawingOptions>,
): RequestBody {
  const file = call.attachments?.['file'];
  const text = file?.kind === 'text' ? file.text : (checked.text('shots') ?? '');
  const [subject] = images;
  const shots = parseShots(text).map((shot) =>
    subject === undefined ? shot : { ...shot, references: [{ image: subject }] },
  );
  const style = checked.text('prompt');
  return {
    kind: 'shots',
    shots,
    ...(style === undefined ? {} : { style: validatePrompt(style) }),
    ...given(options),
  };
}

function given(options: Partial<ImagineOptions>): { options?: Partial<ImagineOptions> } {
  return Object.keys(options).length === 0 ? {} : { options };
}

/** Attached under the options of pictures, in their order, or as they came. */
export function imagesOfCall(call: ChatCommandCall): AssetRef[] {
  const named = ['image', 'image2', 'image3', 'image4', 'image5'].flatMap((name) => imageOf(call, name) ?? []);
  return [...named, ...(call.images ?? [])].slice(0, 5);
}

function imageOf(call: ChatCommandCall, name: string): AssetRef | undefined {
  const file = call.attachments?.[name];
  return file?.kind === 'image' ? file.image : undefined;
}

interface Source {
  source: SourceRef;
  image: AssetRef;
  isPrivate: boolean;
}

/** The earlier result that a command is about: named by its number, or the card that it replies to. */
async function sourceOf(
  context: ChatContext,
  checked: CheckedCall,
  call: ChatCommandCall,
  by: KnownAsker,
): Promise<Source> {
  const job = checked.text('job');
  const picture = (checked.number('picture') ?? 1) - 1;
  const [about] = call.about ?? [];
  if (job === undefined && about === undefined) {
    throw invalidInput(
      'Attach a picture, reply to a result, or choose an earlier one with --job.',
      '请附上图片、回复一个作品，或用 --作品 选择之前的作品。',
    );
  }
  const requestId = job === undefined ? about?.requestId : await requestIdOfJob(context, job);
  if (requestId === undefined) throw new AppError('not_found', 'there is no such request');
  const facts = await context.visible(requestId, by);
  checkAdultSource(facts, by, context.deps.settings);
  const wanted = checked.number('picture') === undefined ? (about?.picture ?? picture) : picture;
  const { hash, mediaType, filename } = pictureOf(facts, wanted).output;
  return {
    source: { requestId, picture: wanted },
    image: { hash, mediaType, name: filename.slice(0, 200) },
    isPrivate: isKeptPrivate(facts),
  };
}

/** By its whole id, or the first digits that lists show. */
export async function requestIdOfJob(context: ChatContext, job: string): Promise<string> {
  const found = await findRequestByPrefix(context.deps.db, job.replace(/^#/, ''));
  if (found === undefined) {
    throw new AppError('not_found', 'no request of this number', {
      publicMessage: {
        en: `There is no request ${job.slice(0, 40)}: /jobs and /history show their numbers.`,
        zh: `没有编号为 ${job.slice(0, 40)} 的请求：/任务 和 /历史 会显示编号。`,
      },
    });
  }
  return found;
}
