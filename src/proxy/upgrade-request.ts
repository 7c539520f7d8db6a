import type { IncomingMessage } from 'node:http';

/** Protocols that are HTTP or TLS again: `h2c` (RFC 7540 section 3.2), `HTTP/2.0`, `TLS/1.0` (RFC 2817). */
const HTTP_AGAIN = /^(?:h2c?|http\/[\d.]+|tls(?:\/[\d.]+)?|)$/i;

/**
 * Whether a request wants to leave HTTP for good, as a WebSocket's handshake does. All others stay HTTP/1.1
 * requests, since a server may ignore `Upgrade` (RFC 9110 section 7.8), and what they say can then be answered by
 * rules and recorded: HTTP/2 without TLS, for which Java's HttpClient asks by default, and TLS. A request with a
 * body is one of them, too: where the body ends, and the other protocol begins, is for HTTP to say. In HTTP/1.0
 * the field has to be ignored.
 */
export function wantsOtherProtocol({ headers, httpVersionMinor }: IncomingMessage): boolean {
  if (httpVersionMinor === 0) return false;
  const { upgrade = '', 'content-length': length = '0', 'transfer-encoding': coding } = headers;
  if (coding !== undefined || Number(length) !== 0) return false;
  return upgrade.split(',').some((protocol) => !HTTP_AGAIN.test(protocol.trim()));
}

/** What stays of a `Connection` field: it names the upgrade, and nothing that is dropped. */
const KEPT_OPTIONS: ReadonlySet<string> = new Set(['upgrade', 'keep-alive']);

/**
 * Puts `Upgrade` and `Connection` back where they stood: for once they are meant for the upstream, too.
 *
 * @param fields what is left of `rawHeaders` to be sent on; changed in place
 */
export function keepUpgradeFields(fields: string[], rawHeaders: readonly string[]): void {
  const left = fields.splice(0);
  let next = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    const value = rawHeaders[i + 1] as string;
    if (name === left[next] && value === left[next + 1]) {
      fields.push(name, value);
      next += 2;
      continue;
    }
    const lowerName = name.toLowerCase();
    if (lowerName === 'upgrade') fields.push(name, value);
    else if (lowerName === 'connection') pushIfAny(fields, name, keptOptions(value));
  }
}

/** The value as it came where all of it stays. */
function keptOptions(value: string): string {
  const options = value.split(',').map((option) => option.trim());
  const kept = options.filter((option) => KEPT_OPTIONS.has(option.toLowerCase()));
  return kept.length === options.length ? value : kept.join(', ');
}

function pushIfAny(fields: string[], name: string, value: string): void {
  if (value !== '') fields.push(name, value);
}
