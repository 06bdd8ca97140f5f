/** Exit statuses of every command. */
export const exitCodes = {
  /** All is well, or for `status`: the state could be read. */
  ok: 0,
  /** A check failed, or the command could not do its work. */
  failed: 1,
  /** Flags or names make no sense, and nothing was done. */
  usage: 2,
} as const;

/** Wrong use of a command. The message names the flag or name, the value given, and the choices. */
export class UsageError extends Error {}
