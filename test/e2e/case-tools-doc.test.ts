import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { recordedResponse } from '../cases/support/exchange.ts';
import { CaseFolder, caseOf } from './support/case-folder.ts';
import { cli } from './support/cli.ts';
import { OtlpReceiver } from './support/otlp-receiver.ts';

const page = await readFile(new URL('../../docs/case-tools.md', import.meta.url), 'utf8');

/** The blocks of a page in one language. */
function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
    ([, text = '']) => text,
  );
}

/** The command lines of the page, without the program's name; what follows a `#` is a comment. */
const lines = blocks('sh')
  .flatMap((block) => block.trim().split('\n'))
  .map((line) => line.replace(/ +#.*$/, '').replace(/^softprobe-proxy /, ''));

describe('docs/case-tools.md', () => {
  it('has only command lines that run, in their order', async () => {
    await using folder = await CaseFolder.create();
    await using receiver = await OtlpReceiver.start();
    const json = ['content-type', 'application/json'];
    const before = caseOf({}, { response: recordedResponse(json, '{"left":3,"at":"2026-11-20T12:00:00Z"}') });
    await folder.write('before.case.json', before);
    await folder.write(
      'after.case.json',
      caseOf({}, { response: recordedResponse(json, '{"left":2,"at":"2026-11-21T12:00:00Z"}') }),
    );
    await folder.write('rules.yaml', 'version: 1\nrules: []\n');
    await folder.write('scrub.yaml', blocks('yaml')[0] ?? '');
    await folder.write('secrets.txt', 'no such secret\n');
    const entry = { request: { method: 'GET', url: 'https://shop.example/' }, response: { status: 200 } };
    await folder.write('browser.har', JSON.stringify({ log: { entries: [entry] } }));
    await folder.write('traces.jsonl', before.traces.map((traces) => JSON.stringify(traces)).join('\n'));

    assert.equal(lines.length, 15);
    for (const line of lines) {
      const words = line.replace('http://127.0.0.1:4318', receiver.url).match(/"[^"]*"|\S+/g) ?? [];
      const args = words.map((word) => word.replace(/^'(.*)'$/, '$1'));
      const { code, stderr } = await cli(args, { cwd: folder.path });
      // What differs is the number left; a comparison that ignores it finds nothing.
      const isDrift = line.startsWith('diff') && !line.includes('--ignore ');
      assert.equal(code, isDrift ? 20 : 0, `${line}: ${stderr}`);
    }
    assert.equal(receiver.spans.length, 2);
    assert.equal(await folder.read('same.case.json'), await folder.read('before.case.json'));
  });
});
