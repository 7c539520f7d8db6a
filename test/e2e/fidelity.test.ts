import { before, describe, test } from 'node:test';
import { rows } from './rows/index.ts';
import type { Program } from './support/program.ts';
import {
  expectRequestKept,
  expectResponseKept,
  openRoute,
  type Route,
  send,
  ways,
  waysByHost,
} from './support/route.ts';
import type { ScriptedOrigin } from './support/scripted-origin.ts';
import { useStage } from './support/stage.ts';

let origin: ScriptedOrigin;
let program: Program;
useStage((stage) => {
  ({ origin, program } = stage);
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
