// A walk over every solution by every delivery, through the real engine on a real API server. Each step must end like a fresh
// deploy of the same, in the cluster and in authentik, with one rollout at most.
import assert from "node:assert/strict";
import { ownersOf } from "../../../kubernetes/fieldOwners";
import { writesAtRest } from "../../../sandbox/authentik/adminUi";
import type { Delivery, Solution } from "../../../settings/types";
import { sidecarFields } from "../../../sidecar/takenFields";
import { revision, warnings } from "../cluster/harness";
import { carries, podsOf, waitForRollout } from "../cluster/kubectl";
import { closeScenarios, openScenario, type Scenario } from "../cluster/scenario";

interface Place {
  solution: Solution;
  delivery: Delivery;
}
const nameOf = ({ solution, delivery }: Place): string => `${solution} by ${delivery}`;

/** The way in which pods get the sidecar, if they do. */
type Way = Delivery | "none";
const hasSidecar = ({ solution }: Place): boolean => solution === "sidecar" || solution === "both";
const hasCronJob = ({ solution }: Place): boolean => solution === "cronjob" || solution === "both";
const wayOf = (place: Place): Way => (hasSidecar(place) ? place.delivery : "none");

/** Each that differs from all others: where there is no sidecar, its delivery makes no difference. */
const places: Place[] = [
  { solution: "none", delivery: "deployment" },
  { solution: "cronjob", delivery: "deployment" },
  ...(["sidecar", "both"] as const).flatMap((solution) =>
    (["deployment", "admission", "authentik"] as const).map((delivery) => ({ solution, delivery })),
  ),
];

/**
 * Each ordered pair of ways, once with a CronJob that comes or goes at the same time, and once without. The outposts that have no
 * sidecar have each delivery in turn, which must make no difference.
 */
const walk: Place[] = (
  [
    ["none", "deployment"],
    ["sidecar", "deployment"],
    ["cronjob", "authentik"],
    ["sidecar", "authentik"],
    ["cronjob", "admission"],
    ["both", "admission"],
    ["cronjob", "deployment"],
    ["none", "authentik"],
    ["sidecar", "authentik"],
    ["both", "admission"],
    ["both", "authentik"],
    ["both", "deployment"],
    ["cronjob", "admission"],
    ["cronjob", "deployment"],
    ["sidecar", "admission"],
    ["both", "deployment"],
    ["sidecar", "authentik"],
    ["sidecar", "admission"],
    ["both", "admission"],
    ["both", "admission"],
    ["sidecar", "authentik"],
    ["sidecar", "authentik"],
    ["both", "authentik"],
    ["cronjob", "authentik"],
    ["sidecar", "deployment"],
    ["sidecar", "deployment"],
    ["sidecar", "authentik"],
    ["both", "deployment"],
    ["sidecar", "admission"],
    ["sidecar", "deployment"],
    ["both", "deployment"],
    ["both", "admission"],
    ["none", "admission"],
  ] as const
).map(([solution, delivery]) => ({ solution, delivery }));

/** Returns what the Deployment's template has, by which pods restart: the sidecar, or the label that asks for it. */
function templateOf(place: Place): "bare" | "sidecar" | "asking" {
  if (!hasSidecar(place)) return "bare";
  return place.delivery === "admission" ? "asking" : "sidecar";
}

/** Everything by which an operator could tell two deploys apart. */
interface Outcome {
  objects: Record<string, unknown>;
  /** Owners of the sidecar's fields. */
  owners: Record<string, string[]>;
  /** The outpost's config in authentik. */
  config: unknown;
}

async function outcomeOf(scenario: Scenario): Promise<Outcome> {
  const { metadata } = await scenario.deployment("main");
  const managedFields = metadata?.managedFields ?? [];
  const owners = sidecarFields("proxy").map(({ field, path }) => [field, ownersOf(path, managedFields)]);
  const { config } = scenario.authentik.outpost("main");
  return { objects: withoutOwners(await scenario.objects()), owners: Object.fromEntries(owners) as never, config };
}

/** Leaves out owners, which are compared separately: a field taken over is listed more finely than one written at once. */
function withoutOwners(objects: Record<string, unknown>): Record<string, unknown> {
  const copy = structuredClone(objects) as Record<string, { metadata: { owners?: unknown } }>;
  for (const [key, object] of Object.entries(copy)) if (key.startsWith("Deployment/")) delete object.metadata.owners;
  return copy;
}

describe("a walk over solution and delivery", () => {
  const fresh = new Map<string, Outcome>();
  let scenario: Scenario;

  after(closeScenarios);

  before("deploy each of them afresh", async () => {
    for (const [index, place] of places.entries()) {
      const one = await openScenario({ name: `fresh-${index}`, authentik: true, config: { ...place } });
      await one.stack.up();
      await waitForRollout(one, "main");
      const again = await one.stack.up();
      assert.deepEqual(Object.keys(again.changeSummary), ["same"], `${nameOf(place)} a second time`);
      assert.deepEqual(warnings(again), []);
      fresh.set(nameOf(place), await outcomeOf(one));
    }
    scenario = await openScenario({ name: "walk", authentik: true, config: { ...walk[0] } });
  });

  it("walks each ordered pair once, and once more with another CronJob", () => {
    const pairs = walk.slice(1).map((place, index) => {
      const from = walk[index];
      return `${wayOf(from)} ${wayOf(place)} ${hasCronJob(from) === hasCronJob(place)}`;
    });
    assert.equal(new Set(pairs).size, 32);
    assert.equal(pairs.length, 32);
  });

  it("tells them apart where they differ", () => {
    const of = (solution: Solution, delivery: Delivery) => fresh.get(nameOf({ solution, delivery }));
    assert.notDeepEqual(comparable(of("sidecar", "admission")), comparable(of("sidecar", "deployment")));
    assert.notDeepEqual(comparable(of("sidecar", "admission")), comparable(of("none", "deployment")));
    assert.notDeepEqual(comparable(of("sidecar", "authentik")), comparable(of("sidecar", "deployment")));
    assert.notDeepEqual(comparable(of("sidecar", "authentik")), comparable(of("both", "authentik")));
  });

  for (const [index, place] of walk.slice(1).entries()) {
    const from = walk[index];
    it(`${index + 1}: ${nameOf(from)} -> ${nameOf(place)}`, async () => {
      const before = revision(await scenario.deployment("main"));
      await scenario.configure({ ...place });
      await scenario.stack.up();
      await waitForRollout(scenario, "main");
      const { solution, delivery } = place;
      const same = nameOf({ solution, delivery: hasSidecar(place) ? delivery : "deployment" });
      assert.deepEqual(comparable(await outcomeOf(scenario)), comparable(fresh.get(same)));
      const rollouts = revision(await scenario.deployment("main")) - before;
      assert.equal(rollouts, templateOf(from) === templateOf(place) ? 0 : 1);
      const pods = await podsOf(scenario, "ak-outpost-main");
      assert.deepEqual(
        pods.map(carries),
        pods.map(() => hasSidecar(place)),
      );
      assert.equal(await writesAtRest(scenario.authentik), 0);
    });
  }

  it("has authentik recreate nothing", () => assert.equal(scenario.authentik.writes.recreated, 0));

  /** Leaves out the names that differ between scenarios: of the namespace, the stack and the outpost's id. */
  function comparable(outcome: Outcome | undefined): unknown {
    const text = JSON.stringify(outcome)
      .replaceAll(/(authentik-outpost-shm|test)-(fresh-\d+|walk)\b/g, "$1-NAME")
      .replaceAll(/(\.|stack )(fresh-\d+|walk)\b/g, "$1NAME")
      .replaceAll(/("goauthentik.io\/outpost-uuid":)"[0-9a-f]{32}"/g, '$1"UUID"');
    return JSON.parse(text);
  }
});
