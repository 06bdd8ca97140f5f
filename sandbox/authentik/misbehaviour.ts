// Faults of the stand-in, as a client meets them: a missing permission, a proxy in between, a starting authentik.
import { detail, page, type Answer, type Request } from "./messages";

export type Fault =
  /** Answers with this status instead, and does nothing: 403 as to a user who lacks a permission, any other with a page. */
  | { status: number }
  /** Answers with a page and status 200, as a proxy that asks for a login does. */
  | { html: true };

/** Selects the requests that a fault affects. */
export interface When {
  /** Defaults to any. */
  method?: "GET" | "PATCH" | "PUT";
  /** Beginning of the path. Defaults to any. */
  path?: string;
  /** Number of requests that succeed first; default 0. */
  skip?: number;
  /** Number of requests to affect; by default all from then on. */
  times?: number;
}

interface Rule {
  fault: Fault;
  method: string | undefined;
  path: string;
  skip: number;
  times: number;
}

export class Misbehaviour {
  #rules: Rule[] = [];

  add(fault: Fault, { method, path = "", skip = 0, times = Infinity }: When): void {
    this.#rules.push({ fault, method, path, skip, times });
  }

  clear(): void {
    this.#rules = [];
  }

  /** Returns the answer to send instead of the API's; undefined if no fault affects this request, which counts for each. */
  meet({ method, path }: Request): Answer | undefined {
    const concerned = this.#rules.filter(
      (rule) => (rule.method === undefined || rule.method === method) && path.startsWith(rule.path),
    );
    const [first] = concerned.filter(counts).map(({ fault }) => fault);
    return first && ("html" in first ? page(200, "Log in") : refusal(first.status));
  }
}

function counts(rule: Rule): boolean {
  if (rule.skip-- > 0) return false;
  return rule.times-- > 0;
}

function refusal(status: number): Answer {
  return status === 403 ? detail(403, "You do not have permission to perform this action.") : page(status, `${status}`);
}
