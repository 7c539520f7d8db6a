import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { megabytes, progressLine } from '../../src/cli/progress.ts';

const plain = { args: { _: [] }, json: false };

/** What a terminal of this width was sent. */
function terminal(columns = 80, isTTY = true) {
  const written: string[] = [];
  return { written, columns, isTTY, write: (text: string) => written.push(text) };
}

describe('the line that says how far work is', () => {
  it('shows each beginning, and between two changes not every step; it is gone at the end', () => {
    const stderr = terminal();
    {
      using line = progressLine(plain, stderr);
      line.begin('reading');
      line.begin('comparing');
      line.show('1 of 9');
    }
    assert.deepEqual(stderr.written, ['\r\x1b[Kreading', '\r\x1b[Kcomparing', '\r\x1b[K']);
  });

  it('shows the first step, and is not taken back where nothing was shown', () => {
    const stderr = terminal();
    progressLine(plain, stderr).show('1 of 9');
    progressLine(plain, stderr)[Symbol.dispose]();
    assert.deepEqual(stderr.written, ['\r\x1b[K1 of 9']);
  });

  it('fits the terminal, by the end of its text, and makes control characters visible', () => {
    const stderr = terminal(12);
    progressLine(plain, stderr).begin('reading captures/a.case.json');
    progressLine(plain, stderr).begin('a\x1bb');
    assert.deepEqual(stderr.written, ['\r\x1b[K….case.json', '\r\x1b[Ka\\u{1b}b']);
  });

  it('is not there without a terminal, with --quiet and with --json', () => {
    const stderr = terminal();
    const none = terminal(80, false);
    for (const line of [
      progressLine(plain, none),
      progressLine({ ...plain, json: true }, stderr),
      progressLine({ ...plain, args: { _: [], quiet: true } }, stderr),
    ]) {
      line.begin('reading');
      line.show('1 of 9');
      line[Symbol.dispose]();
    }
    assert.deepEqual([...stderr.written, ...none.written], []);
  });
});

describe('a size in megabytes', () => {
  it('has a decimal where it is small', () => {
    assert.deepEqual([300, 1_250_000, 9_940_000, 209_600_000].map(megabytes), [
      '0.0 MB',
      '1.3 MB',
      '9.9 MB',
      '210 MB',
    ]);
  });
});
