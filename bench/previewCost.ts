import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { local } from "@pulumi/command";
import * as kubernetes from "@pulumi/kubernetes";
import { ComponentResource } from "@pulumi/pulumi";
import type { PulumiFn } from "@pulumi/pulumi/automation";
import { settingsConfigMap } from "../cleaner/names";
import { CLUSTER_TOOLS } from "../sandbox/cluster";
import { openStack, type EngineStack } from "../sandbox/engine";
import { createOutpost } from "../sandbox/outpost";
import { consoleProgress } from "../sandbox/progress";
import { openPulumi, type Pulumi } from "../sandbox/pulumi";
import { createStateFolder } from "../sandbox/stateFolder";
import { resolveSettings } from "../settings/resolve";
import { podFragment } from "../podPatch/podFragment";
import { inTurns, onCluster } from "./onCluster";

/** Seconds of `pulumi preview` of a stack that is up. */
export interface PreviewCost {
  outposts: number;
  ours: number;
  plain: number;
  nothing: number;
}

/**
 * Creates the resources that this program would, a component for each outpost too, with pods that hold no script and a command
 * that does nothing.
 */
function plainProgram(namespace: string, names: string[]): PulumiFn {
  return async () => {
    const patches = resolveSettings({ namespace, outposts: names }).outposts.map((outpost) => {
      const name = outpost.deployment;
      const parent = new ComponentResource("bench:index:Outpost", name);
      const metadata = { name: settingsConfigMap(name), namespace };
      new kubernetes.core.v1.ConfigMap(
        name,
        { metadata, data: { settings: "SWEEP_INTERVAL_SECONDS=300\n" } },
        { parent },
      );
      const fragment = podFragment(outpost);
      fragment.initContainers[0].command = ["sleep", "1d"];
      const annotations = { "pulumi.com/patchForce": "true", "pulumi.com/skipAwait": "true" };
      const patch = { metadata: { name, namespace, annotations }, spec: { template: { spec: fragment } } };
      return new kubernetes.apps.v1.DeploymentPatch(name, patch, { parent });
    });
    new local.Command("rollout", { create: "true" }, { dependsOn: patches });
    return Promise.resolve();
  };
}

/** Lets the CLI write its logs, as it does on a user's machine. */
function withLogs({ cli, env }: Pulumi): Pulumi {
  const home = createStateFolder("bench-pulumi");
  symlinkSync(join(env.PULUMI_HOME, "plugins"), join(home, "plugins"));
  return { cli, env: { ...env, PULUMI_HOME: home } };
}

/** Measures the previews of so many outposts, in turns, on the sandbox's API server. */
export async function previewCost(outposts: number): Promise<PreviewCost> {
  const pulumi = withLogs(await openPulumi(consoleProgress(), CLUSTER_TOOLS));
  return onCluster("preview", async ({ kubeconfig, context }) => {
    const names = Array.from({ length: outposts }, (_, n) => `outpost-${n}`);
    const open = async (stack: string, program?: PulumiFn): Promise<EngineStack> => {
      for (const name of names) await createOutpost(kubeconfig, { namespace: stack, name });
      const own = { stack, stateDir: createStateFolder(`bench-${stack}`), pulumi, kubeconfig, context };
      const ours = { config: { namespace: stack, outposts: names } };
      const opened = await openStack({ ...own, ...(program ? { config: {}, program, project: stack } : ours) });
      await opened.up();
      return opened;
    };
    const preview = (stack: EngineStack) => () => stack.preview({ refresh: true }); // as Pulumi.yaml has it for ours
    const { ours, plain, nothing } = await inTurns(5, {
      ours: preview(await open("ours")),
      plain: preview(await open("plain", plainProgram("plain", names))),
      nothing: preview(await open("nothing", () => Promise.resolve())),
    });
    return { outposts, ours: Math.min(...ours), plain: Math.min(...plain), nothing: Math.min(...nothing) };
  });
}
