// The ConfigMap with the scripts is missing, changed or deleted while real pods run. No pod restarts for any of it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { V1ConfigMap, V1Pod } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { cleanerScripts } from "../../../cleaner/scripts";
import { visit } from "../../../sandbox/node/visits";
import { closeScenario, openScenario, type Scenario } from "./scenario";

const name = "authentik-outpost-shm-scripts";
const logins = 5;

/** The scripts of another version, whose sweep logs that it is. */
function otherVersion(): Record<string, string> {
  const files: Record<string, string> = { ...cleanerScripts().files };
  files["sweep.sh"] = `echo another=version\n${files["sweep.sh"] ?? ""}`;
  const parts = ["judge.awk", "sidecar.sh", "sweep.sh"].map((file) => files[file]).join("");
  return { ...files, sha256: `${createHash("sha256").update(parts).digest("hex")}\n` };
}

describe("the sidecar's scripts", function () {
  this.timeout(240_000);
  let scenario: Scenario;
  let pod: string;
  let hurries = 0;

  before(async () => {
    scenario = await openScenario({ name: "scripts", config: { sweepInterval: "5s" } });
    await scenario.up();
  });

  after(() => closeScenario(scenario));

  /** Has the kubelet look at the pod's volumes now, and not within a minute. */
  const hurry = () => scenario.kubectl("annotate", "pod", pod, `hurry=${++hurries}`, "--overwrite");
  const log = () => scenario.kubectl("logs", pod, "--container=shm-cleanup");
  const logSays = (text: string | RegExp) =>
    scenario.until(`${String(text)} in the log`, async () => {
      await hurry();
      return (await log()).match(text) ?? undefined;
    });
  const setScripts = async (data: Record<string, string>): Promise<void> => {
    const patch = JSON.stringify([{ op: "replace", path: "/data", value: data }]);
    await scenario.kubectl("patch", "configmap", name, "--type=json", `--patch=${patch}`);
  };
  /** Waits for two sweeps by the clock of the metrics. */
  const sweepsOn = async (): Promise<void> => {
    const last = async () => {
      const metrics = await scenario.exec(pod, "shm-cleanup", "cat", "/run/shm-cleanup/metrics.txt");
      return Number(/^authentik_outpost_shm_last_sweep_timestamp_seconds (\d+)$/m.exec(metrics)?.[1]);
    };
    const before = await last();
    await scenario.until("two more sweeps", async () => (await last()) >= before + 10 || undefined);
  };

  it("missing at start: the outpost starts and serves; the sidecar waits, says so, and begins when they are there", async () => {
    await scenario.kubectl("delete", "configmap", name);
    await scenario.kubectl("delete", "pod", await scenario.pod("main"));
    await scenario.rollout("main");
    pod = await scenario.pod("main");
    await visit(scenario, pod, { logins });
    await logSays(`event=scripts_not_loaded dir=/opt/shm-cleanup problem="missing or incomplete" running=none`);
    await scenario.stack.up();
    await logSays(`event=scripts_loaded sha256=${cleanerScripts().files.sha256?.trim() ?? ""}`);
    await logSays(/ event=sweep dir=\/dev\/shm /);
  });

  it("changed meanwhile: the new ones run, in the same container", async () => {
    const other = otherVersion();
    await setScripts(other);
    await logSays(`event=scripts_loaded sha256=${other.sha256?.trim() ?? ""}`);
    await logSays(/another=version/);
    assert.equal((await log()).match(/ event=started /g)?.length, 2);
  });

  it("deleted meanwhile: the old ones run on", async () => {
    await scenario.kubectl("delete", "configmap", name);
    await hurry();
    const isGone = async () => (await scenario.exec(pod, "shm-cleanup", "ls", "/opt/shm-cleanup")) === "" || undefined;
    await scenario.until("the files gone", isGone);
    await sweepsOn();
  });

  it("put back by the next update: no pod was restarted, no container, and no session ended", async () => {
    await scenario.stack.up();
    const { data } = await scenario.get<V1ConfigMap>("configmap", name);
    assert.deepEqual(data, cleanerScripts().files);
    await scenario.until("this version's scripts", async () => {
      await hurry();
      return (await log()).split("scripts_loaded").length === 4 || undefined;
    });
    assert.equal(await scenario.pod("main"), pod);
    const { status } = await scenario.get<V1Pod>("pod", pod);
    const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
    assert.deepEqual(
      containers.map(({ name, restartCount }) => [name, restartCount]),
      [
        ["shm-cleanup", 0],
        ["proxy", 0],
      ],
    );
    assert.deepEqual((await visit(scenario, pod, { known: true })).ending, { logins, alive: logins });
  });
});
