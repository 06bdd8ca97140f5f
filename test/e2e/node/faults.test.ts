// Faults around the sidecar. After each it comes back, and a directory that fills right then is below the watermark within a
// minute.
import assert from "node:assert/strict";
import type { V1ContainerStatus } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { visit } from "../../../sandbox/node/visits";
import { closeScenario, openScenario, type Scenario } from "./scenario";

const minute = 60_000;
const logins = 20;
/** Visits that take more than 80 % of the pages in 64 MiB. */
const rush = { rate: 1500, seconds: 10 };

describe("after a fault", function () {
  this.timeout(180_000);
  let scenario: Scenario;
  let pod: string;

  before(async () => {
    scenario = await openScenario({ name: "faults", config: { shmSize: "64Mi" } });
    await scenario.up();
    pod = await scenario.pod("main");
    await visit(scenario, pod, { logins });
  });

  after(() => closeScenario(scenario));

  /** Asserts that the sidecar is back and sweeps, and the logins are alive: all within a minute of the fault. */
  const recovers = async (faultAt: number): Promise<void> => {
    await visit(scenario, pod, rush);
    await scenario.until(
      `/dev/shm of ${pod} to be below the watermark`,
      async () => {
        const { size, used } = await scenario.shm(pod);
        return used / size < 0.8 || undefined;
      },
      faultAt + minute - Date.now(),
    );
    await scenario.until(
      "a ready sidecar",
      async () => (await statusOf(scenario, pod, "shm-cleanup"))?.ready || undefined,
    );
  };

  const loginsAlive = async (): Promise<unknown> => (await visit(scenario, pod, { known: true })).ending;

  it("sidecar OOM-killed: it starts again", async () => {
    // This comes first, while /dev/shm has room for all the memory that the sidecar may have.
    const before = (await statusOf(scenario, pod, "shm-cleanup"))!;
    // Files in /dev/shm count as its memory. The kernel should choose its first process, not the writer.
    const script =
      "echo 1000 >/proc/1/oom_score_adj; echo 0 >/proc/self/oom_score_adj; " +
      "exec dd if=/dev/zero of=/dev/shm/filler bs=4k count=10000";
    const { status } = await scenario.tryKubectl("exec", pod, "--container=shm-cleanup", "--", "sh", "-c", script);
    assert.equal(status, 137);
    const faultAt = Date.now();
    const killed = await scenario.until("the sidecar's end by the OOM killer", async () => {
      const now = await statusOf(scenario, pod, "shm-cleanup");
      return now && now.restartCount > before.restartCount ? now : undefined;
    });
    assert.equal(killed.lastState?.terminated?.reason, "OOMKilled");
    await scenario.exec(pod, "proxy", "rm", "-f", "/dev/shm/filler");
    await recovers(faultAt);
    assert.deepEqual(await loginsAlive(), { logins, alive: logins });
  });

  it("its node's containerd restarted: nothing else restarts", async () => {
    const before = await restartCounts(scenario, pod);
    const faultAt = Date.now();
    await scenario.stage.cluster.node.restartContainerd();
    await scenario.until("an exec by the new containerd", async () => {
      return (await scenario.tryKubectl("exec", pod, "--container=proxy", "--", "true")).status === 0 || undefined;
    });
    await recovers(faultAt);
    assert.deepEqual(await restartCounts(scenario, pod), before);
    assert.deepEqual(await loginsAlive(), { logins, alive: logins });
  });

  it("outpost restarted: its sessions survive, and go on being served", async () => {
    const before = (await statusOf(scenario, pod, "proxy"))!;
    const faultAt = Date.now();
    scenario.stage.cluster.node.kill(before.containerID!);
    await scenario.until("the outpost's restart", async () => {
      const now = await statusOf(scenario, pod, "proxy");
      return (now?.ready && now.restartCount === before.restartCount + 1) || undefined;
    });
    assert.deepEqual(await loginsAlive(), { logins, alive: logins });
    await recovers(faultAt);
    assert.deepEqual(await loginsAlive(), { logins, alive: logins });
  });

  it("pod deleted: the new one has its sidecar", async () => {
    const faultAt = Date.now();
    await scenario.kubectl("delete", "pod", pod, "--wait=false");
    await scenario.until("the old pod's successor", async () => {
      const [next, ...others] = await scenario.pods("main");
      const isReady = next?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
      return (others.length === 0 && isReady && next.metadata?.name !== pod) || undefined;
    });
    pod = await scenario.pod("main");
    await recovers(faultAt);
  });
});

async function statusOf(scenario: Scenario, pod: string, container: string): Promise<V1ContainerStatus | undefined> {
  const found = (await scenario.pods("main")).find(({ metadata }) => metadata?.name === pod);
  const all = [...(found?.status?.containerStatuses ?? []), ...(found?.status?.initContainerStatuses ?? [])];
  return all.find(({ name }) => name === container);
}

async function restartCounts(scenario: Scenario, pod: string): Promise<(number | undefined)[]> {
  const statuses = await Promise.all(["proxy", "shm-cleanup"].map((name) => statusOf(scenario, pod, name)));
  return statuses.map((status) => status?.restartCount);
}
