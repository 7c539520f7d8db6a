import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openAuthority } from '../src/authority/index.ts';
import { Child } from './child.ts';
import { PAYLOAD } from './payload.ts';
import { makeScratchFolder } from './scratch.ts';

/** The server behind every proxy. */
export interface Upstream {
  readonly url: string;
  /** The same over TLS, under a name: a client sends no SNI for an address. */
  readonly secureUrl: string;
  /** PEM file of the authority that its certificate comes from. */
  readonly authority: string;
  /** What it is, for the report. */
  readonly software: string;
  stop(): Promise<void>;
}

/**
 * Starts nginx where there is one: it answers several times faster than any proxy here can ask. Otherwise
 * a plain node:http server, which shares its core with the load and may then be what bounds the figures.
 */
export async function startUpstream(core: number | undefined): Promise<Upstream> {
  const version = spawnSync('nginx', ['-v'], { encoding: 'utf8' });
  const identity = await makeIdentity();
  if (version.error !== undefined) return startNode(core, identity);
  return startNginx(core, identity, /nginx\/[\d.]+/.exec(version.stderr)?.[0] ?? 'nginx');
}

/** PEM files: what the upstream shows for `localhost`, and who has signed it. */
interface Identity {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** From an authority of its own, so that a client which trusts only a proxy's notices when nothing is intercepted. */
async function makeIdentity(): Promise<Identity> {
  const folder = makeScratchFolder();
  const authority = await openAuthority({ folder: join(folder, 'authority') });
  const leaf = await authority.issue('localhost');
  const certificate = join(folder, 'upstream.pem');
  const key = join(folder, 'upstream-key.pem');
  writeFileSync(certificate, leaf.certificate);
  writeFileSync(key, leaf.key, { mode: 0o600 });
  return { authority: authority.certFile, certificate, key };
}

async function startNginx(core: number | undefined, identity: Identity, software: string): Promise<Upstream> {
  const folder = makeScratchFolder();
  const port = await findFreePort();
  const securePort = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const configuration = join(folder, 'nginx.conf');
  writeFileSync(configuration, nginxConfiguration(port, securePort, identity));
  const child = new Child(['nginx', '-p', folder, '-c', configuration, '-e', 'stderr'], core);
  await child.before(waitForAnswer(url));
  return {
    url,
    secureUrl: `https://localhost:${securePort}`,
    authority: identity.authority,
    software,
    stop: () => child.stop(),
  };
}

async function startNode(
  core: number | undefined,
  { authority, certificate, key }: Identity,
): Promise<Upstream> {
  const program = fileURLToPath(new URL('contenders/bare-http.ts', import.meta.url));
  const plain = new Child([process.execPath, program], core);
  const secure = new Child([process.execPath, program, certificate, key], core);
  return {
    url: await plain.firstLine(),
    secureUrl: (await secure.firstLine()).replace('127.0.0.1', 'localhost'),
    authority,
    software: 'node:http (no nginx here)',
    stop: async () => void (await Promise.all([plain.stop(), secure.stop()])),
  };
}

/** One process without a master, so that the one signal we send ends all of it. */
function nginxConfiguration(port: number, securePort: number, { certificate, key }: Identity): string {
  return `
    daemon off;
    master_process off;
    pid nginx.pid;
    error_log stderr error;
    events { worker_connections 4096; }
    http {
      access_log off;
      keepalive_requests 1000000000;
      keepalive_timeout 1h;
      client_body_temp_path body;
      proxy_temp_path proxy;
      fastcgi_temp_path fastcgi;
      uwsgi_temp_path uwsgi;
      scgi_temp_path scgi;
      default_type application/json;
      server {
        listen 127.0.0.1:${port} backlog=1024;
        location / { return 200 '${PAYLOAD}'; }
      }
      server {
        listen 127.0.0.1:${securePort} ssl backlog=1024;
        ssl_certificate ${certificate};
        ssl_certificate_key ${key};
        location / { return 200 '${PAYLOAD}'; }
      }
    }`;
}

/** nginx cannot say which port it got, so it is told one that was free a moment ago. */
async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function waitForAnswer(url: string): Promise<void> {
  for (;;) {
    try {
      const answer = await fetch(url);
      await answer.arrayBuffer();
      return;
    } catch {
      // Not listening yet. Child.before() ends the wait when it never will.
      await delay(20);
    }
  }
}
