import { local } from "@pulumi/command";
import * as kubernetes from "@pulumi/kubernetes";
import type { PulumiFn } from "@pulumi/pulumi/automation";
import { settingsConfigMap } from "../cleaner/names";
import { CLUSTER_TOOLS } from "../sandbox/cluster";
import { openStack, type EngineStack } from "../sandbox/engine";
import { createOutpost } from "../sandbox/outpost";
import { consoleProgress } from "../sandbox/progress";
import { openPulumi } from "../sandbox/pulumi";
import { createStateFolder } from "../sandbox/stateFolder";
import type { PodSpecPatch } from "../kubernetes/types";
import { resolveSettings } from "../settings/resolve";
import { podFragment } from "../sidecar/podFragment";
import { onCluster } from "./onCluster";

/** Seconds of `pulumi preview` of a stack that is up. */
export interface PreviewCost {
  outposts: number;
  ours: number;
  plain: number;
  nothing: number;
}

/** Creates the resources that this program would, with pods that hold no script and a command that does nothing. */
function plainProgram(namespace: string, names: string[]): PulumiFn {
  return async () => {
    const patches = resolveSettings({ namespace, outposts: names }).outposts.map((outpost) => {
      const name = outpost.deployment;
      new kubernetes.core.v1.ConfigMap(name, {
        metadata: { name: settingsConfigMap(name), namespace },
        data: { settings: "SWEEP_INTERVAL_SECONDS=300\n" },
      });
      const fragment = podFragment(outpost) as PodSpecPatch & { initContainers: { command: string[] }[] };
      fragment.initContainers[0].command = ["sleep", "1d"];
      return new kubernetes.apps.v1.DeploymentPatch(name, {
        metadata: { name, namespace, annotations: { "pulumi.com/patchForce": "true", "pulumi.com/skipAwait": "true" } },
        spec: { template: { spec: fragment } },
      });
    });
    new local.Command("rollout", { create: "true" }, { dependsOn: patches });
    return Promise.resolve();
  };
}

/** Measures the previews of so many outposts, in turns, on the sandbox's API server. */
export async function previewCost(outposts: number): Promise<PreviewCost> {
  const pulumi = await openPulumi(consoleProgress(), CLUSTER_TOOLS);
  return onCluster("preview", async ({ kubeconfig, context }) => {
    const names = Array.from({ length: outposts }, (_, n) => `outpost-${n}`);
    const open = async (stack: string, program?: PulumiFn): Promise<EngineStack> => {
      for (const name of names) await createOutpost(kubeconfig, { namespace: stack, name });
      const own = { stack, stateDir: createStateFolder(`bench-${stack}`), pulumi, kubeconfig, context };
      const config = { namespace: stack, outposts: names };
      const opened = await openStack({
        ...own,
        config: program ? {} : config,
        ...(program && { program, project: stack }),
      });
      await opened.up();
      return opened;
    };
    const stacks = {
      ours: await open("ours"),
      plain: await open("plain", plainProgram("plain", names)),
      nothing: await open("nothing", () => Promise.resolve()),
    };
    const best = { ours: Infinity, plain: Infinity, nothing: Infinity };
    for (let turn = 0; turn < 5; turn++) {
      for (const name of ["ours", "plain", "nothing"] as const) {
        const started = performance.now();
        await stacks[name].preview({ refresh: true }); // as Pulumi.yaml has it for ours
        best[name] = Math.min(best[name], (performance.now() - started) / 1000);
      }
    }
    return { outposts, ...best };
  });
}
