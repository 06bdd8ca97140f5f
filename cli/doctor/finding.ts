/** One reason why it doesn't work. */
export interface Finding {
  /** Which check found it; see `checks`. */
  check: string;
  /** The object it is about, as `Deployment/NAME`. */
  subject: string;
  /** What was seen. */
  seen: string;
  /** Why it matters. */
  why: string;
  /** What to do, with the command. */
  todo: string;
}

/** What could not be looked at, and why. */
export interface Unchecked {
  what: string;
  why: string;
}
