import type { Place, PlatformUser } from '@atelier/shared/contracts/identity';

/** Who asks, by which event, and where. */
export interface Asker {
  /** The platform's id of what asked: a repeat of it is the same request. */
  eventId: string;
  user: PlatformUser;
  place: Place;
  standing?: Standing;
}

/** What a platform says about somebody in a place. */
export interface Standing {
  /** Ids of their roles there. */
  roles?: readonly string[];
  /** Of the place and what it lies in, such as a thread's channel; rules and settings of each apply, the first most. */
  channelIds?: readonly string[];
  /** They manage the server, or the group. */
  isChatAdmin?: boolean;
  /** The platform says that the place is for adults. */
  isAdultPlace?: boolean;
  /** Nobody but them reads there. */
  isDirect?: boolean;
}
