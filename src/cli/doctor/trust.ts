import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Authority,
  type AuthorityOptions,
  defaultAuthorityFolder,
  hasAuthority,
} from '../../authority/index.ts';
import { CliFailure } from '../failure.ts';
import { openNamedAuthority } from '../start/open-tls.ts';
import { type DoctorCheck, fail, ok, warn } from './check.ts';

/** Java starts, compiles the probe and makes its first TLS connection within this; milliseconds. */
const PATIENCE_MS = 30_000;

/** A program that people's services and tests call the world with. */
interface Client {
  readonly program: string;
  /** Ends with 0 when it trusts the server at `url`. */
  readonly args: (url: string, folder: string) => readonly string[];
  /** What it says of a certificate that it does not trust. */
  readonly distrust: RegExp;
  /** The variable by which it is told whom to trust. */
  readonly variable: string;
}

const clients: readonly Client[] = [
  {
    program: 'curl',
    args: (url) => ['--silent', '--show-error', '--noproxy', '*', '--output', '-', url],
    distrust: /certificate|issuer/i,
    variable: 'CURL_CA_BUNDLE',
  },
  {
    program: 'node',
    args: (url) => [
      '-e',
      `require('https').get(${JSON.stringify(url)}, { agent: false }, (r) => { r.resume(); r.on('end', () => process.exit(0)); })
         .on('error', (e) => { console.error(e.code); process.exit(1); });`,
    ],
    distrust: /CERT|ISSUER|SIGNATURE/,
    variable: 'NODE_EXTRA_CA_CERTS',
  },
  {
    program: 'python3',
    args: (url) => [
      '-c',
      `import urllib.request as r; r.build_opener(r.ProxyHandler({})).open(${JSON.stringify(url)}).read()`,
    ],
    distrust: /CERTIFICATE_VERIFY_FAILED/,
    variable: 'SSL_CERT_FILE',
  },
  {
    program: 'java',
    // A source file is run as it is since Java 11 (JEP 330), where a compiler is there.
    args: (url, folder) => [join(folder, 'Probe.java'), url],
    distrust: /PKIX|SSLHandshakeException|CertificateException/,
    variable: 'JAVA_TOOL_OPTIONS',
  },
];

const javaProbe = `public class Probe {
  public static void main(String[] args) throws Exception {
    new java.net.URL(args[0]).openConnection(java.net.Proxy.NO_PROXY).getInputStream().readAllBytes();
  }
}
`;

/**
 * Whether there is an authority, and which of the common programs on the PATH trust it as they would be started from
 * this shell. Each is made to call a TLS server on this machine that shows a certificate of the authority. Makes no
 * authority where there is none.
 */
export async function checkTrust(
  options: AuthorityOptions,
  environment: NodeJS.ProcessEnv,
): Promise<DoctorCheck[]> {
  const folder = options.folder ?? defaultAuthorityFolder(environment);
  let authority: Authority;
  try {
    if (options.certFile === undefined && !(await hasAuthority(folder))) {
      return [
        warn(
          'authority',
          `there is no certificate authority in ${folder} yet`,
          'it is made when the proxy starts, or by `softprobe-proxy ca path`; if the proxy uses another one, say --ca-dir',
        ),
      ];
    }
    authority = await openNamedAuthority(options);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return [fail('authority', error.message, 'HTTPS is not recorded or mocked until then')];
  }
  const present = ok('authority', `is in ${authority.certFile}`);
  try {
    return [present, ...(await tryClients(authority, environment))];
  } catch (error) {
    if (!(error instanceof CliFailure)) throw error;
    return [present, fail('trust', error.message, 'see `softprobe-proxy ca print`')];
  }
}

async function tryClients(authority: Authority, environment: NodeJS.ProcessEnv): Promise<DoctorCheck[]> {
  const { certificate: cert, key } = await authority.issue('127.0.0.1');
  const server = createServer({ cert, key }, (_, response) => response.end('trusted'));
  // A client that does not trust us hangs up within the handshake: what this is about.
  server.on('tlsClientError', () => {});
  const folder = await mkdtemp(join(tmpdir(), 'softprobe-doctor-'));
  try {
    await writeFile(join(folder, 'Probe.java'), javaProbe);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const checks = await Promise.all(clients.map((client) => tryClient(client, url, folder, environment)));
    return checks.filter((check) => check !== undefined);
  } finally {
    server.close();
    server.closeAllConnections();
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns undefined where the program is not there */
async function tryClient(
  { program, args, distrust, variable }: Client,
  url: string,
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<DoctorCheck | undefined> {
  const name = `trust-${program}`;
  const child = spawn(program, [...args(url, folder)], {
    env: withoutProxy(environment),
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(0, 64 * 1024);
  });
  const { promise, resolve } = Promise.withResolvers<number | NodeJS.Signals | 'missing' | null>();
  child.on('error', () => resolve('missing'));
  child.on('close', (code, signal) => resolve(code ?? signal));
  const ending = await promise;
  if (ending === 'missing') return undefined;
  if (ending === 0) return ok(name, `${program} trusts the authority`);
  if (distrust.test(said)) {
    return warn(
      name,
      `${program}, as this shell starts it, does not trust the authority: its HTTPS calls through the proxy fail`,
      `\`eval "$(softprobe-proxy env)"\` sets ${variable}, \`softprobe-proxy ca trust\` tells the whole system`,
    );
  }
  const [why = ''] = said.trim().split('\n').slice(-1);
  return warn(name, `${program} could not be tried (${ending}: ${why})`, 'nothing, if you do not use it');
}

/** The probe is on this machine: a proxy in the environment would be asked instead, and may not be there. */
function withoutProxy(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const entries = Object.entries(environment).filter(
    ([name]) => !/^((https?|all|no)_proxy|node_use_env_proxy)$/i.test(name),
  );
  return Object.fromEntries(entries);
}
