import { type DeriveAction, type RequestBody, seedSchema, type SourceRef } from '@atelier/shared/contracts/request';
import { wordsOf } from '@atelier/shared/access/blocked-words';
import { commandOfBody } from '@atelier/shared/access/command-of-body';
import { readRepeated } from '@atelier/shared/access/read-repeated';
import { addPost } from '@atelier/shared/db/chat/chat-posts';
import { readFavourites, setFavourite } from '@atelier/shared/db/chat/chat-lists';
import { ensurePerson } from '@atelier/shared/db/chat/link-codes';
import { deleteResult, findQuestionRequest, markShared } from '@atelier/shared/db/chat/request-marks';
import { isQuestionExpired } from '@atelier/shared/db/requests/ask-question';
import { AppError, invalidInput } from '@atelier/shared/errors/app-error';
import { formatButtonId, type PressedButton } from '../core/cards/card-buttons.ts';
import { type CardFacts, imagesOf, isKeptPrivate, shownRegionOf } from '../core/cards/card-facts.ts';
import { contactSheetPanel } from './contact-sheet-panel.ts';
import { createButtons } from '../core/cards/card-rows.ts';
import type { CardImage } from '../core/cards/job-card.ts';
import { renderJobCard } from '../core/cards/render-job-card.ts';
import { aspectChoices } from '../core/commands/drawing-options.ts';
import { formatCommand } from '../core/commands/format-command.ts';
import { readAspect } from '../core/commands/option-values.ts';
import { buildForm, type FormAction, isFormAction } from '../core/forms/build-forms.ts';
import { renderDetails } from '../core/panels/render-details.ts';
import { renderPicture } from '../core/panels/render-picture.ts';
import type { ChatOutcome, OutcomeFile } from '../ports.ts';
import { checkAdultSource } from './adult-places.ts';
import { answerPendingQuestion, questionExpired, questionGone } from './answer-question.ts';
import { cancelRequestOf } from './cancel-request.ts';
import { type ChatContext, type KnownAsker, pictureOf, said } from './chat-context.ts';
import { checkReader, parseListArg, showList } from './commands/list-commands.ts';
import { runSavedWorkflow } from './commands/workflow-commands.ts';
import { liveFactsOf } from './live-facts.ts';
import { workflowFile } from './workflow-file.ts';

/** Actions that make a new request from an earlier one at once. */
const derives = new Set<DeriveAction>([
  'upscale_subtle',
  'upscale_creative',
  'vary_subtle',
  'vary_strong',
  'reroll',
  'background',
]);

/** Does what a button says, for whoever may. */
export async function pressButton(context: ChatContext, button: PressedButton, by: KnownAsker): Promise<ChatOutcome> {
  const { action } = button;
  if (action === 'page') {
    const query = parseListArg(button.arg);
    if (query === undefined) throw new AppError('not_found', 'there is no such list');
    checkReader(button.requestId, by);
    return showList(context, { ...query, page: button.picture ?? 0 }, by);
  }
  if (action === 'run_workflow') return runSavedWorkflow(context, button.requestId, by);
  if (action === 'answer') return answer(context, button, by);
  if (action === 'cancel') {
    const result = await cancelRequestOf(context, button.requestId, by);
    return said(result === 'cancelling' ? by.m.replies.cancelling : by.m.replies.alreadyFinished);
  }
  if (isFormAction(action)) return { outcome: 'form', form: await openForm(context, { ...button, action }, by) };
  return withRequest(context, button, by, await context.visible(button.requestId, by));
}

async function withRequest(
  context: ChatContext,
  button: PressedButton,
  by: KnownAsker,
  facts: CardFacts,
): Promise<ChatOutcome> {
  const { request } = facts;
  const picture = button.picture ?? 0;
  const { chat } = by.m;
  if (derives.has(button.action as DeriveAction)) {
    return derive(context, by, facts, button.action as DeriveAction, button.picture);
  }
  switch (button.action) {
    case 'retry':
      return retry(context, by, facts);
    case 'rerun':
      return derive(context, by, facts, 'remix', undefined, sameSeed(request.plan?.seed));
    case 'redraw_region':
      return redrawRegion(context, by, facts);
    case 'outpaint':
    case 'aspect':
      if (button.arg === undefined) return chooseAspect(button.action, facts, picture, by);
      return derive(context, by, facts, button.action, picture, { options: readAspect(button.arg.replace('x', ':')) });
    case 'pick':
      return picturePanel(context, facts, picture, by);
    case 'original':
      return originals(context, facts, button.picture);
    case 'sheet':
      return contactSheetPanel(context, facts, cardImages(context, facts, by), by.m);
    case 'details':
      return panelOf(chat.details.title, renderDetails(facts, by.user.language));
    case 'copy':
      return {
        outcome: 'panel',
        panel: {
          text: chat.copied,
          code: formatCommand(request.body, request.plan, by.user.language),
          rows: [],
          links: [],
        },
      };
    case 'open':
      return workflowFile(context, facts, picture, by.m);
    case 'show':
      return { outcome: 'card', facts: request.finishedAt === null ? facts : { ...facts, delivered: true } };
    case 'favourite':
      return favourite(context, button, by, facts);
    case 'share':
      return share(context, facts, button.picture, by);
    case 'delete':
      return remove(context, button, by, facts);
    default:
      throw new AppError('not_found', 'no button of ours');
  }
}

/** Where every picture has a seed of its own, the plan names none that could be set. */
function sameSeed(seed: string | undefined): { options?: { seed: string } } {
  const parsed = seedSchema.safeParse(seed);
  return parsed.success ? { options: { seed: parsed.data } } : {};
}

/** A new request from an earlier one. A private one stays private. */
export async function derive(
  context: ChatContext,
  by: KnownAsker,
  facts: CardFacts,
  action: DeriveAction,
  picture: number | undefined,
  rest: Partial<Extract<RequestBody, { kind: 'derive' }>> = {},
  isPrivate = isKeptPrivate(facts),
): Promise<ChatOutcome> {
  if (facts.request.finishedAt === null) throw notYet();
  checkAdultSource(facts, by, context.deps.settings);
  if ((action === 'reroll' || action === 'remix') && rest.options?.prompt === undefined) {
    await checkRepeat(context, by, facts);
  }
  if (picture !== undefined) pictureOf(facts, picture);
  const source: SourceRef = { requestId: facts.request.id, ...(picture === undefined ? {} : { picture }) };
  return context.accept(
    by,
    { kind: 'derive', action, source, ...rest },
    { parent: source, ...(isPrivate ? { isPrivate: true } : {}) },
  );
}

/** What is asked for again counts for rules as what it was: its command, and its words. */
async function checkRepeat(context: ChatContext, by: KnownAsker, facts: CardFacts): Promise<void> {
  const asked = await readRepeated(
    facts.origin?.body ?? facts.request.body,
    async (id) => (await context.deps.reader.readFacts([id]))[0]?.request.body,
  );
  await context.access.check(by, commandOfBody(asked));
  context.checkWords(by, wordsOf(asked));
}

/** What was asked for when its region was shown, this time redrawn. */
async function redrawRegion(context: ChatContext, by: KnownAsker, facts: CardFacts): Promise<ChatOutcome> {
  const shown = shownRegionOf(facts);
  if (shown === undefined) throw new AppError('not_found', 'this shows no region');
  const { source, text, region, options } = shown.body;
  const drawn = await context.visible(source.requestId, by);
  const words = {
    ...(text === undefined ? {} : { text }),
    ...(region === undefined ? {} : { region }),
    ...(options === undefined ? {} : { options }),
  };
  // Its words may be private where the picture is not.
  const isPrivate = isKeptPrivate(drawn) || isKeptPrivate(facts);
  return derive(context, by, drawn, 'vary_region', source.picture, words, isPrivate);
}

async function retry(context: ChatContext, by: KnownAsker, facts: CardFacts): Promise<ChatOutcome> {
  const { body } = facts.request;
  checkAdultSource(facts, by, context.deps.settings);
  await checkRepeat(context, by, facts);
  // A repeat of a repeat repeats the first, so that no chain grows.
  await Promise.all(imagesOf(facts.origin?.body ?? body).map((image) => context.keepImage(image)));
  const requestId = body.kind === 'rerun' ? body.requestId : facts.request.id;
  const shotIds = failedShots(facts) ?? (body.kind === 'rerun' ? body.shotIds : undefined);
  return context.accept(
    by,
    { kind: 'rerun', requestId, ...(shotIds === undefined ? {} : { shotIds }) },
    { parent: { requestId }, ...(isKeptPrivate(facts) ? { isPrivate: true } : {}) },
  );
}

/** Of a storyboard the shots that gave nothing, where others did. */
function failedShots({ jobs }: CardFacts): string[] | undefined {
  const shots = Map.groupBy(
    jobs.filter(({ params }) => params?.shotId !== undefined),
    ({ params }) => params?.shotId ?? '',
  );
  const failed = [...shots].flatMap(([shotId, own]) =>
    own.some(({ state }) => state === 'succeeded') ? [] : [shotId],
  );
  return failed.length === 0 || failed.length === shots.size ? undefined : failed;
}

/** The form of a button, filled in. */
export async function openForm(context: ChatContext, button: PressedButton & { action: FormAction }, by: KnownAsker) {
  const requestId =
    button.action === 'answer_text' ? await questionRequest(context, button.requestId) : button.requestId;
  const facts = await context.visible(requestId, by);
  if (button.picture !== undefined && button.action !== 'answer_text') pictureOf(facts, button.picture);
  if (button.action === 'answer_text' && facts.request.question?.id !== button.requestId) {
    throw (await isQuestionExpired(context.deps.db, button.requestId)) ? questionExpired() : questionGone();
  }
  const { action, requestId: id, picture, arg } = button;
  return buildForm(
    { action, id, ...(picture === undefined ? {} : { picture }), ...(arg === undefined ? {} : { arg }) },
    facts,
    by.user.language,
  );
}

async function answer(context: ChatContext, button: PressedButton, by: KnownAsker): Promise<ChatOutcome> {
  const requestId = await questionRequest(context, button.requestId);
  const { question } = (await context.visible(requestId, by)).request;
  const wantsWords = button.arg === 'change' && question?.id === button.requestId && question.allowText;
  if (wantsWords) {
    const form = { action: 'answer_text', requestId: button.requestId, arg: 'change' } as const;
    return { outcome: 'form', form: await openForm(context, form, by) };
  }
  return answerPendingQuestion(context, by, {
    requestId,
    questionId: button.requestId,
    ...(button.arg === undefined ? {} : { choice: button.arg }),
  });
}

export async function questionRequest(context: ChatContext, questionId: string): Promise<string> {
  const requestId = await findQuestionRequest(context.deps.db, questionId);
  if (requestId === undefined) throw questionGone();
  return requestId;
}

function chooseAspect(action: 'outpaint' | 'aspect', facts: CardFacts, picture: number, by: KnownAsker): ChatOutcome {
  const button = createButtons(facts.request.id, by.m);
  const buttons = aspectChoices.map(({ value, label }) =>
    button(action, { picture, arg: value.replace(':', 'x'), label: value, title: label[by.user.language] }),
  );
  return {
    outcome: 'panel',
    panel: { text: by.m.chat.chooseAspect, rows: [buttons.slice(0, 4), buttons.slice(4)], links: [] },
  };
}

async function picturePanel(
  context: ChatContext,
  facts: CardFacts,
  picture: number,
  by: KnownAsker,
): Promise<ChatOutcome> {
  const { output } = pictureOf(facts, picture);
  const kept = await readFavourites(context.deps.db, by.personId, [output.hash]);
  const isAuthor = facts.request.personId === by.personId;
  const panel = renderPicture(
    facts,
    {
      picture,
      image: cardImages(context, facts, by).at(picture),
      isKept: kept.has(output.hash),
      isAuthor,
      mayDelete: isAuthor || (await context.access.mayModerate(facts, by)),
    },
    by.m,
  );
  return { outcome: 'panel', panel };
}

function cardImages(context: ChatContext, facts: CardFacts, by: KnownAsker): CardImage[] {
  const card = renderJobCard({ ...facts, delivered: true }, liveFactsOf(context.deps), by.user.language);
  return card.tiles.flatMap((tile) => tile.image ?? []);
}

function originals(context: ChatContext, facts: CardFacts, picture: number | undefined): ChatOutcome {
  const all = renderJobCard({ ...facts, delivered: true }, liveFactsOf(context.deps), 'en').tiles.flatMap(
    (tile) => tile.image ?? [],
  );
  const chosen = picture === undefined ? all : all.slice(picture, picture + 1);
  if (chosen.length === 0) {
    // Says that it is gone.
    pictureOf(facts, picture ?? 0);
  }
  const files = chosen.map((image): OutcomeFile => {
    const { hash, mediaType, bytes, filename, alt, thumbnailHash } = image;
    const { publicUrl, signedFilePath } = context.deps;
    return {
      kind: 'stored',
      hash,
      mediaType,
      bytes,
      filename,
      alt,
      ...(thumbnailHash === undefined ? {} : { thumbnailHash }),
      ...(facts.marks?.isCovered === true ? { isCovered: true } : {}),
      ...(publicUrl === undefined ? {} : { url: `${publicUrl}${signedFilePath({ hash, filename })}` }),
    };
  });
  return { outcome: 'files', files };
}

async function favourite(
  context: ChatContext,
  button: PressedButton,
  by: KnownAsker,
  facts: CardFacts,
): Promise<ChatOutcome> {
  const { job, output } = pictureOf(facts, button.picture ?? 0);
  const personId = await ensurePerson(context.deps.db, by.user);
  const wish = button.arg === 'on' ? true : button.arg === 'off' ? false : undefined;
  const kept = await setFavourite(
    context.deps.db,
    { personId, jobId: job.id, outputIndex: output.index, hash: output.hash },
    wish,
  );
  return said(by.m.chat.favourite(kept));
}

/** Everybody may see it from now on, and the team's channels are shown it. */
async function share(
  context: ChatContext,
  facts: CardFacts,
  picture: number | undefined,
  by: KnownAsker,
): Promise<ChatOutcome> {
  const { db, settings, feed, ringPosts } = context.deps;
  const { id, personId } = facts.request;
  if (personId !== by.personId) throw authorOnly();
  context.checkRate(by);
  if (facts.jobs.every((job) => job.outputs.length === 0)) pictureOf(facts, picture ?? 0);
  await markShared(db, id);
  let posted = 0;
  const places = settings.placesFor('team');
  for (const place of places) {
    const isNew = await addPost(db, {
      key: `share:${id}:${picture ?? 'all'}:${place.door}:${place.id}`,
      place,
      kind: 'share',
      requestId: id,
      ...(picture === undefined ? {} : { picture }),
    });
    if (isNew) posted += 1;
  }
  feed.ring(id);
  if (posted > 0) ringPosts();
  const { chat } = by.m;
  return said(places.length === 0 ? chat.noTeamChannel : posted === 0 ? chat.alreadyShared : chat.shared);
}

async function remove(
  context: ChatContext,
  button: PressedButton,
  by: KnownAsker,
  facts: CardFacts,
): Promise<ChatOutcome> {
  const { id, personId, finishedAt } = facts.request;
  if (personId !== by.personId && !(await context.access.mayModerate(facts, by))) throw authorOnly();
  if (finishedAt === null) throw notYet();
  const { chat } = by.m;
  if (button.arg !== 'yes') {
    const yes = {
      ...createButtons(id, by.m)('delete', { arg: 'yes', label: chat.deleteYes, title: chat.deleteYes }),
      id: formatButtonId('delete', id, { arg: 'yes' }),
    };
    return { outcome: 'panel', panel: { text: chat.askDelete, rows: [[yes]], links: [] } };
  }
  await deleteResult(context.deps.db, id);
  context.deps.feed.ring(id);
  return said(chat.deleted);
}

function panelOf(title: string, text: string): ChatOutcome {
  return { outcome: 'panel', panel: { title, text, rows: [], links: [] } };
}

function notYet(): AppError {
  return invalidInput('It has not ended yet: wait for it, or cancel it.', '它尚未结束：请等待或取消。');
}

function authorOnly(): AppError {
  return new AppError('forbidden', 'for its author', {
    publicMessage: { en: 'Only the author of this may do that.', zh: '只有作者可以这样做。' },
  });
}
