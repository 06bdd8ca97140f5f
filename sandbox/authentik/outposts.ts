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
}

export interface Outpost {
  /** UUID with dashes; the labels on Kubernetes have it without. */
  readonly pk: string;
  name: string;
  type: OutpostType;
  providers: number[];
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
  /** Integration that deploys the outpost; null for none. Defaults to the Kubernetes integration. */
  serviceConnection?: "kubernetes" | "docker" | null;
  /** True for the outpost inside authentik itself; default false. */
  embedded?: boolean;
  /** Differences from authentik's defaults. */
  config?: Partial<OutpostConfig>;
}

const kubernetes: ServiceConnection = {
  pk: "6f1d7a4e-2f5c-4b60-9d3a-5c1e8f0b7a21",
  name: "Local Kubernetes Cluster",
  kind: "kubernetes",
};
const docker: ServiceConnection = {
  pk: "0b9c3f52-81d7-4e0a-a6f4-d27c95e1b830",
  name: "Local Docker connection",
  kind: "docker",
};
const serviceConnections: readonly ServiceConnection[] = [kubernetes, docker];

/** The one provider of every outpost here: authentik requires one, except of the embedded outpost. */
const PROVIDER = 1;

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
    providers: [PROVIDER],
    serviceConnection: serviceConnections.find(({ kind }) => kind === serviceConnection) ?? null,
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
    providers: outpost.providers,
    providers_obj: outpost.providers.map(serializedProvider),
    service_connection: outpost.serviceConnection?.pk ?? null,
    service_connection_obj: outpost.serviceConnection && serializedConnection(outpost.serviceConnection),
    refresh_interval_s: 300, // from "minutes=5", whatever the config says
    token_identifier: `ak-outpost-${outpost.pk}-api`,
    config: outpost.config,
    managed: outpost.managed,
  };
}

function serializedConnection({ pk, name, kind }: ServiceConnection): Record<string, unknown> {
  const label = kind === "kubernetes" ? "Kubernetes" : "Docker";
  return {
    pk,
    name,
    local: true,
    component: `ak-service-connection-${kind}-form`,
    verbose_name: `${label} Service-Connection`,
    verbose_name_plural: `${label} Service-Connections`,
    meta_model_name: `authentik_outposts.${kind}serviceconnection`,
  };
}

function serializedProvider(pk: number): Record<string, unknown> {
  return {
    pk,
    name: `Provider ${pk}`,
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
