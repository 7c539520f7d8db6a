import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkShell } from '../../../src/cli/doctor/shell.ts';

const egress = 'http://127.0.0.1:8084';
const all = { HTTP_PROXY: egress, http_proxy: egress, HTTPS_PROXY: egress, https_proxy: egress };
const statuses = (environment: NodeJS.ProcessEnv) =>
  checkShell(egress, environment).map(({ name, status }) => `${name} ${status}`);

describe('the proxy variables of a shell', () => {
  it('are right when all name the egress', () => {
    assert.deepEqual(statuses({ ...all, NO_PROXY: '', NODE_USE_ENV_PROXY: '1' }), ['proxy-variables ok']);
  });

  it('may carry a session, which is not told', () => {
    const tied = 'http://sess_secret:x@127.0.0.1:8084/';
    const environment = { ...all, HTTP_PROXY: tied, NODE_USE_ENV_PROXY: '1' };
    assert.deepEqual(statuses(environment), ['proxy-variables ok']);
    const elsewhere = checkShell('http://127.0.0.1:1', environment);
    assert.equal(JSON.stringify(elsewhere).includes('sess_secret'), false);
  });

  it('are warned of when they are missing, or some of them', () => {
    assert.deepEqual(statuses({}), ['proxy-variables warn']);
    assert.match(checkShell(egress, { ...all, http_proxy: '' })[0]?.message ?? '', /^http_proxy: not set/);
  });

  it('are warned of when they lead elsewhere', () => {
    assert.deepEqual(statuses({ ...all, https_proxy: 'http://10.0.0.1:3128' }), ['proxy-variables warn']);
    assert.deepEqual(statuses({ ...all, https_proxy: 'nonsense' }), ['proxy-variables warn']);
  });

  it('are warned of when there are exceptions, or Node.js does not look', () => {
    assert.deepEqual(statuses({ ...all, no_proxy: 'localhost' }), [
      'proxy-variables ok',
      'no-proxy warn',
      'node-proxy warn',
    ]);
  });
});
