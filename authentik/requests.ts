import { setTimeout as sleep } from "node:timers/promises";
import { answerError, authentikError, connectionError, isAuthentikError, type Asked } from "./apiErrors";

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

/** The server that the requests go to, with every default. */
export type Connection = Required<ClientOptions>;

export const connectionTo = (options: ClientOptions): Connection => ({
  fetch: globalThis.fetch,
  timeoutMs: 15_000,
  attempts: 4,
  pauseMs: 500,
  ...options,
});

export const lists = {
  outposts: "outposts/instances/",
  proxyProviders: "providers/proxy/",
  events: "events/events/",
};

/**
 * Reads all pages of a list. The official client renames the fields of its elements, so each caller names those it reads.
 * @param what names its elements in the error
 */
export async function listAll<T>(connection: Connection, path: string, what: string): Promise<T[]> {
  const known: T[] = [];
  for (let page = 1; page > 0;) {
    const asked = `${path}?ordering=name&page_size=100&page=${page}`;
    const { results, pagination } = await get<{ results?: T[]; pagination?: { next: number } }>(connection, asked);
    if (!Array.isArray(results) || !pagination)
      throw authentikError(
        `${urlOf(connection, asked)} answered no list of ${what}: authentikUrl must be authentik's base URL`,
      );
    known.push(...results);
    page = pagination.next;
  }
  return known;
}

export async function get<T>(connection: Connection, path: string): Promise<T> {
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

export async function send({ fetch, token, timeoutMs }: Connection, asked: Asked, body?: string): Promise<unknown> {
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
  // Somebody who answers in authentik's place may send back what it got.
  if (parsed === undefined) throw answerError(asked, response, (said) => said.replaceAll(token, "[secret]"), text);
  return parsed;
}

/** Describes what is wrong with the form of a token, if anything is. */
export const tokenFlaw = (token: string): string | undefined =>
  /[^\x21-\x7e]/.test(token)
    ? "has spaces, line breaks or other characters that no token has; store it again"
    : undefined;

export const urlOf = ({ url }: Connection, path: string): string => `${url}/api/v3/${path}`;

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
