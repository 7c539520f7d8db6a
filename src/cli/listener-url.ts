import type { Invocation } from './command.ts';
import { type ApiAnswer, objectIn } from './control-api.ts';
import { readOrigin } from './flag-value.ts';
import { flagValue } from './flags.ts';
import { listeners } from './listeners.ts';

/**
 * Where a listener of a running proxy is: what `--<name>-url` says, for the ingress SOFTPROBE_INGRESS_URL, else what
 * the proxy tells of itself, else its usual port beside the control API.
 *
 * @returns to be given what GET /v1/meta answered; undefined where the proxy cannot be asked
 * @throws {UsageError} naming the flag or variable
 */
export function readListenerUrl(
  name: 'ingress' | 'egress' | 'admin',
  { args, environment, runtimeUrl }: Pick<Invocation, 'args' | 'environment' | 'runtimeUrl'>,
): (meta: ApiAnswer | undefined) => string {
  const flag = flagValue(args, `${name}-url`);
  const variable = name === 'ingress' ? environment.SOFTPROBE_INGRESS_URL : undefined;
  let named: string | undefined;
  if (flag !== undefined) named = readOrigin(`--${name}-url`, flag);
  else if (variable) named = readOrigin('SOFTPROBE_INGRESS_URL', variable);
  return (meta) => {
    if (named !== undefined) return named;
    const usual = `http://127.0.0.1:${listeners.find((listener) => listener.name === name)?.port}`;
    const told = objectIn(meta ?? {}, 'listeners')?.[name];
    return seenFrom(runtimeUrl, typeof told === 'string' && URL.canParse(told) ? told : usual);
  };
}

/** A proxy tells its loopback address also where it can be reached from elsewhere: then the name it was asked by is right. */
function seenFrom(runtimeUrl: string, told: string): string {
  const url = new URL(told);
  const { hostname } = new URL(runtimeUrl);
  if (isLoopback(url.hostname) && !isLoopback(hostname)) url.hostname = hostname;
  return url.origin;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}
