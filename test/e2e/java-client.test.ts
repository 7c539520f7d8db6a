import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { plain } from './rows/row.ts';
import { field } from './support/http-message.ts';
import type { Program } from './support/program.ts';
import type { ScriptedOrigin } from './support/scripted-origin.ts';
import { useStage } from './support/stage.ts';

const run = promisify(execFile);
const SOURCE = fileURLToPath(new URL('./support/apps/HttpPost.java', import.meta.url));
const hasCompiler = spawnSync('javac', ['-version']).status === 0;

let origin: ScriptedOrigin;
let program: Program;
useStage((stage) => {
  ({ origin, program } = stage);
});

async function post(url: string, proxy: string | undefined, bodies: readonly string[]): Promise<string[]> {
  const proxyPort = proxy === undefined ? '0' : new URL(proxy).port;
  const { stdout } = await run('java', [SOURCE, url, proxyPort, ...bodies], { env: ownEnvironment() });
  return stdout.trim().split('\n');
}

/** Ours without what would steer the client. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, JAVA_TOOL_OPTIONS: '' };
}

describe("Java's HttpClient", { skip: hasCompiler ? false : 'no JDK here' }, () => {
  test('asks each server for HTTP/2 by Upgrade', async () => {
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.headers.upgrade);
      response.end('ok');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    assert.deepEqual(await post(`http://127.0.0.1:${address.port}/`, undefined, ['a']), ['200 HTTP_1_1 ok']);
    assert.deepEqual(asked, ['h2c']);
    server.close();
  });

  for (const kind of ['ingress', 'egress'] as const) {
    test(`is served in HTTP/1.1 by the ${kind}, bodies and all`, async () => {
      const bodies = ['first', 'x'.repeat(100_000), 'third'];
      const seen = bodies.map((_, index) => origin.next(plain(`answer ${index}`)));
      const answers =
        kind === 'ingress'
          ? await post(`${program.ingress}/post`, undefined, bodies)
          : await post(`${origin.url}/post`, program.egress, bodies);
      assert.deepEqual(answers, ['200 HTTP_1_1 answer 0', '200 HTTP_1_1 answer 1', '200 HTTP_1_1 answer 2']);
      for (const [index, request] of (await Promise.all(seen)).entries()) {
        assert.equal(request.body.toString(), bodies[index]);
        assert.equal(field(request, 'upgrade'), undefined);
      }
    });
  }
});
