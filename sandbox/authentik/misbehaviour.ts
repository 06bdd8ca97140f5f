// Faults of the stand-in, as a client meets them: a wrong token, a proxy in between, a starting authentik, a colleague.
import { detail, page, type Answer, type Request } from "./messages";
import type { OutpostConfig } from "./outpostConfig";

export type Fault =
  /** Answers with this status instead, and does nothing. The body depends on the status: see {@link refusal}. */
  | { status: number }
  /** Answers with a page and status 200, as a proxy that asks for a login does. */
  | { html: true }
  /** Delays the answer. The request is carried out all the same. */
  | { delayMs: number }
  /** Closes the connection without an answer, and does nothing. */
  | { hangUp: true }
  /** Saves this config, as a colleague in the Admin UI might: after the request is done, and before its answer is sent. */
  | { edit: (config: OutpostConfig) => OutpostConfig };

/** Selects the requests that a fault affects. */
export interface When {
  /** Defaults to any. */
  method?: "GET" | "PATCH" | "PUT";
  /** Beginning of the path, without the base path. Defaults to any. */
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

  /** Returns the faults that affect this request, all at once, and counts it. */
  meet({ method, path }: Request): Fault[] {
    const concerned = this.#rules.filter(
      (rule) => (rule.method === undefined || rule.method === method) && path.startsWith(rule.path),
    );
    return concerned.filter(counts).map(({ fault }) => fault);
  }
}

function counts(rule: Rule): boolean {
  if (rule.skip-- > 0) return false;
  return rule.times-- > 0;
}

/** Returns the answer to send instead of the API's; undefined if no fault asks for one. */
export function substitute(faults: readonly Fault[]): Answer | undefined {
  for (const fault of faults) {
    if ("status" in fault) return refusal(fault.status);
    if ("html" in fault) return page(200, "Log in");
  }
  return undefined;
}

function refusal(status: number): Answer {
  switch (status) {
    case 401: // never authentik's own, but that of a proxy in front of it
      return { ...page(401, "401 Authorization Required"), headers: { "www-authenticate": 'Basic realm="sandbox"' } };
    case 403: // the token's user lacks a permission
      return detail(403, "You do not have permission to perform this action.");
    case 429:
      return {
        ...detail(429, "Request was throttled. Expected available in 1 second."),
        headers: { "retry-after": "1" },
      };
    case 502: // authentik's router while its server is still starting (internal/web/proxy.go)
      return { status, body: { error: "authentik starting..." } };
    default:
      return page(status, `${status}`);
  }
}
