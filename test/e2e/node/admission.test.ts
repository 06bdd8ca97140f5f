// Delivery by admission in pods that run, in a namespace that enforces Pod Security `restricted`: visitors come while the
// Deployment is created anew.
import assert from "node:assert/strict";
import { startVisits, type RunningVisits } from "../../../sandbox/node/visits";
import { createOutpost, deleteOutpost } from "../../../sandbox/outpost";
import { untilUnlabelledAdmitted } from "../unlabelledPods";
import { outpostShm } from "./outpostShm";
import { closeScenario, openScenario, type Scenario } from "./scenario";

const outpost = { name: "main", replicas: 2 };

describe("delivery by admission, in pods that run", function () {
  this.timeout(240_000);
  let scenario: Scenario;

  /** Starts visits in a pod. */
  const visit = async (pod: string): Promise<RunningVisits> => {
    const visits = startVisits(scenario, pod, { rate: 50, seconds: 600 });
    await scenario.until("the first visits", () => Promise.resolve(visits.visits.seconds[0]));
    return visits;
  };
  /** Asserts that each second of the visits, which ended with their pod, had answers and no HTTP 400. */
  const allServed = async (visits: RunningVisits): Promise<void> => {
    for (const { second, status } of (await visits.over()).seconds)
      assert.deepEqual(Object.keys(status), ["302"], `second ${second}: ${JSON.stringify(status)}`);
  };

  before(async () => {
    scenario = await openScenario({
      name: "admission",
      labels: { "pod-security.kubernetes.io/enforce": "restricted" },
      outposts: [outpost],
      config: { delivery: "admission" },
    });
    await scenario.up();
  });
  after(() => closeScenario(scenario));

  /** Asserts that all pods are others than before, and that /dev/shm of each is swept and of its full size. */
  const allSwept = async (before: string[] = []): Promise<string[]> => {
    const pods = (await scenario.pods("main")).map(({ metadata }) => metadata!.name!);
    assert.equal(pods.length, outpost.replicas);
    for (const pod of pods) {
      assert.ok(!before.includes(pod), pod);
      assert.equal((await scenario.shm(pod)).size, 256 * 1024);
      await scenario.until(`the first sweep of pod ${pod}`, async () => {
        const log = await scenario.kubectl("logs", pod, "--container=shm-cleanup");
        return / event=scripts_loaded /.test(log) || undefined;
      });
    }
    return pods;
  };

  it("runs outpost and sidecar in each pod, as verify says", async () => {
    await allSwept();
    const { status, stdout } = await outpostShm(scenario, "verify", "--wait", "60s");
    assert.equal(status, 0, stdout);
    assert.match(stdout, /^main +names +pass +2 pods: proxy, then shm-cleanup$/m);
  });

  it("gives the sidecar the account's token as any container, by the API server's own second look", async () => {
    const [pod] = await scenario.pods("main");
    const mounts = pod.spec!.initContainers![0].volumeMounts!.map(({ mountPath }) => mountPath);
    assert.ok(mounts.includes("/var/run/secrets/kubernetes.io/serviceaccount"), mounts.join());
  });

  it("has new pods swept from the start where authentik creates the Deployment anew while visitors come", async () => {
    const { kubeconfig } = scenario.stage.cluster;
    await untilUnlabelledAdmitted(kubeconfig, scenario.namespace, "ak-outpost-main");
    const before = await allSwept();
    const visits = await visit(before[0]);
    await deleteOutpost(kubeconfig, { namespace: scenario.namespace, ...outpost });
    await createOutpost(kubeconfig, { namespace: scenario.namespace, ...outpost });
    await allServed(visits);
    await allSwept(before);
  });
});
