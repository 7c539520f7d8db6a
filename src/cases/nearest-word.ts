import leven from 'leven';

/**
 * The known word that was probably meant, in the edit distance that a slip of the hand makes; undefined where none is
 * near.
 */
export function nearestWord(word: string, known: readonly string[]): string | undefined {
  const [near] = known
    .map((candidate) => ({ candidate, distance: leven(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const isNear = near !== undefined && near.distance <= Math.max(2, Math.floor(word.length / 3));
  return isNear ? near.candidate : undefined;
}
