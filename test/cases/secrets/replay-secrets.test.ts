import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type AuthFixtures, InvalidDocumentError } from '../../../src/cases/index.ts';
import { ReplaySecrets } from '../../../src/cases/secrets/replay-secrets.ts';

const hidden = '[redacted:0f1e2d3c4b5a]';
const otherHidden = '[redacted:aaaaaaaaaaaa]';
const bearer = `Bearer ${hidden}`;

describe('the value of a hidden header', () => {
  it('is the recorded one where nothing is hidden in it', () => {
    assert.deepEqual(new ReplaySecrets().fillHeader('accept', '*/*'), { value: '*/*', missing: [] });
  });

  it('is missing where nobody knows it', () => {
    assert.deepEqual(new ReplaySecrets().fillHeader('authorization', bearer), {
      value: undefined,
      missing: ['authorization'],
    });
  });

  const given: [string, AuthFixtures, string, string][] = [
    ['by the name of the header', { tokens: { 'X-Api-Key': 'k', other: 'o' } }, 'x-api-key', 'k'],
    ['as the only token', { tokens: { admin: 't' } }, 'authorization', 'Bearer t'],
    ['as the only token of a list', { tokens: ['t'] }, 'authorization', 'Bearer t'],
    ['with its scheme', { tokens: { authorization: 'Basic abc' } }, 'authorization', 'Basic abc'],
    ['in an object', { tokens: [{ name: 'authorization', value: 't' }] }, 'authorization', 'Bearer t'],
    ['by its placeholder', { tokens: { [hidden]: 't', [otherHidden]: 'u' } }, 'authorization', 'Bearer t'],
  ];
  for (const [how, fixtures, name, value] of given) {
    it(`may be given ${how}`, () => {
      const recorded = name === 'authorization' ? bearer : hidden;
      assert.deepEqual(new ReplaySecrets(fixtures).fillHeader(name, recorded), { value, missing: [] });
    });
  }

  it('is none of several tokens that do not name it, and no token at all of another header', () => {
    assert.equal(
      new ReplaySecrets({ tokens: { a: '1', b: '2' } }).fillHeader('authorization', bearer).value,
      undefined,
    );
    assert.equal(new ReplaySecrets({ tokens: { a: '1' } }).fillHeader('x-api-key', hidden).value, undefined);
  });

  it('is what the service has handed out in the place of the same placeholder', () => {
    const secrets = new ReplaySecrets({ tokens: { admin: 'given' } });
    assert.equal(secrets.reveals(`{"token":"${hidden}"}`, '{"token":"new"}'), true);
    assert.equal(secrets.fillHeader('authorization', bearer).value, 'Bearer new');
    assert.equal(secrets.fillHeader('authorization', `Bearer ${otherHidden}`).value, 'Bearer given');
  });
});

describe('cookies', () => {
  const fixtures: AuthFixtures[] = [
    { cookies: { sid: 's' } },
    { cookies: ['sid=s'] },
    { cookies: [{ name: 'sid', value: 's' }] },
  ];
  for (const given of fixtures) {
    it(`are given as ${JSON.stringify(given.cookies)}`, () => {
      const { value } = new ReplaySecrets(given).fillHeader('cookie', `theme=dark; sid=${hidden}`);
      assert.equal(value, 'theme=dark; sid=s');
    });
  }

  it('are left out one by one', () => {
    assert.deepEqual(new ReplaySecrets().fillHeader('cookie', `theme=dark; sid=${hidden}`), {
      value: 'theme=dark',
      missing: ['cookie sid'],
    });
    assert.deepEqual(new ReplaySecrets().fillHeader('cookie', `sid=${hidden}`), {
      value: undefined,
      missing: ['cookie sid'],
    });
  });

  it('get the value that was set, where the recorded one had been set by the service', () => {
    const secrets = new ReplaySecrets();
    secrets.learnCookie('sid=old; Path=/', 'sid=new; Path=/');
    secrets.learnCookie('lang=en', 'other=fr');
    assert.equal(
      secrets.fillHeader('cookie', 'sid=old; lang=en; sid=mine').value,
      'sid=new; lang=en; sid=mine',
    );
  });
});

describe('a text that hides something', () => {
  it('is told from one that says something else', () => {
    const secrets = new ReplaySecrets();
    assert.equal(secrets.reveals(`a=${hidden}; Path=/`, 'a=1; Path=/'), true);
    for (const other of ['a=; Path=/', 'a=1', 'b=1; Path=/', 'a=1; Path=/; Secure', '']) {
      assert.equal(secrets.reveals(`a=${hidden}; Path=/`, other), false, other);
    }
    assert.deepEqual(secrets.fill(hidden), { text: '1', isWhole: true });
  });

  it('gives back what was put in the place of its placeholders', () => {
    // Letters in the texts around, digits in the values: then there is one way to read it.
    const around = fc.stringMatching(/^[a-z]{1,5}$/);
    const value = fc.stringMatching(/^[0-9]{1,5}$/);
    fc.assert(
      fc.property(around, value, around, value, around, (a, one, b, two, c) => {
        const secrets = new ReplaySecrets();
        assert.equal(secrets.reveals(a + hidden + b + otherHidden + c, a + one + b + two + c), true);
        assert.deepEqual(secrets.fill(`${hidden} ${otherHidden}`), { text: `${one} ${two}`, isWhole: true });
      }),
    );
  });
});

it('fixtures that are no texts are refused with their places', () => {
  assert.throws(
    () => new ReplaySecrets({ tokens: { admin: 5 }, cookies: [{ name: 'a' }] }),
    (error: InvalidDocumentError) => {
      assert(error instanceof InvalidDocumentError);
      assert.deepEqual(
        error.issues.map(({ pointer }) => pointer),
        ['/tokens/admin', '/cookies/0'],
      );
      return true;
    },
  );
});
