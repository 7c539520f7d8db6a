import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readCaseFile } from '../../src/index.ts';
import { runProgram } from '../cli/built-program.ts';
import { App } from './support/app.ts';
import { Session } from './support/control-client.ts';
import { CountingOrigin } from './support/counting-origin.ts';
import { Gateway } from './support/gateway.ts';
import { AUTHORITY_CERTIFICATE, Program } from './support/program.ts';
import { attribute, spansOf } from './support/recorded-spans.ts';
import { LOCAL_NAMES, TestAuthority } from './support/test-authority.ts';

/*
 * What docs/ecosystems.md and its pages say, tried: which programs call through the proxy and trust it, by the
 * variables that `run` and `env` set and by nothing else. What is not installed here is skipped by its name.
 */

let folder = '';
let env: NodeJS.ProcessEnv = {};
let authority: TestAuthority;
/** PEM file of the authority of the test's origins. */
let upstreamCa = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'softprobe-ecosystems-'));
  env = { SOFTPROBE_CA_DIR: join(folder, 'ca'), TMPDIR: folder, AWS_MAX_ATTEMPTS: '1' };
  authority = await TestAuthority.create();
  upstreamCa = join(folder, 'upstream-ca.pem');
  await writeFile(upstreamCa, authority.certificate);
});
after(() => rm(folder, { recursive: true, force: true }));

/** Leads to this machine, and no client takes it for this machine. */
const OTHER_NAME = '0.0.0.0';

const node = process.execPath;
const script = (name: string) => fileURLToPath(new URL(`support/clients/${name}`, import.meta.url));

/** A client that calls /next twice and then /echo of an origin, and prints the answers. */
interface Client {
  readonly name: string;
  /** The origin's URL comes behind it. */
  readonly command: readonly [program: string, ...args: string[]];
  /** Succeeds where the client and what it needs are there. */
  readonly needs?: readonly string[];
  /** How its calls find their session: most send the user name that `run` gives to their proxy. */
  readonly tiedBy?: 'sole-session';
  /** Uses no proxy for whatever is on this machine, whatever NO_PROXY says. */
  readonly sparesThisMachine?: true;
}

const clients: readonly Client[] = [
  { name: 'curl', command: ['sh', script('calls.sh')], needs: ['curl', '--version'] },
  {
    name: 'wget',
    command: ['sh', script('calls-by-wget.sh')],
    needs: ['wget', '--version'],
  },
  { name: "Node's fetch", command: [node, script('calls-by-fetch.js')] },
  { name: "Node's http and https", command: [node, script('calls-by-http.js')] },
  { name: 'undici with EnvHttpProxyAgent', command: [node, script('calls-by-undici.js')] },
  {
    name: 'Deno',
    command: ['deno', 'run', '--allow-all', script('calls-by-fetch.js')],
    needs: ['deno', '--version'],
  },
  { name: 'Bun', command: ['bun', script('calls-by-fetch.js')], needs: ['bun', '--version'] },
  { name: "Python's urllib", command: ['python3', script('calls.py')], needs: ['python3', '--version'] },
  {
    name: "Python's requests",
    command: ['python3', script('calls-by-requests.py')],
    needs: ['python3', '-c', 'import requests'],
  },
  {
    name: "Python's httpx",
    command: ['python3', script('calls-by-httpx.py')],
    needs: ['python3', '-c', 'import httpx'],
  },
  {
    name: "Python's aiohttp with trust_env",
    command: ['python3', script('calls-by-aiohttp.py')],
    needs: ['python3', '-c', 'import aiohttp'],
  },
  {
    name: "Java's HttpClient",
    command: ['java', script('Calls.java')],
    needs: ['java', '-version'],
    tiedBy: 'sole-session',
  },
  {
    name: "Java's HttpURLConnection",
    command: ['java', script('CallsByUrlConnection.java')],
    needs: ['java', '-version'],
    tiedBy: 'sole-session',
  },
  {
    name: "Go's net/http",
    command: ['go', 'run', script('calls.go')],
    needs: ['go', 'version'],
    sparesThisMachine: true,
  },
  {
    name: "Ruby's net/http",
    command: ['ruby', script('calls.rb')],
    needs: ['ruby', '--version'],
    sparesThisMachine: true,
  },
  {
    name: "PHP's curl functions",
    command: ['php', script('calls-by-curl.php')],
    needs: ['php', '-r', 'exit(extension_loaded("curl") ? 0 : 1);'],
  },
  {
    name: "Perl's LWP with env_proxy",
    command: ['perl', script('calls.pl')],
    needs: ['perl', '-MLWP::UserAgent', '-MLWP::Protocol::https', '-e', '1'],
  },
];

function whyNot(needs: readonly string[] = []): string | false {
  const [program, ...args] = needs;
  if (program === undefined) return false;
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return false;
  } catch {
    return `${needs.join(' ')} fails here`;
  }
}

/** Runs a client for one URL after the other, in a run of the program with these flags. */
function run(flags: readonly string[], { command }: Client, urls: readonly string[]) {
  const loop = 'for url in $URLS; do "$@" "$url" || exit; done';
  return runProgram(['run', ...flags, '--', 'sh', '-c', loop, 'sh', ...command], {
    env: { ...env, URLS: urls.join(' ') },
  });
}

async function listen(scheme: 'http' | 'https'): Promise<CountingOrigin> {
  const names = [...LOCAL_NAMES, OTHER_NAME];
  return CountingOrigin.listen(scheme === 'https' ? await authority.server(names) : undefined);
}

describe('over HTTP and HTTPS', () => {
  for (const client of clients) {
    const { name, needs, tiedBy = 'proxy-credential', sparesThisMachine } = client;
    it(`${name} is recorded, and replayed without the origins`, { skip: whyNot(needs) }, async () => {
      await using plain = await listen('http');
      await using secure = await listen('https');
      const urls = [plain, secure].map(({ url }) =>
        sparesThisMachine ? url.replace('127.0.0.1', OTHER_NAME) : url,
      );
      const file = join(folder, `${name.replaceAll(/\W+/g, '-')}.case.json`);
      const recorded = await run(['--capture', file, '--upstream-ca', upstreamCa], client, urls);
      assert.equal(recorded.code, 0, recorded.stderr);
      assert.match(recorded.stdout, /(number 1.*number 2.*you said hello.*){2}/s);
      assert.deepEqual([plain.count, secure.count], [3, 3]);
      await Promise.all([plain, secure].map((origin) => origin[Symbol.asyncDispose]()));
      assert.deepEqual(
        spansOf(await readCaseFile(file)).map((span) => [
          attribute(span, 'url.full'),
          attribute(span, 'sp.session.attribution'),
        ]),
        urls.flatMap((url) => ['/next', '/next', '/echo'].map((path) => [`${url}${path}`, tiedBy])),
      );

      const replayed = await run(['--replay', file], client, urls);
      assert.equal(replayed.code, 0, replayed.stderr);
      assert.equal(replayed.stdout, recorded.stdout);
      assert.match(replayed.stderr, /answered 6 calls from .*, none was missing/);
    });

    if (!sparesThisMachine) continue;
    it(`${name} calls past the proxy what is on this machine`, { skip: whyNot(needs) }, async () => {
      await using origin = await listen('http');
      const urls = [origin.url, origin.url.replace('127.0.0.1', 'localhost')];
      const { code, stderr } = await run(['--capture', join(folder, 'past.json')], client, urls);
      assert.equal(code, 0, stderr);
      assert.equal(origin.count, 6);
      assert.match(stderr, /recorded 0 hops in .*\n.*no call came by the proxy/);
    });
  }
});

describe('OpenTelemetry', () => {
  it("ties each of Node's calls over HTTPS to the session of the request that caused it", async () => {
    let app: App | undefined;
    await using origin = await listen('https');
    await using gateway = await Gateway.listen(() => app?.url);
    await using program = await Program.start(gateway.url, ['--upstream-ca', upstreamCa]);
    await using caller = await App.start(
      fileURLToPath(new URL('support/apps/https-caller.ts', import.meta.url)),
      {
        ORIGIN: origin.url,
        HTTPS_PROXY: program.egress,
        NODE_USE_ENV_PROXY: '1',
        NODE_EXTRA_CA_CERTS: AUTHORITY_CERTIFICATE,
      },
      ['--import', new URL('../../examples/shop/instrumentation.ts', import.meta.url).href],
    );
    app = caller;
    const sessions = await Promise.all(
      Array.from({ length: 4 }, () => Session.open(program.control, { mode: 'capture' })),
    );
    const answers = await Promise.all(
      sessions.map(async ({ id }) => {
        const headers = { 'x-softprobe-session-id': id };
        return await (await fetch(`${program.ingress}/${id}`, { headers })).text();
      }),
    );
    for (const [index, session] of sessions.entries()) {
      assert.match(answers[index] ?? '', /^number \d+ — \S+ number \d+ — \S+$/);
      const calls = spansOf(await session.closeToCase()).filter(
        (span) => attribute(span, 'sp.traffic.direction') === 'outbound',
      );
      assert.deepEqual(
        calls.map((span) => [attribute(span, 'url.full'), attribute(span, 'sp.session.attribution')]).sort(),
        ['fetch', 'https'].map((by) => [`${origin.url}/${by}/${session.id}`, 'tracestate']),
      );
    }
  });
});

/** Tools for which the answer is not what they look for: that they asked is seen by the count of answered calls. */
interface Tool {
  readonly name: string;
  readonly command: readonly string[];
  readonly needs: readonly string[];
}

/** Is nowhere: the answer comes from a case. */
const NOWHERE = 'https://api.example.test';

const mavenProject = `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>example</groupId>
  <artifactId>example</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <pluginRepositories>
    <pluginRepository><id>central</id><url>${NOWHERE}/maven</url></pluginRepository>
  </pluginRepositories>
</project>
`;

const pip = '--no-cache-dir --retries 0 --disable-pip-version-check'.split(' ');
const aws = `--no-sign-request --region eu-west-1 --endpoint-url ${NOWHERE}`.split(' ');
const tools: readonly Tool[] = [
  {
    name: 'Maven',
    command: ['mvn', '-q', '-B', '-s', 'settings.xml', '-Dmaven.repo.local=repository', 'dependency:resolve'],
    needs: ['mvn', '--version'],
  },
  { name: 'git', command: ['git', 'ls-remote', `${NOWHERE}/repository.git`], needs: ['git', '--version'] },
  {
    name: 'pip',
    command: ['python3', '-m', 'pip', 'download', ...pip, '--index-url', `${NOWHERE}/simple`, 'x'],
    needs: ['python3', '-m', 'pip', '--version'],
  },
  {
    name: 'the aws program',
    command: ['aws', ...aws, 's3api', 'list-buckets'],
    needs: ['aws', '--version'],
  },
  {
    name: 'cargo',
    command: ['cargo', 'search', '--index', `sparse+${NOWHERE}/`, 'x'],
    needs: ['cargo', '--version'],
  },
  {
    name: "Perl's HTTP::Tiny",
    command: ['perl', '-MHTTP::Tiny', '-e', `HTTP::Tiny->new(verify_SSL => 1)->get("${NOWHERE}/")`],
    needs: ['perl', '-MHTTP::Tiny', '-MIO::Socket::SSL', '-e', '1'],
  },
];

describe('tools, over HTTPS', () => {
  before(async () => {
    // A case may be written by hand: its rules answer when nothing that was recorded does.
    const response = { headers: { 'content-type': 'text/plain' }, body: 'said once, played again' };
    const rule = { when: { host: 'api.example.test' }, then: { action: 'mock', response } };
    const document = { version: '1.0.0', caseId: 'tools', createdAt: '2026-01-01T00:00:00Z' };
    await writeFile(
      join(folder, 'tools.case.json'),
      JSON.stringify({ ...document, traces: [], rules: [rule] }),
    );
    await writeFile(join(folder, 'pom.xml'), mavenProject);
    await writeFile(join(folder, 'settings.xml'), '<settings/>');
  });

  for (const { name, command, needs } of tools) {
    it(`${name} asks the proxy, and trusts it`, { skip: whyNot(needs) }, async () => {
      const args = ['run', '--replay', 'tools.case.json', '--', ...command];
      const { stderr } = await runProgram(args, { env, cwd: folder });
      assert.match(stderr, /answered [1-9]\d* calls? from tools\.case\.json, none was missing/);
    });
  }
});
