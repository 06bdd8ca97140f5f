// What the demo plays on: a cluster with an outpost, and a stack of the program.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { startCluster, type Cluster } from "../cluster";
import { openStack, type EngineStack } from "../engine";
import { createOutpost, type OutpostSpec } from "../outpost";
import { cacheDir, stateRoot } from "../paths";
import { openPlugins, type Plugins } from "../plugins";
import type { Progress } from "../progress";
import { ensureTools } from "../toolchain";
import type { Cleanup } from "./cleanup";

export interface Stage {
  readonly stack: EngineStack;
  readonly kubeConfig: KubeConfig;
  /** Path of a kubeconfig with just the one context. */
  readonly kubeconfig: string;
  readonly context: string;
  readonly outpost: OutpostSpec;
  /** Folder of the demo's files. */
  readonly dir: string;
}

/** The namespace of everything that the demo makes. */
const namespace = "authentik-outpost-shm-demo";
const outpost: OutpostSpec = { namespace, name: "Demo Outpost", replicas: 2 };

/** Where one cluster of these runs. */
type UsedCluster = Pick<Cluster, "kubeconfig" | "context" | "stop">;

/**
 * Sets the stage on a cluster of its own, or on the one of `context` in the user's kubeconfig. There it makes a namespace, and
 * refuses to use one that exists. All that it starts and makes is handed to `cleanup`.
 */
export async function setStage(progress: Progress, cleanup: Cleanup, context?: string): Promise<Stage> {
  mkdirSync(stateRoot(), { recursive: true });
  const dir = mkdtempSync(join(stateRoot(), "demo-"));
  cleanup.add(() => rmSync(dir, { recursive: true, force: true }));
  const { pulumi } = await ensureTools(["pulumi"], progress);
  const cluster = context
    ? await userCluster(dir, context)
    : await startCluster({ dir: join(dir, "cluster"), progress });
  cleanup.add(() => cluster.stop());
  const { kubeconfig } = cluster;
  const kubeConfig = await loadKubeconfig(kubeconfig);
  if (context) cleanup.add(await ownNamespace(kubeConfig));
  const plugins = await openPlugins({ pulumi, pulumiHome: join(cacheDir(), "pulumi"), kubeconfig, progress });
  cleanup.add(() => plugins.stop());
  const step = progress.step(`creating the outpost "${outpost.name}" as authentik does`);
  await createOutpost(kubeconfig, outpost);
  step.done();
  const stack = await openDemoStack(dir, cluster, pulumi, plugins);
  return { stack, kubeConfig, kubeconfig, context: cluster.context, outpost, dir };
}

function openDemoStack(dir: string, cluster: UsedCluster, pulumi: string, plugins: Plugins): Promise<EngineStack> {
  return openStack({
    stack: "demo",
    stateDir: join(dir, "pulumi"),
    kubeconfig: cluster.kubeconfig,
    context: cluster.context,
    pulumi,
    plugins,
    config: { namespace, outposts: [outpost.name] },
  });
}

async function loadKubeconfig(path?: string): Promise<KubeConfig> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const kubeConfig = new KubeConfig();
  if (path) kubeConfig.loadFromFile(path);
  else kubeConfig.loadFromDefault();
  return kubeConfig;
}

/** The user's cluster by a kubeconfig of our own with just that context in it, so that nothing here can reach another. */
async function userCluster(dir: string, context: string): Promise<UsedCluster> {
  const kubeConfig = await loadKubeconfig();
  const chosen = kubeConfig.getContextObject(context);
  if (!chosen) {
    const names = kubeConfig.getContexts().map(({ name }) => name);
    throw new Error(`the kubeconfig has no context ${context}; it has: ${names.join(", ") || "none"}`);
  }
  kubeConfig.contexts = [chosen];
  kubeConfig.clusters = kubeConfig.clusters.filter(({ name }) => name === chosen.cluster);
  kubeConfig.users = kubeConfig.users.filter(({ name }) => name === chosen.user);
  kubeConfig.setCurrentContext(context);
  const kubeconfig = join(dir, "kubeconfig");
  writeFileSync(kubeconfig, kubeConfig.exportConfig(), { mode: 0o600 });
  return { kubeconfig, context, stop: () => Promise.resolve() };
}

/** Makes the demo's namespace on a user's cluster; returns what takes it away again, with all that is in it. */
async function ownNamespace(kubeConfig: KubeConfig): Promise<() => Promise<void>> {
  const { CoreV1Api, ApiException } = await import("@kubernetes/client-node");
  const core = kubeConfig.makeApiClient(CoreV1Api);
  try {
    await core.createNamespace({ body: { metadata: { name: namespace } } });
  } catch (cause) {
    if (!(cause instanceof ApiException) || cause.code !== 409) throw cause;
    const message = `namespace ${namespace} is there already, and the demo only uses one that it made; delete it if a former demo left it`;
    throw new Error(message, { cause });
  }
  return async () => void (await core.deleteNamespace({ name: namespace }));
}
