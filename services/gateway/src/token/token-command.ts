import { parseArgs } from 'node:util';
import { z } from 'zod';
import { languageSchema, uuidSchema } from '@atelier/shared/contracts/identity';
import { apiScopeSchema, usualScopes, type ApiLimits, type ApiScope } from '@atelier/shared/db/gateway/api-tokens';
import { AppError } from '@atelier/shared/errors/app-error';

export const tokenUsage = `npm run token -- create --name NAME [--person ID | --for "A NAME"] [--scopes read,submit,webhooks]
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
  | { command: 'revoke'; id: string }
  | { command: 'help' };

const count = z.coerce.number({ error: 'must be a number' }).int().min(1).max(1_000_000).optional();
const valuesSchema = z.object({
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
});
const text = { type: 'string' } as const;

/** What was typed. @throws AppError `invalid_input` whose message says what to change. */
export function parseTokenCommand(args: readonly string[]): TokenCommand {
  const { values, positionals } = parse(args);
  const [command, id, ...rest] = positionals;
  if (command === undefined || command === 'help' || rest.length > 0) return { command: 'help' };
  const read = valuesSchema.safeParse(values);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new AppError('invalid_input', `--${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is wrong'}`);
  }
  const options = read.data;
  switch (command) {
    case 'list':
      return { command, personId: options.person };
    case 'revoke': {
      const parsed = uuidSchema.safeParse(id);
      if (!parsed.success) throw new AppError('invalid_input', 'revoke takes the id of a token, as list shows it');
      return { command, id: parsed.data };
    }
    case 'create': {
      if (options.name === undefined) throw new AppError('invalid_input', '--name: say what the token is for');
      return {
        command,
        name: options.name,
        owner:
          options.person === undefined
            ? { displayName: options.for ?? options.name, language: options.language }
            : { personId: options.person },
        scopes: [...new Set(options.scopes)],
        limits: {
          ...(options['per-minute'] === undefined ? {} : { perMinute: options['per-minute'] }),
          ...(options['per-day'] === undefined ? {} : { perDay: options['per-day'] }),
          ...(options.open === undefined ? {} : { openRequests: options.open }),
        },
        days: options.days,
      };
    }
    default:
      throw new AppError('invalid_input', `there is no command "${command}": create, list or revoke`);
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        name: text,
        person: text,
        for: text,
        language: text,
        scopes: text,
        days: text,
        'per-minute': text,
        'per-day': text,
        open: text,
      },
    });
  } catch (cause) {
    throw new AppError('invalid_input', cause instanceof Error ? cause.message : 'this cannot be read', { cause });
  }
}
