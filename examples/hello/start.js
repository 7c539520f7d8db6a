// The service of this folder with a proxy around it, for the tests of the folders beside this one. In a project of
// your own this is what the set-up of your tests does.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Softprobe, startProxy } from 'softprobe-proxy';

const app = fileURLToPath(new URL('app.js', import.meta.url));

/** What the service's dependency said when it was recorded. */
export const recordedCase = fileURLToPath(new URL('greetings.case.json', import.meta.url));

/** Starts both. The dependency is a host that does not exist: what it says can only come from a test. */
export async function startHello() {
  const port = await freePort();
  const proxy = await startProxy({
    appUrl: `http://127.0.0.1:${port}`,
    ingressPort: 0,
    egressPort: 0,
    controlPort: 0,
    adminPort: 0,
  });
  const service = spawn(process.execPath, [app], {
    env: { PORT: String(port), UPSTREAM_URL: 'http://greetings.test', HTTP_PROXY: proxy.urls.egress },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(service, 'exit');
  await Promise.race([once(service.stdout, 'data'), exit]);
  return {
    /** Where tests send their requests: through the ingress listener to the service. */
    url: proxy.urls.ingress,
    softprobe: new Softprobe({ baseUrl: proxy.urls.control }),
    async [Symbol.asyncDispose]() {
      service.kill();
      await exit;
      await proxy.close();
    },
  };
}

/** The proxy must know the service's port, and the service the proxy's: one of them has to be chosen before. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}
