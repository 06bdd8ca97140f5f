// How the stand-in is made to fail: what a client meets of a wrong token, of a proxy in between, of an authentik that starts, of a colleague.
import { detail, page, type Answer, type Request } from "./messages";
import type { OutpostConfig } from "./outpostConfig";

export type Fault =
  /** Answered instead, and nothing is done. The body is what goes with the status: see {@link refusal}. */
  | { status: number }
  /** A page with status 200, as a proxy that asks for a login answers. */
  | { html: true }
  /** The answer comes that much later; the request is done all the same. */
  | { delayMs: number }
  /** The connection is closed without an answer, and nothing is done. */
  | { hangUp: true }
  /** The colleague at the Admin UI: once the request is done, and before its answer is sent, somebody saves this config. */
  | { edit: (config: OutpostConfig) => OutpostConfig };

/** Which requests. */
export interface When {
  /** Default: any. */
  method?: "GET" | "PATCH" | "PUT";
  /** So many of them go well first; default 0. */
  skip?: number;
  /** So many are met; default: all from then on. */
  times?: number;
}

interface Rule {
  fault: Fault;
  method: string | undefined;
  skip: number;
  times: number;
}

export class Misbehaviour {
  #rules: Rule[] = [];

  add(fault: Fault, { method, skip = 0, times = Infinity }: When): void {
    this.#rules.push({ fault, method, skip, times });
  }

  clear(): void {
    this.#rules = [];
  }

  /** The faults that this request meets, all at once. Counts it. */
  meet({ method }: Request): Fault[] {
    const concerned = this.#rules.filter((rule) => rule.method === undefined || rule.method === method);
    return concerned.filter(counts).map(({ fault }) => fault);
  }
}

function counts(rule: Rule): boolean {
  if (rule.skip-- > 0) return false;
  return rule.times-- > 0;
}

/** What is sent instead of the API's answer; undefined where none of the faults says so. */
export function substitute(faults: readonly Fault[]): Answer | undefined {
  for (const fault of faults) {
    if ("status" in fault) return refusal(fault.status);
    if ("html" in fault) return page(200, "Log in");
  }
  return undefined;
}

function refusal(status: number): Answer {
  switch (status) {
    case 401: // never authentik's own: a proxy in front of it
      return { ...page(401, "401 Authorization Required"), headers: { "www-authenticate": 'Basic realm="sandbox"' } };
    case 403: // the token's user lacks a permission
      return detail(403, "You do not have permission to perform this action.");
    case 429:
      return {
        ...detail(429, "Request was throttled. Expected available in 1 second."),
        headers: { "retry-after": "1" },
      };
    case 502: // authentik's router, whose server isn't up yet (internal/web/proxy.go)
      return { status, body: { error: "authentik starting..." } };
    default:
      return page(status, `${status}`);
  }
}
