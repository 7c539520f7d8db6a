import { readFile } from 'node:fs/promises';
import { after, before, beforeEach } from 'node:test';
import { AUTHORITY_CERTIFICATE, Program } from './program.ts';
import type { ScriptedOrigin } from './scripted-origin.ts';
import { PemFolder, TestAuthority } from './test-authority.ts';
import { listenTls } from './tls-origin.ts';

/** The built program in front of an origin that speaks TLS, which it trusts. */
export interface TlsStage {
  readonly origin: ScriptedOrigin;
  readonly program: Program;
  /** What the origin's certificate comes from. */
  readonly authority: TestAuthority;
  /** PEM of what clients of the program have to trust. */
  readonly ca: string;
  /** Flags by which another program trusts the origin. */
  readonly trusting: readonly string[];
}

/**
 * Sets a stage up before the tests of a file, clears the origin's script before each, and takes it down after.
 *
 * @param begin is given the stage when it stands
 * @param flags more flags of `start`
 */
export function useTlsStage(begin: (stage: TlsStage) => void, flags: readonly string[] = []): void {
  let stage: TlsStage | undefined;
  let pems: PemFolder | undefined;
  before(async () => {
    pems = await PemFolder.create();
    const authority = await TestAuthority.create();
    const trusting = ['--upstream-ca', await pems.write('ca.pem', authority.certificate)];
    const origin = await listenTls(authority);
    const program = await Program.start('http://127.0.0.1:9', [...trusting, ...flags]);
    const ca = await readFile(AUTHORITY_CERTIFICATE, 'utf8');
    stage = { origin, program, authority, ca, trusting };
    begin(stage);
  });
  beforeEach(() => stage?.origin.clear());
  after(async () => {
    await stage?.program[Symbol.asyncDispose]();
    await stage?.origin[Symbol.asyncDispose]();
    await pems?.[Symbol.asyncDispose]();
  });
}
