/**
 * Writes src/cases/documents.generated.ts: a TypeScript type for each JSON Schema in schemas/, so that a
 * shape that enters from outside is written down once. `--check` only tells whether the file is current.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compile } from 'json-schema-to-typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = `${root}src/cases/documents.generated.ts`;

// One schema that refers to the documents which stand alone: shared shapes then come out once.
const documents = ['rules', 'policy', 'session', 'hop', 'auth-fixtures', 'case', 'scrub-rules', 'har'];
const text = await compile(
  {
    title: 'Documents',
    type: 'object',
    additionalProperties: false,
    required: documents,
    properties: Object.fromEntries(documents.map((name) => [name, { $ref: `${name}.schema.json` }])),
  },
  'Documents',
  {
    cwd: `${root}schemas/`,
    bannerComment: '// Generated from schemas/ by `npm run schema-types`. Do not edit.',
    unknownAny: true,
    style: { singleQuote: true, printWidth: 110 },
  },
);

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    process.stderr.write('src/cases/documents.generated.ts is out of date; run `npm run schema-types`.\n');
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, text);
}
