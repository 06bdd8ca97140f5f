import { closest, distance } from "fastest-levenshtein";

/** Finds the known word that a mistyped one most likely means, whatever its case and separators; undefined if none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = new Map(known.map((each) => [fold(each), each]));
  const best = closest(fold(word), [...plain.keys()]);
  // A third of the word mistyped is still a typo; more is another word.
  const near = distance(fold(word), best) <= Math.max(1, Math.floor(best.length / 3));
  return near ? plain.get(best) : undefined;
}

function fold(word: string): string {
  return word.toLowerCase().replace(/[-_\s]/g, "");
}
