/** Exit codes of the program; scripts rely on them. */
export const ExitCode = {
  ok: 0,
  failure: 1,
  usage: 2,
  invalidDocument: 5,
  /** A defect of ours, as `EX_SOFTWARE` of sysexits.h. */
  internal: 70,
} as const;
