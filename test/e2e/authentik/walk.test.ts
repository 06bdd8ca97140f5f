// Fifty random steps over every solution by every delivery, through the real engine on a real API server. Each must end like a
// fresh deploy of the same, in the cluster and in authentik, with one rollout at most.
import assert from "node:assert/strict";
import { ownersOf } from "../../../kubernetes/fieldOwners";
import type { Delivery, Solution } from "../../../settings/settings";
import { sidecarFields } from "../../../sidecar/takenFields";
import { revision } from "../cluster/harness";
import { carries, podsOf, waitForRollout } from "../cluster/kubectl";
import { closeScenarios, openScenario, type Scenario } from "../cluster/scenario";

const steps = 50;
/** Determines the steps of the walk. The title shows it. */
const seed = 20261124;

interface Place {
  solution: Solution;
  delivery: Delivery;
}
const places: Place[] = (["none", "sidecar", "cronjob", "both"] as const).flatMap((solution) =>
  (["deployment", "admission", "authentik"] as const).map((delivery) => ({ solution, delivery })),
);
const nameOf = ({ solution, delivery }: Place): string => `${solution} by ${delivery}`;

/** Returns what the Deployment's template has, by which pods restart: the sidecar, or the label that asks for it. */
function templateOf({ solution, delivery }: Place): "bare" | "sidecar" | "asking" {
  if (solution === "none" || solution === "cronjob") return "bare";
  return delivery === "admission" ? "asking" : "sidecar";
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

describe(`a random walk over solution and delivery (seed ${seed})`, () => {
  const fresh = new Map<string, Outcome>();
  let scenario: Scenario;

  after(closeScenarios);

  before("deploy each of them afresh", async () => {
    for (const [index, place] of places.entries()) {
      const one = await openScenario({ name: `fresh-${index}`, authentik: true, config: { ...place } });
      await one.stack.up();
      await waitForRollout(one, "main");
      for (const again of [await one.stack.preview(), await one.stack.up()])
        assert.deepEqual(Object.keys(again.changeSummary), ["same"], `${nameOf(place)} a second time`);
      fresh.set(nameOf(place), await outcomeOf(one));
    }
    scenario = await openScenario({ name: "walk", authentik: true, config: { solution: "none" } });
  });

  it("tells the twelve apart where they differ", () => {
    const of = (solution: Solution, delivery: Delivery) => fresh.get(nameOf({ solution, delivery }));
    for (const solution of ["none", "cronjob"] as const)
      for (const delivery of ["authentik", "admission"] as const)
        assert.deepEqual(comparable(of(solution, delivery)), comparable(of(solution, "deployment")));
    assert.notDeepEqual(comparable(of("sidecar", "admission")), comparable(of("sidecar", "deployment")));
    assert.notDeepEqual(comparable(of("sidecar", "admission")), comparable(of("none", "deployment")));
    assert.notDeepEqual(comparable(of("sidecar", "authentik")), comparable(of("sidecar", "deployment")));
    assert.notDeepEqual(comparable(of("sidecar", "authentik")), comparable(of("both", "authentik")));
  });

  let at: Place = { solution: "none", delivery: "deployment" };
  for (const [index, place] of randomWalk().entries()) {
    const from = at;
    at = place;
    it(`${index + 1}: ${nameOf(from)} -> ${nameOf(place)}`, async () => {
      const before = revision(await scenario.deployment("main"));
      await scenario.configure({ ...place });
      await scenario.stack.up();
      await waitForRollout(scenario, "main");
      assert.deepEqual(comparable(await outcomeOf(scenario)), comparable(fresh.get(nameOf(place))));
      const rollouts = revision(await scenario.deployment("main")) - before;
      assert.equal(rollouts, templateOf(from) === templateOf(place) ? 0 : 1);
      const pods = await podsOf(scenario, "ak-outpost-main");
      assert.deepEqual(
        pods.map(carries),
        pods.map(() => templateOf(place) !== "bare"),
      );
    });
  }

  it("leaves authentik at rest", async () => {
    const { writes } = scenario.authentik;
    for (let i = 0; i < 3; i++) await scenario.authentik.reconcile();
    assert.deepEqual(scenario.authentik.writes, writes);
    assert.equal(writes.recreated, 0);
  });

  /** Leaves out the names that differ between scenarios: of the namespace, the stack and the outpost's id. */
  function comparable(outcome: Outcome | undefined): unknown {
    const text = JSON.stringify(outcome)
      .replaceAll(/(authentik-outpost-shm|test)-(fresh-\d+|walk)\b/g, "$1-NAME")
      .replaceAll(/(\.|stack )(fresh-\d+|walk)\b/g, "$1NAME")
      .replaceAll(/("goauthentik.io\/outpost-uuid":)"[0-9a-f]{32}"/g, '$1"UUID"');
    return JSON.parse(text);
  }

  function randomWalk(): Place[] {
    let state = seed;
    return Array.from({ length: steps }, () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return places[Math.floor((state / 2 ** 32) * places.length)];
    });
  }
});
