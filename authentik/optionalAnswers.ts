import type { Event, Outpost, ProxyProvider } from "@goauthentik/api" with { "resolution-mode": "import" };
import { isAuthentikError } from "./apiErrors";
import { get, listAll, lists, type Connection } from "./requests";

// Answers that only enrich a message. A token that lacks the right to them, or an authentik that is away, leaves them out and
// holds nothing up.

/** A proxy provider's validity of access tokens, and so of logins. */
export interface TokenValidity {
  provider: string;
  /** As authentik writes it, such as `hours=24`. */
  validity: string;
}

/** Longest wait for such an answer, in milliseconds. */
const patienceMs = 5_000;

export function lastChangeBy(connection: Connection, pk: string): Promise<string | undefined> {
  const of = "context_model_app=authentik_outposts&context_model_name=outpost";
  const path = `${lists.events}?action=model_updated&${of}&context_model_pk=${pk}&ordering=-created&page=1&page_size=1`;
  return orElse(undefined, async () => {
    const { results } = await get<{ results?: Pick<Event, "user">[] }>(aside(connection), path);
    const name: unknown = results?.[0]?.user?.username;
    return typeof name === "string" && name !== "" ? name : undefined;
  });
}

export function tokenValidities(connection: Connection, outpost: string): Promise<TokenValidity[]> {
  return orElse([], async () => {
    const outposts = await listAll<OutpostAnswer>(aside(connection), lists.outposts, "outposts");
    const served = outposts.find(({ name }) => name === outpost)?.providers ?? [];
    if (served.length === 0) return [];
    const providers = await listAll<ProviderAnswer>(aside(connection), lists.proxyProviders, "providers");
    return providers
      .filter(({ pk }) => served.includes(pk))
      .map(({ name, access_token_validity: validity = "" }) => ({ provider: name, validity }));
  });
}

// Fields as in the JSON.
type OutpostAnswer = Pick<Outpost, "name" | "providers">;
interface ProviderAnswer extends Pick<ProxyProvider, "pk" | "name"> {
  access_token_validity?: string;
}

const aside = (connection: Connection): Connection => ({
  ...connection,
  attempts: 1,
  timeoutMs: Math.min(connection.timeoutMs, patienceMs),
});

async function orElse<T>(instead: T, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (isAuthentikError(error)) return instead;
    throw error;
  }
}
