import type { ApiAnswer, ControlApi } from '../control-api.ts';
import { CliFailure } from '../failure.ts';
import { packageVersion, schemaVersion, specVersion } from '../version.ts';
import { type DoctorCheck, fail, ok, warn } from './check.ts';

/** The runtime as it was found. */
export interface FoundRuntime {
  readonly checks: readonly DoctorCheck[];
  /** What GET /v1/meta answered; undefined where it cannot be talked to. */
  readonly meta: ApiAnswer | undefined;
}

/** Whether the runtime can be talked to, and speaks the language of this program. */
export async function checkRuntime(api: ControlApi): Promise<FoundRuntime> {
  let meta: ApiAnswer;
  try {
    meta = await api.get('/v1/meta');
  } catch (error) {
    if (!(error instanceof CliFailure)) throw error;
    const [message = '', ...advice] = error.message.split(/[:;] (?=start|check|set)/);
    return { meta: undefined, checks: [fail('runtime', message, advice.join('; ') || 'see its log')] };
  }
  return { meta, checks: [ok('runtime', `answers at ${api.url}`), checkVersions(meta)] };
}

function checkVersions(meta: ApiAnswer): DoctorCheck {
  const own = packageVersion();
  const { runtimeVersion } = meta;
  if (meta.specVersion !== specVersion || meta.schemaVersion !== schemaVersion) {
    return fail(
      'versions',
      `this program speaks ${specVersion} with documents of version ${schemaVersion}, the runtime ${meta.specVersion} with ${meta.schemaVersion}`,
      `use the same version of softprobe-proxy on both sides: here ${own}, there ${runtimeVersion}`,
    );
  }
  if (runtimeVersion !== own) {
    return warn(
      'versions',
      `this program is ${own}, the runtime ${runtimeVersion}; both speak ${specVersion}`,
      'use the same version on both sides when something is odd',
    );
  }
  return ok('versions', `${own} on both sides, ${specVersion}`);
}
