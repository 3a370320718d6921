/** An exception that the server's Python code would raise at this point; never thrown out of this folder. */
export class PythonException extends Error {
  override readonly name = 'PythonException';
  /** `KeyError`, `TypeError`, … */
  readonly type: string;

  /** @param message what `str(exception)` gives. */
  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}
