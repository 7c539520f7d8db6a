import type { Har } from 'har-format';

/** An archive as JSON, two-space indented, in pieces, so that a large one is never one string. */
export function* harText({ log: { entries, ...log } }: Har): Generator<string> {
  const head = JSON.stringify({ log }, undefined, 2);
  // `{ "log": { … } }`: the entries come before the two closing brackets.
  yield `${head.slice(0, head.lastIndexOf('\n  }'))},\n    "entries": [`;
  let separator = '\n      ';
  for (const entry of entries) {
    yield separator + JSON.stringify(entry, undefined, 2).replaceAll('\n', '\n      ');
    separator = ',\n      ';
  }
  yield entries.length === 0 ? ']\n  }\n}\n' : '\n    ]\n  }\n}\n';
}
