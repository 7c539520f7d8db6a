/**
 * An app with one dependency. `GET /…?id=N` asks the dependency for `/value` and for `/echo?id=N` at the same
 * time, by way of HTTP_PROXY, and answers with both: `{"value": …, "echo": …}`.
 *
 * Environment:
 * - `PORT`, `DEPENDENCY_URL`, `HTTP_PROXY`
 * - `PASSES_ON`: names of request headers that it hands on to the dependency, with commas between; none by default.
 *   This is how far its tracing goes. (With OpenTelemetry loaded by `--import`, that adds its own.)
 * - `PROXY_USER_FROM`: a request header whose value is the user name in its proxy's URL. In real life that URL
 *   comes from the environment, and a process belongs to one session. Here one process stands for one each.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

const { PORT, DEPENDENCY_URL, HTTP_PROXY = '', PASSES_ON = '', PROXY_USER_FROM } = process.env;
const passesOn = PASSES_ON.split(',').filter((name) => name !== '');

/** One agent, and so one pool of connections, for each proxy user. */
const agents = new Map<string, http.Agent>();

function agentOf(user: string): http.Agent {
  const known = agents.get(user);
  if (known !== undefined) return known;
  const proxy = new URL(HTTP_PROXY);
  proxy.username = user;
  const agent = new http.Agent({ keepAlive: true, proxyEnv: { HTTP_PROXY: proxy.href } });
  agents.set(user, agent);
  return agent;
}

async function ask(path: string, incoming: http.IncomingMessage): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const headers = Object.fromEntries(passesOn.map((name) => [name, incoming.headers[name] ?? []]));
  const user = PROXY_USER_FROM === undefined ? '' : String(incoming.headers[PROXY_USER_FROM] ?? '');
  http.get(`${DEPENDENCY_URL}${path}`, { agent: agentOf(user), headers }, resolve).on('error', reject);
  const answer = await promise;
  const body = await text(answer);
  if (answer.statusCode !== 200) throw new Error(`${path} answered ${answer.statusCode}: ${body}`);
  return JSON.parse(body);
}

const server = http.createServer(async (incoming, outgoing) => {
  try {
    const query = (incoming.url ?? '').replace(/^[^?]*/, '');
    const [value, echo] = await Promise.all([ask('/value', incoming), ask(`/echo${query}`, incoming)]);
    outgoing.setHeader('content-type', 'application/json');
    outgoing.end(JSON.stringify({ value, echo }));
  } catch (error) {
    outgoing.writeHead(502).end(String(error));
  }
});
server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`the worker listens on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
