// The part of authentik's API that reads and changes outposts: routes, answers and errors of Django REST framework.
// Source: authentik/outposts/api/outposts.py, authentik/api/{authentication,pagination}.py.
import { detail, page, type Answer, type Backend, type Request } from "./messages";
import { serialized, type Outpost } from "./outposts";
import { update } from "./outpostUpdate";

const INSTANCES = "/api/v3/outposts/instances/";
const PAGE_SIZE = 100;

export function answer(request: Request, backend: Backend): Answer {
  if (`${request.path}/` === INSTANCES || (request.path.startsWith(INSTANCES) && !request.path.endsWith("/"))) {
    const query = request.query.size > 0 ? `?${request.query}` : "";
    return { status: 301, body: "", headers: { location: `${request.path}/${query}` } };
  }
  const [, pk] = new RegExp(`^${INSTANCES}(?:([^/]+)/)?$`).exec(request.path) ?? [null, null];
  if (pk === null) return page(404, "Not Found");
  const denied = denial(request.authorization, backend.token);
  if (denied) return detail(403, denied);
  if (pk === undefined) return request.method === "GET" ? list(request.query, backend) : notAllowed(request);
  const outpost = backend.outposts().find((candidate) => candidate.pk === pk);
  if (!outpost) return detail(404, isUuid(pk) ? "No Outpost matches the given query." : "Not found.");
  if (request.method === "GET") return { status: 200, body: serialized(outpost) };
  if (request.method === "PATCH" || request.method === "PUT") return update(request, outpost, backend);
  return notAllowed(request);
}

const notAllowed = ({ method }: Request) => detail(405, `Method "${method}" not allowed.`);

const isUuid = (text: string) => /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i.test(text);

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

function list(query: URLSearchParams, backend: Backend): Answer {
  const found = backend.outposts().filter((outpost) => matches(outpost, query));
  found.sort((a, b) => (a.name < b.name ? -1 : 1));
  const size = Number(query.get("page_size") ?? PAGE_SIZE) || PAGE_SIZE;
  const pages = Math.max(1, Math.ceil(found.length / size));
  const asked = query.get("page") ?? "1";
  const current = asked === "last" ? pages : Number(asked);
  if (!Number.isInteger(current) || current < 1 || current > pages) return detail(404, "Invalid page.");
  const results = found.slice((current - 1) * size, current * size);
  const start = results.length === 0 ? 0 : (current - 1) * size + 1;
  const pagination = {
    next: current < pages ? current + 1 : 0,
    previous: current - 1,
    count: found.length,
    current,
    total_pages: pages,
    start_index: start,
    end_index: results.length === 0 ? 0 : start + results.length - 1,
  };
  return { status: 200, body: { pagination, results: results.map(serialized), autocomplete: {} } };
}

/** Applies the filters of OutpostFilter. Unknown ones are ignored, as Django does. */
function matches({ name, managed, serviceConnection }: Outpost, query: URLSearchParams): boolean {
  const fields = { name, managed: managed ?? "", service_connection__name: serviceConnection?.name ?? "" };
  const wanted = (filter: string) => query.get(filter)?.toLowerCase() ?? "";
  const terms = wanted("search").split(/[\s,]+/);
  if (!terms.every((term) => name.toLowerCase().includes(term))) return false;
  return Object.entries(fields).every(([field, value]) => {
    const iexact = wanted(`${field}__iexact`);
    return (!iexact || value.toLowerCase() === iexact) && value.toLowerCase().includes(wanted(`${field}__icontains`));
  });
}
