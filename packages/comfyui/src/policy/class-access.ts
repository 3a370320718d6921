import type { NodeClass } from '../registry/registry.ts';
import type { Policy } from './policy.ts';
import { shown } from './shown.ts';

/** Why a class may not be used, as a clause: "it writes model files". Undefined: it may. */
export function whyClassDenied(nodeClass: NodeClass, policy: Policy): string | undefined {
  const { name, pack } = nodeClass;
  if (policy.deniedPacks?.includes(pack) === true) return `its pack ${shown(pack)} was closed by an operator`;
  if (policy.allowedClasses.includes(name)) return undefined;
  const denied = policy.deniedClasses.get(name);
  if (denied !== undefined) return denied;
  if (nodeClass.isApiNode && !policy.allowApiNodes) return 'it calls a paid service over the network';
  return policy.packs.includes(pack) ? undefined : `its pack ${shown(pack)} is not on the list of allowed packs`;
}
