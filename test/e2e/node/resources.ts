// The resources that a container uses, as the kubelet reports them to `kubectl top` and in its own summary.
import type { Scenario } from "./scenario";

export interface Use {
  /** CPU seconds since the container started. */
  cpuSeconds: number;
  /** Time of that reading, in milliseconds since 1970. */
  atMs: number;
  memoryBytes: number;
}

interface Summary {
  pods: {
    podRef: { name: string; namespace: string };
    containers?: {
      name: string;
      cpu?: { time: string; usageCoreNanoSeconds?: number };
      memory?: { workingSetBytes?: number };
    }[];
  }[];
}

/** Returns undefined until the kubelet has looked at the container. */
export async function useOf(scenario: Scenario, pod: string, container: string): Promise<Use | undefined> {
  const summary = await scenario.kubectl("get", "--raw", "/api/v1/nodes/sandbox-node/proxy/stats/summary");
  const { pods } = JSON.parse(summary) as Summary;
  const own = pods.find(({ podRef }) => podRef.name === pod && podRef.namespace === scenario.namespace);
  const found = own?.containers?.find(({ name }) => name === container);
  const nanoseconds = found?.cpu?.usageCoreNanoSeconds;
  const memoryBytes = found?.memory?.workingSetBytes;
  if (!found?.cpu || nanoseconds === undefined || memoryBytes === undefined) return undefined;
  return { cpuSeconds: nanoseconds / 1e9, atMs: Date.parse(found.cpu.time), memoryBytes };
}
