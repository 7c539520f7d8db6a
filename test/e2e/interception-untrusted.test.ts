import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { plain } from './rows/row.ts';
import { AUTHORITY_CERTIFICATE, Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import type { ScriptedOrigin } from './support/scripted-origin.ts';
import { type TlsStage, useTlsStage } from './support/tls-stage.ts';

const run = promisify(execFile);

let stage: TlsStage;
let origin: ScriptedOrigin;
let program: Program;
useTlsStage((set) => {
  stage = set;
  ({ origin, program } = set);
});

interface Client {
  readonly name: string;
  /** A GET of the URL through the proxy that trusts the certificate, or what the system trusts. */
  readonly call: (proxy: string, url: string, ca: string | undefined) => Promise<string>;
}

const FETCH = 'process.stdout.write(await (await fetch(process.argv[1])).text())';
const HTTPS = `
  import { get } from 'node:https';
  import { text } from 'node:stream/consumers';
  get(process.argv[1], async (answer) => process.stdout.write(await text(answer)));`;
const URLLIB =
  'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode(), end="")';

async function node(script: string, proxy: string, url: string, ca: string | undefined): Promise<string> {
  const trust = ca === undefined ? {} : { NODE_EXTRA_CA_CERTS: ca };
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script, url], {
    env: { NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: proxy, NO_PROXY: '', ...trust },
  });
  return stdout;
}

const clients: readonly Client[] = [
  {
    name: 'curl',
    call: async (proxy, url, ca) =>
      (await run('curl', ['-sS', '--proxy', proxy, ...(ca === undefined ? [] : ['--cacert', ca]), url]))
        .stdout,
  },
  {
    name: "Python's urllib",
    call: async (proxy, url, ca) => {
      const trust = ca === undefined ? {} : { SSL_CERT_FILE: ca };
      const env = { PATH: process.env.PATH, HTTPS_PROXY: proxy, no_proxy: '', ...trust };
      return (await run('python3', ['-c', URLLIB, url], { env })).stdout;
    },
  },
  { name: "Node's fetch", call: (...call) => node(FETCH, ...call) },
  { name: "Node's https", call: (...call) => node(HTTPS, ...call) },
];

/** Log lines above the level of information. */
function warnings({ log }: Program): { msg: string; host: string; client: string; level: number }[] {
  return log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter(({ level }) => level >= 40);
}

for (const [index, { name, call }] of clients.entries()) {
  // A name for each: it is told once for each host.
  const host = () => `untrusted-${index}.localhost:${origin.port}`;

  test(`${name} is answered where it trusts our certificate`, async () => {
    origin.next(plain('trusted'));
    const url = `https://localhost:${origin.port}/`;
    assert.equal(await call(program.egress, url, AUTHORITY_CERTIFICATE), 'trusted');
  });

  test(`${name} that does not trust it is told of in the log once, with what to do`, async () => {
    const before = warnings(program).length;
    for (let i = 0; i < 2; i++) await assert.rejects(call(program.egress, `https://${host()}/`, undefined));
    // The line may come after the client's end: by then the proxy has answered somebody else.
    origin.next(plain('trusted'));
    await call(program.egress, `https://localhost:${origin.port}/`, AUTHORITY_CERTIFICATE);
    const told = warnings(program).slice(before);
    assert.equal(told.length, 1, program.log);
    const [{ msg, client, host: named }] = told as [(typeof told)[0]];
    assert.equal(named, `untrusted-${index}.localhost`);
    assert.match(client, /^127\.0\.0\.1:\d+$/);
    for (const part of [named, AUTHORITY_CERTIFICATE, 'softprobe-proxy env', `--tls-passthrough ${named}`]) {
      assert.ok(msg.includes(part), `${part} is not in: ${msg}`);
    }
  });
}

test('a client that begins TLS with the listener is told of by its address, too', async () => {
  const before = warnings(program).length;
  await assert.rejects(
    RawClient.connectTls(program.egress, { ca: stage.authority.certificate, servername: 'direct.test' }),
  );
  while (warnings(program).length === before) await (await fetch(`${program.admin}/ready`)).arrayBuffer();
  assert.match(warnings(program).at(-1)?.client ?? '', /^127\.0\.0\.1:\d+$/);
});

describe('with --on-untrusted tunnel', () => {
  let lenient: Program;
  before(async () => {
    lenient = await Program.start('http://127.0.0.1:9', [...stage.trusting, '--on-untrusted', 'tunnel']);
  });
  after(async () => await lenient[Symbol.asyncDispose]());

  const connect = (servername: string) =>
    RawClient.connectTls(lenient.egress, {
      authority: origin.authority,
      ca: stage.authority.certificate,
      servername,
    });

  test('the next connection to the host passes untouched, and no other host does', async () => {
    await assert.rejects(connect('api.test'));
    // The refusal is on its way to the proxy still.
    while (!lenient.log.includes('api.test passes untouched'))
      await (await fetch(`${lenient.admin}/ready`)).arrayBuffer();
    using client = await connect('api.test');
    assert.ok(client.socket instanceof TLSSocket);
    assert.equal(client.socket.getPeerCertificate().issuer.CN, 'Test CA');
    origin.next(plain('own'));
    await client.write('GET / HTTP/1.1\r\nHost: api.test\r\n\r\n');
    assert.equal((await client.readResponse()).body.toString(), 'own');
    await assert.rejects(connect('other.test'));
    using trusting = await RawClient.connectTls(lenient.egress, {
      authority: origin.authority,
      ca: stage.ca,
      servername: 'localhost',
    });
    assert.ok(trusting.socket instanceof TLSSocket);
    assert.notEqual(trusting.socket.getPeerCertificate().issuer.CN, 'Test CA');
  });
});
