/** What all errors of the library have in common that a test may want to tell from its own. */
export class SoftprobeError extends Error {
  override readonly name: string = 'SoftprobeError';
}
