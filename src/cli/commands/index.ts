/**
 * Every command of the program, by the words that are typed for it. Each is loaded when it is needed, so that the
 * others start no slower for it.
 */
import type { Command } from '../command.ts';

export type CommandIndex = Readonly<Record<string, () => Promise<Command>>>;

export const commands: CommandIndex = {
  start: async () => (await import('./start.ts')).start,
  run: async () => (await import('./run.ts')).run,
  env: async () => (await import('./env.ts')).env,
  doctor: async () => (await import('./doctor.ts')).doctor,
  'session start': async () => (await import('./session-start.ts')).sessionStart,
  'session load-case': async () => (await import('./session-load-case.ts')).sessionLoadCase,
  'session rules apply': async () => (await import('./session-rules-apply.ts')).sessionRulesApply,
  'session policy set': async () => (await import('./session-policy-set.ts')).sessionPolicySet,
  'session fixtures set': async () => (await import('./session-fixtures-set.ts')).sessionFixturesSet,
  'session stats': async () => (await import('./session-stats.ts')).sessionStats,
  'session list': async () => (await import('./session-list.ts')).sessionList,
  'session misses': async () => (await import('./session-misses.ts')).sessionMisses,
  'session explain': async () => (await import('./session-explain.ts')).sessionExplain,
  'session close': async () => (await import('./session-close.ts')).sessionClose,
  'capture run': async () => (await import('./capture-run.ts')).captureRun,
  'replay run': async () => (await import('./replay-run.ts')).replayRun,
  'inspect case': async () => (await import('./inspect-case.ts')).inspectCase,
  'inspect session': async () => (await import('./inspect-session.ts')).inspectSession,
  diff: async () => (await import('./diff.ts')).diff,
  scrub: async () => (await import('./scrub.ts')).scrub,
  'validate case': async () => (await import('./validate-case.ts')).validateCase,
  'validate rules': async () => (await import('./validate-rules.ts')).validateRules,
  'validate policy': async () => (await import('./validate-policy.ts')).validatePolicy,
  'validate fixtures': async () => (await import('./validate-fixtures.ts')).validateFixtures,
  'validate scrub-rules': async () => (await import('./validate-scrub-rules.ts')).validateScrubRules,
  'validate config': async () => (await import('./validate-config.ts')).validateConfig,
  'export otlp': async () => (await import('./export-otlp.ts')).exportOtlp,
  'export har': async () => (await import('./export-har.ts')).exportHar,
  'import har': async () => (await import('./import-har.ts')).importHar,
  'import otlp': async () => (await import('./import-otlp.ts')).importOtlp,
  'ca path': async () => (await import('./ca-path.ts')).caPath,
  'ca print': async () => (await import('./ca-print.ts')).caPrint,
  'ca export': async () => (await import('./ca-export.ts')).caExport,
  'ca bundle': async () => (await import('./ca-bundle.ts')).caBundle,
  'ca trust': async () => (await import('./ca-trust.ts')).caTrust,
  completion: async () => (await import('./completion.ts')).completionOf(loadAll, groups),
};

/** What the commands that begin with the same word are about. */
export const groups: Readonly<Record<string, string>> = {
  session: 'Open, fill, look at and close the sessions of a running proxy',
  capture: 'Record a run',
  replay: 'Play back what was recorded',
  inspect: 'Look into what was recorded',
  validate: 'Check documents before anybody uses them',
  export: 'Turn a case into something else',
  import: 'Make a case of something else',
  ca: 'The certificate authority behind the interception of HTTPS',
};

function loadAll(): Promise<Command[]> {
  return Promise.all(Object.values(commands).map((load) => load()));
}
