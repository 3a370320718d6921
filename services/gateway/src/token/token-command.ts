import { z } from 'zod';
import { UsageError, type CommandCall, type CommandLine } from '@atelier/shared/config/command-line';
import { languageSchema, uuidSchema } from '@atelier/shared/contracts/identity';
import { apiScopeSchema, usualScopes, type ApiLimits, type ApiScope } from '@atelier/shared/db/gateway/api-tokens';

const usage = `npm run token -- create --name NAME [--person ID | --for "A NAME"] [--scopes read,submit,webhooks]
                        [--days N] [--per-minute N] [--per-day N] [--open N] [--language en|zh]
npm run token -- list [--person ID]
npm run token -- revoke ID

create   prints a new token once. --person: of a person who exists, as list shows; --for: of a new one.
         Scopes: ${apiScopeSchema.options.join(', ')}.
list     what there is, without the tokens themselves.
revoke   ends a token at once.`;

export type TokenCommand =
  | {
      command: 'create';
      name: string;
      owner: { personId: string } | { displayName: string; language: 'en' | 'zh' };
      scopes: ApiScope[];
      limits: Partial<ApiLimits>;
      days: number | undefined;
    }
  | { command: 'list'; personId: string | undefined }
  | { command: 'revoke'; id: string };

const count = z.coerce.number({ error: 'must be a number' }).int().min(1).max(1_000_000).optional();
const options = {
  name: z.string().trim().min(1).max(100).optional(),
  person: uuidSchema.optional(),
  for: z.string().trim().min(1).max(100).optional(),
  language: languageSchema.default('en'),
  scopes: z
    .string()
    .default(usualScopes.join(','))
    .transform((text) => text.split(',').map((scope) => scope.trim()))
    .pipe(z.array(apiScopeSchema).min(1)),
  days: z.coerce.number({ error: 'must be a number' }).int().min(1).max(3_650).optional(),
  'per-minute': count,
  'per-day': count,
  open: count,
};

export const tokenCommandLine: CommandLine<typeof options> = { usage, options, takesWords: true };

/** What was typed. @throws UsageError that says what to change. */
export function tokenCommandOf({ values, words }: CommandCall<typeof options>): TokenCommand {
  const [command, id, ...rest] = words;
  if (rest.length > 0) throw new UsageError(`there is one word too many: ${rest.join(' ')}`);
  switch (command) {
    case 'list':
      return { command, personId: values.person };
    case 'revoke': {
      const parsed = uuidSchema.safeParse(id);
      if (!parsed.success) throw new UsageError('revoke takes the id of a token, as list shows it');
      return { command, id: parsed.data };
    }
    case 'create': {
      if (values.name === undefined) throw new UsageError('--name: say what the token is for');
      return {
        command,
        name: values.name,
        owner:
          values.person === undefined
            ? { displayName: values.for ?? values.name, language: values.language }
            : { personId: values.person },
        scopes: [...new Set(values.scopes)],
        limits: {
          ...(values['per-minute'] === undefined ? {} : { perMinute: values['per-minute'] }),
          ...(values['per-day'] === undefined ? {} : { perDay: values['per-day'] }),
          ...(values.open === undefined ? {} : { openRequests: values.open }),
        },
        days: values.days,
      };
    }
    case undefined:
      throw new UsageError('say what to do: create, list or revoke');
    default:
      throw new UsageError(`there is no command "${command}": create, list or revoke`);
  }
}
