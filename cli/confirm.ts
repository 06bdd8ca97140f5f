import { UsageError } from "./errors";
import type { Io } from "./io";

/**
 * States what will be lost and asks for confirmation. Scripts confirm in advance, by --yes.
 * @param loss a sentence without its end
 * @throws UsageError if there is no terminal to ask on
 */
export async function confirmed(io: Pick<Io, "ask">, loss: string, yes: boolean | undefined): Promise<boolean> {
  if (yes) return true;
  if (!io.ask) throw new UsageError(`${loss}, and there is no terminal to ask on: nothing was changed; --yes goes on`);
  return /^y(es)?$/i.test((await io.ask(`${loss}. Go on? [y/N] `)).trim());
}
