import { styleText } from 'node:util';
import type { Invocation, Result } from '../command.ts';
import { ControlApi } from '../control-api.ts';
import { ExitCode } from '../exit-code.ts';
import { readListenerUrl } from '../listener-url.ts';
import { counted } from '../session/change.ts';
import { readAuthorityOptions } from '../start/tls-settings.ts';
import { visible } from '../table.ts';
import { packageVersion } from '../version.ts';
import type { DoctorCheck } from './check.ts';
import { checkListeners, checkReady } from './listeners.ts';
import { checkRuntime } from './runtime.ts';
import { checkShell } from './shell.ts';
import { checkTrust } from './trust.ts';

/** Somebody waits: a runtime that says nothing for so long is as good as none. Milliseconds. */
const PATIENCE_MS = 5000;

/** `softprobe-proxy doctor`: looks at everything that has to be right before a test can work. */
export async function examine(invocation: Invocation): Promise<Result> {
  const { args, environment } = invocation;
  const ingressUrl = readListenerUrl('ingress', invocation);
  const egressUrl = readListenerUrl('egress', invocation);
  const adminUrl = readListenerUrl('admin', invocation);
  const authority = readAuthorityOptions(args, environment);
  const api = ControlApi.of(invocation, PATIENCE_MS);
  // The clients take longest: they are tried meanwhile.
  const trust = checkTrust(authority, environment);
  const { meta, checks: runtime } = await checkRuntime(api);
  const urls = { ingress: ingressUrl(meta), egress: egressUrl(meta), admin: adminUrl(meta) };
  const listeners = meta === undefined ? [] : await checkListeners(api, urls);
  const checks = [
    ...runtime,
    ...listeners,
    await checkReady(urls.admin),
    ...(await trust),
    ...checkShell(urls.egress, environment),
  ];
  const failed = checks.filter(({ status }) => status === 'fail');
  return {
    text: checks.map(describeCheck).join('\n'),
    fields: {
      cliVersion: packageVersion(),
      runtimeVersion: meta?.runtimeVersion ?? null,
      specVersion: meta?.specVersion ?? null,
      schemaVersion: meta?.schemaVersion ?? null,
      checks,
    },
    ...(failed.length > 0 && {
      exitCode: ExitCode.doctor,
      error: {
        code: 'doctor_failed',
        message: `${counted(failed.length, 'check')} failed: ${failed.map(({ name }) => name).join(', ')}`,
      },
    }),
  };
}

const colors = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

function describeCheck({ name, status, message, advice }: DoctorCheck): string {
  const mark = styleText(colors[status], status.padEnd(4));
  const more = advice === undefined ? '' : `\n      ${visible(advice)}`;
  return `${mark}  ${name}: ${visible(message)}${more}`;
}
