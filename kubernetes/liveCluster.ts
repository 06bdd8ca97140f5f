import type { Cluster, ContainerPlace, NodeSummary, OwnObject, Verdict, Wish } from "./cluster";
import { connection, messageOf, orUndefined, type Call, type Client, type KubernetesConfig } from "./connection";
import { dryRunPatch, dryRunPodOf, refusalOf } from "./dryRun";
import { execIn, NotOpened, webSocketExec } from "./exec";
import { getThroughProxy } from "./podProxy";
import { supportOf } from "./support";
import { patiently, retryAfter } from "./throttle";
import { allPrintable, longestText, printable } from "./untrusted";

/** The cluster of a kubeconfig and context. Connects at the first request. */
export function liveCluster(config: KubernetesConfig): Cluster {
  const call = connection(config);
  return { ...readers(call), ...processes(call), ...reviews(call), ...dryRuns(call), ...changes(call) };
}

type Readers = Pick<
  Cluster,
  | "server"
  | "contextNamespace"
  | "version"
  | "pods"
  | "deployments"
  | "deployment"
  | "configMap"
  | "cronJob"
  | "cronJobs"
  | "limitRanges"
  | "ownObjects"
  | "jobsOf"
  | "events"
>;

function readers(call: Call): Readers {
  const one = <T>(what: string, request: (client: Client) => Promise<T>): Promise<T | undefined> =>
    call(`read ${what}`, (client) => orUndefined(client, request(client)));
  return {
    server: () => call("be found", ({ server }) => Promise.resolve(server)),
    contextNamespace: () =>
      call("be found", ({ kubeConfig }) =>
        Promise.resolve(kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace ?? "default"),
      ),
    version: () =>
      call("say its version", async ({ kubeConfig }) => {
        const { VersionApi } = await import("@kubernetes/client-node");
        return (await kubeConfig.makeApiClient(VersionApi).getCode()).gitVersion;
      }),
    pods: (namespace, labelSelector) =>
      call(`list the pods ${inNamespace(namespace)}`, async ({ core }) => {
        const list = namespace
          ? core.listNamespacedPod({ namespace, labelSelector })
          : core.listPodForAllNamespaces({ labelSelector });
        return (await list).items.map(withPrintableStatus);
      }),
    deployments: (namespace, labelSelector) =>
      call(`list the Deployments ${inNamespace(namespace)}`, async ({ apps }) => {
        const list = namespace
          ? apps.listNamespacedDeployment({ namespace, labelSelector })
          : apps.listDeploymentForAllNamespaces({ labelSelector });
        return (await list).items.map(withPrintableStatus);
      }),
    deployment: (namespace, name) =>
      one(`Deployment ${namespace}/${name}`, ({ apps }) =>
        apps.readNamespacedDeployment({ namespace, name }).then(withPrintableStatus),
      ),
    configMap: (namespace, name) =>
      one(`ConfigMap ${namespace}/${name}`, ({ core }) => core.readNamespacedConfigMap({ namespace, name })),
    cronJob: (namespace, name) =>
      one(`CronJob ${namespace}/${name}`, ({ batch }) => batch.readNamespacedCronJob({ namespace, name })),
    cronJobs: (namespace) =>
      call(`list the CronJobs ${inNamespace(namespace)}`, async ({ batch }) => {
        return (await batch.listNamespacedCronJob({ namespace })).items;
      }),
    limitRanges: (namespace) =>
      call(`list the LimitRanges ${inNamespace(namespace)}`, async ({ core }) => {
        return (await core.listNamespacedLimitRange({ namespace })).items;
      }),
    ownObjects: (namespace, labelSelector) =>
      call(`list the objects ${inNamespace(namespace)}`, async ({ core, kubeConfig }) => {
        const { RbacAuthorizationV1Api } = await import("@kubernetes/client-node");
        const rbac = kubeConfig.makeApiClient(RbacAuthorizationV1Api);
        const ours = { namespace, labelSelector };
        const lists = await Promise.all([
          named("ConfigMap", core.listNamespacedConfigMap(ours)),
          named("ServiceAccount", core.listNamespacedServiceAccount(ours)),
          named("Role", rbac.listNamespacedRole(ours)),
          named("RoleBinding", rbac.listNamespacedRoleBinding(ours)),
        ]);
        return lists.flat();
      }),
    jobsOf: (namespace, cronJob) =>
      call(`list the Jobs ${inNamespace(namespace)}`, async ({ batch }) => {
        const { items } = await batch.listNamespacedJob({ namespace });
        const isIts = (job: (typeof items)[number]) =>
          job.metadata?.ownerReferences?.some(({ kind, name }) => kind === "CronJob" && name === cronJob);
        const started = (job: (typeof items)[number]) => Number(job.metadata?.creationTimestamp ?? 0);
        return items.filter(isIts).sort((a, b) => started(b) - started(a));
      }),
    events: (namespace, kind, name) =>
      call(`list the events ${inNamespace(namespace)}`, async ({ core }) => {
        const fieldSelector = `involvedObject.kind=${kind},involvedObject.name=${name}`;
        return (await core.listNamespacedEvent({ namespace, fieldSelector })).items.map(allPrintable);
      }),
  };
}

function processes(call: Call): Pick<Cluster, "log" | "exec" | "podProxy" | "nodeSummary"> {
  const place = ({ namespace, pod, container }: ContainerPlace) => `container ${container} of pod ${namespace}/${pod}`;
  return {
    log: (at, { tailLines, previous } = {}) =>
      call(`show the log of ${place(at)}`, ({ core }) =>
        core
          .readNamespacedPodLog({
            namespace: at.namespace,
            name: at.pod,
            container: at.container,
            tailLines,
            previous,
            limitBytes: longestText,
          })
          .then(printable),
      ),
    exec: async (at, command, options) => {
      const client = await call("be found", ({ kubeConfig }) => webSocketExec(kubeConfig));
      const busy = (error: unknown) => (error instanceof NotOpened && error.code === 429 ? retryAfter() : undefined);
      return patiently(() => execIn(client, at, command, options), busy).catch(async (cause: Error) => {
        const reason = cause instanceof NotOpened ? await reasonFor(call, at, command) : undefined;
        throw new Error(`exec in ${place(at)}: ${reason ?? cause.message}`, { cause });
      });
    },
    podProxy: (namespace, pod, port, path) =>
      call(`pass a request on to port ${port} of pod ${namespace}/${pod}`, ({ kubeConfig }) =>
        getThroughProxy(kubeConfig, { namespace, pod, port, path }),
      ),
    nodeSummary: (node) =>
      call(`show the kubelet's summary of node ${node}`, async ({ core }) => {
        const answer: unknown = await core.connectGetNodeProxyWithPath({ name: node, path: "stats/summary" });
        return (typeof answer === "string" ? JSON.parse(answer) : answer) as NodeSummary;
      }),
  };
}

/**
 * Finds out why the API server opens no WebSocket for an exec. It gives the reason to a plain request, which starts nothing.
 */
function reasonFor(
  call: Call,
  { namespace, pod, container }: ContainerPlace,
  command: string[],
): Promise<string | undefined> {
  return call("say why", async ({ core, isApiException }) => {
    try {
      // The client's own type allows only one word.
      const words = command as unknown as string;
      await core.connectGetNamespacedPodExec({ namespace, name: pod, container, command: words, stdout: true });
      return undefined;
    } catch (error) {
      return isApiException(error) && error.code !== 400 ? messageOf(error) : plainBody(error);
    }
  }).catch(() => undefined);
}

/** Returns an answer of the kubelet's own, which is plain text. */
function plainBody(error: unknown): string | undefined {
  const body = (error as { body?: unknown }).body;
  if (typeof body !== "string" || body === "" || body.includes("Upgrade request required")) return undefined;
  return messageOf(error as Parameters<typeof messageOf>[0]);
}

function reviews(call: Call): Pick<Cluster, "selfMay" | "accountMay"> {
  return {
    selfMay: (wish, as) =>
      call(`review access${as ? ` as ${as}` : ""}`, async ({ authorization }) => {
        const { setHeaderOptions } = await import("@kubernetes/client-node");
        const body = { spec: { resourceAttributes: attributes(wish) } };
        const options = as ? setHeaderOptions("Impersonate-User", as) : undefined;
        return verdict((await authorization.createSelfSubjectAccessReview({ body }, options)).status);
      }),
    accountMay: (wish, user, groups) =>
      call(`review the access of ${user}`, async ({ authorization }) => {
        const body = { spec: { user, groups, resourceAttributes: attributes(wish) } };
        return verdict((await authorization.createSubjectAccessReview({ body })).status);
      }),
  };
}

function dryRuns(call: Call): Pick<Cluster, "support" | "refusal" | "dryRunApply" | "dryRunMerge" | "dryRunPod"> {
  const dryRun = (namespace: string, name: string, patch: Parameters<typeof dryRunPatch>[2]) =>
    call(`dry-run a patch of Deployment ${namespace}/${name}`, (client) =>
      dryRunPatch(client, { namespace, name }, patch),
    );
  return {
    support: (wanted) => supportOf(call, wanted),
    refusal: (object) => call(`dry-run a new ${object.kind}`, (client) => refusalOf(client, object)),
    dryRunApply: (namespace, name, fieldManager, template) =>
      dryRun(namespace, name, { how: "ServerSideApply", fieldManager, template }),
    dryRunMerge: (namespace, name, fieldManager, podSpec) =>
      dryRun(namespace, name, { how: "StrategicMergePatch", fieldManager, template: { spec: podSpec } }),
    dryRunPod: (namespace, template) =>
      call(`dry-run a new pod in ${namespace}`, (client) => dryRunPodOf(client, namespace, template)),
  };
}

function changes(call: Call): Pick<Cluster, "startJob" | "deleteDeployment"> {
  return {
    startJob: ({ metadata, spec }, name) =>
      call(`create Job ${metadata?.namespace}/${name}`, async ({ batch }) => {
        const { namespace = "", uid = "", name: cronJob = "" } = metadata ?? {};
        const owner = { apiVersion: "batch/v1", kind: "CronJob", name: cronJob, uid, controller: true };
        const { metadata: template, spec: job } = spec?.jobTemplate ?? {};
        const annotations = { ...template?.annotations, "cronjob.kubernetes.io/instantiate": "manual" };
        const given = { name, annotations, labels: template?.labels, ownerReferences: [owner] };
        await batch.createNamespacedJob({ namespace, body: { metadata: given, spec: job } });
      }),
    deleteDeployment: (namespace, name, uid) =>
      call(`delete Deployment ${namespace}/${name}`, async ({ apps }) => {
        const body = { propagationPolicy: "Foreground", preconditions: { uid } };
        await apps.deleteNamespacedDeployment({ namespace, name, body });
      }),
  };
}

async function named(
  kind: OwnObject["kind"],
  list: Promise<{ items: { metadata?: { name?: string } }[] }>,
): Promise<OwnObject[]> {
  return (await list).items.map(({ metadata }) => ({ kind, name: metadata?.name ?? "" }));
}

const inNamespace = (namespace: string | undefined): string => (namespace ? `in ${namespace}` : "in all namespaces");

/** Cleans what a status quotes of containers, webhooks and the like. A spec stays as it is, since it may be written back. */
function withPrintableStatus<T extends { status?: unknown }>(object: T): T {
  allPrintable(object.status);
  return object;
}

const attributes = ({ group = "", ...wish }: Wish) => ({ group, ...wish });

function verdict(status: { allowed: boolean; reason?: string; evaluationError?: string } | undefined): Verdict {
  const reason = status?.reason || status?.evaluationError;
  return { allowed: status?.allowed === true, ...(reason && { reason }) };
}
