import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls';

/** A TLS handshake with an upstream that failed. */
export interface FailedHandshake {
  /** The name that the certificate has to be for. */
  readonly name: string;
  /** What the upstream showed, if it came to that. */
  readonly certificate: DetailedPeerCertificate | undefined;
}

/** What went wrong, in the words of the registry of errors, and for people. */
export interface TlsFailure {
  readonly code:
    | 'upstream_certificate_expired'
    | 'upstream_certificate_untrusted'
    | 'upstream_certificate_wrong_host'
    | 'upstream_certificate'
    | 'upstream_tls';
  readonly message: string;
}

/** What is known of a failure. */
interface Finding {
  /** Node's or OpenSSL's code. */
  readonly code: string;
  /** Node's or OpenSSL's words. */
  readonly detail: string;
  /** Where the connection went: `host:port`. */
  readonly authority: string;
  /** The name that the certificate has to be for: what the operator would name in a flag. */
  readonly name: string;
  readonly certificate: DetailedPeerCertificate | undefined;
}

/**
 * Tells what a failure of TLS with an upstream means, and what to set. Undefined for failures of another kind.
 *
 * TLS 1.3 tells a client what is wrong with its own certificate when the handshake is already over: such a failure
 * comes without one.
 *
 * @param authority where the connection went: `host:port`
 */
export function describeTlsFailure(
  error: unknown,
  authority: string,
  handshake?: FailedHandshake,
): TlsFailure | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const name = handshake?.name ?? authority.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  const certificate = handshake?.certificate;
  const finding: Finding = { code, detail: error.message, authority, name, certificate };
  if (EXPIRED.has(code)) return { code: 'upstream_certificate_expired', message: expired(finding) };
  if (UNTRUSTED.has(code)) return { code: 'upstream_certificate_untrusted', message: untrusted(finding) };
  if (WRONG_HOST.has(code)) return { code: 'upstream_certificate_wrong_host', message: wrongHost(finding) };
  if (handshake !== undefined && code === 'ECONNRESET') {
    const message = `${authority} closed the connection during the TLS handshake without a reason; it may not speak TLS at this port, or not like our client certificate or the lack of one (--upstream-cert)`;
    return { code: 'upstream_tls', message };
  }
  if (OTHER_CERTIFICATE.test(code)) {
    const message = `the certificate of ${authority} was refused: ${error.message}${orAcceptIt(name)}`;
    return { code: 'upstream_certificate', message };
  }
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO') {
    return { code: 'upstream_tls', message: `TLS with ${authority} failed: ${broken(finding, error)}` };
  }
  return undefined;
}

// The names that Node gives to the results of OpenSSL's verification (X509_V_ERR_…).
const EXPIRED = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);
const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
]);
const WRONG_HOST = new Set(['ERR_TLS_CERT_ALTNAME_INVALID', 'HOSTNAME_MISMATCH']);
/** UNSPECIFIED: a result that Node has no name for, such as a key that is too small. */
const OTHER_CERTIFICATE =
  /^(ERR_TLS_CERT_|CERT_|CRL_|INVALID_|PATH_|UNABLE_TO_|ERROR_IN_C|UNSPECIFIED$|SUBJECT_|AKID_|KEYUSAGE_)/;

function expired({ code, authority, name, certificate }: Finding): string {
  const now = Date.now();
  const found = chainFrom(certificate).find((one) => isOutOfDate(one, now));
  const isIssuer = found !== undefined && found !== certificate;
  const whose = isIssuer ? ` was issued by ${distinguishedName(found.subject)}, whose certificate` : '';
  const state = found === undefined ? STATES[code] : stateAt(now, found);
  const clock = `this machine's clock says ${new Date(now).toISOString()}`;
  return `the certificate of ${authority}${whose} ${state} (${clock}); renew it${orAcceptIt(name)}`;
}

/** Where nothing but the code is known. */
const STATES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet',
};

function isOutOfDate({ valid_from, valid_to }: PeerCertificate, now: number): boolean {
  return Date.parse(valid_to) < now || Date.parse(valid_from) > now;
}

function stateAt(now: number, { valid_from, valid_to }: PeerCertificate): string {
  const [from, to] = [new Date(valid_from), new Date(valid_to)];
  return to.getTime() < now
    ? `expired on ${to.toISOString()}`
    : `is only valid from ${from.toISOString()} on`;
}

function untrusted({ code, authority, name, certificate }: Finding): string {
  const which = `the certificate of ${authority}`;
  const top = chainFrom(certificate).at(-1);
  switch (code) {
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return `${which} is self-signed and not trusted; give it to --upstream-ca FILE${orAcceptIt(name)}`;
    case 'SELF_SIGNED_CERT_IN_CHAIN': {
      const root = top === undefined ? '' : `, ${distinguishedName(top.subject)}`;
      return `${which} comes from an authority that is not trusted${root}; give the authority's certificate to --upstream-ca FILE${orAcceptIt(name)}`;
    }
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY': {
      const issuer = top === undefined ? '' : `, ${distinguishedName(top.issuer)},`;
      const sent =
        top === certificate ? 'the server sent no other certificate' : 'the server did not send it';
      return `${which} leads to no authority that is trusted: the issuer${issuer} is unknown, and ${sent} (an incomplete chain, or an authority of your own); give the issuer's certificate to --upstream-ca FILE${orAcceptIt(name)}`;
    }
    default:
      return `${which} is not trusted; give its authority's certificate to --upstream-ca FILE${orAcceptIt(name)}`;
  }
}

/** Names that a message lists: certificates of large sites have hundreds. */
const MAX_NAMES = 8;

function wrongHost({ authority, name, certificate }: Finding): string {
  const names = namesOf(certificate);
  const listed = names.slice(0, MAX_NAMES).join(', ');
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
  const what = names.length === 0 ? 'names no host' : `is for ${listed}${more}`;
  return `the certificate of ${authority} ${what}, expected ${name}; ask for a name that it has${orAcceptIt(name)}`;
}

/** RFC 6125: where there are alternative names, the common name does not count. */
function namesOf(certificate: PeerCertificate | undefined): string[] {
  if (certificate === undefined) return [];
  const { subjectaltname, subject } = certificate;
  if (subjectaltname === undefined) return [distinguishedName(subject)];
  return subjectaltname.split(', ').map((name) => brief(name.replace(/^(DNS|IP Address|URI|email):/, '')));
}

/** What the alerts and errors of TLS (RFC 8446 section 6) mean here; the first that fits. */
const BREAKS: readonly [pattern: RegExp, meaning: (finding: Finding) => string][] = [
  [
    /wrong version number|packet length too long|http request|record layer failure|unexpected message/i,
    ({ authority }) => `it does not speak TLS at this port; is it http://${authority}?`,
  ],
  [
    /certificate required/i,
    ({ name }) => `it asks for a client certificate and got none; ${giveClientCertificate(name)}`,
  ],
  [
    /alert (bad certificate|unsupported certificate|certificate|unknown ca|access denied|decrypt error)/i,
    ({ name, detail }) =>
      `it refused our client certificate, or asks for one and got none (${alertIn(detail)}); ${giveClientCertificate(name)}`,
  ],
  [
    /protocol version|unsupported protocol|version too low/i,
    () => 'no version of TLS in common; this side speaks 1.2 and 1.3',
  ],
  [/no application protocol/i, () => 'it does not speak HTTP/1.1, the only protocol that this side offers'],
  [/unrecognized name/i, ({ name }) => `it knows no host by the name of ${name}`],
  [
    /alert handshake failure|no shared cipher|insufficient security/i,
    ({ name }) =>
      `no ciphers in common, or it asks for a client certificate and got none (handshake failure); for the latter, ${giveClientCertificate(name)}`,
  ],
];

function broken(finding: Finding, error: Error): string {
  const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : '';
  const words = `${reason} ${finding.detail} ${finding.code.replaceAll('_', ' ')}`;
  const known = BREAKS.find(([pattern]) => pattern.test(words));
  return known === undefined ? reason || finding.detail : known[1](finding);
}

function alertIn(detail: string): string {
  return /alert ([a-z ]+)/.exec(detail)?.[1]?.trim() ?? 'an alert';
}

function giveClientCertificate(name: string): string {
  return `set --upstream-cert ${name}=CERT.pem,KEY.pem`;
}

function orAcceptIt(name: string): string {
  return `, or accept any certificate of this host by --insecure-upstream ${name}`;
}

/** A certificate and its issuers, as far as they are known. Node makes a root its own issuer. */
function chainFrom(leaf: DetailedPeerCertificate | undefined): DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = [];
  for (let at = leaf; at !== undefined && !chain.includes(at); at = at.issuerCertificate) chain.push(at);
  return chain;
}

function distinguishedName(name: PeerCertificate['subject']): string {
  return brief(
    Object.entries(name)
      .map(([key, value]) => `${key}=${value}`)
      .join(', '),
  );
}

/** Whoever makes a certificate may write what they like into it. */
function brief(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`;
}
