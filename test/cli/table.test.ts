import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { table, visible } from '../../src/cli/table.ts';

describe('a table', () => {
  it('lines up columns, numbers to the right, without blanks at the ends of lines', () => {
    assert.equal(
      table(
        [
          ['name', 'size', ''],
          ['a', '1', 'x'],
          ['long name', '1000', ''],
        ],
        { numeric: [1] },
      ),
      'name       size\na             1  x\nlong name  1000',
    );
  });

  it('shows what a terminal would act on', () => {
    assert.equal(visible('a\u001b[2Jb\nc\u202ed'), 'a\\u{1b}[2Jb\\u{a}c\\u{202e}d');
    assert.equal(visible('plain /päth?q=1'), 'plain /päth?q=1');
  });
});
