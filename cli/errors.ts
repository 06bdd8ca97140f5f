/** Exit statuses of every command. */
export const exitCodes = {
  /** All is well; of `status`, that it could look. */
  ok: 0,
  /** A check failed, or the command could not do its work. */
  failed: 1,
  /** Flags or names that make no sense; nothing was asked of the cluster, or nothing was done. */
  usage: 2,
} as const;

/** Wrong use of a command: its message names the flag or name, what was given, and the choices. */
export class UsageError extends Error {}
