// Programs of a few resources, run by the real engine against the shared cluster; and what an operation of the engine did.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { liveCluster } from "../../../kubernetes/liveCluster";
import { preflight, PreflightError } from "../../../preflight/preflight";
import { openStack, UpdateFailed, type EngineStack, type Report, type UpReport } from "../../../sandbox/engine";
import { createStateFolder } from "../../../sandbox/stateFolder";
import { resolveSettings } from "../../../settings/resolve";
import { sharedCluster } from "./fixture";
import { closeScenarios, sharedPulumi } from "./scenario";

export interface Harness {
  readonly stateDir: string;
  /** Opens a new stack that runs `program`. */
  stack(program: () => unknown, config?: Record<string, unknown>): Promise<EngineStack>;
  close(): Promise<void>;
}

/** Config that Pulumi.yaml requires of any stack. */
const requiredConfig = { namespace: "authentik", outposts: ["public"] };

export async function openHarness(): Promise<Harness> {
  const { kubeconfig, context } = await sharedCluster();
  const stateDir = createStateFolder("test-engine");
  let stacks = 0;
  return {
    stateDir,
    stack: async (program, stackConfig) =>
      openStack({
        stack: `test${++stacks}`,
        stateDir,
        kubeconfig,
        context,
        pulumi: await sharedPulumi(),
        config: { ...requiredConfig, ...stackConfig },
        program: () => Promise.resolve(program() as Record<string, unknown> | undefined),
      }),
    close: async () => {
      await closeScenarios();
      rmSync(stateDir, { recursive: true });
    },
  };
}

/** Lists the program's warnings. */
export const warnings = ({ diagnostics }: Report): string[] =>
  diagnostics.filter(({ severity }) => severity === "warning").map(({ message }) => message);

/** Number of rollouts that the Deployment has had. */
export const revision = ({ metadata }: V1Deployment): number =>
  Number(metadata?.annotations?.["deployment.kubernetes.io/revision"]);

/** Lists the steps that change something, as `op name` or `op name: changed paths`. */
export function changes({ steps }: Report): string[] {
  return steps
    .filter(({ op, type }) => op !== "same" && !type.startsWith("pulumi:"))
    .map(({ op, urn, diffs }) => {
      const name = urn.split("::").at(-1);
      return diffs.length > 0 ? `${op} ${name}: ${diffs.join(", ")}` : `${op} ${name}`;
    });
}

/** Lists the changes by `operation type`, each once. A refresh that finds a difference and the update that mends it are one. */
export function changedTypes({ steps }: Report): string[] {
  const changed = steps.filter(
    ({ op, type }) => !["same", "read", "refresh"].includes(op) && !type.startsWith("pulumi:providers:"),
  );
  return [...new Set(changed.map(({ op, type }) => `${op} ${type}`))].sort();
}
/** Changes of a new wait for the rollout. */
export const awaited = ["create-replacement", "delete-replaced", "replace"].map((op) => `${op} command:local:Command`);

/** Returns the error of an operation that has to fail, with its report. */
export async function failed(operation: Promise<unknown>): Promise<UpdateFailed> {
  const error = await operation.then(
    () => assert.fail("it was expected to fail and did not"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof UpdateFailed, String(error));
  return error;
}

/** Returns the message of an operation that has to fail. */
export const failure = async (operation: Promise<unknown>): Promise<string> => (await failed(operation)).message;

/** Returns what the preflight of a stack has against these settings. */
export async function problemsOf(kubeconfig: string, stack: string, raw: Record<string, unknown>): Promise<string[]> {
  const inputs = { cluster: liveCluster({ kubeconfig }), fieldManager: `authentik-outpost-shm-${stack}` };
  try {
    await preflight(resolveSettings(raw), inputs);
    return [];
  } catch (error) {
    if (error instanceof PreflightError) return error.problems;
    throw error;
  }
}

/** Converts an object of the client to plain JSON, without its classes. */
export const plain = (object: unknown): unknown => JSON.parse(JSON.stringify(object));

export function values(outputs: UpReport["outputs"]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value as unknown]));
}
