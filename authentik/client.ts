import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Outpost } from "@goauthentik/api" with { "resolution-mode": "import" };
import { authentikError, isAuthentikError } from "./apiErrors";
import { lastChangeBy, tokenValidities } from "./optionalAnswers";
import { embeddedOutpost, proxyType } from "./names";
import { connectionTo, listAll, lists, send, urlOf, type ClientOptions, type Connection } from "./requests";

export { isAuthentikError, type AuthentikError } from "./apiErrors";

/** Config of an outpost: an object whose keys depend on authentik's version. */
export type OutpostConfig = Record<string, unknown>;
/** Returns the new config. An equal one is not written. If it throws, nothing was written. */
export type ConfigChange = (config: OutpostConfig) => OutpostConfig;

/** The fields of an outpost that we use, as the API has them. */
export interface ProxyOutpost {
  pk: string;
  name: string;
  config: OutpostConfig;
}

/** An outpost of any kind. Fields as in the JSON: authentik's own client renames those of `Outpost`. */
export interface OutpostAnswer extends Pick<Outpost, "pk" | "name" | "type" | "managed" | "config" | "providers"> {
  /** The integration; `local` for that of the cluster authentik runs in. */
  service_connection_obj: { meta_model_name?: string; name?: string; local?: boolean } | null;
}

export const kubernetesIntegration = "authentik_outposts.kubernetesserviceconnection";
/** Number of times to read a config again that others change at the same moment. */
const maximumRounds = 5;

export interface OutpostReference {
  name: string;
  pk?: string;
}

export type AuthentikClient = ReturnType<typeof authentikClient>;

/** The part of authentik's API that an outpost's JSON patch needs. Every error is an AuthentikError that says what to do. */
export function authentikClient(options: ClientOptions) {
  const connection = connectionTo(options);
  return {
    /** Returns the outpost of exactly this name. Rejects unless authentik deploys it to Kubernetes as a proxy. */
    readOutpost: (name: string) => readOutpost(connection, name),
    /** Returns the outpost of this id, even if it was renamed, or else of this name. authentik need not deploy it. */
    findOutpost: (which: OutpostReference): Promise<ProxyOutpost> => findOutpost(connection, which),
    /** Changes the config. @returns the config in force */
    changeConfig: (which: OutpostReference, change: ConfigChange) => changeConfig(connection, which, change),
    /** Returns the outpost of this id, with or without hyphens. Undefined if there is none that the token's user may see. */
    outpostById: async (id: string) => {
      const isIt = ({ pk }: OutpostAnswer) => pk.replaceAll("-", "") === id.replaceAll("-", "");
      return (await listOutposts(connection)).find(isIt);
    },
    /** Returns who changed the outpost last, by authentik's event log. Undefined if that does not say, or can't be read. */
    lastChangeBy: (pk: string) => lastChangeBy(connection, pk),
    /** Returns how long the tokens of the outpost's proxy providers are valid. None if they can't be read. */
    tokenValidities: (outpost: string) => tokenValidities(connection, outpost),
  };
}

async function readOutpost(connection: Connection, name: string): Promise<ProxyOutpost> {
  const outpost = await findOutpost(connection, { name });
  const unfit = whyUnfit(outpost);
  if (unfit) throw authentikError(`outpost "${name}" ${unfit}`, { unfitOutpost: true });
  return { pk: outpost.pk, name, config: outpost.config };
}

async function findOutpost(connection: Connection, { name, pk }: OutpostReference): Promise<OutpostAnswer> {
  const known = await listOutposts(connection);
  const outpost = known.find((candidate) => candidate.pk === pk) ?? known.find((candidate) => candidate.name === name);
  if (!outpost) throw authentikError(unknownOutpost(name, known), { unknownOutpost: true });
  return outpost;
}

const listOutposts = (connection: Connection): Promise<OutpostAnswer[]> =>
  listAll<OutpostAnswer>(connection, lists.outposts, "outposts");

/**
 * Reads the config, changes it, writes all of it back and reads it again. authentik has no condition on a write, so the config is
 * read once more just before. If somebody changed it meanwhile, the change starts over from theirs.
 */
async function changeConfig(
  connection: Connection,
  which: OutpostReference,
  change: ConfigChange,
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
    await send(
      connection,
      { method: "PATCH", url: urlOf(connection, `${lists.outposts}${pk}/`) },
      JSON.stringify({ config }),
    );
    return true;
  } catch (error) {
    if (!isAuthentikError(error) || !error.transient || round === maximumRounds) throw error;
    await sleep(connection.pauseMs * 2 ** (round - 1));
    return false;
  }
}

function unknownOutpost(name: string, known: readonly OutpostAnswer[]): string {
  const names = known.map((outpost) => `"${outpost.name}"`).join(", ") || "none";
  return (
    `authentik has no outpost "${name}"; the token's user sees: ${names}. Correct the name in \`outposts\`, ` +
    `or give the user the permission authentik_outposts.view_outpost`
  );
}

function whyUnfit({ managed, type, config, service_connection_obj: integration }: OutpostAnswer): string | undefined {
  if (managed === embeddedOutpost)
    return "is the embedded outpost, which runs within authentik and needs none of this: it keeps its sessions in PostgreSQL since 2025.10, before in Redis; take it off `outposts`";
  if (type !== proxyType) return `is of type ${type}: only proxy outposts keep sessions in /dev/shm`;
  if (!integration)
    return "has no integration, so authentik does not deploy it: choose a Kubernetes integration in authentik, or set its `delivery` to deployment";
  if (integration.meta_model_name !== kubernetesIntegration)
    return `has the integration "${integration.name}", which is not a Kubernetes one: only those apply kubernetes_json_patches`;
  const disabled = whyDisabled(config);
  return disabled && `${disabled}, so authentik does not deploy it: take it out, or set its \`delivery\` to deployment`;
}

/** Explains that authentik leaves the outpost's Deployment alone; undefined if its config has it deployed. */
export const whyDisabled = ({ kubernetes_disabled_components: disabled }: OutpostConfig): string | undefined =>
  Array.isArray(disabled) && disabled.includes("deployment")
    ? "has `deployment` among the kubernetes_disabled_components of its config"
    : undefined;
