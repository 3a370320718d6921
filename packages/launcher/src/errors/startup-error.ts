/** A foreseen reason why the product cannot start. The message is one sentence that says what to do; it is printed without a stack. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}
