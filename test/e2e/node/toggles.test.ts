// The solution changes while visitors come: from outside through the outpost's Service, gently, and inside each pod in a flood.
import assert from "node:assert/strict";
import type { V1Service } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { answers, startVisits, type RunningVisits, type Visits } from "../../../sandbox/node/visits";
import { OUTPOST_IMAGE } from "../../../sandbox/outpost";
import type { Solution } from "../../../settings/types";
import { closeScenario, openScenario, type Scenario } from "./scenario";

const flood = { rate: 100, seconds: 600 };
const guests = { rate: 20, seconds: 600 };

describe("toggling while visitors come", function () {
  this.timeout(240_000);
  let scenario: Scenario;
  let service: RunningVisits;
  let replaced = 0;
  let floods: RunningVisits[] = [];

  before(async () => {
    scenario = await openScenario({
      name: "toggles",
      outposts: [{ name: "main", replicas: 2 }],
      config: { solution: "none" },
    });
    await scenario.up();
    service = await visitService(scenario);
    await floodPods();
  });

  after(() => closeScenario(scenario));

  const floodPods = async (): Promise<void> => {
    const pods = (await scenario.pods("main")).map(({ metadata }) => metadata!.name!);
    floods = pods.map((pod) => startVisits(scenario, pod, flood));
    await scenario.until("the first second of each flood", () =>
      Promise.resolve(floods.every(({ visits }) => visits.seconds.length > 0) || undefined),
    );
  };

  /** Asserts that every second had answered visits, and that none was answered HTTP 400. */
  const served = (visits: Visits): void => {
    assert.ok(visits.seconds.length > 0);
    for (const { second, status } of visits.seconds) {
      assert.deepEqual(Object.keys(status), ["302"], `second ${second}: ${JSON.stringify(status)}`);
    }
  };

  const toggle = async (solution: Solution): Promise<void> => {
    const before = (await scenario.pods("main")).map(({ metadata }) => metadata!.name!);
    await scenario.setConfig({ solution });
    await scenario.up();
    const after = (await scenario.pods("main")).map(({ metadata }) => metadata!.name!);
    assert.deepEqual(
      after.filter((pod) => before.includes(pod)),
      [],
    );
    replaced += before.length;
    // A flood in a pod that is replaced ends with the pod.
    for (const visits of floods) served(await visits.over());
    await floodPods();
  };

  it("none -> sidecar replaces the pods, and nobody gets HTTP 400", () => toggle("sidecar"));
  it("sidecar -> cronjob replaces the pods, and nobody gets HTTP 400", () => toggle("cronjob"));

  it("the Service answered visitors in every second of it, rollouts included", async () => {
    const { visits } = service;
    served(visits);
    const { 302: answered, failed = 0 } = answers(visits);
    // kube-proxy may take a second to see that a pod ends (minSyncPeriod). Until then half of the visitors still go there.
    const most = (replaced * guests.rate) / 2;
    assert.equal(replaced, 4);
    assert.ok(
      failed <= most,
      `${failed} visits failed, ${answered} were answered, while ${replaced} pods were replaced`,
    );
    await Promise.resolve();
  });
});

/** Makes visits through the outpost's Service, from a pod of their own. Resolves with the first answers. */
async function visitService(scenario: Scenario): Promise<RunningVisits> {
  const { spec } = await scenario.get<V1Service>("service", "ak-outpost-main");
  await scenario.kubectl("run", "visitor", `--image=${OUTPOST_IMAGE}`, "--restart=Never");
  await scenario.kubectl("wait", "--for=condition=Ready", "pod/visitor", "--timeout=60s");
  const visits = startVisits(scenario, "visitor", { ...guests, target: `http://${spec!.clusterIP}:9000` });
  await scenario.until("the first visits through the Service", () => Promise.resolve(visits.visits.seconds[0]));
  return visits;
}
