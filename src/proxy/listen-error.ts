export type ListenerName = 'ingress' | 'egress' | 'control' | 'admin';

/** A listener could not be opened. Whatever had been opened before is closed again. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly listener: ListenerName;
  readonly port: number;

  constructor(listener: ListenerName, port: number, cause: unknown) {
    super(`the ${listener} listener cannot use port ${port}`, { cause });
    this.listener = listener;
    this.port = port;
  }
}
