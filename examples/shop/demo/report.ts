import { styleText } from 'node:util';

let failures = 0;
const started = performance.now();

/** A part of the demo. */
export function heading(title: string): void {
  console.log(`\n${styleText('bold', title)}`);
}

/** A line that holds or does not; one that does not fails the demo. */
export function check(holds: boolean, text: string): void {
  if (!holds) failures += 1;
  console.log(`  ${holds ? styleText('green', '✓') : styleText('red', '✗')} ${text}`);
}

/** Text of a program, set in. */
export function show(text: string): void {
  console.log(text.trimEnd().replaceAll(/^(?=.)/gm, '  '));
}

/** Says how it went. @returns the exit code */
export function conclude(): number {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const verdict =
    failures === 0
      ? styleText('green', `All of it holds (${seconds} s).`)
      : styleText('red', `${failures} of the lines above do not hold (${seconds} s).`);
  console.log(`\n${verdict}`);
  return failures === 0 ? 0 : 1;
}
