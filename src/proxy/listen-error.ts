import { SoftprobeError } from '../cases/index.ts';

export type ListenerName = 'ingress' | 'egress' | 'control' | 'admin';

/** A listener could not be opened. Whatever had been opened before is closed again. */
export class ListenError extends SoftprobeError {
  override readonly name = 'ListenError';
  readonly listener: ListenerName;
  readonly port: number;

  constructor(listener: ListenerName, port: number, cause: unknown) {
    const { code = String(cause) } = (cause ?? {}) as NodeJS.ErrnoException;
    const remedy =
      code === 'EADDRINUSE' ? ': another process has it; choose another, or 0 for any free one' : '';
    super(`the ${listener} listener cannot use port ${port} (${code})${remedy}`, { cause });
    this.listener = listener;
    this.port = port;
  }
}
