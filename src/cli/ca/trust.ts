import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { pemCertificates, systemTrust } from '../../authority/index.ts';
import type { Invocation, Result } from '../command.ts';
import { CliFailure } from '../failure.ts';
import { isSet } from '../flags.ts';
import { shellWord } from '../shell-word.ts';
import { openCommandAuthority } from './authority.ts';

/** Clients that do not ask the system whom to trust, each with what makes them trust us. */
const notCovered = (certFile: string) => [
  {
    clients: 'Firefox, and Chromium on Linux',
    instead: `have stores of their own: import ${certFile} in their settings, among the authorities`,
  },
  {
    clients: 'Java',
    instead: 'mostly brings its own store: `softprobe-proxy run -- COMMAND`, or `softprobe-proxy env`',
  },
  {
    clients: 'Node.js',
    instead:
      'brings its own roots: `softprobe-proxy run -- COMMAND`, `softprobe-proxy env`, or node --use-system-ca',
  },
  {
    clients: 'Python packages that use certifi (requests, pip, httpx)',
    instead: 'bring their own roots: `softprobe-proxy run -- COMMAND`, or `softprobe-proxy env`',
  },
];

/**
 * `softprobe-proxy ca trust`: the commands for this system on stdout, so that they can be read, piped and kept; all
 * else on stderr. Runs them only where `--yes` was given.
 *
 * @throws {CliFailure}
 */
export async function trustAuthority(invocation: Invocation): Promise<Result> {
  const { args, note } = invocation;
  const { certFile, certificate } = await openCommandAuthority(invocation);
  const count = pemCertificates(certificate).length;
  if (count > 1) {
    throw new CliFailure(
      `${certFile} holds ${count} certificates, and a system's store takes one from a file; give the root alone to it yourself`,
      { code: 'several_certificates' },
    );
  }
  const trust = await systemTrust(certFile, certificate);
  if (trust === undefined) {
    throw new CliFailure(
      'nothing here that manages trusted certificates: expected update-ca-certificates, update-ca-trust or trust; ' +
        'install ca-certificates, or use `softprobe-proxy run`, `env` or `ca bundle`, which need none',
      { code: 'unknown_system' },
    );
  }
  const { system, commands } = trust;
  const others = notCovered(certFile);
  const isToRun = isSet(args, 'yes');
  if (isToRun) {
    for (const command of commands) await runVisibly(command, note);
    note(`trusted from now on by what asks this system (${system})`);
  } else {
    note(`how this system (${system}) is told to trust ${certFile}; --yes runs it:`);
  }
  note('not covered:');
  for (const { clients, instead } of others) note(`  ${clients}: ${instead}`);
  const lines = commands.map((words) => words.map(shellWord).join(' '));
  return {
    text: isToRun ? '' : lines.join('\n'),
    fields: {
      system,
      path: certFile,
      fingerprint256: new X509Certificate(certificate).fingerprint256,
      commands: lines,
      ran: isToRun,
      notCovered: others,
    },
  };
}

/** What the command prints goes to stderr: stdout is for the result. It may ask for a password on the terminal. */
async function runVisibly(words: readonly [string, ...string[]], note: Invocation['note']): Promise<void> {
  const [program, ...rest] = words;
  const line = words.map(shellWord).join(' ');
  note(`+ ${line}`);
  const child = spawn(program, rest, { stdio: ['inherit', 2, 2] });
  let ending: [code: number | null, signal: NodeJS.Signals | null];
  try {
    ending = (await once(child, 'close')) as typeof ending;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new CliFailure(`${program} cannot be run (${code}); as root, run: ${line}`, {
      code: 'trust_failed',
      cause,
    });
  }
  const [code, signal] = ending;
  if (code === 0) return;
  const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
  throw new CliFailure(`${line} ended ${how}; the authority may not be trusted yet`, {
    code: 'trust_failed',
  });
}
