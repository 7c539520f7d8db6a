import { readFileSync } from 'node:fs';
import { constants } from 'node:os';

const forwarded = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'] as const;
type Forwarded = (typeof forwarded)[number];

/** These end the run where nothing is there to take them. */
const ending: readonly Forwarded[] = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'];

/** npm passes Ctrl-C on to whom the terminal has told already: within this time it is no second one. */
const ECHO_MS = 100;

/** Who is to have the signals that come to this process. */
export type SignalTarget =
  /** A command. */
  | { readonly kind: 'child'; readonly sharesTerminal: boolean; signal(signal: NodeJS.Signals): void }
  /** Nobody yet: the run ends. */
  | { readonly kind: 'nobody' }
  /** Nobody any more: the run is being brought to its end, which `hurry`, where there is one, makes quicker. */
  | { readonly kind: 'done'; hurry?(): void };

/**
 * The signals that come to this process while it runs a command. They are for the command: this process lives until
 * that has ended, since it has a capture to write and files to remove.
 */
export class RunSignals implements Disposable {
  /** Who has them from now on. */
  target: SignalTarget = { kind: 'nobody' };
  readonly #interrupt = new AbortController();
  readonly #listeners: readonly (readonly [Forwarded, () => void])[];
  #last = Number.NEGATIVE_INFINITY;

  /** @param onImpatience a signal came while what was recorded is being written */
  constructor(onImpatience: (signal: NodeJS.Signals) => void) {
    const names = process.platform === 'win32' ? (['SIGINT', 'SIGTERM', 'SIGHUP'] as const) : forwarded;
    this.#listeners = names.map((name) => [name, () => this.#receive(name, onImpatience)]);
    for (const [name, listener] of this.#listeners) process.on(name, listener);
  }

  /** Aborted, with an {@link InterruptedError}, by a signal that nobody was there to take. */
  get interrupted(): AbortSignal {
    return this.#interrupt.signal;
  }

  [Symbol.dispose](): void {
    for (const [name, listener] of this.#listeners) process.off(name, listener);
  }

  #receive(signal: Forwarded, onImpatience: (signal: NodeJS.Signals) => void): void {
    const sinceLast = performance.now() - this.#last;
    this.#last = performance.now();
    const { target } = this;
    if (target.kind === 'child') {
      if (!(target.sharesTerminal && isFromTerminal(signal))) target.signal(signal);
    } else if (!ending.includes(signal)) {
      return;
    } else if (target.kind === 'nobody') {
      this.#interrupt.abort(new InterruptedError(signal));
    } else if (signal !== 'SIGINT' || sinceLast > ECHO_MS) {
      if (target.hurry === undefined) onImpatience(signal);
      else target.hurry();
    }
  }
}

/** The run was ended by a signal before its command could be. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  /** Of this program: 128 and the signal's number. */
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`ended by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/**
 * Whether a signal comes from the keyboard of a terminal: then the whole foreground process group has it, and the
 * command must not get it twice (to many programs a second Ctrl-C means: at once, and without order). A signal does
 * not tell where it is from; but a process group in the foreground hardly gets these two from anywhere else.
 */
function isFromTerminal(signal: NodeJS.Signals): boolean {
  return (signal === 'SIGINT' || signal === 'SIGQUIT') && isInForeground();
}

function isInForeground(): boolean {
  try {
    // proc(5): after the command's name in parentheses: state, ppid, pgrp, session, tty_nr, tpgid.
    const fields = readFileSync('/proc/self/stat', 'latin1').split(') ').at(-1)?.split(' ') ?? [];
    return fields[2] === fields[5];
  } catch {
    // No Linux: a stream that is a terminal has to do as a sign.
    return [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
  }
}
