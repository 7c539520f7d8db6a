import { readOrigin } from './flag-value.ts';
import { type Arguments, flagValue } from './flags.ts';

/**
 * Where the control API is: `--runtime-url`, else SOFTPROBE_RUNTIME_URL, else where `start` puts it.
 *
 * @throws {UsageError}
 */
export function readRuntimeUrl(args: Arguments, environment: NodeJS.ProcessEnv): string {
  const flag = flagValue(args, 'runtime-url');
  if (flag !== undefined) return readOrigin('--runtime-url', flag);
  const variable = environment.SOFTPROBE_RUNTIME_URL;
  if (variable !== undefined && variable !== '') return readOrigin('SOFTPROBE_RUNTIME_URL', variable);
  return 'http://127.0.0.1:8080';
}
