import type { V1Job } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { Cluster, ContainerPlace, NodeSummary, OwnObject, Verdict } from "./cluster";
import { connection, messageOf, orUndefined, type Call, type Client } from "./connection";
import type { KubernetesConfig } from "./kubeconfig";
import { dryRunPatch, dryRunPodOf, refusalOf } from "./dryRun";
import { execIn, NotOpened } from "./exec";
import { getThroughProxy } from "./podProxy";
import { supportOf } from "./supportedKinds";
import { patiently, retryAfter } from "./throttle";
import { allPrintable, longestText, printable } from "./printable";

/** The cluster of a kubeconfig and context. Connects at the first request. */
export function liveCluster(config: KubernetesConfig): Cluster {
  const call = connection(config);
  return {
    ...server(call),
    ...objects(call),
    ...processes(call),
    ...reviews(call),
    ...dryRuns(call),
    ...changes(call),
  };
}

function server(call: Call) {
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
  } satisfies Partial<Cluster>;
}

function objects(call: Call) {
  const one = <T extends object>(what: string, request: (client: Client) => Promise<T>): Promise<T | undefined> =>
    call(`read ${what}`, (client) => orUndefined(client, request(client).then(withPrintableStatus)));
  const list = <T extends object>(
    kind: string,
    namespace: string | undefined,
    request: (client: Client) => Promise<{ items: T[] }>,
  ): Promise<T[]> =>
    call(`list the ${kind} ${namespace ? `in ${namespace}` : "in all namespaces"}`, async (client) =>
      (await request(client)).items.map(withPrintableStatus),
    );
  return {
    pods: (namespace, labelSelector) =>
      list("pods", namespace, ({ core }) =>
        namespace
          ? core.listNamespacedPod({ namespace, labelSelector })
          : core.listPodForAllNamespaces({ labelSelector }),
      ),
    deployments: (namespace, labelSelector) =>
      list("Deployments", namespace, ({ apps }) =>
        namespace
          ? apps.listNamespacedDeployment({ namespace, labelSelector })
          : apps.listDeploymentForAllNamespaces({ labelSelector }),
      ),
    deployment: (namespace, name) =>
      one(`Deployment ${namespace}/${name}`, ({ apps }) => apps.readNamespacedDeployment({ namespace, name })),
    configMap: (namespace, name) =>
      one(`ConfigMap ${namespace}/${name}`, ({ core }) => core.readNamespacedConfigMap({ namespace, name })),
    cronJob: (namespace, name) =>
      one(`CronJob ${namespace}/${name}`, ({ batch }) => batch.readNamespacedCronJob({ namespace, name })),
    cronJobs: (namespace) => list("CronJobs", namespace, ({ batch }) => batch.listNamespacedCronJob({ namespace })),
    limitRanges: (namespace) =>
      list("LimitRanges", namespace, ({ core }) => core.listNamespacedLimitRange({ namespace })),
    ownObjects: (namespace, labelSelector) =>
      list("objects", namespace, async ({ core, kubeConfig }) => {
        const { RbacAuthorizationV1Api } = await import("@kubernetes/client-node");
        const rbac = kubeConfig.makeApiClient(RbacAuthorizationV1Api);
        const ours = { namespace, labelSelector };
        const lists = await Promise.all([
          named("ConfigMap", core.listNamespacedConfigMap(ours)),
          named("ServiceAccount", core.listNamespacedServiceAccount(ours)),
          named("Role", rbac.listNamespacedRole(ours)),
          named("RoleBinding", rbac.listNamespacedRoleBinding(ours)),
        ]);
        return { items: lists.flat() };
      }),
    jobsOf: async (namespace, cronJob) => {
      const jobs = await list("Jobs", namespace, ({ batch }) => batch.listNamespacedJob({ namespace }));
      const started = ({ metadata }: V1Job) => Number(metadata?.creationTimestamp ?? 0);
      return jobs
        .filter(({ metadata }) =>
          metadata?.ownerReferences?.some(({ kind, name }) => kind === "CronJob" && name === cronJob),
        )
        .sort((a, b) => started(b) - started(a));
    },
  } satisfies Partial<Cluster>;
}

function processes(call: Call) {
  const place = ({ namespace, pod, container }: ContainerPlace) => `container ${container} of pod ${namespace}/${pod}`;
  return {
    log: (at, { tailLines, previous } = {}) => {
      const which = { namespace: at.namespace, name: at.pod, container: at.container, previous };
      const end = (lines?: number) =>
        call(`show the log of ${place(at)}`, ({ core }) =>
          core.readNamespacedPodLog({ ...which, tailLines: lines, limitBytes: longestText }),
        );
      return newestLines(end, tailLines).then(printable);
    },
    exec: async (at, command, options) => {
      const { Exec } = await import("@kubernetes/client-node");
      const client = await call("be found", ({ kubeConfig }) => Promise.resolve(new Exec(kubeConfig)));
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
  } satisfies Partial<Cluster>;
}

/** Reads the end of a log. The kubelet drops the newest of too much text, so fewer lines are asked for until all of them come. */
async function newestLines(end: (lines?: number) => Promise<string>, lines?: number): Promise<string> {
  const text = await end(lines);
  const isCut = Buffer.byteLength(text) >= longestText;
  return isCut && lines !== undefined && lines > 1 ? newestLines(end, Math.floor(lines / 2)) : text;
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

function reviews(call: Call) {
  return {
    selfMay: (wish, as) =>
      call(`review access${as ? ` as ${as}` : ""}`, async ({ authorization }) => {
        const { setHeaderOptions } = await import("@kubernetes/client-node");
        const body = { spec: { resourceAttributes: { group: "", ...wish } } };
        const options = as ? setHeaderOptions("Impersonate-User", as) : undefined;
        return verdict((await authorization.createSelfSubjectAccessReview({ body }, options)).status);
      }),
    accountMay: (wish, user, groups) =>
      call(`review the access of ${user}`, async ({ authorization }) => {
        const body = { spec: { user, groups, resourceAttributes: { group: "", ...wish } } };
        return verdict((await authorization.createSubjectAccessReview({ body })).status);
      }),
  } satisfies Partial<Cluster>;
}

function dryRuns(call: Call) {
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
  } satisfies Partial<Cluster>;
}

function changes(call: Call) {
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
  } satisfies Partial<Cluster>;
}

async function named(
  kind: OwnObject["kind"],
  list: Promise<{ items: { metadata?: { name?: string } }[] }>,
): Promise<OwnObject[]> {
  return (await list).items.map(({ metadata }) => ({ kind, name: metadata?.name ?? "" }));
}

/** Cleans what a status quotes of containers, webhooks and the like. A spec stays as it is, since it may be written back. */
function withPrintableStatus<T extends object>(object: T): T {
  if ("status" in object) allPrintable(object.status);
  return object;
}

function verdict(status: { allowed: boolean; reason?: string; evaluationError?: string } | undefined): Verdict {
  const reason = status?.reason || status?.evaluationError;
  return { allowed: status?.allowed === true, ...(reason && { reason }) };
}
