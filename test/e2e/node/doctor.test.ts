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
    const names = ["well", "uid", "image", "root", "oom"];
    scenario = await openScenario({
      name: "doctor",
      outposts: names.map((name) => ({ name })),
      config: {
        outposts: [
          { name: "well", sweepInterval: "5s" },
          { name: "uid", sweepInterval: "5s", runAsUser: 2000 },
          { name: "image", cleanerImage: "docker.io/library/busybox:9.99" },
          { name: "root" },
          { name: "oom" },
        ],
      },
    });
    // One of them never starts, so the update fails.
    await assert.rejects(scenario.stack.up(), /image {4}containers {2}FAIL {4}pod ak-outpost-image-/);
    for (const name of ["well", "uid", "root", "oom"]) await scenario.rollout(name);
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

  it("finds an image that can't be pulled", async () => {
    assert.match(
      await untilFound("image", /./),
      /^sidecar: container shm-cleanup (ErrImagePull|ImagePullBackOff|ErrImageNeverPull) \(.*busybox:9\.99.*\)$/,
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

  it("finds a sidecar that was OOM-killed", async () => {
    const pod = await scenario.pod("oom");
    const script =
      "echo 1000 >/proc/1/oom_score_adj; echo 0 >/proc/self/oom_score_adj; " +
      "exec dd if=/dev/zero of=/dev/shm/filler bs=4k count=10000";
    await scenario.tryKubectl("exec", pod, "--container=shm-cleanup", "--", "sh", "-c", script);
    assert.equal(await untilFound("oom", /./), "sidecar: container shm-cleanup was OOM-killed (limit 32Mi)");
  });

  it("reads authentik's own log", async () => {
    const line = "jsonpatch.JsonPatchConflict: member 'volumes' not found in {'containers': []}";
    const image = "docker.io/library/busybox:1.37";
    await scenario.kubectl(
      ...[
        "run",
        "authentik-worker",
        `--image=${image}`,
        "--labels=app.kubernetes.io/name=authentik",
        "--restart=Never",
      ],
      ...["--command", "--", "sh", "-c", `echo "${line}"; sleep 1000`],
    );
    const found = await scenario.until("a finding in authentik's log", async () => {
      const { stdout } = await outpostShm(scenario, "doctor", "-o", "json");
      const { findings } = JSON.parse(stdout) as { findings: Found[] };
      return findings.find(({ check }) => check === "authentik's log");
    });
    assert.deepEqual(
      [found.subject, found.seen],
      ["Pod/authentik-worker", "authentik logged: member 'volumes' not found"],
    );
  });

  it("says to an account that may only list what it could not check, and what it may not", async () => {
    const lists = [{ verbs: "list", resources: "pods,deployments.apps" }];
    const kubeconfig = await restrictedKubeconfig(scenario, "lists-only", lists);
    const { status, stdout } = await outpostShmAs(kubeconfig, scenario, "doctor");
    assert.equal(status, 1);
    assert.match(stdout, /^Namespace\/node-doctor \(exec\)\n {2}seen: you may not create and get pods\/exec\n/m);
    const refused = "Kubernetes refused to .* is forbidden: .*";
    for (const what of ["CronJobs", "leftovers", "authentik's log in pod authentik-worker"])
      assert.match(stdout, new RegExp(`^Not checked: ${what} \\(${refused}\\)$`, "m"));
    const logs = `^Not checked: logs of sidecars \\(4 of 4 pods did not answer; ak-outpost-\\S+: ${refused}\\)$`;
    assert.match(stdout, new RegExp(logs, "m"));
  });
});
