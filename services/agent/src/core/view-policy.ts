import { type ExplainedClass, explainPolicy, type Suspicion } from '@atelier/comfyui/policy/explain-policy';
import type { PolicyView, PolicyViewRequest } from '@atelier/shared/contracts/control';
import type { Catalog } from './catalog.ts';

/** What the servers' packs and classes may do, for operators who decide about them in a chat. */
export function viewPolicy(
  { registries, policy }: Pick<Catalog, 'registries' | 'policy'>,
  { pack, search, limit }: PolicyViewRequest,
): PolicyView {
  const packs = explainPolicy(registries, policy);
  const wanted = search?.trim().toLowerCase() ?? '';
  const found = packs
    .filter((one) => pack === undefined || one.pack === pack)
    .flatMap((one) => one.classes.map((each) => ({ ...each, pack: one.pack })))
    .filter(({ name, displayName }) => [name, displayName].some((text) => text.toLowerCase().includes(wanted)));
  const rank = (one: ExplainedClass): number =>
    // Whoever types a whole name means that one.
    (one.name.toLowerCase() === wanted ? 0 : 100) - one.suspicions.filter(isOfItsOwn).length;
  return {
    packs: packs.map((one) => ({
      pack: one.pack,
      allowed: one.allowed,
      classes: one.classes.length,
      denied: one.classes.filter(({ allowed }) => !allowed).length,
      suspicious: one.classes.filter(({ suspicions }) => suspicions.some(isOfItsOwn)).length,
    })),
    classes: found
      .toSorted((a, b) => rank(a) - rank(b))
      .slice(0, limit)
      .map(({ name, pack: of, allowed, reason, suspicions, inputs }) => ({
        name,
        pack: of,
        allowed,
        ...(reason === undefined ? {} : { reason }),
        suspicions,
        inputs,
      })),
    total: found.length,
  };
}

/** Every class of a custom pack is of one: that alone tells none from the others. */
function isOfItsOwn(suspicion: Suspicion): boolean {
  return suspicion !== 'custom_pack';
}
