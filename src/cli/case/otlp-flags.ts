import { UsageError } from '../failure.ts';

/** The path of traces in OTLP/HTTP. */
const TRACES_PATH = '/v1/traces';

/** @returns the URL to send traces to */
export function readEndpoint(text: string): string {
  if (!/^https?:\/\/[^/\\\s]/i.test(text) || !URL.canParse(text)) {
    throw new UsageError(
      `--endpoint: expected an http:// or https:// URL such as http://127.0.0.1:4318, got ${JSON.stringify(text)}`,
    );
  }
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    // The value is not repeated: it holds a password.
    throw new UsageError(
      '--endpoint: expected a URL without user name and password; say --header "authorization: …"',
    );
  }
  if (url.pathname === '/') url.pathname = TRACES_PATH;
  return url.href;
}

/**
 * Headers as people write them, `name: value`; or as `OTEL_EXPORTER_OTLP_HEADERS` has them, `name=value`. Values are
 * secrets more often than not, and never repeated in a message.
 */
export function readHeaders(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text, index) => {
      const [, name = '', value = ''] =
        /^([\w!#$%&'*+.^`|~-]+)[ \t]*[:=][ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(text) ?? [];
      if (name === '') {
        throw new UsageError(`--header: expected "name: value", which number ${index + 1} is not`);
      }
      return [name.toLowerCase(), value];
    }),
  );
}
