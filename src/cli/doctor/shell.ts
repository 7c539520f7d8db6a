import { type DoctorCheck, ok, warn } from './check.ts';

const SET_THEM = '`eval "$(softprobe-proxy env)"` sets all of them, `softprobe-proxy run` for one command';

/**
 * The proxy variables of this shell, which a service started from it would follow.
 *
 * @param egressUrl where its calls are to go
 */
export function checkShell(egressUrl: string, environment: NodeJS.ProcessEnv): DoctorCheck[] {
  // curl, among others, reads http_proxy in lower case only.
  const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy'];
  const elsewhere = names.filter((name) => environment[name] && originOf(environment[name]) !== egressUrl);
  if (elsewhere.length > 0) {
    return [
      warn(
        'proxy-variables',
        `${elsewhere.join(', ')} of this shell name another proxy than ${egressUrl}`,
        `what is started here does not call through this one; ${SET_THEM}`,
      ),
    ];
  }
  const missing = names.filter((name) => !environment[name]);
  if (missing.length === names.length) {
    return [
      warn(
        'proxy-variables',
        'HTTP_PROXY and HTTPS_PROXY are not set in this shell: what is started here calls the world directly',
        SET_THEM,
      ),
    ];
  }
  if (missing.length > 0) {
    return [
      warn('proxy-variables', `${missing.join(', ')}: not set in this shell, but others are`, SET_THEM),
    ];
  }
  const checks = [ok('proxy-variables', `this shell's HTTP_PROXY and HTTPS_PROXY name ${egressUrl}`)];
  const exceptions = environment.NO_PROXY || environment.no_proxy;
  if (exceptions) {
    checks.push(
      warn(
        'no-proxy',
        `NO_PROXY is ${exceptions}: calls to these go by the proxy's side`,
        'export NO_PROXY= no_proxy=',
      ),
    );
  }
  if (environment.NODE_USE_ENV_PROXY !== '1') {
    checks.push(
      warn(
        'node-proxy',
        'NODE_USE_ENV_PROXY is not 1: fetch and http of Node.js ignore HTTP_PROXY',
        'export NODE_USE_ENV_PROXY=1',
      ),
    );
  }
  return checks;
}

/** Without user name and password: a session's id may stand there. */
function originOf(url: string | undefined): string | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url).origin : undefined;
}
