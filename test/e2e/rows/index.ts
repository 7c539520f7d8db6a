import { bodies } from './bodies.ts';
import { headers } from './headers.ts';
import { methods } from './methods.ts';
import type { Row } from './row.ts';
import { targetRows } from './targets.ts';

/** Every exchange that must pass as it is, in the order in which they are run. */
export const rows: readonly Row[] = [...methods, ...headers, ...bodies, ...targetRows];
