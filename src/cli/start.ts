import type { Logger } from 'pino';
import { ListenError, startProxy } from '../proxy/index.ts';
import { checkCaptureFile, checkCaptureFolder } from './capture-folder.ts';
import { CliFailure } from './failure.ts';
import type { Arguments } from './flags.ts';
import { listeners } from './listeners.ts';
import { createLog } from './log.ts';
import { readyLine, readyText } from './ready.ts';
import { readStartSettings, type StartSettings } from './start-settings.ts';
import { runUntilStopped } from './stop.ts';
import { packageVersion } from './version.ts';

/**
 * `softprobe-proxy start`: checks everything that can be checked, opens the listeners, says where they are, and
 * runs until a signal.
 *
 * @returns the exit code
 * @throws {CliFailure} when it cannot start; nothing listens then
 */
export async function start(args: Arguments): Promise<number> {
  const settings = readStartSettings(args, process.env);
  const { captureDir, captureFile, host } = settings.proxy;
  if (captureFile !== undefined) await checkCaptureFile('SOFTPROBE_CAPTURE_CASE_PATH', captureFile);
  await checkCaptureFolder('--capture-dir', captureDir);

  const log = await createLog(settings.logLevel, process.env);
  if (host !== undefined && !isLoopback(host)) {
    log.warn(
      `--host ${host}: whoever reaches this address can send requests anywhere through the egress listener (an open proxy)`,
    );
  }
  const proxy = await openListeners(settings, log);
  return runUntilStopped(proxy, log, () => {
    process.stdout.write(settings.json ? `${readyLine(proxy.urls)}\n` : readyText(proxy.urls, settings));
  });
}

async function openListeners(settings: StartSettings, logger: Logger) {
  try {
    return await startProxy({ ...settings.proxy, logger, version: packageVersion() });
  } catch (error) {
    if (error instanceof ListenError) throw describeListenError(error, settings);
    throw error;
  }
}

function describeListenError(error: ListenError, { proxy }: StartSettings): CliFailure {
  const flag = `--${listeners.find(({ name }) => name === error.listener)?.flag}`;
  const what = `${flag}: the ${error.listener} listener cannot use port ${error.port}`;
  const { code = String(error.cause) } = (error.cause ?? {}) as NodeJS.ErrnoException;
  const describe = (): string => {
    switch (code) {
      case 'EADDRINUSE':
        return `${what}, another process has it; stop that one, or choose another port (0: any free one)`;
      case 'EACCES':
        return `${what}, this user may not; choose a port from 1024`;
      case 'EADDRNOTAVAIL':
      case 'ENOTFOUND':
      case 'EAI_AGAIN':
      case 'EINVAL':
        return `--host: this machine has no address ${proxy.host ?? '127.0.0.1'} to listen on (${code})`;
      default:
        return `${what} (${code})`;
    }
  };
  return new CliFailure(describe(), { code: 'listen_failed', cause: error });
}

/** Whether a host is only reachable from this machine. */
function isLoopback(host: string): boolean {
  return /^(127(\.\d{1,3}){3}|::1|localhost)$/i.test(host);
}
