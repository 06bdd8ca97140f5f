// Programs of a few resources, run by the real engine through the stand-ins against the shared cluster.
import { randomBytes } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AppsV1Api, CoreV1Api } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { parse, stringify } from "yaml";
import { openStack, type EngineStack, type Report, type UpReport } from "../../sandbox/engine";
import type { Plugins } from "../../sandbox/plugins";
import { startStandIns } from "../../sandbox/providers/standIns";
import { silentProgress } from "../../sandbox/progress";
import { ensureTools } from "../../sandbox/toolchain";
import { createStateFolder } from "../../sandbox/stateFolder";
import { sharedCluster } from "../cluster/fixture";

export interface Harness {
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly kubeconfig: string;
  readonly stateDir: string;
  /** A namespace of this test file's own, there from the start. */
  readonly namespace: string;
  /** Opens a new stack that runs `program`. */
  stack(program: () => unknown, config?: Record<string, unknown>): Promise<EngineStack>;
  close(): Promise<void>;
}

/** What Pulumi.yaml requires of any stack. */
const requiredConfig = { namespace: "authentik", outposts: ["public"] };

export async function openHarness(): Promise<Harness> {
  const { kubeconfig, context } = await sharedCluster();
  const { pulumi } = await ensureTools(["pulumi"], silentProgress);
  const { AppsV1Api, CoreV1Api, KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const namespace = `providers-${randomBytes(4).toString("hex")}`;
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  const stateDir = createStateFolder("test-providers");
  const standIns = await startStandIns({ kubernetes: "4.34.2", command: "1.2.1" }, kubeconfig);
  const env = { ...standIns.env, PULUMI_HOME: `${stateDir}/home` };
  const plugins: Plugins = { kind: "stand-in", reason: "they are under test", env, stop: () => standIns.stop() };
  let stacks = 0;
  return {
    core,
    apps: config.makeApiClient(AppsV1Api),
    kubeconfig,
    stateDir,
    namespace,
    stack: async (program, stackConfig) => {
      const stack = await openStack({
        stack: `test${++stacks}`,
        stateDir,
        kubeconfig,
        context,
        pulumi,
        plugins,
        config: { ...requiredConfig, ...stackConfig },
        program: () => Promise.resolve(program() as Record<string, unknown> | undefined),
      });
      refreshOnlyWhenTold(join(stack.workDir, "Pulumi.yaml"));
      return stack;
    },
    close: async () => {
      await plugins.stop();
      await core.deleteNamespace({ name: namespace });
      rmSync(stateDir, { recursive: true });
    },
  };
}

/** The project may ask for a refresh at every run; these tests say themselves when there is one. */
function refreshOnlyWhenTold(projectFile: string): void {
  const project = parse(readFileSync(projectFile, "utf8")) as Record<string, unknown>;
  delete project.options;
  writeFileSync(projectFile, stringify(project));
}

/** The steps but those that leave all as it is, as `op name` or `op name: changed paths`. */
export function changes({ steps }: Report): string[] {
  return steps
    .filter(({ op, type }) => op !== "same" && !type.startsWith("pulumi:"))
    .map(({ op, urn, diffs }) => {
      const name = urn.split("::").at(-1);
      return diffs.length > 0 ? `${op} ${name}: ${diffs.join(", ")}` : `${op} ${name}`;
    });
}

/** The error's message; fails when there is none. */
export async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it was expected to fail and did not");
}

/** The managers of an object, each with what it owns, by how it writes. */
export function managers(object: {
  metadata?: { managedFields?: { manager?: string; operation?: string }[] };
}): string[] {
  return (object.metadata?.managedFields ?? []).map(({ manager, operation }) => `${manager} ${operation}`);
}

export function values(outputs: UpReport["outputs"]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value as unknown]));
}
