import { defaultAuthorityFolder } from '../../authority/index.ts';
import type { Invocation, Result } from '../command.ts';
import { UsageError } from '../failure.ts';
import { readOrigin, readWord } from '../flag-value.ts';
import { flagValue, isSet } from '../flags.ts';
import { shellWord } from '../shell-word.ts';
import { openNamedAuthority } from '../start/open-tls.ts';
import { readAuthorityOptions } from '../start/tls-settings.ts';
import { ecosystemVariables, type TrustFiles } from './ecosystem-table.ts';
import { readUserTrust, unreadableLines, writeTrustFiles } from './ecosystem-trust.ts';

/**
 * `softprobe-proxy env`: the settings that `run` gives to its command, for a proxy that runs already. The trust
 * files lie beside the authority and stay.
 *
 * @throws {CliFailure}
 */
export async function printEnvironment(invocation: Invocation): Promise<Result> {
  const { args, environment } = invocation;
  const egressUrl = readOrigin('--egress-url', flagValue(args, 'egress-url') ?? 'http://127.0.0.1:8084');
  if (!egressUrl.startsWith('http:')) {
    throw new UsageError(
      `--egress-url: the egress listener speaks http://, got ${JSON.stringify(egressUrl)}`,
    );
  }
  const sessionId = readSessionId(invocation);
  if (isSet(args, 'shell') && invocation.json) throw new UsageError('--shell: leave it out, or --json');
  const trust = isSet(args, 'no-intercept') ? undefined : await openTrust(invocation);
  const variables = ecosystemVariables({ egressUrl, sessionId, trust, environment });
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${shellWord(value)}`);
  return { text: lines.join('\n'), fields: { variables } };
}

function readSessionId({ args, environment }: Invocation): string | undefined {
  const flag = flagValue(args, 'session');
  if (flag !== undefined) return readWord('--session', flag);
  const variable = environment.SOFTPROBE_SESSION_ID;
  return variable === undefined || variable === '' ? undefined : readWord('SOFTPROBE_SESSION_ID', variable);
}

async function openTrust({ args, environment, note }: Invocation): Promise<TrustFiles> {
  const options = readAuthorityOptions(args, environment);
  const authority = await openNamedAuthority(options);
  const user = await readUserTrust(environment);
  for (const line of unreadableLines(user)) note(line);
  return writeTrustFiles(authority, user, options.folder ?? defaultAuthorityFolder(environment));
}
