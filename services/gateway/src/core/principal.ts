import type { Language } from '@atelier/shared/contracts/identity';
import type { ApiLimits, ApiScope } from '@atelier/shared/db/gateway/api-tokens';
import { problem } from './problems/to-problem.ts';

/** Who makes a call, whatever they showed. */
export interface Principal {
  personId: string;
  /** How the door `api` knows the person: the user and the place of what they ask for. */
  account: string;
  displayName: string;
  language: Language;
  kind: 'token' | 'session' | 'local';
  /** Id of the token or session; `local` for an open loopback gateway. Never a secret. */
  credentialId: string;
  scopes: readonly ApiScope[];
  limits: ApiLimits;
}

export function hasScope(principal: Principal, scope: ApiScope): boolean {
  return principal.scopes.includes(scope);
}

/** @throws AppError (`FORBIDDEN`) where the caller's token lacks the scope. */
export function requireScope(principal: Principal, scope: ApiScope): void {
  if (hasScope(principal, scope)) return;
  throw problem(
    'FORBIDDEN',
    `This token lacks the scope "${scope}": make one that has it.`,
    `该令牌缺少权限 "${scope}"：请创建具有该权限的令牌。`,
  );
}
