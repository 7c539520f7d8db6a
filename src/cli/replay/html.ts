import type { ResponseDifference } from '../../cases/response-comparison.ts';
import type { RunMiss } from '../run/session.ts';
import { counted } from '../session/change.ts';
import { visible } from '../table.ts';
import { type ReplayedCase, type ReplayedRequest, shownValue, totalsOf } from './result.ts';
import { hintOf, summaryOf } from './text.ts';

/** Longest value that is shown whole, in characters. */
const MAX_VALUE = 2000;

/** The results as one HTML file that needs nothing else: no script, no font, no picture from anywhere. */
export function htmlReport(cases: readonly ReplayedCase[]): string {
  const isClean = cases.every(({ passed }) => passed);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${text(`${isClean ? 'Passed' : 'Failed'}: replay of ${counted(cases.length, 'case')}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<header class="${isClean ? 'passed' : 'failed'}">
<h1>${text(verdictOn(cases))}</h1>
<p>${text(summaryOf(cases))}</p>
</header>
<main>
${cases.map(caseSection).join('\n')}
</main>
</body>
</html>
`;
}

function verdictOn(cases: readonly ReplayedCase[]): string {
  const { failed, misses } = totalsOf(cases);
  if (failed > 0) return 'The service does not answer as it did';
  return misses > 0
    ? 'The service answers as it did, but makes calls that it did not make'
    : 'The service answers as it did';
}

function caseSection({ file, caseId, requests, skipped, warnings, misses }: ReplayedCase): string {
  const told = requests.reduce((sum, { missedCalls }) => sum + missedCalls.length, 0);
  return [
    '<section>',
    `<h2>${text(caseId)} <small>${text(file)}</small></h2>`,
    ...warnings.map((warning) => `<p class="warning">${text(warning)}</p>`),
    ...(misses > told ? [`<p class="warning">${text(counted(misses - told, 'more call'))} refused</p>`] : []),
    ...requests.map(requestPart),
    ...skipped.map(
      ({ index, request, reason }) =>
        `<div class="request skipped"><b>–</b> <code>#${index} ${text(request)}</code> skipped: ${text(reason)}</div>`,
    ),
    '</section>',
  ].join('\n');
}

function requestPart(request: ReplayedRequest): string {
  const { index, method, path, passed, expectedStatus, actualStatus, durationMs, differences, missedCalls } =
    request;
  const was = String(expectedStatus ?? 'no answer');
  const is = String(actualStatus ?? 'no answer');
  const status = was === is ? text(is) : `<del>${text(was)}</del> → <ins>${text(is)}</ins>`;
  const line = `<b>${passed ? '✓' : '✗'}</b> <code>#${index} ${text(`${method} ${path}`)}</code> <span class="status">${status}</span> <span class="time">${Math.round(durationMs)} ms</span>`;
  const className = `request ${passed ? 'passed' : 'failed'}`;
  if (passed && missedCalls.length === 0) return `<div class="${className}">${line}</div>`;
  return [
    `<details class="${className}" open>`,
    `<summary>${line}</summary>`,
    ...(differences.length > 0 ? [differenceTable(differences)] : []),
    ...(missedCalls.length > 0 ? [missList(missedCalls)] : []),
    '</details>',
  ].join('\n');
}

function differenceTable(differences: readonly ResponseDifference[]): string {
  return `<table>
<tr><th>Where</th><th>Recorded</th><th>Now</th></tr>
${differences.map(differenceRow).join('\n')}
</table>`;
}

function differenceRow(difference: ResponseDifference): string {
  const { pointer, expected, actual, lines } = difference;
  const hint = hintOf(difference);
  const where = `<td><code>${text(pointer)}</code>${hint === undefined ? '' : `<div class="hint">${text(hint)}</div>`}</td>`;
  if (lines !== undefined) {
    return `<tr>${where}<td colspan="2"><pre>${lines.split('\n').map(patchLine).join('\n')}</pre></td></tr>`;
  }
  return `<tr>${where}<td><del>${text(shownValue(expected, MAX_VALUE))}</del></td><td><ins>${text(shownValue(actual, MAX_VALUE))}</ins></td></tr>`;
}

function patchLine(line: string): string {
  if (line.startsWith('+')) return `<ins>${text(line)}</ins>`;
  return line.startsWith('-') ? `<del>${text(line)}</del>` : text(line);
}

function missList(calls: readonly RunMiss[]): string {
  const items = calls.map(({ method, url, rule, failed = [] }) => {
    const nearest = rule === undefined ? '' : ` <span class="hint">nearest: ${text(rule)}</span>`;
    const reasons = failed.map(
      ({ key, expected, actual }) =>
        `<li>${text(key)}: <del>${text(shownValue(expected))}</del> → <ins>${text(shownValue(actual))}</ins></li>`,
    );
    const list = reasons.length === 0 ? '' : `<ul>${reasons.join('')}</ul>`;
    return `<li><code>${text(`${method} ${url}`)}</code>${nearest}${list}</li>`;
  });
  return `<p>Calls that were refused, since the recording has no answer for them:</p>\n<ul>\n${items.join('\n')}\n</ul>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Everything that is shown comes from traffic: nothing of it may become markup, or turn the line around. */
function text(value: string): string {
  return visible(value).replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}

const STYLE = `
:root { --back: #fff; --fore: #1c1e21; --quiet: #666c75; --line: #dfe2e6; --good: #14692e; --bad: #b01622;
  --good-back: #e2f5e7; --bad-back: #fde8e9; --warn: #7a4d00; --warn-back: #fff4d9; }
@media (prefers-color-scheme: dark) {
  :root { --back: #16181b; --fore: #e4e6ea; --quiet: #9aa1ab; --line: #33373d; --good: #7ddb96; --bad: #ff9a9f;
    --good-back: #15301d; --bad-back: #3c181b; --warn: #f3cd7f; --warn-back: #382b0e; }
}
body { margin: 0 auto; padding: 1.5rem; max-width: 70rem; background: var(--back); color: var(--fore);
  font: 15px/1.5 system-ui, sans-serif; }
header { padding: 1rem 1.25rem; border-radius: .5rem; }
header.passed { background: var(--good-back); color: var(--good); }
header.failed { background: var(--bad-back); color: var(--bad); }
h1 { margin: 0; font-size: 1.35rem; } header p { margin: .25rem 0 0; }
h2 { margin: 2rem 0 .75rem; font-size: 1.1rem; } small { color: var(--quiet); font-weight: normal; }
code, pre, del, ins { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { margin: 0; white-space: pre-wrap; }
.request { padding: .4rem .75rem; border-top: 1px solid var(--line); }
.request b { display: inline-block; width: 1.2em; }
summary { cursor: pointer; list-style: none; }
.passed b { color: var(--good); } .failed b { color: var(--bad); }
.skipped, .time, .hint { color: var(--quiet); } .hint { font-size: 13px; }
.warning { padding: .4rem .75rem; border-radius: .4rem; background: var(--warn-back); color: var(--warn); }
table { width: 100%; margin: .6rem 0; border-collapse: collapse; table-layout: fixed; }
th { text-align: left; font-weight: 600; font-size: 13px; color: var(--quiet); }
th, td { padding: .3rem .6rem .3rem 0; border-top: 1px solid var(--line); vertical-align: top; }
th:first-child { width: 30%; }
del, ins { text-decoration: none; border-radius: .2rem; padding: 0 .2rem; }
del { background: var(--bad-back); color: var(--bad); } ins { background: var(--good-back); color: var(--good); }
@media print { body { max-width: none; } }
`;
