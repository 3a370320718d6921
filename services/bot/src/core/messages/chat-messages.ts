import type { PolicySuspicion } from '@atelier/shared/contracts/control';
import type { DeriveAction } from '@atelier/shared/contracts/request';
import type { ButtonAction } from '../cards/card-buttons.ts';
import type { ListName } from '../panels/panel.ts';

/** A button's short word, and what it does in full. */
export interface ActionWords {
  label: string;
  title: string;
}

/** What commands, buttons and forms say, in one language. */
export interface ChatMessages {
  actions: Record<ButtonAction, ActionWords>;
  /** Of a favourite that is one already. */
  unfavourite: ActionWords;
  /** Of a picture that only shows the part which would be redrawn. */
  region: {
    headline: string;
    tinted: (region: string) => string;
    lineage: string;
    describe: ActionWords;
    cancel: ActionWords;
  };
  pictureMenu: string;
  moreMenu: string;
  picture: (number: number) => string;
  /** What a request made from an earlier one is called. */
  lineage: Record<DeriveAction | 'rerun' | 'other', string>;
  /** The number is the picture's, from 1. */
  ofPicture: (made: string, picture: number) => string;
  plan: {
    title: string;
    /** GPU seconds, in words. */
    takes: (low: number, high: number) => string;
    pictures: (count: number) => string;
    model: (name: string) => string;
  };
  forms: {
    submit: string;
    reason: string;
    prompt: string;
    negative: string;
    change: string;
    region: string;
    regionHint: string;
    becomes: string;
    motion: string;
    settings: string;
    settingsHint: string;
    answer: string;
    remixHint: string;
    editHint: string;
    motionHint: string;
    reportHint: string;
  };
  lists: Record<ListName, { title: string; empty: string }>;
  listSummary: (count: number, page: number, pages: number) => string;
  previousPage: string;
  nextPage: string;
  /** When something happened, such as `5 min ago`. */
  ago: (seconds: number) => string;
  details: {
    title: string;
    author: (name: string) => string;
    prompt: (text: string) => string;
    negative: (text: string) => string;
    words: (text: string) => string;
    recipe: (name: string) => string;
    model: (name: string) => string;
    size: (width: number, height: number) => string;
    seed: (seed: string) => string;
    /** @param cfg undefined where nobody knows it. */
    sampling: (steps: number, cfg: number | undefined) => string;
    times: (waited: string, ran: string) => string;
    cost: (gpuSeconds: string, dollars: string) => string;
    tokens: (input: number, output: number) => string;
    number: (id: string) => string;
    seconds: (seconds: number) => string;
  };
  copied: string;
  opened: string;
  openedApi: string;
  chooseAspect: string;
  favourite: (on: boolean) => string;
  shared: string;
  alreadyShared: string;
  noTeamChannel: string;
  reported: string;
  askDelete: string;
  deleteYes: string;
  deleted: string;
  deletedCard: string;
  answered: string;
  private: string;
  cancelledAll: (count: number) => string;
  starting: string;
  originalsAt: string;
  youWrote: (text: string) => string;
  settings: {
    mineTitle: string;
    channelTitle: string;
    saved: string;
    nothing: string;
    line: (name: string, value: string) => string;
    names: {
      language: string;
      aspect: string;
      count: string;
      style: string;
      model: string;
      negative: string;
      isPrivate: string;
      wantsPing: string;
      recipe: string;
      showsAdult: string;
      hasBoard: string;
      role: string;
    };
    yes: string;
    no: string;
    team: string;
    admin: string;
  };
  styles: { saved: (name: string) => string; deleted: (name: string) => string; house: string };
  workflows: {
    saved: (name: string) => string;
    deleted: (name: string) => string;
    shared: (name: string, on: boolean) => string;
    set: (name: string) => string;
    sharedBy: (name: string) => string;
  };
  link: {
    title: string;
    code: (minutes: number) => string;
    page: string;
    linked: string;
    same: string;
  };
  signIn: {
    title: string;
    text: (minutes: number) => string;
    /** Of an address that no other machine reaches. */
    onlyThere: string;
    page: string;
    gateway: string;
  };
  tokens: {
    created: (name: string) => string;
    shownOnce: string;
    /** Its scopes, between commas. */
    may: (scopes: string) => string;
    useAt: (address: string) => string;
    revoked: (name: string) => string;
    /** A day, such as 2026-03-04. */
    ends: (day: string) => string;
    ended: (day: string) => string;
    endless: string;
    used: (ago: string) => string;
    unused: string;
    isRevoked: string;
  };
  usage: {
    title: (days: number) => string;
    total: (jobs: number, images: number, gpuSeconds: number) => string;
    tokens: (input: number, output: number, dollars: string) => string;
    nothing: string;
    quotas: { gpuSeconds: string; images: string; jobs: string };
    quota: (what: string, used: number, limit: number) => string;
  };
  admin: {
    paused: (name: string) => string;
    resumed: (name: string) => string;
    keptFor: (people: string) => string;
    reserved: (name: string, people: string | undefined) => string;
    priority: (of: { waiting: number; started: number; level: number }) => string;
    quotaTitle: (name: string) => string;
    quotaSaved: string;
    unlimited: string;
    share: (percent: number) => string;
    rule: (effect: 'allow' | 'deny', what: string, command: string) => string;
    ruleCleared: string;
    everybody: string;
    limitsTitle: string;
    limitsSaved: string;
    rate: (perMinute: number) => string;
    blocked: (words: string) => string;
    adult: (words: string) => string;
    statusTitle: string;
    instance: (name: string, state: string, jobs: number) => string;
    memory: (freeGb: string, totalGb: string) => string;
    loaded: (models: string) => string;
    stepsNow: (perSecond: string) => string;
    speed: (of: { what: string; seconds: string; stepsPerSecond: string | undefined; jobs: number }) => string;
    ended: (succeeded: number, failed: number) => string;
    lastError: (time: string, text: string) => string;
    foreign: (prompts: number) => string;
    queue: (waiting: number, running: number) => string;
    reports: (count: number) => string;
    audit: string;
    rules: string;
    none: string;
    states: { away: string; paused: string; idle: string; busy: string };
    scopes: { person: string; role: string; channel: string; guild: string };
    policy: {
      title: string;
      /** How a pack stands: of so many classes some are closed, and some ask for a second look. */
      pack: (classes: number, denied: number, suspicious: number) => string;
      suspicions: Record<PolicySuspicion, string>;
      open: string;
      closed: string;
      decided: string;
      subjects: Record<'pack' | 'class', string>;
      more: (count: number) => string;
      how: string;
      saved: Record<'allow' | 'deny' | 'default', (subject: string) => string>;
      lookTwice: (why: string) => string;
      packIsClosed: (pack: string) => string;
    };
  };
  help: { title: string; more: string; example: string };
}
