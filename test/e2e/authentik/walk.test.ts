// A walk over solutions and deliveries, through the real engine on a real API server. Each step must end like a deploy of the same to
// untouched Deployments, in the cluster and in authentik, with one rollout at most.
import assert from "node:assert/strict";
import type { V1Pod } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { ownersOf } from "../../../kubernetes/fieldOwners";
import { writesAtRest } from "../../../sandbox/authentik/adminUi";
import type { Delivery, Solution } from "../../../settings/types";
import { sidecarFields } from "../../../podPatch/takenFields";
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

/**
 * First each ordered pair of solutions by the Deployment, then each other ordered pair of ways, with a CronJob that comes, goes or
 * stays meanwhile. It comes to each part alone from `none` first, which must have left the Deployment untouched. Where there is no
 * sidecar, its delivery must make no difference.
 */
const walk: Place[] = (
  [
    ["none", "deployment"],
    ["sidecar", "deployment"],
    ["none", "deployment"],
    ["cronjob", "authentik"],
    ["none", "authentik"],
    ["both", "deployment"],
    ["sidecar", "deployment"],
    ["cronjob", "deployment"],
    ["sidecar", "deployment"],
    ["both", "deployment"],
    ["cronjob", "admission"],
    ["both", "deployment"],
    ["none", "deployment"],
    ["sidecar", "admission"],
    ["none", "admission"],
    ["sidecar", "authentik"],
    ["both", "deployment"],
    ["both", "admission"],
    ["sidecar", "authentik"],
    ["sidecar", "admission"],
    ["both", "deployment"],
    ["both", "authentik"],
    ["none", "authentik"],
  ] as const
).map(([solution, delivery]) => ({ solution, delivery }));
const steps = walk.slice(1).map((to, index) => ({ from: walk[index], to }));
/** Steps before any other delivery than by the Deployment. */
const solutionsAlone = 12;

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
  return { objects: await scenario.objects(), owners: Object.fromEntries(owners) as never, config };
}

/** Leaves out all owners of the Deployment's fields: one that was taken over is listed more finely than one written at once. */
function withoutOwners({ objects, ...rest }: Outcome): Outcome {
  const copy = structuredClone(objects) as Record<string, { metadata: { owners?: unknown } }>;
  for (const [key, object] of Object.entries(copy)) if (key.startsWith("Deployment/")) delete object.metadata.owners;
  return { ...rest, objects: copy };
}

/** Leaves out what differs between two pods of the same template: names, and the order in which volumes and mounts were added. */
function comparable({ spec }: V1Pod): unknown {
  const sorted = (key: string, value: unknown): unknown => {
    if (key === "nodeName") return undefined;
    const isList = key === "volumes" || key === "volumeMounts";
    return isList ? [...(value as { name: string }[])].sort((a, b) => a.name.localeCompare(b.name)) : value;
  };
  return JSON.parse(JSON.stringify(spec, sorted).replaceAll(/kube-api-access-\w+/g, "kube-api-access"));
}

describe("a walk over solution and delivery", () => {
  /** What each part alone comes to from an untouched Deployment. */
  const first = {} as Record<Way | "cronjob", Outcome>;
  let scenario: Scenario;
  let swept: unknown;

  before(async () => {
    const outposts = [{ name: "main", replicas: 2 }];
    scenario = await openScenario({ name: "walk", authentik: true, outposts, config: { ...walk[0] } });
    first.none = await outcomeOf(scenario);
  });
  after(closeScenarios);

  it("walks each ordered pair of solutions, and each of ways", () => {
    const pairs = (of: (place: Place) => string) =>
      new Set(steps.map(({ from, to }) => `${of(from)} ${of(to)}`).filter((pair) => !/^(\w+) \1$/.test(pair)));
    const ways = pairs(wayOf);
    const solutions = new Set(steps.slice(0, solutionsAlone).map(({ from, to }) => `${from.solution} ${to.solution}`));
    assert.deepEqual([ways.size, solutions.size], [12, 12]);
  });

  /** Returns what this place must come to: the sidecar's part and the CronJob's, each as it was alone. */
  function expected(place: Place): Outcome {
    const sidecar = first[wayOf(place)];
    if (!hasCronJob(place)) return sidecar;
    return { ...sidecar, objects: { ...first.cronjob.objects, ...sidecar.objects } };
  }

  for (const [index, { from, to }] of steps.entries()) {
    it(`${index + 1}: ${nameOf(from)} -> ${nameOf(to)}`, async () => {
      const before = {
        revision: revision(await scenario.deployment("main")),
        writes: { ...scenario.authentik.writes },
      };
      await scenario.configure({ ...to });
      await scenario.stack.up();
      await waitForRollout(scenario, "main");
      const outcome = await outcomeOf(scenario);
      const part = to.solution === "cronjob" ? "cronjob" : wayOf(to);
      if (!(part in first)) {
        first[part] = outcome;
        const again = await scenario.stack.up();
        assert.deepEqual(Object.keys(again.changeSummary), ["same"]);
        assert.deepEqual(warnings(again), []);
      }
      const compared = index < solutionsAlone ? (each: Outcome) => each : withoutOwners;
      assert.deepEqual(compared(outcome), compared(expected(to)));
      const restarts = templateOf(from) !== templateOf(to);
      assert.equal(revision(await scenario.deployment("main")) - before.revision, restarts ? 1 : 0);
      if (!restarts) assert.deepEqual(scenario.authentik.writes, before.writes);
      const pods = await podsOf(scenario, "ak-outpost-main");
      assert.deepEqual(pods.map(carries), [hasSidecar(to), hasSidecar(to)]);
      if (hasSidecar(to)) assert.deepEqual(comparable(pods[0]), (swept ??= comparable(pods[0])));
      assert.equal(await writesAtRest(scenario.authentik), 0);
    });
  }

  it("deploys something different for each", () => {
    const deployments = Object.values(first).map(({ objects }) =>
      JSON.stringify(objects["Deployment/ak-outpost-main"]),
    );
    assert.equal(new Set(deployments).size, 4);
    assert.notDeepEqual(first.authentik.config, first.deployment.config);
    assert.ok("CronJob/authentik-outpost-shm-cleanup" in first.cronjob.objects);
  });

  it("has authentik recreate nothing", () => assert.equal(scenario.authentik.writes.recreated, 0));
});
