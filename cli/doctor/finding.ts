/** One reason why the cure doesn't work. */
export interface Finding {
  /** Name of the check that found it; see `checks`. */
  check: string;
  /** The object it is about, as `Deployment/NAME`. */
  subject: string;
  /** The evidence. */
  seen: string;
  /** The reason why it matters. */
  why: string;
  /** The remedy, with the command to run. */
  todo: string;
}

/** A check that could not be made, and the reason. */
export interface Unchecked {
  what: string;
  why: string;
}
