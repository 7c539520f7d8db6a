import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { App } from './support/app.ts';
import { read, Session } from './support/control-client.ts';
import { Dependency } from './support/dependency.ts';
import { getThrough } from './support/egress-call.ts';
import { Gateway } from './support/gateway.ts';
import { Program } from './support/program.ts';
import { attribute, spansOf } from './support/recorded-spans.ts';

const WORKER = fileURLToPath(new URL('support/apps/worker.ts', import.meta.url));

interface Uncorrelated {
  readonly time: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly hadTraceparent: boolean;
  readonly likelyReason: string;
}

/** A program with a worker behind it that tells its dependency nothing of where a request came from. */
class Stage implements AsyncDisposable {
  readonly program: Program;
  readonly dependency: Dependency;
  readonly #worker: App;
  readonly #gateway: Gateway;

  private constructor(program: Program, dependency: Dependency, worker: App, gateway: Gateway) {
    this.program = program;
    this.dependency = dependency;
    this.#worker = worker;
    this.#gateway = gateway;
  }

  static async set(flags: readonly string[] = []): Promise<Stage> {
    const dependency = await Dependency.listen();
    let workerUrl: string | undefined;
    const gateway = await Gateway.listen(() => workerUrl);
    const program = await Program.start(gateway.url, flags);
    const env = { DEPENDENCY_URL: dependency.url, HTTP_PROXY: program.egress };
    const worker = await App.start(WORKER, env);
    workerUrl = worker.url;
    return new Stage(program, dependency, worker, gateway);
  }

  get dependencyHost(): string {
    return new URL(this.dependency.url).host;
  }

  open(): Promise<Session> {
    return Session.open(this.program.control, { mode: 'capture' });
  }

  async comeIn(session: Session, id: string): Promise<unknown> {
    const headers = { 'x-softprobe-session-id': session.id };
    const response = await fetch(`${this.program.ingress}/work?id=${id}`, { headers });
    return response.json();
  }

  async uncorrelated(): Promise<{ total: number; requests: Uncorrelated[] }> {
    const answer = await read(`${this.program.control}/v1/uncorrelated`);
    return answer as unknown as { total: number; requests: Uncorrelated[] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const parts = [this.#worker, this.#gateway, this.dependency, this.program];
    await Promise.all(parts.map((part) => part[Symbol.asyncDispose]()));
  }
}

describe('calls of an app that passes nothing on', () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.set();
  });
  after(() => stage[Symbol.asyncDispose]());

  test('are listed with the likely reason, without their query', async () => {
    const session = await stage.open();
    assert.deepEqual(await stage.comeIn(session, 'secret'), { value: 'real', echo: 'secret' });
    const { total, requests } = await stage.uncorrelated();
    assert.equal(total, 2);
    const paths = requests.map(({ method, host, path }) => `${method} ${host}${path}`);
    assert.deepEqual(paths.sort(), [`GET ${stage.dependencyHost}/echo`, `GET ${stage.dependencyHost}/value`]);
    for (const { time, hadTraceparent, likelyReason } of requests) {
      assert.equal(new Date(time).toISOString(), time);
      assert.equal(hadTraceparent, false);
      assert.match(likelyReason, /traceparent|trace (header|context)/i);
      assert.match(likelyReason, /HTTP_PROXY/);
    }
    await session.close();
  });

  test('are named when the session is closed that saw only what came in', async () => {
    const session = await stage.open();
    await stage.comeIn(session, '1');
    const { warnings } = (await session.close()) as { warnings?: string[] };
    const text = (warnings ?? []).join('\n');
    assert.ok(text.includes(`GET ${stage.dependencyHost}/value`), text);
    assert.ok(text.includes(`GET ${stage.dependencyHost}/echo`), text);
    assert.ok(!text.includes('id=1'), text);
    assert.match(stage.program.log, /\/value/);
  });

  test('are no reason to warn a session that saw nothing come in', async () => {
    const silent = await stage.open();
    await getThrough(stage.program.egress, `${stage.dependency.url}/value`, []);
    assert.equal((await silent.close()).warnings, undefined);
  });

  test('are no reason to warn a session whose own calls were tied', async () => {
    const session = await stage.open();
    await stage.comeIn(session, '2');
    const line = `x-softprobe-session-id: ${session.id}`;
    await getThrough(stage.program.egress, `${stage.dependency.url}/value`, [line]);
    assert.equal((await session.close()).warnings, undefined);
  });

  test('tell the reasons apart', async () => {
    const url = `${stage.dependency.url}/reason`;
    const closed = await stage.open();
    await closed.close();
    await getThrough(stage.program.egress, url, []);
    await getThrough(stage.program.egress, url, [
      'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    ]);
    await getThrough(stage.program.egress, url, [`x-softprobe-session-id: ${closed.id}`]);
    const { requests } = await stage.uncorrelated();
    const newest = requests.slice(0, 3);
    assert.deepEqual(
      newest.map(({ path, hadTraceparent }) => [path, hadTraceparent]),
      [
        ['/reason', false],
        ['/reason', true],
        ['/reason', false],
      ],
    );
    assert.equal(new Set(newest.map(({ likelyReason }) => likelyReason)).size, 3);
    assert.match(newest[0]?.likelyReason ?? '', /not open|closed/);
  });
});

describe('with --fallback-session sole', () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.set(['--fallback-session', 'sole']);
  });
  after(() => stage[Symbol.asyncDispose]());

  test('the same calls belong to the only open session', async () => {
    const session = await stage.open();
    await stage.comeIn(session, '3');
    const { attribution, forwardedOutbound } = await session.stats();
    assert.deepEqual([attribution, forwardedOutbound], [{ header: 1, 'sole-session': 2 }, 2]);
    assert.equal((await stage.uncorrelated()).total, 0);
    const closed = await session.closeToCase();
    const outbound = spansOf(closed).filter((span) => attribute(span, 'sp.traffic.direction') === 'outbound');
    assert.deepEqual(
      outbound.map((span) => attribute(span, 'sp.session.attribution')),
      ['sole-session', 'sole-session'],
    );
  });

  test('a request that comes in without a session belongs to it too', async () => {
    const session = await stage.open();
    const response = await fetch(`${stage.program.ingress}/work?id=4`);
    assert.equal(response.headers.get('x-softprobe-outcome'), 'forward');
    assert.deepEqual((await session.stats()).attribution, { 'sole-session': 3 });
    await session.close();
  });

  test('with two sessions open they belong to none', async () => {
    const [one, other] = await Promise.all([stage.open(), stage.open()]);
    await stage.comeIn(one, '5');
    assert.deepEqual((await one.stats()).attribution, { header: 1 });
    assert.equal((await stage.uncorrelated()).total, 2);
    await Promise.all([one.close(), other.close()]);
  });

  test('a call that names a closed session does not fall to another', async () => {
    const closed = await stage.open();
    await closed.close();
    const session = await stage.open();
    await getThrough(stage.program.egress, `${stage.dependency.url}/value`, [
      `x-softprobe-session-id: ${closed.id}`,
    ]);
    assert.equal((await session.stats()).forwardedOutbound, 0);
    await session.close();
  });
});
