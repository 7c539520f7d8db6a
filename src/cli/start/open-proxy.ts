import type { Logger } from 'pino';
import { ListenError, type ProxyOptions, type RunningProxy, startProxy } from '../../proxy/index.ts';
import { CliFailure } from '../failure.ts';
import { listeners } from '../listeners.ts';
import { packageVersion } from '../version.ts';
import { checkCaptureFile, checkCaptureFolder } from './capture-folder.ts';
import type { OpenTls } from './open-tls.ts';
import type { ProxySettings } from './settings.ts';

/**
 * Checks that captures can be written where the settings say.
 *
 * @param fileSource the flag or variable that named the exact case file
 * @throws {CliFailure}
 */
export async function checkCapturePlaces(
  { captureDir, captureFile }: ProxySettings['proxy'],
  fileSource = 'SOFTPROBE_CAPTURE_CASE_PATH',
): Promise<void> {
  if (captureFile !== undefined) await checkCaptureFile(fileSource, captureFile);
  await checkCaptureFolder('--capture-dir', captureDir);
}

/**
 * Milliseconds after which the making of certificates is got ready, which holds all else up for some 75: when the
 * first requests to a new proxy are through, and before somebody needs it.
 */
const PREPARE_AFTER_MS = 300;

/**
 * Opens the listeners. Warns where others than this machine can reach them.
 *
 * @param more options that no flag gives
 * @throws {CliFailure} when a port cannot be had; nothing listens then
 */
export async function openProxy(
  { proxy }: Pick<ProxySettings, 'proxy'>,
  tls: OpenTls,
  logger: Logger,
  more: Partial<ProxyOptions> = {},
): Promise<RunningProxy> {
  const { host } = proxy;
  if (host !== undefined && !isLoopback(host)) {
    logger.warn(
      `--host ${host}: whoever reaches this address can send requests anywhere through the egress listener (an open proxy)`,
    );
  }
  try {
    const running = await startProxy({
      ...proxy,
      ...tls.options,
      ...more,
      logger,
      version: packageVersion(),
    });
    // What fails here fails again, and is told, when the first certificate is wanted.
    setTimeout(() => tls.authority?.prepare().catch(() => {}), PREPARE_AFTER_MS).unref();
    return running;
  } catch (error) {
    if (error instanceof ListenError) throw describeListenError(error, host);
    throw error;
  }
}

function describeListenError(error: ListenError, host = '127.0.0.1'): CliFailure {
  const flag = `--${listeners.find(({ name }) => name === error.listener)?.flag}`;
  const what = `${flag}: the ${error.listener} listener cannot use port ${error.port}`;
  const { code = String(error.cause) } = (error.cause ?? {}) as NodeJS.ErrnoException;
  const reason = (): string => {
    switch (code) {
      case 'EADDRINUSE':
        return `${what}, another process has it; stop that one, or choose another port (0: any free one)`;
      case 'EACCES':
        return `${what}, this user may not; choose a port from 1024`;
      case 'EADDRNOTAVAIL':
      case 'ENOTFOUND':
      case 'EAI_AGAIN':
      case 'EINVAL':
        return `--host: this machine has no address ${host} to listen on (${code})`;
      default:
        return `${what} (${code})`;
    }
  };
  return new CliFailure(reason(), { code: 'listen_failed', cause: error });
}

/** Whether a host is only reachable from this machine. */
function isLoopback(host: string): boolean {
  return /^(127(\.\d{1,3}){3}|::1|localhost)$/i.test(host);
}
