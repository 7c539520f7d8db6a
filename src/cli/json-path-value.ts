import { compileJsonPath, JsonPathSyntaxError } from '../cases/index.ts';
import { UsageError } from './failure.ts';

/**
 * A reader like those of flag-value.ts. It has a file of its own because the JSONPath engine takes long to load.
 *
 * @returns `text`, which is a JSONPath (RFC 9535)
 */
export function readJsonPath(source: string, text: string): string {
  try {
    compileJsonPath(text);
  } catch (cause) {
    if (!(cause instanceof JsonPathSyntaxError)) throw cause;
    throw new UsageError(`${source}: ${cause.message}`, { cause });
  }
  return text;
}
