// The objects that authentik's Kubernetes integration makes for a proxy outpost, before any kubernetes_json_patches. Source of
// every field: authentik/outposts/controllers/k8s/{base,deployment,service,secret}.py and
// authentik/providers/proxy/controllers/kubernetes.py.
//
// Some are left out, since authentik doesn't make them by default either: a ServiceAccount (the pods run as the namespace's
// default one), an Ingress (only for an outpost with providers), a ServiceMonitor, a Traefik middleware or an HTTPRoute (only
// if the cluster has their CRDs).
import { createHash } from "node:crypto";
import type {
  V1Container,
  V1Deployment,
  V1EnvVar,
  V1ObjectMeta,
  V1Secret,
  V1Service,
} from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { slugify } from "../../authentik/slug";

export interface OutpostSpec {
  namespace: string;
  /** Name in authentik: any text with a slug. */
  name: string;
  /** `kubernetes_replicas`; default 1. */
  replicas?: number;
  /** Memory limit of the outpost's container; none by default. authentik itself sets none, but a JSON patch can. */
  memoryLimit?: string;
  /** `container_image`; default: the image of the version that the labels name. */
  image?: string;
}

const TYPE = "proxy";
/** Version of the authentik that deploys the outpost: the last with outposts in Go. */
const AUTHENTIK_VERSION = "2026.5.0";
/** Image of an outpost, by authentik's default `container_image_base`. */
export const OUTPOST_IMAGE = `ghcr.io/goauthentik/${TYPE}:${AUTHENTIK_VERSION}`;
const AUTHENTIK_HOST = "https://authentik.sandbox.invalid";

/** Ports of a proxy outpost, in authentik's order. */
const PORTS = [
  { name: "http", port: 9000 },
  { name: "http-metrics", port: 9300 },
  { name: "https", port: 9443 },
] as const;

/** The container's environment: variable, and key in the outpost's Secret. */
const ENVIRONMENT = [
  ["AUTHENTIK_HOST", "authentik_host"],
  ["AUTHENTIK_HOST_BROWSER", "authentik_host_browser"],
  ["AUTHENTIK_TOKEN", "token"],
  ["AUTHENTIK_INSECURE", "authentik_host_insecure"],
] as const;

/** Returns the name of all the outpost's objects, by authentik's default `object_naming_template`, "ak-outpost-%(name)s". */
export function outpostObjectName(spec: Pick<OutpostSpec, "name">): string {
  return `ak-outpost-${slugify(spec.name)}`.toLowerCase();
}

export function referenceDeployment(spec: OutpostSpec): V1Deployment {
  const selected = podLabels(spec);
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: objectMeta(spec),
    spec: {
      replicas: spec.replicas ?? 1,
      selector: { matchLabels: selected },
      template: {
        metadata: {
          labels: {
            "app.kubernetes.io/version": AUTHENTIK_VERSION,
            app: "authentik-outpost",
            version: AUTHENTIK_VERSION,
            ...selected,
          },
        },
        spec: {
          // Empty, but sent: authentik's JSON patches may add to it.
          imagePullSecrets: [],
          securityContext: { seccompProfile: { type: "RuntimeDefault" } },
          containers: [outpostContainer(spec)],
        },
      },
    },
  };
}

export function referenceService(spec: OutpostSpec): V1Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: objectMeta(spec),
    spec: {
      ports: PORTS.map(({ name, port }) => ({ name, port, protocol: "TCP", targetPort: port })),
      selector: podLabels(spec),
      type: "ClusterIP",
    },
  };
}

export function referenceSecret(spec: OutpostSpec): V1Secret {
  const values = {
    authentik_host: AUTHENTIK_HOST,
    authentik_host_insecure: "False", // as Python writes a boolean
    token: "no-authentik-behind-this-sandbox",
    authentik_host_browser: "",
  };
  const encoded = Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: objectMeta(spec),
    data: Object.fromEntries(encoded) as Record<string, string>,
  };
}

function outpostContainer(spec: OutpostSpec): V1Container {
  const secret = outpostObjectName(spec);
  const env = ENVIRONMENT.map(([name, key]): V1EnvVar => ({
    name,
    valueFrom: { secretKeyRef: { name: secret, key } },
  }));
  return {
    name: TYPE,
    image: spec.image ?? OUTPOST_IMAGE,
    ports: PORTS.map(({ name, port }) => ({ containerPort: port, name, protocol: "TCP" })),
    env,
    securityContext: { runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
    ...(spec.memoryLimit === undefined ? {} : { resources: { limits: { memory: spec.memoryLimit } } }),
  };
}

function objectMeta(spec: OutpostSpec): V1ObjectMeta {
  const slug = slugify(spec.name);
  return {
    name: outpostObjectName(spec),
    namespace: spec.namespace,
    labels: {
      "app.kubernetes.io/instance": slug,
      "app.kubernetes.io/managed-by": "goauthentik.io",
      "app.kubernetes.io/name": `authentik-${TYPE}`,
      "app.kubernetes.io/version": AUTHENTIK_VERSION,
      "goauthentik.io/outpost-name": slug,
      "goauthentik.io/outpost-type": TYPE,
      "goauthentik.io/outpost-uuid": outpostUuid(spec),
    },
  };
}

/** Labels that select the outpost's pods. */
function podLabels(spec: OutpostSpec): Record<string, string> {
  return {
    "app.kubernetes.io/name": `authentik-outpost-${TYPE}`,
    "app.kubernetes.io/managed-by": "goauthentik.io",
    "goauthentik.io/outpost-uuid": outpostUuid(spec),
    "goauthentik.io/outpost-name": slugify(spec.name),
    "goauthentik.io/outpost-type": TYPE,
  };
}

/** Derives 32 hex digits, no dashes, from namespace and name. A recreated outpost keeps them; authentik draws them at random. */
export function outpostUuid({ namespace, name }: Pick<OutpostSpec, "namespace" | "name">): string {
  return createHash("sha256")
    .update(JSON.stringify([namespace, name]))
    .digest("hex")
    .slice(0, 32);
}
