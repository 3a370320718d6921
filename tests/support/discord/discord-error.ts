/** An answer that Discord gives instead of what was asked. Codes: Discord's list of JSON error codes. */
export class DiscordError extends Error {
  override readonly name = 'DiscordError';
  readonly status: number;
  readonly code: number;
  readonly errors: Record<string, string> | undefined;

  constructor(status: number, code: number, message: string, errors?: Record<string, string>) {
    super(message);
    this.status = status;
    this.code = code;
    this.errors = errors;
  }

  /** As Discord nests field errors: a path of keys, then `_errors`. */
  toJson(): Record<string, unknown> {
    if (this.errors === undefined) return { code: this.code, message: this.message };
    const nested: Record<string, unknown> = {};
    for (const [path, message] of Object.entries(this.errors)) {
      let at = nested;
      for (const key of path.split('.')) at = (at[key] ??= {}) as Record<string, unknown>;
      at['_errors'] = [{ code: 'INVALID', message }];
    }
    return { code: this.code, message: this.message, errors: nested };
  }
}

export const unknownChannel = (): DiscordError => new DiscordError(404, 10003, 'Unknown Channel');
export const unknownMessage = (): DiscordError => new DiscordError(404, 10008, 'Unknown Message');
export const unknownInteraction = (): DiscordError => new DiscordError(404, 10062, 'Unknown interaction');
export const missingAccess = (): DiscordError => new DiscordError(403, 50001, 'Missing Access');
export const missingPermissions = (): DiscordError => new DiscordError(403, 50013, 'Missing Permissions');

export function invalidForm(errors: Record<string, string>): DiscordError {
  return new DiscordError(400, 50035, 'Invalid Form Body', errors);
}
