import { z } from 'zod';
import { languageSchema, type PlatformUser } from '@atelier/shared/contracts/identity';
import type { Database } from '@atelier/shared/db/connect-database';
import {
  type Identity,
  readPerson,
  readPersonSettings,
  savePersonSettings,
} from '@atelier/shared/db/chat/person-settings';
import { firstPersonIdOf } from '@atelier/shared/db/requests/accept-request';
import type { PersonSettings } from '../ports.ts';

/** A change made in another process shows after this. */
const freshMs = 10_000;
const maxPeople = 2_000;

const personSettingsSchema = z
  .object({
    language: languageSchema.optional().catch(undefined),
    aspect: z.string().optional().catch(undefined),
    count: z.number().optional().catch(undefined),
    style: z.string().optional().catch(undefined),
    model: z.string().optional().catch(undefined),
    negative: z.string().optional().catch(undefined),
    isPrivate: z.boolean().optional().catch(undefined),
    wantsPing: z.boolean().optional().catch(undefined),
  })
  .transform(
    (settings) =>
      Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as PersonSettings,
  );

export interface KnownPerson {
  personId: string;
  settings: PersonSettings;
  /** Everything that they are known as; of who is new, what they came as. */
  identities: readonly Identity[];
}

/** Who people are and what they have set, remembered for some seconds. */
export interface PeopleCache {
  find(user: Pick<PlatformUser, 'door' | 'id'>): Promise<KnownPerson>;
  settingsOf(personId: string): Promise<PersonSettings>;
  save(personId: string, changes: Record<string, string | number | boolean | null>): Promise<void>;
  /** They were linked: ask again. */
  forget(): void;
}

export function createPeopleCache({ db, now }: { db: Database; now: () => number }): PeopleCache {
  const known = new Map<string, { person: KnownPerson; at: number }>();

  return {
    async find(user) {
      const key = `${user.door}:${user.id}`;
      const kept = known.get(key);
      if (kept !== undefined && now() - kept.at < freshMs) return kept.person;
      const found = await readPerson(db, user);
      const person: KnownPerson =
        found === undefined
          ? {
              personId: firstPersonIdOf(user.door, user.id),
              settings: {},
              identities: [{ door: user.door, platformId: user.id }],
            }
          : { ...found, settings: personSettingsSchema.parse(found.settings) };
      known.delete(key);
      known.set(key, { person, at: now() });
      if (known.size > maxPeople) {
        const [oldest] = known.keys();
        if (oldest !== undefined) known.delete(oldest);
      }
      return person;
    },
    async settingsOf(personId) {
      for (const { person, at } of known.values()) {
        if (person.personId === personId && now() - at < freshMs) return person.settings;
      }
      return personSettingsSchema.parse(await readPersonSettings(db, personId));
    },
    async save(personId, changes) {
      await savePersonSettings(db, personId, changes);
      known.clear();
    },
    forget: () => known.clear(),
  };
}
