// An outpost in a namespace of its own and a stack of the exported program beside it, on the shared cluster.
import assert from "node:assert/strict";
import type { KubernetesObject, V1Deployment, V1ManagedFieldsEntry } from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import { startAuthentik, type AuthentikStandIn } from "../../../sandbox/authentik";
import { clients, type Clients } from "../../../sandbox/clients";
import { openStack, type EngineStack } from "../../../sandbox/engine";
import { createOutpost, outpostObjectName, untilAvailable } from "../../../sandbox/outpost";
import { silentProgress } from "../../../sandbox/progress";
import { openPulumi, type Pulumi } from "../../../sandbox/pulumi";
import { createStateFolder } from "../../../sandbox/stateFolder";
import { sharedCluster } from "./fixture";

/** Kinds of objects that the program may create. */
const ownKinds = [
  { apiVersion: "v1", kind: "ConfigMap" },
  { apiVersion: "v1", kind: "ServiceAccount" },
  { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role" },
  { apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding" },
  { apiVersion: "batch/v1", kind: "CronJob" },
];
/** Kinds of the whole cluster, of which it may too. The objects' names end with the namespace. */
const ownClusterKinds = ["Validating", "Mutating"].flatMap((kind) => [
  `${kind}AdmissionPolicy`,
  `${kind}AdmissionPolicyBinding`,
]);
/** Objects that Kubernetes itself puts into every namespace. */
const givenObjects = ["ConfigMap/kube-root-ca.crt", "ServiceAccount/default"];

let pulumi: Promise<Pulumi> | undefined;

/** Opens one Pulumi for all tests of the process. */
export const sharedPulumi = (): Promise<Pulumi> => (pulumi ??= openPulumi(silentProgress));

const authentiks: AuthentikStandIn[] = [];

/** Ends everything that the scenarios of a test file share or have started. */
export async function closeScenarios(): Promise<void> {
  for (const authentik of authentiks.splice(0)) await authentik.stop();
}

export interface Scenario extends Clients {
  readonly namespace: string;
  readonly stack: EngineStack;
  readonly kubeconfig: string;
  /** The stand-in that deployed the outposts; only with the option `authentik`. */
  readonly authentik: AuthentikStandIn;
  /** Sets the stack config: these keys, and the scenario's own. */
  configure(config: Record<string, unknown>): Promise<void>;
  /** Reads the Deployment of the outpost with this name from the API server. */
  deployment(outpost: string): Promise<V1Deployment>;
  /**
   * Lists everything that is ours or could be, in the namespace and in the whole cluster for it: objects by `Kind/name`, without
   * what the server adds.
   */
  objects(): Promise<Record<string, unknown>>;
}

export interface ScenarioOptions {
  /** Name of the namespace and the stack; unique among the tests. */
  name: string;
  /** Outposts that authentik has created; by default one, "main". */
  outposts?: { name: string; replicas?: number; memoryLimit?: string; image?: string }[];
  /** True if authentik's stand-in deploys and keeps the outposts, and the stack config has access to it. */
  authentik?: boolean;
  /** Stack config besides `namespace` and `outposts`, which default to the scenario's own. */
  config?: Record<string, unknown>;
}

export async function openScenario(options: ScenarioOptions): Promise<Scenario> {
  const { name, outposts = [{ name: "main" }] } = options;
  const cluster = await sharedCluster();
  const api = await clients(cluster.kubeconfig);
  const namespace = `test-${name}`;
  const authentik = options.authentik ? await deployedByAuthentik(cluster.kubeconfig, namespace, outposts) : undefined;
  if (!authentik) for (const outpost of outposts) await createOutpost(cluster.kubeconfig, { namespace, ...outpost });
  const own = {
    namespace,
    outposts: outposts.map((outpost) => outpost.name),
    ...(authentik && {
      authentikUrl: authentik.url.replace(/\/$/, ""),
      authentikToken: { value: authentik.token, secret: true },
    }),
  };
  const stack = await openStack({
    stack: name,
    stateDir: createStateFolder(`engine-${name}`),
    kubeconfig: cluster.kubeconfig,
    context: cluster.context,
    pulumi: await sharedPulumi(),
    config: { ...own, ...options.config },
  });
  return {
    ...api,
    namespace,
    stack,
    kubeconfig: cluster.kubeconfig,
    get authentik() {
      return authentik ?? assert.fail("the scenario was opened without authentik");
    },
    configure: (config) => stack.setConfig({ ...own, ...config }),
    deployment: (outpost) =>
      api.apps.readNamespacedDeployment({ namespace, name: outpostObjectName({ name: outpost }) }),
    objects: () => objectsIn(api, namespace),
  };
}

async function deployedByAuthentik(
  kubeconfig: string,
  namespace: string,
  outposts: NonNullable<ScenarioOptions["outposts"]>,
): Promise<AuthentikStandIn> {
  const authentik = await startAuthentik({ kubeconfig, namespace });
  authentiks.push(authentik);
  for (const { name, replicas = 1 } of outposts) {
    await authentik.addOutpost({ name, config: { kubernetes_replicas: replicas } });
    await untilAvailable(kubeconfig, { namespace, name });
  }
  return authentik;
}

async function objectsIn({ generic }: Clients, namespace: string): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const { apiVersion, kind } of [{ apiVersion: "apps/v1", kind: "Deployment" }, ...ownKinds]) {
    const { items } = await generic.list(apiVersion, kind, namespace);
    for (const item of items) {
      const key = `${kind}/${item.metadata?.name}`;
      if (!givenObjects.includes(key)) found[key] = comparable(item);
    }
  }
  for (const kind of ownClusterKinds) {
    const { items } = await generic.list("admissionregistration.k8s.io/v1", kind);
    const ours = items.filter(
      ({ metadata }) =>
        /[-.]/.test(metadata?.name?.at(-namespace.length - 1) ?? "") && metadata?.name?.endsWith(namespace),
    );
    for (const item of ours) found[`${kind}/${item.metadata?.name}`] = comparable(item);
  }
  return found;
}

/** Leaves out everything that differs between two objects made the same way: identity, times, counters. */
function comparable(object: KubernetesObject): unknown {
  const { metadata, ...rest } = object as KubernetesObject & { status?: unknown };
  const annotations = { ...metadata?.annotations };
  delete annotations["deployment.kubernetes.io/revision"];
  return {
    ...rest,
    status: undefined,
    metadata: {
      name: metadata?.name,
      labels: metadata?.labels,
      annotations,
      owners: owners(metadata?.managedFields ?? []),
    },
  };
}

/** Returns the owners of the fields, except for the status that controllers write. */
export function owners(managedFields: V1ManagedFieldsEntry[]): Record<string, unknown> {
  const own = managedFields.filter(({ manager }) => manager !== "kube-controller-manager");
  return Object.fromEntries(own.map(({ manager = "unknown", fieldsV1 }) => [manager, fieldsV1]));
}
