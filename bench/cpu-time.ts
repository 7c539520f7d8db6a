import { readFileSync } from 'node:fs';

/** Clock ticks a second in /proc (USER_HZ, proc(5)): 100 on every Linux that Node supports. */
const TICKS_PER_SECOND = 100;

/**
 * Seconds of processor time that a process has used so far, all its threads together. Unlike the time on the
 * clock it does not grow while another program has the core.
 *
 * @returns NaN where there is no /proc
 */
export function cpuSecondsOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets and may hold spaces: count from behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return Number.NaN;
  }
}
