// doctor's look at pods: containers that are killed, crash or are not ready.
import assert from "node:assert/strict";
import type { V1ContainerStatus, V1Pod } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { Snapshot } from "../../../cli/doctor/snapshot";
import { containerStatus, fakeSnapshot, foundBy, knownPod, outpostDeployment, outpostPod, secondsAgo } from "./cluster";

/** Returns a pod of an hour whose outpost has this status, and a limit if given. */
function pod(
  proxyStatus: Partial<V1ContainerStatus>,
  { memory, ready = false, ago = 3600 }: { memory?: string; ready?: boolean; ago?: number } = {},
): V1Pod {
  const condition = { type: "Ready", status: ready ? "True" : "False", lastTransitionTime: secondsAgo(ago) };
  const made = outpostPod({ name: "main-b", memory, ready, proxyStatus, status: { conditions: [condition] } });
  made.metadata!.creationTimestamp = secondsAgo(ago);
  return made;
}

const snapshot = (made: V1Pod): Snapshot =>
  fakeSnapshot({ outposts: { deployments: [outpostDeployment()], pods: [knownPod(made)] } });

const killed = { terminated: { reason: "OOMKilled", exitCode: 137, finishedAt: secondsAgo(60) } };
const failed = (exitCode: number, ago: number) => ({
  terminated: { reason: "Error", exitCode, finishedAt: secondsAgo(ago) },
});
const backOff = { waiting: { reason: "CrashLoopBackOff", message: "back-off 5m0s restarting failed container" } };
const creating = { waiting: { reason: "ContainerCreating" } };

describe("doctor on the outpost's containers", () => {
  const log = "See what it said: kubectl logs main-b -c proxy --previous";

  /** Adds a test for each pod in which doctor finds one thing, which matters for this reason. */
  const finds = (why: string, cases: Record<string, [made: V1Pod, seen: string, todo: string]>) => {
    for (const [what, [made, seen, todo]] of Object.entries(cases)) {
      it(`finds one ${what}`, () => {
        const finding = { check: "containers", subject: "Pod/main-b", seen, why, todo };
        assert.deepEqual(foundBy("containers", snapshot(made)), [finding]);
      });
    }
  };
  finds("A pod that is not ready is sent no visitors: its share of the outpost's applications is out of reach.", {
    "OOM-killed in a loop, with a limit below its /dev/shm": [
      pod({ state: backOff, lastState: killed, restartCount: 12 }, { memory: "256Mi" }),
      "container proxy was OOM-killed, exit code 137, 60s ago; restarts: 12; CrashLoopBackOff (back-off 5m0s restarting failed container)",
      "Its memory limit is 256Mi, and the pages of a /dev/shm of 256Mi count as its memory. " +
        `Raise the limit to at least 320Mi where the Deployment comes from (authentik: kubernetes_json_patches), or lower \`shmSize\`. ${log}`,
    ],
    "ended just now": [
      pod({ state: failed(2, 1), restartCount: 0 }, { ago: 10 }),
      "container proxy ended: Error, exit code 2, 1s ago; restarts: 0",
      "See what it said: kubectl logs main-b -c proxy",
    ],
    "without its image": [
      pod(
        { state: { waiting: { reason: "ImagePullBackOff", message: "Back-off pulling image proxy:2026.50" } } },
        { ago: 60 },
      ),
      "container proxy ImagePullBackOff (Back-off pulling image proxy:2026.50)",
      "See the events: kubectl describe pod main-b",
    ],
    "running and not ready for long": [
      pod({}, { ago: 301 }),
      "it is not ready for 5m1s: container proxy runs and is not ready",
      "See why: kubectl describe pod main-b",
    ],
    "waiting for long": [
      pod({ state: creating }, { ago: 900 }),
      "it is not ready for 15m: container proxy ContainerCreating",
      "See why: kubectl describe pod main-b",
    ],
  });
  finds("Each time it ends, the requests under way fail; its sessions in /dev/shm stay.", {
    "OOM-killed, and running again": [
      pod({ lastState: killed, restartCount: 1 }, { memory: "512Mi", ready: true }),
      "container proxy was OOM-killed, exit code 137, 60s ago; restarts: 1",
      `Its memory limit is 512Mi: raise it. ${log}`,
    ],
    "OOM-killed without a limit": [
      pod({ lastState: killed, restartCount: 1 }, { ready: true }),
      "container proxy was OOM-killed, exit code 137, 60s ago; restarts: 1",
      `It has no memory limit: its node ran out of memory. ${log}`,
    ],
    "between two crashes": [
      pod({ lastState: failed(2, 30), restartCount: 3 }, { ready: true }),
      "container proxy ended: Error, exit code 2, 30s ago; restarts: 3",
      log,
    ],
  });

  const sound: Record<string, V1Pod> = {
    "one that is ready": pod({}, { ready: true }),
    "one that is merely starting": pod({ state: creating }, { ago: 20 }),
    "one that is not ready yet": pod({}, { ago: 299 }),
    "a crash of long ago": pod({ lastState: failed(1, 90_000), restartCount: 4 }, { ready: true }),
    "an init container that ended well": pod(
      { name: "wait", state: { terminated: { reason: "Completed", exitCode: 0 } } },
      { ready: true },
    ),
  };
  for (const [what, made] of Object.entries(sound)) {
    it(`has nothing to say of ${what}`, () => assert.deepEqual(foundBy("containers", snapshot(made)), []));
  }

  it("finds any other container too, and leaves ours to the check of the sidecar", () => {
    const made = pod({}, { ready: true });
    const crashed = { state: backOff, lastState: killed, restartCount: 2 };
    Object.assign(made.status!.initContainerStatuses![0], crashed);
    made.status!.containerStatuses!.push(containerStatus("istio-proxy", { ...crashed, ready: true }));
    const [{ seen }, ...more] = foundBy("containers", snapshot(made));
    assert.match(seen, /^container istio-proxy was OOM-killed, exit code 137, 60s ago; restarts: 2; /);
    assert.deepEqual(more, []);
  });
});
