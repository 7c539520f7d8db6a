import { basename } from 'node:path';
import { type CaseDocument, rulesFromCase } from '../../cases/index.ts';
import { type ApiAnswer, type ControlApi, objectIn, objectsIn, sessionPath, textIn } from '../control-api.ts';
import { CliFailure } from '../failure.ts';
import { closeSession } from '../session/close.ts';
import type { RunMode } from './settings.ts';

/** The session of a run, which is the only one of its proxy: whatever the command calls belongs to it. */
export interface RunSession {
  readonly id: string;
  /** Ends it; what it recorded is written then. */
  close(): Promise<RunReport>;
}

/** What became of the calls of a run. */
export interface RunReport {
  /** Absolute path of the case; absent where nothing was recorded. */
  readonly capturePath?: string;
  readonly hops: number;
  /** Calls that a rule answered. */
  readonly answered: number;
  /** How many calls were refused; `misses` has the last hundred of them. */
  readonly refused: number;
  /** Oldest first. */
  readonly misses: readonly RunMiss[];
  readonly warnings: readonly string[];
}

/** A call that no rule answered, with what the nearest one had expected. */
export interface RunMiss {
  readonly method: string;
  readonly url: string;
  /** Label of the rule that came nearest; absent where none did. */
  readonly rule?: string;
  /** What kept that rule from matching. */
  readonly failed?: readonly RunDifference[];
}

/** A predicate that did not hold, as the control API explains it. */
export interface RunDifference {
  readonly key: string;
  readonly expected: unknown;
  /** Absent where the call has nothing there. */
  readonly actual?: unknown;
}

/** More recorded hops than these, of those that cannot be replayed, are only counted. */
const MOST_SKIPPED = 10;

/** No run is idle for so long, and a service that nobody calls for a day is still being recorded. */
const TTL_SECONDS = 30 * 24 * 3600;

/**
 * Opens the session of a run.
 *
 * @param document what is replayed, with mode `replay`
 * @param note is told what of it cannot be replayed
 * @returns undefined where the run needs none
 */
export async function openRunSession(
  api: ControlApi,
  mode: RunMode,
  document: CaseDocument | undefined,
  note: (line: string) => void,
): Promise<RunSession | undefined> {
  if (mode.kind === 'pass') return undefined;
  if (mode.kind === 'capture') {
    const caseId = caseIdOf(mode.file);
    const created = await api.post('/v1/sessions', { mode: 'capture', caseId, ttlSeconds: TTL_SECONDS });
    return sessionOf(api, textIn(created, 'sessionId'));
  }
  if (document === undefined) throw new TypeError('a replay needs its case');
  const { rules, skipped } = rulesFromCase(document, { unknownBody: mode.unknownBody });
  for (const { index, request, reason } of skipped.slice(0, MOST_SKIPPED)) {
    note(`hop ${index} of ${mode.file} cannot be replayed: ${request}: ${reason}`);
  }
  if (skipped.length > MOST_SKIPPED) note(`and ${skipped.length - MOST_SKIPPED} more hops`);
  const created = await api.post('/v1/sessions', {
    mode: 'replay',
    // Nothing leaves, whatever a rule says, not even to this machine: the answers are those of the case, or none.
    policy: { offline: true },
    ttlSeconds: TTL_SECONDS,
  });
  const sessionId = textIn(created, 'sessionId');
  try {
    // Rules that somebody wrote into the case come last: the later one wins.
    const all = [...rules, ...(document.rules ?? [])];
    await api.post(sessionPath(sessionId, 'rules'), { version: 1, rules: all });
  } catch (cause) {
    if (!(cause instanceof CliFailure)) throw cause;
    const { code, exitCode, details } = cause;
    throw new CliFailure(`--replay: ${mode.file}: ${cause.message}`, { code, exitCode, details, cause });
  }
  return sessionOf(api, sessionId);
}

function sessionOf(api: ControlApi, id: string): RunSession {
  return {
    id,
    async close() {
      const misses = objectsIn(await api.get(sessionPath(id, 'misses')), 'misses');
      const { capturePath, stats, warnings } = await closeSession(api, id, undefined);
      return {
        ...(capturePath !== null && { capturePath }),
        hops: countIn(stats, 'extractedSpans'),
        answered: countIn(stats, 'injectedSpans'),
        refused: countIn(stats, 'strictMisses'),
        misses: misses.map(readMiss).toReversed(),
        warnings,
      };
    },
  };
}

/** A miss as the control API tells of it. */
export function readMiss(miss: ApiAnswer): RunMiss {
  const request = objectIn(miss, 'request') ?? {};
  const call = { method: textIn(request, 'method'), url: textIn(request, 'url') };
  const [nearest] = objectsIn(miss, 'nearMisses');
  if (nearest === undefined) return call;
  const failed = objectsIn(nearest, 'failed').map((predicate) => ({
    key: textIn(predicate, 'key'),
    expected: predicate.expected,
    ...('actual' in predicate && { actual: predicate.actual }),
  }));
  return { ...call, rule: textIn(nearest, 'rule'), failed };
}

function countIn(stats: ApiAnswer, name: string): number {
  const value = stats[name];
  return typeof value === 'number' ? value : 0;
}

/** `checkout` of `e2e/checkout.case.json`; as long as an id may be. */
function caseIdOf(file: string): string {
  const name = basename(file).replace(/(\.case)?\.json$/i, '');
  return name.slice(0, 200).toWellFormed() || 'case';
}
