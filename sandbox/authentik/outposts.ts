// The outposts of an authentik, as its API shows them. Source: authentik/outposts/{models,managed}.py and api/outposts.py.
import { outpostUuid } from "../outpost/reference";
import { asStored, defaultConfig, type OutpostConfig } from "./outpostConfig";

type OutpostType = "proxy" | "ldap";

/** Name and mark of the outpost that runs inside authentik itself. */
const EMBEDDED_OUTPOST_NAME = "authentik Embedded Outpost";
const EMBEDDED_OUTPOST_MARK = "goauthentik.io/outposts/embedded";

/** An integration, through which authentik deploys outposts. */
interface ServiceConnection {
  pk: string;
  name: string;
  kind: "kubernetes" | "docker";
  /** True if it is for the machine or cluster that authentik itself runs in. */
  local: boolean;
}

/** A proxy provider, as far as outposts and their sessions are concerned. */
export interface Provider {
  pk: number;
  name: string;
  /** Validity of its logins, as authentik writes durations. */
  accessTokenValidity: string;
}

export interface Outpost {
  /** UUID with dashes; the labels on Kubernetes have it without. */
  readonly pk: string;
  name: string;
  type: OutpostType;
  providers: Provider[];
  serviceConnection: ServiceConnection | null;
  /** The config as it was saved. Keys may be missing, since all have defaults. */
  config: OutpostConfig;
  managed: string | null;
}

export interface NewOutpost {
  /** Any text with a slug; the embedded outpost has its own name by default. */
  name?: string;
  /** Defaults to `proxy`. */
  type?: OutpostType;
  /** Integration that deploys the outpost, `remote` for that of another cluster; null for none. Defaults to `kubernetes`. */
  serviceConnection?: keyof typeof serviceConnections | null;
  /** True for the outpost inside authentik itself; default false. */
  embedded?: boolean;
  /** Defaults to one provider with the validity that the Admin UI's form gives. */
  providers?: Provider[];
  /** Differences from authentik's defaults. */
  config?: Partial<OutpostConfig>;
}

const serviceConnections = {
  kubernetes: {
    pk: "6f1d7a4e-2f5c-4b60-9d3a-5c1e8f0b7a21",
    name: "Local Kubernetes Cluster",
    kind: "kubernetes",
    local: true,
  },
  remote: {
    pk: "a83e5b17-6c0d-49f2-8b3f-91d4c7a6e052",
    name: "Other Kubernetes Cluster",
    kind: "kubernetes",
    local: false,
  },
  docker: {
    pk: "0b9c3f52-81d7-4e0a-a6f4-d27c95e1b830",
    name: "Local Docker connection",
    kind: "docker",
    local: true,
  },
} satisfies Record<string, ServiceConnection>;

/** The one provider of most outposts here: authentik requires one, except of the embedded outpost. */
const provider: Provider = { pk: 1, name: "Provider 1", accessTokenValidity: "hours=24" };

/** @param namespace the one that authentik runs in */
export function newOutpost(options: NewOutpost, namespace: string): Outpost {
  const { embedded = false, type = "proxy", serviceConnection = "kubernetes" } = options;
  const name = options.name ?? (embedded ? EMBEDDED_OUTPOST_NAME : undefined);
  if (name === undefined) throw new Error("an outpost needs a name, unless it is the embedded one");
  const embeddedConfig = embedded && { kubernetes_disabled_components: ["deployment", "secret"] };
  const config = { ...defaultConfig(namespace), ...embeddedConfig, ...options.config };
  return {
    pk: withDashes(outpostUuid({ namespace: config.kubernetes_namespace, name })),
    name,
    type,
    providers: options.providers ?? [provider],
    serviceConnection: serviceConnection && serviceConnections[serviceConnection],
    config: asStored(config),
    managed: embedded ? EMBEDDED_OUTPOST_MARK : null,
  };
}

function withDashes(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Renders what this program reads of an outpost, as OutpostSerializer does. */
export function serialized({ serviceConnection, providers, ...outpost }: Outpost): Record<string, unknown> {
  const { kind, ...connection } = serviceConnection ?? {};
  const meta_model_name = `authentik_outposts.${kind}serviceconnection`;
  return {
    ...outpost,
    providers: providers.map(({ pk }) => pk),
    service_connection_obj: serviceConnection && { ...connection, meta_model_name },
  };
}

/** Renders what this program reads of a provider, as ProxyProviderSerializer does. */
export const serializedProvider = ({ pk, name, accessTokenValidity }: Provider): Record<string, unknown> => ({
  pk,
  name,
  access_token_validity: accessTokenValidity,
});
