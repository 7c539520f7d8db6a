import { after, before, describe, test } from 'node:test';
import { rows } from './rows/index.ts';
import { Program } from './support/program.ts';
import {
  expectRequestKept,
  expectResponseKept,
  openRoute,
  type Route,
  send,
  ways,
  waysByHost,
} from './support/route.ts';
import { ScriptedOrigin } from './support/scripted-origin.ts';

let origin: ScriptedOrigin;
let program: Program;
before(async () => {
  origin = await ScriptedOrigin.listen();
  program = await Program.start(origin.url);
});
after(async () => {
  await origin[Symbol.asyncDispose]();
  await program[Symbol.asyncDispose]();
});

for (const way of [...ways, ...waysByHost]) {
  describe(way.name, () => {
    let route: Route;
    before(async () => {
      route = await openRoute(program, way);
    });

    for (const row of rows) {
      test(`passes unchanged: ${row.name}`, async () => {
        origin.clear();
        const seen = origin.next(row.response);
        const received = await send(row, route, origin);
        await expectResponseKept(received, row, route);
        await expectRequestKept(await seen, row, route, origin);
      });
    }
  });
}
