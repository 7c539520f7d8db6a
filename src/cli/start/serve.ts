import type { Invocation } from '../command.ts';
import { createLog } from './log.ts';
import { checkCapturePlaces, openProxy } from './open-proxy.ts';
import { openTls } from './open-tls.ts';
import { readyLine, readyText } from './ready.ts';
import { readStartSettings } from './settings.ts';
import { runUntilStopped } from './stop.ts';

/**
 * Runs the proxy: checks everything that can be checked, opens the listeners, says where they are, and runs until
 * a signal.
 *
 * @returns the exit code
 * @throws {CliFailure} when it cannot start; nothing listens then
 */
export async function serve({ args, environment }: Invocation): Promise<number> {
  const settings = readStartSettings(args, environment);
  await checkCapturePlaces(settings.proxy);
  const tls = await openTls(settings.tls);
  const log = await createLog(settings.logLevel, environment);
  const proxy = await openProxy(settings, tls, log);
  return runUntilStopped(proxy, log, () => {
    process.stdout.write(
      settings.json ? `${readyLine(proxy.urls)}\n` : readyText(proxy.urls, settings, tls.authority),
    );
  });
}
