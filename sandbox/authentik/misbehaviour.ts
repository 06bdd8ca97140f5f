// Faults of the stand-in, as a client meets them: a missing permission, a proxy in between, a starting authentik.
import { detail, page, type Answer, type Request } from "./api";

export type Fault =
  /** Answers with this status instead, and does nothing: 403 as to a user who lacks a permission, any other with a page. */
  | { status: number }
  /** Answers with a page and status 200, as a proxy that asks for a login does. */
  | { html: true };

/** Selects the requests that a fault affects. */
export interface When {
  /** Defaults to any. */
  method?: "GET" | "PATCH";
  /** Beginning of the path. Defaults to any. */
  path?: string;
  /** Number of requests that succeed first; default 0. */
  skip?: number;
}

export class Misbehaviour {
  #rules: { fault: Fault; method?: string; path: string; skip: number }[] = [];

  add(fault: Fault, { method, path = "", skip = 0 }: When): void {
    this.#rules.push({ fault, method, path, skip });
  }

  clear(): void {
    this.#rules = [];
  }

  /** Returns the answer to send instead of the API's; undefined if no fault affects this request, which counts for each. */
  meet(request: Request): Answer | undefined {
    const concerned = this.#rules.filter(
      ({ method = request.method, path }) => method === request.method && request.path.startsWith(path),
    );
    const [first] = concerned.filter((rule) => rule.skip-- <= 0);
    return first && answerOf(first.fault);
  }
}

function answerOf(fault: Fault): Answer {
  if ("html" in fault) return page(200, "Log in");
  if (fault.status === 403) return detail(403, "You do not have permission to perform this action.");
  return page(fault.status, `${fault.status}`);
}
