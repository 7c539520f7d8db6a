import { type Logger, pino } from 'pino';

/**
 * The log of the program, on stderr: one JSON object a line, or readable lines on a terminal (without colours
 * where `NO_COLOR` says so, https://no-color.org).
 */
export async function createLog(level: string, environment: NodeJS.ProcessEnv): Promise<Logger> {
  const options = { level, base: null };
  if (!process.stderr.isTTY) return pino(options, pino.destination({ fd: 2, sync: true }));
  const { default: pretty } = await import('pino-pretty');
  const colorize = !environment.NO_COLOR;
  return pino(options, pretty({ colorize, destination: 2, sync: true, translateTime: 'SYS:HH:MM:ss.l' }));
}
