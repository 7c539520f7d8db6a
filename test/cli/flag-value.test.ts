import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { UsageError } from '../../src/cli/failure.ts';
import {
  readChoice,
  readCount,
  readDuration,
  readHeaderName,
  readHost,
  readOrigin,
  readPort,
  readSize,
  readWord,
} from '../../src/cli/flag-value.ts';

type Reader = (source: string, text: string) => unknown;

/** Checks what a reader makes of texts, and that its refusals begin with the flag and show the value. */
function readsAndRefuses(reader: Reader, good: Record<string, unknown>, bad: readonly string[]): void {
  for (const [text, value] of Object.entries(good)) {
    it(`reads ${JSON.stringify(text)} as ${value}`, () => {
      assert.equal(reader('--flag', text), value);
    });
  }
  for (const text of bad) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => reader('--flag', text),
        (error: unknown) => {
          assert(error instanceof UsageError);
          assert.match(error.message, /^--flag: expected /);
          assert(error.message.endsWith(`, got ${JSON.stringify(text)}`), error.message);
          return true;
        },
      );
    });
  }
}

describe('ports', () => {
  readsAndRefuses(readPort, { '0': 0, '1': 1, '8080': 8080, '65535': 65_535 }, [
    '',
    ' ',
    '-1',
    '65536',
    '99999999999999999999',
    '80.5',
    '8e3',
    '0x50',
    '80 ',
    '٨٠',
    'http',
    'NaN',
  ]);
});

describe('counts', () => {
  readsAndRefuses(readCount, { '1': 1, '1000': 1000 }, [
    '0',
    '-1',
    '1.5',
    '',
    '01',
    '1e3',
    'many',
    '9999999999',
  ]);
});

describe('sizes', () => {
  readsAndRefuses(
    readSize,
    { '0': 0, '65536': 65_536, '10B': 10, '64KiB': 65_536, '1MiB': 1_048_576, '1GiB': 1_073_741_824 },
    ['', '-1', '1.5MiB', '1KB', '1mib', '1 MiB', 'MiB', '2GiB', '1TiB', '1MiBx', '9'.repeat(400)],
  );
});

describe('durations', () => {
  readsAndRefuses(
    readDuration,
    { '250': 250, '250ms': 250, '30s': 30_000, '5m': 300_000, '1h': 3_600_000, '2147483647': 2 ** 31 - 1 },
    ['', '0', '0s', '-1', '1.5s', '1 s', '1H', '1d', 's', '1h30m', '2147483648', '597h', 'soon'],
  );

  it('reads zero where zero means something', () => {
    assert.equal(readDuration('--drain-timeout', '0', { allowZero: true }), 0);
  });
});

describe('origins', () => {
  readsAndRefuses(
    readOrigin,
    {
      'http://127.0.0.1:8081': 'http://127.0.0.1:8081',
      'http://127.0.0.1:8081/': 'http://127.0.0.1:8081',
      'HTTP://App.Example:80': 'http://app.example',
      'https://app.example': 'https://app.example',
      'http://[::1]:3000': 'http://[::1]:3000',
    },
    [
      '',
      '127.0.0.1:8081',
      'localhost',
      'app.example',
      'ftp://app.example',
      'http:/app.example',
      'http:\\\\app.example',
      ' http://app.example',
      'http://',
      'http:///path',
      'http://app.example/path',
      'http://app.example?query',
      'http://app.example#part',
      'http://app.example:0',
      'http://app.example:65536',
      'http://exa mple',
      'file:///etc/passwd',
    ],
  );

  it('refuses a URL with a password without repeating it', () => {
    assert.throws(
      () => readOrigin('APP_URL', 'http://user:hunter2@app.example'),
      (error: unknown) =>
        error instanceof UsageError && /^APP_URL: /.test(error.message) && !/hunter2/.test(error.message),
    );
  });
});

describe('hosts', () => {
  readsAndRefuses(
    readHost,
    { '127.0.0.1': '127.0.0.1', '::1': '::1', '[::1]': '::1', localhost: 'localhost', '0.0.0.0': '0.0.0.0' },
    ['', ' ', 'a b', 'http://127.0.0.1', '127.0.0.1/8', '127.0.0.1,::1'],
  );
});

describe('header names', () => {
  readsAndRefuses(readHeaderName, { 'X-Tenant': 'x-tenant', 'a.b_c': 'a.b_c' }, [
    '',
    'x tenant',
    'x:',
    'ä',
    'a\n',
  ]);
});

describe('words', () => {
  readsAndRefuses(readWord, { shop: 'shop', 'my shop': 'my shop', ü: 'ü' }, ['', '  ', 'a\nb', 'a\u0000']);
});

describe('choices', () => {
  readsAndRefuses((source, text) => readChoice(source, text, ['info', 'warn']), { info: 'info' }, [
    '',
    'INFO',
    'inf',
  ]);
});

it('reads any text or refuses it as a usage error, never otherwise', () => {
  const readers: readonly Reader[] = [
    readPort,
    readCount,
    readSize,
    readDuration,
    readOrigin,
    readHost,
    readWord,
  ];
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(...readers), (text, reader) => {
      try {
        reader('--flag', text);
      } catch (error) {
        assert(error instanceof UsageError);
      }
    }),
  );
});
