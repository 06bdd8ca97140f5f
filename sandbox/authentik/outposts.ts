// The outposts of an authentik, as its API shows them. Source: authentik/outposts/{models,managed}.py and api/outposts.py.
import { outpostUuid } from "../outpost/reference";
import { asStored, defaultConfig, type OutpostConfig } from "./outpostConfig";

export type OutpostType = "proxy" | "ldap" | "radius" | "rac";

/** Name and mark of the outpost that runs inside authentik itself. */
const EMBEDDED_OUTPOST_NAME = "authentik Embedded Outpost";
const EMBEDDED_OUTPOST_MARK = "goauthentik.io/outposts/embedded";

/** An integration, through which authentik deploys outposts. */
export interface ServiceConnection {
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

const kubernetes: ServiceConnection = {
  pk: "6f1d7a4e-2f5c-4b60-9d3a-5c1e8f0b7a21",
  name: "Local Kubernetes Cluster",
  kind: "kubernetes",
  local: true,
};
const remote: ServiceConnection = {
  pk: "a83e5b17-6c0d-49f2-8b3f-91d4c7a6e052",
  name: "Other Kubernetes Cluster",
  kind: "kubernetes",
  local: false,
};
const docker: ServiceConnection = {
  pk: "0b9c3f52-81d7-4e0a-a6f4-d27c95e1b830",
  name: "Local Docker connection",
  kind: "docker",
  local: true,
};
const serviceConnections = { kubernetes, remote, docker };

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

/** Renders the outpost as OutpostSerializer does. */
export function serialized(outpost: Outpost): Record<string, unknown> {
  return {
    pk: outpost.pk,
    name: outpost.name,
    type: outpost.type,
    providers: outpost.providers.map(({ pk }) => pk),
    providers_obj: outpost.providers.map(serializedBase),
    service_connection: outpost.serviceConnection?.pk ?? null,
    service_connection_obj: outpost.serviceConnection && serializedConnection(outpost.serviceConnection),
    refresh_interval_s: 300, // from "minutes=5", whatever the config says
    token_identifier: `ak-outpost-${outpost.pk}-api`,
    config: outpost.config,
    managed: outpost.managed,
  };
}

function serializedConnection({ pk, name, kind, local }: ServiceConnection): Record<string, unknown> {
  const label = kind === "kubernetes" ? "Kubernetes" : "Docker";
  return {
    pk,
    name,
    local,
    component: `ak-service-connection-${kind}-form`,
    verbose_name: `${label} Service-Connection`,
    verbose_name_plural: `${label} Service-Connections`,
    meta_model_name: `authentik_outposts.${kind}serviceconnection`,
  };
}

/** Renders the provider as ProxyProviderSerializer does, without the keys that only its own proxy needs. */
export function serializedProvider(provider: Provider, outposts: readonly Outpost[]): Record<string, unknown> {
  const served = outposts.filter(({ providers }) => providers.some(({ pk }) => pk === provider.pk));
  return {
    ...serializedBase(provider),
    mode: "forward_single",
    access_token_validity: provider.accessTokenValidity,
    refresh_token_validity: "days=30",
    outpost_set: served.map(({ name }) => name),
  };
}

function serializedBase({ pk, name }: Provider): Record<string, unknown> {
  return {
    pk,
    name,
    authentication_flow: null,
    authorization_flow: "5a2d8c61-4d0b-4d9e-8f0e-3b7c6a915e24",
    invalidation_flow: "c1f0e7b8-92a3-4c55-b1de-0f6a7d3e8b49",
    property_mappings: [],
    component: "ak-provider-proxy-form",
    assigned_application_slug: `application-${pk}`,
    assigned_application_name: `Application ${pk}`,
    assigned_backchannel_application_slug: null,
    assigned_backchannel_application_name: null,
    verbose_name: "Proxy Provider",
    verbose_name_plural: "Proxy Providers",
    meta_model_name: "authentik_providers_proxy.proxyprovider",
  };
}
