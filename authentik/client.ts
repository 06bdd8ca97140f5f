import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Outpost, PaginatedOutpostList } from "@goauthentik/api" with { "resolution-mode": "import" };
import { answerError, authentikError, connectionError, isAuthentikError, type Asked } from "./apiErrors";
import { embeddedOutpost } from "./names";

export { isAuthentikError, type AuthentikError } from "./apiErrors";

export interface ClientOptions {
  /** Base URL of authentik, without trailing slash. */
  url: string;
  token: string;
  /** Default: the global fetch. */
  fetch?: typeof fetch;
  /** Longest wait for one answer, in milliseconds. Default: 15,000. */
  timeoutMs?: number;
  /** Maximum number of attempts at a request that fails temporarily. Default: 4. */
  attempts?: number;
  /** Pause before the second attempt, in milliseconds, doubled before each further one. Default: 500. */
  pauseMs?: number;
}

/** Config of an outpost: an object whose keys depend on authentik's version. */
export type OutpostConfig = Record<string, unknown>;

/** The fields of an outpost that we use, as the API has them. */
export interface ProxyOutpost {
  pk: string;
  name: string;
  config: OutpostConfig;
}

/** Fields as in the JSON. authentik's own client renames those of `Outpost`. */
interface OutpostAnswer extends Pick<Outpost, "pk" | "name" | "type" | "managed" | "config"> {
  service_connection_obj: { meta_model_name?: string; name?: string } | null;
}
interface ListAnswer extends Pick<PaginatedOutpostList, "pagination"> {
  results: OutpostAnswer[];
}

const kubernetes = "authentik_outposts.kubernetesserviceconnection";
/** Number of times to read a config again that others change at the same moment. */
const maximumRounds = 5;

/** The part of authentik's API that an outpost's JSON patch needs. Every error is an AuthentikError that says what to do. */
export interface AuthentikClient {
  /** Returns the outpost of exactly this name. Rejects unless authentik deploys it to Kubernetes as a proxy. */
  readOutpost(name: string): Promise<ProxyOutpost>;
  /** Returns the outpost of this id, even if it was renamed, or else of this name. authentik need not deploy it. */
  findOutpost(which: OutpostReference): Promise<ProxyOutpost>;
  /**
   * Reads the config, changes it, writes all of it back and reads it again. authentik has no condition on a write, so the
   * config is read once more just before. If somebody changed it meanwhile, the change starts over from theirs.
   * @param change returns the new config. An equal one is not written. If it throws, nothing was written.
   * @returns the config in force
   */
  changeConfig(which: OutpostReference, change: (config: OutpostConfig) => OutpostConfig): Promise<OutpostConfig>;
}

export interface OutpostReference {
  name: string;
  pk?: string;
}

/** The server that the requests go to, with every default. */
type Connection = Required<ClientOptions>;

export function authentikClient(options: ClientOptions): AuthentikClient {
  const connection = { fetch: globalThis.fetch, timeoutMs: 15_000, attempts: 4, pauseMs: 500, ...options };
  return {
    readOutpost: (name) => readOutpost(connection, name),
    findOutpost: (which) => findOutpost(connection, which),
    changeConfig: (which, change) => changeConfig(connection, which, change),
  };
}

async function readOutpost(connection: Connection, name: string): Promise<ProxyOutpost> {
  const outpost = await findOutpost(connection, { name });
  const unfit = whyUnfit(outpost);
  if (unfit) throw authentikError(`outpost "${name}" ${unfit}`);
  return { pk: outpost.pk, name, config: outpost.config };
}

async function findOutpost(connection: Connection, { name, pk }: OutpostReference): Promise<OutpostAnswer> {
  const known = await listOutposts(connection);
  const outpost = known.find((candidate) => candidate.pk === pk) ?? known.find((candidate) => candidate.name === name);
  if (!outpost) throw authentikError(unknownOutpost(name, known), { unknownOutpost: true });
  return outpost;
}

async function listOutposts(connection: Connection): Promise<OutpostAnswer[]> {
  const known: OutpostAnswer[] = [];
  for (let page = 1; page > 0;) {
    const path = `?ordering=name&page_size=100&page=${page}`;
    const { results, pagination } = await get<Partial<ListAnswer>>(connection, path);
    if (!Array.isArray(results) || !pagination)
      throw authentikError(
        `${urlOf(connection, path)} answered no list of outposts: authentikUrl must be authentik's base URL`,
      );
    known.push(...results);
    page = pagination.next;
  }
  return known;
}

async function changeConfig(
  connection: Connection,
  which: OutpostReference,
  change: (config: OutpostConfig) => OutpostConfig,
): Promise<OutpostConfig> {
  for (let round = 1; round <= maximumRounds; round += 1) {
    const before = await findOutpost(connection, which);
    const wanted = change(structuredClone(before.config));
    if (isDeepStrictEqual(wanted, before.config)) return before.config;
    const again = await findOutpost(connection, which);
    if (isDeepStrictEqual(again, before) && (await write(connection, before.pk, wanted, round))) {
      const { config } = await findOutpost(connection, which);
      if (isDeepStrictEqual(change(structuredClone(config)), config)) return config;
    }
  }
  throw authentikError(
    `the config of outpost "${which.name}" was changed by others each of ${maximumRounds} times between read and write; try again`,
    { transient: true },
  );
}

/**
 * Writes the config.
 * @returns false after a temporary failure: it may or may not be written, so the caller has to look again
 */
async function write(connection: Connection, pk: string, config: OutpostConfig, round: number): Promise<boolean> {
  try {
    await send(connection, { method: "PATCH", url: urlOf(connection, `${pk}/`) }, JSON.stringify({ config }));
    return true;
  } catch (error) {
    if (!isAuthentikError(error) || !error.transient || round === maximumRounds) throw error;
    await sleep(connection.pauseMs * 2 ** (round - 1));
    return false;
  }
}

async function get<T>(connection: Connection, path: string): Promise<T> {
  const { attempts, pauseMs } = connection;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return (await send(connection, { method: "GET", url: urlOf(connection, path) })) as T;
    } catch (error) {
      if (!isAuthentikError(error) || !error.transient || attempt === attempts) throw error;
      await sleep(pauseMs * 2 ** (attempt - 1));
    }
  }
}

async function send({ fetch, token, timeoutMs }: Connection, asked: Asked, body?: string): Promise<unknown> {
  const headers = {
    accept: "application/json",
    "content-type": "application/json",
    authorization: `Bearer ${token}`,
  };
  let response: Response;
  let text: string;
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    // A redirect is not followed, since it would drop the token or carry it elsewhere.
    response = await fetch(asked.url, { method: asked.method, headers, body, signal, redirect: "manual" });
    text = await response.text();
  } catch (error) {
    throw connectionError(asked, error, timeoutMs);
  }
  const parsed = response.ok ? parse(text) : undefined;
  // Who answers in authentik's place may send back what it got.
  if (parsed === undefined) throw answerError(asked, response, (said) => said.replaceAll(token, "[secret]"), text);
  return parsed;
}

const urlOf = ({ url }: Connection, path: string): string => `${url}/api/v3/outposts/instances/${path}`;

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function unknownOutpost(name: string, known: readonly OutpostAnswer[]): string {
  const names = known.map((outpost) => `"${outpost.name}"`).join(", ") || "none";
  return (
    `authentik has no outpost "${name}"; the token's user sees: ${names}. Correct the name in \`outposts\`, ` +
    `or give the user the permission authentik_outposts.view_outpost`
  );
}

function whyUnfit({ managed, type, service_connection_obj: integration }: OutpostAnswer): string | undefined {
  if (managed === embeddedOutpost)
    return "is the embedded outpost, which has no Deployment of its own: give its applications a separate outpost";
  if (type !== "proxy") return `is of type ${type}: only proxy outposts keep sessions in /dev/shm`;
  if (!integration)
    return "has no integration, so authentik does not deploy it: choose a Kubernetes integration in authentik, or set its `delivery` to deployment";
  if (integration.meta_model_name !== kubernetes)
    return `has the integration "${integration.name}", which is not a Kubernetes one: only those apply kubernetes_json_patches`;
  return undefined;
}
