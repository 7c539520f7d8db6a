import { createServer } from 'node:http';
import { type Authority, openAuthority } from '../authority/index.ts';
import {
  type ControlListenerOptions,
  createControlListener,
  LocalRuntime,
  type LocalRuntimeOptions,
  METRICS_CONTENT_TYPE,
  renderMetrics,
} from '../runtime/index.ts';
import { createAdminListener } from './admin.ts';
import { type AnyServer, drain } from './drain.ts';
import { ListenError, type ListenerName } from './listen-error.ts';
import { urlOf } from './listener.ts';
import { DEFAULT_SERVICE_NAME, type ProxyOptions, refuseUnknownOptions } from './options.ts';
import { OwnListeners } from './own-listeners.ts';
import { createTraffic } from './traffic.ts';

/** A proxy whose four listeners accept. */
export interface RunningProxy {
  readonly urls: Readonly<Record<ListenerName, string>>;
  /**
   * Stops accepting, lets requests under way finish (up to the drain time-out), writes open captures, and
   * closes. A second call waits for the first.
   *
   * @throws {AggregateError} with one error for each capture that could not be written; all is closed then too
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts the proxy in this process: ingress, egress, control and admin listeners around one runtime.
 *
 * @throws {ListenError} when a port cannot be had
 * @throws {TypeError} when `appUrl` or `upstream` is not `http(s)://host[:port]`, or an option does not exist
 * @throws {AuthorityError} when no certificate authority was given and that of the user cannot be used
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  refuseUnknownOptions(options);
  const runtime = new LocalRuntime(runtimeOptions(options));
  const ownListeners = new OwnListeners();
  const traffic = createTraffic(options, await authorityFor(options), runtime, ownListeners);
  let urls: RunningProxy['urls'] | undefined;
  let isReady = false;
  const control = createServer(
    createControlListener(runtime, { ...controlOptions(options), listeners: () => urls }),
  );
  const admin = createServer(
    createAdminListener({
      isReady: () => isReady,
      renderMetrics: () => renderMetrics(runtime),
      metricsContentType: METRICS_CONTENT_TYPE,
    }),
  );

  const { ingress, egress } = traffic;
  const servers = { ingress, egress, control, admin };
  const host = options.host ?? '127.0.0.1';
  await listenOnAll(servers, host, {
    ingress: options.ingressPort ?? 8082,
    egress: options.egressPort ?? 8084,
    control: options.controlPort ?? 8080,
    admin: options.adminPort ?? 18001,
  });
  for (const server of Object.values(servers)) ownListeners.add(server);
  urls = {
    ingress: urlOf(ingress, host),
    egress: urlOf(egress, host),
    control: urlOf(control, host),
    admin: urlOf(admin, host),
  };
  traffic.egressTargets.addOwnUrl(urls.egress);
  isReady = true;

  const close = async (): Promise<void> => {
    isReady = false;
    await traffic.drain(performance.now() + (options.drainTimeoutMs ?? 10_000));
    const results = await runtime.closeAll();
    await Promise.all([drain(control, performance.now()), drain(admin, performance.now()), traffic.close()]);
    const failures = results.flatMap((result) => (result.closed ? [] : [result.error]));
    if (failures.length > 0) throw new AggregateError(failures, 'some captures could not be written');
  };
  let closing: Promise<void> | undefined;
  const closeOnce = (): Promise<void> => {
    closing ??= close();
    return closing;
  };
  return { urls, close: closeOnce, [Symbol.asyncDispose]: closeOnce };
}

async function authorityFor({ interception }: ProxyOptions): Promise<Authority | undefined> {
  if (interception === false) return undefined;
  return interception?.authority ?? (await openAuthority());
}

/** Opens all or none. */
async function listenOnAll(
  servers: Readonly<Record<ListenerName, AnyServer>>,
  host: string,
  ports: Readonly<Record<ListenerName, number>>,
): Promise<void> {
  const open: AnyServer[] = [];
  for (const name of ['ingress', 'egress', 'control', 'admin'] as const) {
    try {
      await listen(servers[name], ports[name], host);
      open.push(servers[name]);
    } catch (error) {
      for (const other of open) other.close();
      throw new ListenError(name, ports[name], error);
    }
  }
}

function listen(server: AnyServer, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function runtimeOptions(options: ProxyOptions): LocalRuntimeOptions {
  const { captureFile, serviceName, sessionTtlMs, maxSessions, maxRecordedBody, redact, logger } = options;
  return {
    captureDir: options.captureDir ?? 'captures',
    ...(captureFile !== undefined && { captureFile }),
    serviceName: serviceName ?? DEFAULT_SERVICE_NAME,
    ...(sessionTtlMs !== undefined && { sessionTtlMs }),
    ...(maxSessions !== undefined && { maxSessions }),
    ...(maxRecordedBody !== undefined && { maxRecordedBody }),
    ...(redact !== undefined && { redact }),
    ...(logger !== undefined && { logger }),
  };
}

function controlOptions({ apiToken, version }: ProxyOptions): ControlListenerOptions {
  return { version: version ?? '0.0.0', ...(apiToken !== undefined && { apiToken }) };
}
