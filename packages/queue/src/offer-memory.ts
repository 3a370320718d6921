import type { RegistryOffers } from './forecast-snapshot.ts';

/** What a registry offers, as it is stored. */
export interface StoredOffer {
  registryHash: string;
  classes: readonly string[];
  /** Null: not known. */
  models: readonly string[] | null;
}

/**
 * What the registries of these instances offer. What a registry has is long and never changes: each is read once, and
 * forgotten with its last instance.
 */
export type OfferMemory = (instances: readonly { registryHash: string | null }[]) => Promise<RegistryOffers>;

export function createOfferMemory(
  readOffers: (registryHashes: readonly string[]) => Promise<readonly StoredOffer[]>,
): OfferMemory {
  let offers: RegistryOffers = new Map();
  return async (instances) => {
    const hashes = new Set(instances.flatMap(({ registryHash }) => registryHash ?? []));
    const unknown = [...hashes].filter((hash) => !offers.has(hash));
    if (unknown.length === 0 && offers.size === hashes.size) return offers;
    const found = unknown.length === 0 ? [] : await readOffers(unknown);
    offers = new Map([
      ...[...offers].filter(([hash]) => hashes.has(hash)),
      ...found.map(({ registryHash, classes, models }) => {
        const offer = { classes: new Set(classes), models: models === null ? undefined : new Set(models) };
        return [registryHash, offer] as const;
      }),
    ]);
    return offers;
  };
}
