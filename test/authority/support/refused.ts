import assert from 'node:assert/strict';
import { AuthorityError } from '../../../src/authority/index.ts';

/** For `assert.rejects` and `assert.throws`: an AuthorityError of this code whose message matches. */
export function refused(code: AuthorityError['code'], message: RegExp): (error: unknown) => true {
  return (error) => {
    assert(error instanceof AuthorityError, `expected an AuthorityError, got ${error}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}
