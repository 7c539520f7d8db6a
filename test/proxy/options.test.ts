import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ListenError, SoftprobeError, startProxy } from '../../src/index.ts';

it('startProxy refuses options that do not exist, and names the nearest', async () => {
  const misspelt = { appUrl: 'http://127.0.0.1:9', ingresPort: 0 };
  await assert.rejects(startProxy(misspelt), {
    name: 'TypeError',
    message: 'startProxy has no option "ingresPort" (did you mean "ingressPort"?)',
  });
});

it('startProxy says why a port cannot be had, and what to do', async () => {
  const options = { appUrl: 'http://127.0.0.1:9', interception: false as const, captureDir: 'unused' };
  const anyPort = { ingressPort: 0, egressPort: 0, controlPort: 0, adminPort: 0 };
  await using proxy = await startProxy({ ...options, ...anyPort });
  const taken = Number(new URL(proxy.urls.ingress).port);
  await assert.rejects(startProxy({ ...options, ...anyPort, ingressPort: taken }), (error) => {
    assert.ok(error instanceof ListenError);
    assert.ok(error instanceof SoftprobeError);
    assert.match(error.message, /ingress listener cannot use port \d+ \(EADDRINUSE\): .* choose another/);
    return true;
  });
});
