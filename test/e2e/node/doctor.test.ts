// `outpost-shm doctor` on real pods whose sidecar fails, each for another reason, and on one whose sidecar works.
import assert from "node:assert/strict";
import { visitExactly } from "../../../sandbox/node/visits";
import { outpostShm, outpostShmAs, restrictedKubeconfig } from "./outpostShm";
import { closeScenario, openScenario, type Scenario } from "./scenario";

interface Found {
  check: string;
  subject: string;
  seen: string;
}

describe("doctor", function () {
  this.timeout(300_000);
  let scenario: Scenario;

  before(async () => {
    const names = ["well", "uid", "image", "root"];
    scenario = await openScenario({
      name: "doctor",
      outposts: names.map((name) => ({ name })),
      config: {
        outposts: [
          { name: "well", sweepInterval: "5s" },
          { name: "uid", sweepInterval: "5s", runAsUser: 2000 },
          { name: "image", cleanerImage: "docker.io/library/busybox:9.99" },
          { name: "root" },
        ],
        verifyTimeout: "10m",
      },
    });
    // One of them never starts, so the update fails, long before its time.
    const began = Date.now();
    await assert.rejects(
      scenario.stack.up(),
      /^image {4}containers {2}FAIL {4}pod ak-outpost-image-\S+: container shm-cleanup is not running: \w*(Err|BackOff)\w* \(.*busybox:9\.99[^]*^image containers: See why: kubectl --kubeconfig \S+ --context \S+ --namespace node-doctor describe pod ak-outpost-image-/m,
    );
    assert.ok(Date.now() - began < 120_000, `${Date.now() - began} ms`);
    for (const name of ["well", "uid", "root"]) await scenario.rollout(name);
  });
  after(() => closeScenario(scenario));

  /** Returns the findings about one outpost's pods. */
  async function foundOf(outpost: string): Promise<string[]> {
    const { stdout } = await outpostShm(scenario, "doctor", "-o", "json");
    const { findings } = JSON.parse(stdout) as { findings: Found[] };
    const own = findings.filter(({ subject }) => subject.startsWith(`Pod/ak-outpost-${outpost}-`));
    return own.map(({ check, seen }) => `${check}: ${seen}`);
  }
  const untilFound = (outpost: string, pattern: RegExp): Promise<string> =>
    scenario.until(
      `a finding of outpost ${outpost}`,
      async () => (await foundOf(outpost)).find((seen) => pattern.test(seen)),
      120_000,
    );

  it("finds nothing of one that works", async () => {
    assert.deepEqual(await foundOf("well"), []);
  });

  it("finds sessions that are elsewhere, by TMPDIR in the running container, where the spec does not tell", async () => {
    await scenario.kubectl("create", "configmap", "place", "--from-literal=TMPDIR=/tmp");
    await scenario.kubectl("set", "env", "deployment/ak-outpost-well", "--containers=proxy", "--from=configmap/place");
    await scenario.rollout("well");
    assert.equal(
      await untilFound("well", /^sessions/),
      "sessions: container proxy keeps its sessions in /tmp, not in /dev/shm: TMPDIR in its environment is /tmp",
    );
  });

  it("finds a sidecar of another uid than the outpost's, once it has tried to remove something", async () => {
    const pod = await scenario.pod("uid");
    await visitExactly(scenario, pod, 10);
    await scenario.exec(pod, "proxy", "sh", "-c", "touch -d @$(($(date +%s) - 172800)) /dev/shm/session_*");
    assert.match(
      await untilFound("uid", /Operation not permitted/),
      /^sidecar: its log: .*session_[A-Z2-7]+.*Operation not permitted, 10 errors in the last sweep$/,
    );
  });

  it("finds a container that may not run as root", async () => {
    const root = { name: "shm-cleanup", securityContext: { runAsUser: 0 } };
    const patch = JSON.stringify({ spec: { template: { spec: { initContainers: [root] } } } });
    await scenario.kubectl("patch", "deployment", "ak-outpost-root", `--patch=${patch}`);
    assert.match(
      await untilFound("root", /./),
      /^sidecar: container shm-cleanup CreateContainerConfigError \(container's runAsUser breaks non-root policy .*\)$/,
    );
  });

  it("says to an account that may only list what it could not check, and what it may not", async () => {
    const lists = [{ verbs: "list", resources: "pods,deployments.apps" }];
    const kubeconfig = await restrictedKubeconfig(scenario, "lists-only", lists);
    const { status, stdout } = await outpostShmAs(kubeconfig, scenario, "doctor");
    assert.equal(status, 1);
    assert.match(stdout, /^Namespace\/node-doctor \(exec\)\n {2}seen: you may not create and get pods\/exec\n/m);
    const refused = "Kubernetes refused to .* is forbidden: .*";
    for (const what of ["CronJobs", "leftovers"])
      assert.match(stdout, new RegExp(`^Not checked: ${what} \\(${refused}\\)$`, "m"));
    const logs = `^Not checked: logs of sidecars \\(3 of 3 pods did not answer; ak-outpost-\\S+: ${refused}\\)$`;
    assert.match(stdout, new RegExp(logs, "m"));
  });

  it("finds nothing once an update has mended the image that could not be pulled", async () => {
    await scenario.setConfig({ outposts: ["well", { name: "uid", runAsUser: 2000 }, "image"], verifyTimeout: "2m" });
    await scenario.stack.up();
    await scenario.until("the old pod's end", async () => (await foundOf("image")).length === 0);
  });
});
