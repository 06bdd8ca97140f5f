// The requests of authentik's API that this program sends: a page of outposts, proxy providers or events, and a change of an
// outpost's config, with the answers and errors of Django REST framework. Anything else is answered as one that the stand-in does
// not know. Source: authentik/outposts/api/outposts.py, authentik/providers/proxy/api.py, authentik/events/api/events.py,
// authentik/api/{authentication,pagination}.py.
import { configError, isRecord, type OutpostConfig } from "./outpostConfig";
import { serialized, serializedProvider, type Outpost } from "./outposts";

interface Request {
  method: string;
  /** Path without the query. */
  path: string;
  query: URLSearchParams;
  authorization: string | undefined;
  body: string;
}

interface Answer {
  status: number;
  /** JSON, or text for an HTML page. */
  body: Record<string, unknown> | string;
}

/** An entry of the event log, as far as it is read. Source: AuditMiddleware of authentik/events/middleware.py. */
export interface AuditEvent extends Record<string, unknown> {
  action: string;
  user: { username: string };
  /** The changed object; its id has no hyphens. */
  context: { model: { pk: string } };
}

/** A request that was answered. It has no headers, since one of them holds the token. */
export interface ServedRequest {
  method: string;
  /** Path with its query. */
  path: string;
  status: number;
}

/** Selects the requests that a fault affects. */
export interface When {
  /** Defaults to any. */
  method?: "GET" | "PATCH";
  /** Beginning of the path. Defaults to any. */
  path?: string;
  /** Number of requests that succeed first; default 0. */
  skip?: number;
}

/** Answers with this status instead, and does nothing: 403 as to a user who lacks a permission, any other with a page. */
export interface Fault extends When {
  status: number;
}

export interface Backend {
  readonly token: string;
  /** All requests that were answered, oldest first. */
  readonly requests: ServedRequest[];
  readonly faults: Fault[];
  /** The event log, oldest first. */
  readonly events: readonly AuditEvent[];
  outposts(): readonly Outpost[];
  /** Stores the config that this user has changed, and starts what authentik does after a change. */
  save(outpost: Outpost, config: OutpostConfig, username: string): void;
}

/** Answers as Django itself does: with a page, whatever the client asked for. */
function page(status: number, title: string): Answer {
  return { status, body: `<!DOCTYPE html>\n<html lang="en"><head><title>${title} - authentik</title></head></html>\n` };
}

function detail(status: number, text: string): Answer {
  return { status, body: { detail: text } };
}

const base = "/api/v3/";
const instances = `${base}outposts/instances/`;
/** Lists by path, in the order of a request without one of its own. */
const lists: Record<string, (backend: Backend, query: URLSearchParams) => Record<string, unknown>[]> = {
  [instances]: (backend) => byName(backend.outposts()).map(serialized),
  [`${base}providers/proxy/`]: (backend) => {
    const providers = backend.outposts().flatMap((outpost) => outpost.providers);
    const known = new Map(providers.map((provider) => [provider.pk, provider]));
    return byName([...known.values()]).map(serializedProvider);
  },
  [`${base}events/events/`]: eventsOf,
};

export function answer(request: Request, backend: Backend): Answer {
  const { method, path } = request;
  const fault = faultOf(request, backend.faults);
  if (fault?.status === 403) return detail(403, "You do not have permission to perform this action.");
  if (fault) return page(fault.status, `${fault.status}`);
  if (!Object.keys(lists).some((list) => path.startsWith(list))) return page(404, "Not Found");
  const denied = denial(request.authorization, backend.token);
  if (denied) return detail(403, denied);
  if (method === "GET" && path in lists) return pageOf(lists[path](backend, request.query), request.query);
  const pk = path.slice(instances.length).replace(/\/$/, "");
  if (method === "PATCH" && path.startsWith(instances) && pk !== "") return update(pk, request, backend);
  return detail(501, `The stand-in knows no ${method} ${path}`);
}

/** Returns the first fault that affects this request, which counts for each. */
function faultOf({ method, path }: Request, faults: Fault[]): Fault | undefined {
  const concerned = faults.filter((fault) => (fault.method ?? method) === method && path.startsWith(fault.path ?? ""));
  const [first] = concerned.filter((fault) => (fault.skip = (fault.skip ?? 0) - 1) < 0);
  return first;
}

const byName = <T extends { name: string }>(all: readonly T[]): T[] =>
  [...all].sort((a, b) => (a.name < b.name ? -1 : 1));

/** Selects events of one model, the newest first. The id may have hyphens, which the stored one never has. */
function eventsOf({ events }: Backend, query: URLSearchParams): Record<string, unknown>[] {
  const pk = query.get("context_model_pk")?.replaceAll("-", "");
  const action = query.get("action") ?? "";
  return events.filter((event) => event.action.includes(action) && event.context.model.pk === pk).reverse();
}

/**
 * Returns why the request is denied; undefined if it is not. The status is always 403, never 401: authentik's authentication
 * class names no WWW-Authenticate header, and Django REST framework then answers 403.
 */
function denial(authorization = "", token: string): string | undefined {
  const [, scheme, credentials] = /^(\S+) +(.*)$/.exec(authorization.trim()) ?? [];
  if (scheme === undefined || credentials === undefined) return "Authentication credentials were not provided.";
  if (scheme.toLowerCase() !== "bearer") return "Unsupported authentication type";
  return credentials === token ? undefined : "Token invalid/expired";
}

function pageOf(found: Record<string, unknown>[], query: URLSearchParams): Answer {
  const [size, current] = [Number(query.get("page_size")), Number(query.get("page"))];
  const pages = Math.max(1, Math.ceil(found.length / size));
  const results = found.slice((current - 1) * size, current * size);
  const pagination = {
    next: current < pages ? current + 1 : 0,
    previous: current - 1,
    count: found.length,
    current,
    total_pages: pages,
    start_index: results.length === 0 ? 0 : (current - 1) * size + 1,
    end_index: (current - 1) * size + results.length,
  };
  return { status: 200, body: { pagination, results, autocomplete: {} } };
}

function update(pk: string, { body }: Request, backend: Backend): Answer {
  const outpost = backend.outposts().find((candidate) => candidate.pk === pk);
  if (!outpost) return detail(404, "No Outpost matches the given query.");
  const { config, ...others } = JSON.parse(body) as Record<string, unknown>;
  if (Object.keys(others).length > 0 || !isRecord(config))
    return detail(501, "The stand-in knows only a change of config");
  const error = configError(config);
  if (error) return { status: 400, body: { config: [error] } };
  backend.save(outpost, config as OutpostConfig, "outpost-shm");
  // The answer repeats the request; only the next read has the database's order.
  return { status: 200, body: { ...serialized(outpost), config } };
}
