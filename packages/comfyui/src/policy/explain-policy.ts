import type { NodeClass, NodeInput, Registry } from '../registry/registry.ts';
import { whyClassDenied } from './class-access.ts';
import { defaultPolicy } from './default-policy.ts';
import { inputRole } from './input-role.ts';
import type { Policy } from './policy.ts';

/** What should make an operator look twice before a class is allowed. */
export type Suspicion =
  /** Code of somebody else than ComfyUI's makers. */
  | 'custom_pack'
  /** A text names a file, a folder or a path. */
  | 'file_input'
  /** A text names an address, a key or a password. */
  | 'address_input'
  /** It calls a paid service. */
  | 'api_node'
  /** {@link defaultPolicy} has a reason against it. */
  | 'denied_by_default';

export interface ExplainedClass {
  name: string;
  displayName: string;
  allowed: boolean;
  /** Why not, as a clause. */
  reason?: string;
  suspicions: Suspicion[];
  /** Inputs that the suspicions mean. */
  inputs: string[];
}

export interface ExplainedPack {
  pack: string;
  /** Every class of it that nothing speaks against may be used. */
  allowed: boolean;
  suspicious: boolean;
  classes: ExplainedClass[];
}

/** What servers have, by pack and class, and what a policy says about each. The same class of several servers is told once. */
export function explainPolicy(registries: readonly Registry[], policy: Policy): ExplainedPack[] {
  const packs = new Map<string, Map<string, ExplainedClass>>();
  for (const registry of registries) {
    for (const nodeClass of registry.classes.values()) {
      const classes = packs.get(nodeClass.pack) ?? new Map<string, ExplainedClass>();
      packs.set(nodeClass.pack, classes);
      if (!classes.has(nodeClass.name)) classes.set(nodeClass.name, explainClass(nodeClass, policy));
    }
  }
  return [...packs]
    .toSorted(([a], [b]) => Number(b === 'core') - Number(a === 'core') || a.localeCompare(b))
    .map(([pack, classes]) => {
      const list = [...classes.values()].toSorted((a, b) => a.name.localeCompare(b.name));
      return {
        pack,
        allowed: policy.packs.includes(pack) && policy.deniedPacks?.includes(pack) !== true,
        suspicious: list.some(({ suspicions }) => suspicions.length > 0),
        classes: list,
      };
    });
}

function explainClass(nodeClass: NodeClass, policy: Policy): ExplainedClass {
  const reason = whyClassDenied(nodeClass, policy);
  const files = nodeClass.inputs.filter((input) => hasRole(nodeClass, input, 'file'));
  const addresses = nodeClass.inputs.filter((input) => hasRole(nodeClass, input, 'address'));
  const suspicions: Suspicion[] = [];
  if (nodeClass.pack !== 'core') suspicions.push('custom_pack');
  if (files.length > 0) suspicions.push('file_input');
  if (addresses.length > 0) suspicions.push('address_input');
  if (nodeClass.isApiNode) suspicions.push('api_node');
  if (defaultPolicy.deniedClasses.has(nodeClass.name)) suspicions.push('denied_by_default');
  return {
    name: nodeClass.name,
    displayName: nodeClass.displayName,
    allowed: reason === undefined,
    ...(reason === undefined ? {} : { reason }),
    suspicions,
    inputs: [...files, ...addresses].map(({ name }) => name),
  };
}

function hasRole(nodeClass: NodeClass, input: NodeInput, role: 'file' | 'address'): boolean {
  return input.type === 'STRING' && inputRole(nodeClass, input) === role;
}
