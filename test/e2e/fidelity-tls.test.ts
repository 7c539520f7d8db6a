import { after, before, beforeEach, describe, test } from 'node:test';
import { rows } from './rows/index.ts';
import { Program } from './support/program.ts';
import {
  expectRequestKept,
  expectResponseKept,
  openRoute,
  type Route,
  send,
  waysThroughTls,
} from './support/route.ts';
import type { ScriptedOrigin } from './support/scripted-origin.ts';
import { PemFolder, TestAuthority } from './support/test-authority.ts';
import { listenTls } from './support/tls-origin.ts';

let origin: ScriptedOrigin;
let program: Program;
let pems: PemFolder;
before(async () => {
  const authority = await TestAuthority.create();
  pems = await PemFolder.create();
  origin = await listenTls(authority);
  program = await Program.start(origin.url, [
    '--upstream-ca',
    await pems.write('ca.pem', authority.certificate),
  ]);
});
beforeEach(() => origin.clear());
after(async () => {
  await program[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
  await pems[Symbol.asyncDispose]();
});

for (const way of waysThroughTls) {
  describe(way.name, () => {
    let route: Route;
    before(async () => {
      route = await openRoute(program, way);
    });

    for (const row of rows) {
      test(`passes unchanged: ${row.name}`, async () => {
        const seen = origin.next(row.response);
        const received = await send(row, route, origin);
        await expectResponseKept(received, row, route);
        await expectRequestKept(await seen, row, route, origin);
      });
    }
  });
}
