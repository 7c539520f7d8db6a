import { compileWhen, type Hop, InvalidWhenError, type Rule, type When } from '../cases/index.ts';
import { requestFingerprint } from './fingerprint.ts';

/** Digits of the fingerprint in the label: enough to tell the misses of one session apart. */
const LABEL_DIGITS = 8;

/**
 * A rule that matches this hop, to be posted as it is once its response says what it should: same direction,
 * method, host, and path with its query. A tunnel (CONNECT), inside which a mock cannot answer, gets a rule that
 * lets it through.
 *
 * What of the hop cannot stand in a rule, such as a host with a space in it, is left out.
 */
export function suggestRule(hop: Hop): Rule {
  const { direction, method, host } = hop;
  const path = hop.query === undefined ? hop.path : `${hop.path}?${hop.query}`;
  const parts: When[] = [{ direction }, { method }, { host }, { path }];
  const when: When = Object.assign({}, ...parts.filter((part) => isUsable(part, hop)));
  return {
    id: `suggested-${requestFingerprint(hop).slice(0, LABEL_DIGITS)}`,
    when,
    then: placeholderFor(hop),
  };
}

function placeholderFor({ method, path }: Hop): Rule['then'] {
  if (method === 'CONNECT' && path === '') return { action: 'passthrough' };
  const headers = { 'content-type': 'application/json' };
  return { action: 'mock', response: { status: 200, headers, body: {} } };
}

function isUsable(part: When, hop: Hop): boolean {
  if (Object.values(part).includes('')) return false;
  try {
    return compileWhen(part).matches(hop);
  } catch (error) {
    if (error instanceof InvalidWhenError) return false;
    throw error;
  }
}
