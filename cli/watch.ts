import { setTimeout as pause } from "node:timers/promises";
import type { Io } from "./io";

const clearScreen = "\x1b[H\x1b[2J\x1b[3J";

/**
 * Prints the result of `look` again and again, until Ctrl-C. On a terminal each replaces the last, unless it is `forPrograms`.
 * A look that fails, say because the API server is away, is printed (on stderr for programs) and tried again. The first must
 * succeed.
 */
export async function repeatedly(
  look: () => Promise<string>,
  seconds: number,
  io: Io,
  forPrograms: boolean,
): Promise<void> {
  const signal = io.interruption();
  const inPlace = io.isTerminal && !forPrograms;
  let text = await look();
  for (;;) {
    io.out(inPlace ? `${clearScreen}Every ${seconds} s, ${io.now().toISOString()}; Ctrl-C ends.\n\n${text}` : text);
    await pause(seconds * 1000, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    text = await look().catch((error: Error) => {
      const line = `error: ${error.message}\n`;
      if (!forPrograms) return line;
      io.err(line);
      return "";
    });
    if (signal.aborted) return;
  }
}
