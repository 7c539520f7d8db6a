/** What the doctor found about one thing. */
export interface DoctorCheck {
  /** Stable word: `runtime`, `trust-curl`. */
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  /** What was found, one sentence. */
  readonly message: string;
  /** What to do about it; absent where there is nothing to do. */
  readonly advice?: string;
}

export function ok(name: string, message: string): DoctorCheck {
  return { name, status: 'ok', message };
}

export function warn(name: string, message: string, advice: string): DoctorCheck {
  return { name, status: 'warn', message, advice };
}

export function fail(name: string, message: string, advice: string): DoctorCheck {
  return { name, status: 'fail', message, advice };
}
