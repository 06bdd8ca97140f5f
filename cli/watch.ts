import { setTimeout as pause } from "node:timers/promises";
import type { Io } from "./io";

const clearScreen = "\x1b[H\x1b[2J\x1b[3J";

/**
 * Prints what `look` says again and again, until Ctrl-C: on a terminal in place unless it is `forPrograms`, elsewhere one after the
 * other. A look that fails, say because the API server is away, is printed (for programs on stderr) and the next one made; the first
 * must succeed.
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
