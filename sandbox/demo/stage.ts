// The stage of the demo: a cluster with an outpost, and a stack of the program.
import { join } from "node:path";
import { startAuthentik, type AuthentikStandIn } from "../authentik";
import { clients, type Clients } from "../clients";
import { CLUSTER_TOOLS, NODE_CLUSTER_TOOLS, startCluster, startNodeCluster } from "../cluster";
import { beforeEnd } from "../undoAtExit";
import { openStack, type EngineStack } from "../engine";
import { createOutpost, untilAvailable, type OutpostSpec } from "../outpost";
import { asStep, type Progress } from "../progress";
import { openPulumi } from "../pulumi";
import { createStateFolder } from "../stateFolder";

export interface Stage {
  readonly stack: EngineStack;
  /** Path of a kubeconfig with only this context. */
  readonly kubeconfig: string;
  readonly context: string;
  readonly api: Clients;
  readonly outpost: OutpostSpec;
  /** The stand-in of authentik, if that deploys the outpost. */
  readonly authentik?: AuthentikStandIn;
  /** Sets the stack's config: these keys, and the stage's own. */
  configure(config: Record<string, unknown>): Promise<void>;
  /** Folder for the demo's files. */
  readonly dir: string;
}

/** Namespace of everything that the demo creates. */
const namespace = "authentik-outpost-shm-demo";
const outpost: OutpostSpec = { namespace, name: "Demo Outpost", replicas: 2 };

export interface StageOptions {
  /** True if pods run, on the cluster's own node, which requires root and Debian packages. By default kwok only plays that. */
  node?: boolean;
  /** True if a stand-in of authentik deploys and keeps the outpost. Otherwise it is only created as authentik does. */
  withAuthentik: boolean;
}

/** Sets the stage on a cluster of its own. Everything that it starts and creates is gone before this process ends. */
export async function setStage(progress: Progress, options: StageOptions): Promise<Stage> {
  const dir = createStateFolder("demo");
  const tools = options.node ? NODE_CLUSTER_TOOLS : CLUSTER_TOOLS;
  const pulumi = await openPulumi(progress, tools);
  const start = options.node ? startNodeCluster : startCluster;
  const cluster = await start({ dir: join(dir, "cluster"), progress });
  beforeEnd({ stop: () => cluster.stop() });
  const { kubeconfig, context } = cluster;
  const authentik = await deployOutpost(kubeconfig, progress, options.withAuthentik);
  const own = {
    namespace,
    outposts: [outpost.name],
    ...(authentik && {
      authentikUrl: authentik.url.replace(/\/$/, ""),
      authentikToken: { value: authentik.token, secret: true },
    }),
  };
  const stack = await openStack({
    stack: "demo",
    stateDir: join(dir, "pulumi"),
    kubeconfig,
    context,
    pulumi,
    config: own,
  });
  const configure = (config: Record<string, unknown>) => stack.setConfig({ ...own, ...config });
  return { stack, kubeconfig, context, api: await clients(kubeconfig), outpost, authentik, configure, dir };
}

/** Deploys the outpost. Returns the stand-in of authentik, if that has deployed it. */
async function deployOutpost(
  kubeconfig: string,
  progress: Progress,
  withAuthentik: boolean,
): Promise<AuthentikStandIn | undefined> {
  const { name, replicas } = outpost;
  const who = withAuthentik ? "by the stand-in of authentik" : "as authentik does";
  return asStep(progress, `creating the outpost "${name}" ${who}`, async () => {
    const authentik = withAuthentik ? await startAuthentik({ kubeconfig, namespace }) : undefined;
    if (authentik) {
      beforeEnd({ stop: () => authentik.stop() });
      await authentik.addOutpost({ name, config: { kubernetes_replicas: replicas } });
      await untilAvailable(kubeconfig, outpost);
    } else {
      await createOutpost(kubeconfig, outpost);
    }
    return authentik;
  });
}
