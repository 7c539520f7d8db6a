import { randomUUID } from 'node:crypto';
import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { type ControlApi, sessionPath, textIn } from '../control-api.ts';
import { CliFailure } from '../failure.ts';
import { type DoctorCheck, fail, ok } from './check.ts';

/** Where the listeners are that the control API does not tell of. */
export interface ListenerUrls {
  readonly ingress: string;
  readonly egress: string;
  readonly admin: string;
}

/** Longest wait for an answer, in milliseconds. */
const PATIENCE_MS = 5000;

/** A name that no resolver knows (RFC 2606): only a rule can answer for it. */
const NOWHERE = 'softprobe-doctor.invalid';

/**
 * Whether requests of a session are known as such by both listeners: a session is opened in which rules answer one
 * path, and that path is asked for. Neither the service nor the world is called.
 */
export async function checkListeners(api: ControlApi, urls: ListenerUrls): Promise<DoctorCheck[]> {
  const nonce = randomUUID();
  const path = `/softprobe-doctor/${nonce}`;
  const echo = (direction: string, when: object) => ({
    id: `doctor-${direction}`,
    when: { direction, path, ...when },
    then: { action: 'mock', response: { status: 200, body: nonce } },
  });
  let sessionId: string;
  try {
    sessionId = textIn(await api.post('/v1/sessions', { mode: 'replay', ttlSeconds: 60 }), 'sessionId');
  } catch (error) {
    if (!(error instanceof CliFailure)) throw error;
    return [fail('session', `no session can be opened: ${error.message}`, 'see the log of the proxy')];
  }
  try {
    const rules = [echo('inbound', {}), echo('outbound', { host: NOWHERE })];
    await api.post(sessionPath(sessionId, 'rules'), { version: 1, rules });
    const headers = { 'x-softprobe-session-id': sessionId };
    return await Promise.all([
      checkEcho('ingress', urls.ingress, { path, headers }, nonce),
      checkEcho(
        'egress',
        urls.egress,
        { path: `http://${NOWHERE}${path}`, headers: { ...headers, host: NOWHERE } },
        nonce,
      ),
    ]);
  } finally {
    await api.post(sessionPath(sessionId, 'close'), {}).catch(() => {});
  }
}

/** What the admin listener says of all four. */
export async function checkReady(url: string): Promise<DoctorCheck> {
  try {
    const { statusCode } = await ask(url, { path: '/ready' });
    if (statusCode === 200) return ok('admin', `all listeners accept, says ${url}/ready`);
    return fail('admin', `${url}/ready answers ${statusCode}`, adviceFor('admin'));
  } catch (error) {
    return fail('admin', `nothing answers at ${url} (${codeOf(error)})`, adviceFor('admin'));
  }
}

async function checkEcho(
  name: 'ingress' | 'egress',
  url: string,
  options: RequestOptions,
  nonce: string,
): Promise<DoctorCheck> {
  try {
    const { statusCode, headers, text } = await ask(url, options);
    if (text === nonce && headers['x-softprobe-outcome'] === 'mock') {
      return ok(name, `${url} knows a request of a session by its header`);
    }
    return fail(
      name,
      `${url} answers ${statusCode}, but not as a session's rule says`,
      `is that the ${name} listener of this proxy, with nothing in between that drops x-softprobe-session-id? ${adviceFor(name)}`,
    );
  } catch (error) {
    return fail(name, `nothing answers at ${url} (${codeOf(error)})`, adviceFor(name));
  }
}

function adviceFor(name: keyof ListenerUrls): string {
  return `say where it is by --${name}-url (the proxy prints it when it starts)`;
}

async function ask(url: string, options: RequestOptions) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  // An agent of its own, so that no proxy of the shell's stands between.
  const asked = request(url, { ...options, agent: new Agent() }, resolve);
  asked.setTimeout(PATIENCE_MS, () => asked.destroy(new Error(`silent for ${PATIENCE_MS / 1000} s`)));
  asked.on('error', reject);
  asked.end();
  const response = await promise;
  const { statusCode, headers } = response;
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return { statusCode, headers, text: Buffer.concat(chunks).toString('utf8') };
}

function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
