/** Exit codes of the program; scripts rely on them. */
export const ExitCode = {
  ok: 0,
  failure: 1,
  usage: 2,
  /** Nothing answers at the control API's URL. */
  runtimeUnreachable: 3,
  unknownSession: 4,
  invalidDocument: 5,
  /** The run went through, and calls were refused that no rule answered. */
  strictMisses: 6,
  /** `doctor` found a failure. */
  doctor: 10,
  /** Two things that should be the same are not. */
  drift: 20,
  /** A defect of ours, as `EX_SOFTWARE` of sysexits.h. */
  internal: 70,
} as const;
