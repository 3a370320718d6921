/** A refusal in Telegram's own words. https://core.telegram.org/bots/api#making-requests */
export class TelegramError extends Error {
  readonly status: number;
  readonly parameters: { retry_after?: number; migrate_to_chat_id?: number };

  constructor(status: number, description: string, parameters: TelegramError['parameters'] = {}) {
    super(description);
    this.status = status;
    this.parameters = parameters;
  }
}

export function badRequest(description: string, parameters: TelegramError['parameters'] = {}): TelegramError {
  return new TelegramError(400, `Bad Request: ${description}`, parameters);
}
