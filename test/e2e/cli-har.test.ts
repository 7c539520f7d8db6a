import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { chromium } from '@playwright/test';
import { findInCase } from '../../src/cases/index.ts';
import { recordedBody, recordedResponse } from '../cases/support/exchange.ts';
import { CaseFolder, caseOf } from './support/case-folder.ts';
import { cli } from './support/cli.ts';

const sold = caseOf(
  {
    hop: { method: 'POST', path: '/orders', headers: ['content-type', 'application/octet-stream'] },
    requestBody: recordedBody(new Uint8Array([0, 255, 1])),
    response: recordedResponse(['content-encoding', 'gzip', 'content-type', 'text/plain'], gzipSync('sold')),
  },
  { hop: { direction: 'inbound' } },
  { response: undefined, failure: { type: 'ECONNREFUSED', message: 'nobody there' } },
);

describe('softprobe-proxy export har', () => {
  it('writes an archive that imports back to the same file', async () => {
    await using folder = await CaseFolder.create();
    const path = await folder.write('sold.case.json', sold);
    const out = folder.at('sold.har');
    const plain = await cli(['export', 'har', '--case', path, '--out', out]);
    assert.deepEqual([plain.code, plain.stdout, plain.stderr], [0, `${out}: 3 entries\n`, '']);
    const { json } = await cli(['export', 'har', '--case', path, '--out', out, '--json']);
    assert.deepEqual([json.path, json.entryCount], [out, 3]);
    const { log } = JSON.parse(await folder.read('sold.har'));
    assert.equal(log.version, '1.2');
    assert.equal(log.creator.name, 'softprobe-proxy');
    const back = folder.at('back.case.json');
    const imported = await cli(['import', 'har', out, '--out', back]);
    assert.equal(imported.stdout, `${back}: case checkout, 3 hops\n`);
    assert.equal(await folder.read('back.case.json'), await folder.read('sold.case.json'));
    assert.equal((await cli(['diff', path, back])).code, 0);
  });

  it('writes an archive of a case without hops', async () => {
    await using folder = await CaseFolder.create();
    const path = await folder.write('none.case.json', caseOf());
    await cli(['export', 'har', '--case', path, '--out', folder.at('none.har')]);
    assert.deepEqual(JSON.parse(await folder.read('none.har')).log.entries, []);
  });

  for (const name of ['exchanges', 'foreign']) {
    it(`brings ${name}.case.json through an archive byte for byte`, async () => {
      await using folder = await CaseFolder.create();
      const path = fileURLToPath(new URL(`../golden/cases/${name}.case.json`, import.meta.url));
      await cli(['export', 'har', '--case', path, '--out', folder.at('x.har')]);
      await cli(['import', 'har', folder.at('x.har'), '--out', folder.at('y.json')]);
      assert.equal((await cli(['diff', path, folder.at('y.json')])).code, 0);
    });
  }

  it('ends with 1, 5 or 2 and leaves what was there', async () => {
    await using folder = await CaseFolder.create();
    const path = await folder.write('sold.case.json', sold);
    const bad = await folder.write('bad.json', '{}');
    const out = await folder.write('out.har', 'as it was');
    for (const [args, code] of [
      [['--case', folder.at('none'), '--out', out], 1],
      [['--case', folder.path, '--out', out], 1],
      [['--case', bad, '--out', out], 5],
      [['--case', path, '--out', folder.path], 1],
      [['--case', path, '--out', folder.at('none/out.har')], 1],
      [['--case', path], 2],
      [['--out', out], 2],
    ] as const) {
      assert.equal((await cli(['export', 'har', ...args, '--json'])).code, code, args.join(' '));
    }
    assert.equal(await folder.read('out.har'), 'as it was');
  });
});

describe('softprobe-proxy import har', () => {
  const entry = {
    startedDateTime: '2026-11-20T12:00:00Z',
    time: 5,
    request: {
      method: 'GET',
      url: 'https://shop.example/',
      headers: [{ name: 'Cookie', value: 'sid=verysecret' }],
    },
    response: { status: 200, headers: [], content: { size: 2, mimeType: 'text/plain', text: 'hi' } },
  };
  const foreign = {
    log: {
      version: '1.2',
      creator: { name: 'x', version: '1' },
      entries: [entry, { ...entry, request: { method: 'GET', url: 'data:,x' } }],
    },
  };

  it('makes a case of an archive that others wrote, hides its secrets and says what is left out', async () => {
    await using folder = await CaseFolder.create();
    const path = await folder.write('shop.har', JSON.stringify(foreign));
    const out = folder.at('out.json');
    const { code, stdout, stderr } = await cli(['import', 'har', path, '--out', out]);
    assert.deepEqual([code, stdout], [0, `${out}: case shop, 1 hop\n`]);
    assert.match(stderr, /entry 2 is left out: its URL is not http or https/);
    assert.match(await folder.read('out.json'), /sid=\[redacted:/);
    const flags = ['--no-redact', '--case-id', 'mine', '--direction', 'inbound', '--json'];
    const { json } = await cli(['import', 'har', path, '--out', out, ...flags]);
    assert.deepEqual([json.caseId, json.traceCount, (json.skipped as unknown[]).length], ['mine', 1, 1]);
    assert.match(await folder.read('out.json'), /sid=verysecret/);
    assert.equal(
      findInCase(await folder.readCase('out.json'), { path: '/' }).exchange.hop.direction,
      'inbound',
    );
  });

  it('ends with 1, 5 or 2 for what is no archive, with line and pointer', async () => {
    await using folder = await CaseFolder.create();
    const out = folder.at('out.json');
    const good = await folder.write('good.har', JSON.stringify(foreign));
    const bad = await folder.write(
      'bad.har',
      '{"log":{"entries":[\n{"request":{"method":"GET","url":7},"response":{"status":1}}]}}',
    );
    const empty = await folder.write('empty.har', '');
    for (const [args, code] of [
      [[folder.at('none'), '--out', out], 1],
      [[folder.path, '--out', out], 1],
      [[empty, '--out', out], 5],
      [[good], 2],
      [[good, '--out', out, '--direction', 'up'], 2],
    ] as const) {
      assert.equal((await cli(['import', 'har', ...args, '--json'])).code, code, args.join(' '));
    }
    const nowhere = await cli(['import', 'har', good, '--out', folder.at('none/out.json')]);
    assert.deepEqual(
      [nowhere.code, nowhere.stderr],
      [
        1,
        `softprobe-proxy: --out: ${folder.at('none/out.json')} cannot be written (there is no folder ${folder.at('none')})\n`,
      ],
    );
    const { code, stderr } = await cli(['import', 'har', bad, '--out', out]);
    assert.equal(code, 5);
    assert.match(stderr, /line 2: \/log\/entries\/0\/request\/url: expected string, got 7/);
  });
});

const CHROMIUM = '/usr/bin/chromium';
const skip = existsSync(CHROMIUM) ? false : `${CHROMIUM} is not there (Debian's package chromium)`;

/** A GIF of one pixel: browsers keep no image that they cannot show. */
const DOT = 'R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=';

/**
 * A page with all that browsers do: compressed bodies, forms, JSON, redirects, images, cookies, something missing. It
 * reads every body: a browser drops what nobody wants.
 */
function site() {
  return createServer((request, response) => {
    const url = request.url ?? '';
    request.resume();
    if (url === '/') {
      const page =
        '<!doctype html><link rel=icon href=data:,><img src=/dot.gif><img src=/gone.png><script>' +
        'const read = (response) => response.text();' +
        "const post = (url, type, body) => fetch(url, {method: 'POST', headers: {'content-type': type}, body}).then(read);" +
        "Promise.all([post('/api', 'application/json', '{\"n\":1}'), post('/form', 'application/x-www-form-urlencoded', 'a=1&b=ü')," +
        "fetch('/moved').then(read), fetch('data:text/plain,hello').then(read)]).then(() => { document.title = 'done'; });" +
        '</script>';
      response.writeHead(200, {
        'content-type': 'text/html; charset=utf-8',
        'content-encoding': 'gzip',
        'set-cookie': ['one=1; Path=/', 'two=2; HttpOnly'],
      });
      response.end(gzipSync(page));
    } else if (url === '/dot.gif') {
      response.writeHead(200, { 'content-type': 'image/gif' }).end(Buffer.from(DOT, 'base64'));
    } else if (url === '/moved') {
      response.writeHead(302, { location: '/here' }).end();
    } else if (url === '/api' || url === '/form' || url === '/here') {
      response.writeHead(201, { 'content-type': 'application/json' }).end('{"ok":"ü"}');
    } else {
      response.writeHead(404).end();
    }
  });
}

/** Chromium without what would call home: there is no network here but loopback. */
function launchChromium() {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
  });
}

describe('an archive that was exported', { skip }, () => {
  it('is read by others: Playwright answers a browser from it', { timeout: 60_000 }, async () => {
    await using folder = await CaseFolder.create();
    const headers = ['content-type', 'application/json', 'content-encoding', 'gzip', 'x-left', '3'];
    const path = await folder.write(
      'stock.case.json',
      caseOf({ response: recordedResponse(headers, gzipSync('{"left":3,"unit":"m²"}')) }),
    );
    await cli(['export', 'har', '--case', path, '--out', folder.at('stock.har')]);
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      await page.routeFromHAR(folder.at('stock.har'), { notFound: 'abort' });
      const response = await page.goto('http://stock.example:8090/items/7');
      assert.equal(response?.status(), 200);
      assert.equal(response?.headers()['x-left'], '3');
      assert.deepEqual(await response?.json(), { left: 3, unit: 'm²' });
    } finally {
      await browser.close();
    }
  });
});

describe('an archive that Chromium made', { skip }, () => {
  it('imports with bodies, redirects, times and cookies', { timeout: 60_000 }, async () => {
    await using folder = await CaseFolder.create();
    const server = site().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const browser = await launchChromium();
    try {
      const context = await browser.newContext({
        recordHar: { path: folder.at('chromium.har'), content: 'embed' },
      });
      const page = await context.newPage();
      await page.goto(`http://127.0.0.1:${port}/`);
      await page.waitForFunction("document.title === 'done'");
      await context.close();
    } finally {
      await browser.close();
      server.closeAllConnections();
      server.close();
    }

    const out = folder.at('chromium.case.json');
    const { code, json, stderr } = await cli([
      'import',
      'har',
      folder.at('chromium.har'),
      '--out',
      out,
      '--json',
    ]);
    assert.equal(code, 0, stderr);
    assert.equal(json.caseId, 'chromium');
    const document = await folder.readCase('chromium.case.json');
    const find = (path: string) => findInCase(document, { path });
    const page = find('/');
    assert.match(page.response.body, /<script>/);
    assert.equal(page.exchange.hop.host, `127.0.0.1:${port}`);
    assert.equal(page.exchange.hop.direction, 'outbound');
    assert.equal([page.response.headers['set-cookie']].flat().length, 2);
    assert.ok(page.exchange.startTime > 1e12 && page.exchange.endTime > page.exchange.startTime);
    assert.deepEqual(find('/dot.gif').response.body, DOT);
    assert.equal(Buffer.from(find('/api').exchange.requestBody.bytes).toString(), '{"n":1}');
    assert.equal(Buffer.from(find('/form').exchange.requestBody.bytes).toString(), 'a=1&b=ü');
    assert.equal(find('/api').response.body, '{"ok":"ü"}');
    assert.equal(find('/moved').response.status, 302);
    assert.equal(find('/moved').response.headers.location, '/here');
    assert.equal(find('/gone.png').response.status, 404);
    assert.match(JSON.stringify(find('/api').exchange.hop.headers), /one=\[redacted:/);
    assert.equal((await cli(['validate', 'case', out])).code, 0);
  });
});
