// The look at outposts that get their sidecar through authentik, or no longer do, before anything is changed.
import assert from "node:assert/strict";
import { authentikError } from "../../../authentik/apiErrors";
import type { TokenValidity } from "../../../authentik/optionalAnswers";
import type { JsonPatchOperation } from "../../../authentik/operations";
import type { DryRun } from "../../../kubernetes/cluster";
import type { Deployment } from "../../../kubernetes/types";
import type { Findings } from "../../../preflight/findings";
import { pastedPatch } from "../../../sandbox/authentik/adminUi";
import { compose, ownPart } from "../../../podPatch/jsonPatch/jsonPatch";
import { podFragment } from "../../../podPatch/podFragment";
import { managed, ofVolume, podSpecFields } from "../managedFields";
import { outpostSettings } from "../outposts";
import type { Answers } from "../cli/cluster";
import { clusterWith, inspect, liveDeployment, ours, refusedPod } from "./scene";

const name = "ak-outpost-my-outpost";
const fragment = podFragment(outpostSettings());
const composed = compose([], ownPart(fragment)).operations;
const waiter: JsonPatchOperation = {
  op: "add",
  path: "/spec/template/spec/containers/-",
  value: { name: "wait", image: "busybox:1.37" },
};

interface World {
  live?: Deployment;
  /** The outpost's operations in authentik, or its error. */
  operations?: JsonPatchOperation[] | Error;
  /** Other keys of the outpost's config. */
  config?: Record<string, unknown>;
  dryRun?: DryRun;
  validities?: TokenValidity[];
  answers?: Answers;
  /** Who changed the outpost in authentik last, where its event log says so. */
  changedBy?: string;
}

/** Returns what a look finds for an outpost with this delivery, and the dry runs that it asked for. */
async function look(delivery: string, world: World, overrides: Record<string, unknown> = {}) {
  const { live, operations = [], config, dryRun, validities = [], changedBy, answers } = world;
  const dryRuns: string[] = [];
  const answer = (how: string, fieldManager: string): Promise<DryRun> => {
    dryRuns.push(`${how} ${fieldManager}`);
    return Promise.resolve(dryRun ?? { outcome: "applied", deployment: live! });
  };
  const cluster = clusterWith(live ? [live] : [], {
    deployment: live,
    dryRunApply: (_namespace, _name, manager) => answer("apply", manager),
    dryRunMerge: (_namespace, _name, manager) => answer("merge", manager),
    ...answers,
  });
  const find = () =>
    operations instanceof Error
      ? Promise.reject(operations)
      : Promise.resolve({
          pk: "0a1b0000-0000-4000-8000-000000000000",
          name: "My Outpost",
          config: { kubernetes_namespace: "authentik", ...config, kubernetes_json_patches: { deployment: operations } },
        });
  const authentik = {
    readOutpost: find,
    findOutpost: find,
    lastChangeBy: () => Promise.resolve(changedBy),
    tokenValidities: () => Promise.resolve(validities),
  };
  const settings = { ...outpostSettings(overrides), delivery: delivery as "authentik" };
  const findings = await inspect(cluster, [settings], authentik);
  return { ...findings, dryRuns };
}

/** Returns authentik's Deployment with the volume owned by these managers. */
function ownedBy(...managers: string[]): Deployment {
  const live = liveDeployment(name);
  const volume = podSpecFields(ofVolume);
  live.metadata!.managedFields!.push(...managers.map((manager) => managed(manager, volume)));
  return live;
}
const nothing: Findings & { dryRuns: string[] } = { problems: [], warnings: [], dryRuns: ["merge goauthentik.io"] };
const taken = [
  'outpost "My Outpost": kubernetes_json_patches.deployment in authentik changes:',
  "    - add /spec/template/spec/volumes (dshm, shm-cleanup-settings, shm-cleanup-run, shm-cleanup-scripts)",
  '    - add /spec/template/spec/containers/0/volumeMounts [{"name":"dshm","mountPath":"/dev/shm"}]',
  "    - add /spec/template/spec/initContainers (shm-cleanup)",
].join("\n");

describe("inspection of delivery through authentik", () => {
  it("has nothing to say where the patch is there and applied", async () => {
    assert.deepEqual(await look("authentik", { live: ownedBy("goauthentik.io"), operations: composed }), nothing);
  });

  it("lets the fields come over that delivery deployment owns", async () => {
    const { problems, warnings } = await look("authentik", { live: ownedBy(ours) });
    assert.deepEqual([problems, warnings], [[], [taken.replaceAll("- add", "+ add")]]);
  });

  it("stops at a volume of somebody else", async () => {
    const { problems, dryRuns } = await look("authentik", { live: ownedBy("goauthentik.io", "kubectl-edit") });
    assert.deepEqual(problems, [
      'outpost "My Outpost": Deployment ak-outpost-my-outpost already has volume dshm (owned by kubectl-edit). ' +
        "Undo that change, or set the outpost's `solution` to cronjob, which needs none of these.",
    ]);
    assert.deepEqual(dryRuns, []);
  });

  it("stops at a missing Deployment, but not where the patch is in authentik already, to be mended", async () => {
    const { problems } = await look("authentik", {});
    assert.match(problems[0], /^outpost "My Outpost": there is no Deployment ak-outpost-my-outpost /);
    // Its rollout is awaited once authentik has created it.
    assert.deepEqual(await look("authentik", { operations: composed }), { ...nothing, underWay: [name], dryRuns: [] });
  });

  it("stops at what the API server would refuse: authentik would delete the Deployment over it", async () => {
    const dryRun: DryRun = { outcome: "invalid", reason: "bad image" };
    assert.deepEqual((await look("authentik", { live: liveDeployment(name), dryRun })).problems, [
      "Deployment ak-outpost-my-outpost: the API server would not take the sidecar: bad image",
    ]);
  });

  it("says that the API server would not take a new pod", async () => {
    const live = liveDeployment(name);
    const deployment = structuredClone(live);
    deployment.spec!.template.spec!.volumes = [{ name: "dshm", emptyDir: {} }];
    const selfMay = () => Promise.resolve({ allowed: true });
    const dryRunPod = () => Promise.resolve({ outcome: "refused" as const, reason: "exceeded quota" });
    const answers = { selfMay, dryRunPod };
    const { warnings } = await look("authentik", { live, dryRun: { outcome: "applied", deployment }, answers });
    assert.equal(warnings.at(-1), refusedPod("exceeded quota"));
  });

  it("stops at the Deployment of another environment's outpost", async () => {
    const live = liveDeployment(name);
    live.metadata!.labels = { "goauthentik.io/outpost-uuid": "0a1b0000000040008000000000000000" };
    assert.deepEqual((await look("authentik", { live, operations: composed })).problems, []);
    live.metadata!.labels = { "goauthentik.io/outpost-uuid": "ffff0000000040008000000000000000" };
    const { problems, dryRuns } = await look("authentik", { live });
    assert.deepEqual(problems, [
      'outpost "My Outpost": Deployment ak-outpost-my-outpost in namespace authentik of this cluster is that of another outpost ' +
        "than authentik's: authentikUrl and kubernetes:context must be of the same environment",
    ]);
    assert.deepEqual(dryRuns, []);
  });

  it("stops where authentik deploys to another namespace", async () => {
    const config = { kubernetes_namespace: "elsewhere" };
    assert.deepEqual((await look("authentik", { live: liveDeployment(name), config })).problems, [
      'outpost "My Outpost": authentik deploys it to namespace elsewhere (kubernetes_namespace of its config), ' +
        "and the settings name authentik; one stack serves one namespace",
    ]);
  });

  it("says what on the Deployment keeps authentik writing", async () => {
    const live = ownedBy("goauthentik.io");
    live.spec!.template.spec!.volumes = [{ name: "injected", emptyDir: {} }];
    const { warnings } = await look("authentik", { live, operations: composed });
    assert.deepEqual(warnings, [
      'outpost "My Outpost": authentik will write its Deployment at every reconcile, because the Deployment has what authentik\'s patch does not: ' +
        "volume injected. Bring it by authentik too, or set `delivery` to deployment.",
    ]);
  });

  it("says what it takes over of a patch pasted by hand", async () => {
    const operations = pastedPatch() as JsonPatchOperation[];
    const { problems, warnings } = await look("authentik", { live: ownedBy("goauthentik.io"), operations });
    assert.deepEqual(problems, []);
    assert.ok(
      warnings.includes(
        'outpost "My Outpost": the patch pasted by hand is taken over: ours replaces its volume dshm, mount /dev/shm, container shm-cleanup.',
      ),
      warnings.join("\n"),
    );
  });

  it("stops at a pasted volume of another size than the default, with either delivery, until a size is given", async () => {
    const dshm = { name: "dshm", emptyDir: { medium: "Memory", sizeLimit: "2Gi" } };
    const operations = [{ op: "add", path: "/spec/template/spec/volumes", value: [dshm] }] as JsonPatchOperation[];
    const live = ownedBy("goauthentik.io");
    live.spec!.template.spec!.volumes = [dshm];
    const found = async (delivery: string, overrides = {}) =>
      (await look(delivery, { live, operations }, overrides)).problems.map((text) => text.split(". ")[0]);
    const becomes = "of 2Gi, and without `shmSize` in the settings /dev/shm becomes one of 256Mi";
    const taken = `outpost "My Outpost": Deployment ${name} already has volume dshm (owned by goauthentik.io)`;
    assert.deepEqual(await found("authentik"), [
      `outpost "My Outpost": its JSON patch in authentik has a pasted volume dshm ${becomes}`,
    ]);
    assert.deepEqual(await found("deployment"), [
      taken,
      `outpost "My Outpost": Deployment ${name} has a pasted volume dshm ${becomes}`,
    ]);
    assert.deepEqual(await found("authentik", { shmSize: "2Gi" }), []);
    assert.deepEqual(await found("deployment", { shmSize: "256Mi" }), [taken]);
  });

  it("names a problem of authentik once for all outposts, and one of an outpost's operations with its name", async () => {
    const refused = authentikError("authentik refuses the token");
    const [findOutpost, readOutpost] = [() => Promise.reject(refused), () => Promise.reject(refused)];
    const authentik = { findOutpost, readOutpost, tokenValidities: () => Promise.resolve([]) };
    const outposts = ["My Outpost", "Other"].map((name) => ({
      ...outpostSettings({ name }),
      delivery: "authentik" as const,
    }));
    const { problems } = await inspect(clusterWith([]), outposts, authentik as never);
    assert.deepEqual(problems, ["authentik refuses the token"]);
    const each = (name: string) => Promise.reject(authentikError(`authentik has no ${name}`));
    const apart = await inspect(clusterWith([]), outposts, { ...authentik, readOutpost: each } as never);
    assert.deepEqual(apart.problems, ["authentik has no My Outpost", "authentik has no Other"]);
    const operations = [{ op: "remove", path: "/spec/template/spec/volumes" }] as JsonPatchOperation[];
    assert.match(
      (await look("authentik", { live: liveDeployment(name), operations })).problems.join(),
      /^outpost "My Outpost": operation 1 of kubernetes_json_patches\.deployment \(remove \S+\) can't be applied: /,
    );
  });

  it("warns of a memory limit that is too small", async () => {
    const live = liveDeployment(name, { memoryLimit: "128Mi" });
    const { warnings } = await look("authentik", { live, operations: composed });
    assert.match(warnings[0], /^Deployment ak-outpost-my-outpost: container proxy has a memory limit of 128Mi/);
  });

  describe("says that our part has vanished from the config", () => {
    /** Returns the Deployment with our sidecar, put there by this manager. */
    function carrying(manager: string): Deployment {
      const live = ownedBy(manager);
      const sidecar = { "f:initContainers": { 'k:{"name":"shm-cleanup"}': {} } };
      live.metadata!.managedFields!.push(managed(manager, podSpecFields(sidecar)));
      live.spec!.template.spec!.initContainers = fragment.initContainers;
      return live;
    }

    for (const [changedBy, who] of [
      [undefined, ""],
      ["terraform", "; by authentik's event log, terraform changed the outpost last"],
    ] as const) {
      it(`with ${changedBy ?? "no name"}`, async () => {
        const { warnings } = await look("authentik", { live: carrying("goauthentik.io"), changedBy });
        assert.equal(
          warnings[0],
          'outpost "My Outpost": our part has vanished from its kubernetes_json_patches in authentik since the last update; ' +
            `Deployment ${name} still has it. Programs that write an outpost's config as a whole do that, such as Terraform ` +
            `(authentik_outpost) or a blueprint${who}. This update puts it back, and such a program takes it out again: ` +
            'docs/delivery.md, "An outpost whose config another program writes", has the ways on.',
        );
      });
    }

    it("and another delivery takes it over, if its settings are this stack's", async () => {
      for (const [owner, operations, problems] of [
        [ours, [], 0],
        ["authentik-outpost-shm-other", [], 1],
        [ours, composed.slice(0, 1), 1], // somebody's own volume of that name
      ] as const) {
        const live = carrying("goauthentik.io");
        const found = await look("deployment", {
          live,
          operations: [...operations],
          answers: { configMap: { metadata: { managedFields: [managed(owner, {})] } } },
        });
        assert.deepEqual([found.problems.length, found.warnings, found.restarts], [problems, [], undefined]);
      }
    });

    it("but not where it is there, or where another delivery brought the sidecar", async () => {
      const there = await look("authentik", { live: carrying("goauthentik.io"), operations: composed });
      assert.deepEqual(there.warnings, []);
      const moved = await look("authentik", { live: carrying(ours) });
      assert.deepEqual(moved.warnings, [taken.replaceAll("- add", "+ add")]);
    });
  });

  it("says whose logins are to live longer than the sweep lets them, whatever the solution", async () => {
    const validities = [{ provider: "Wiki", validity: "weeks=4" }];
    const live = liveDeployment(name);
    for (const [delivery, solution] of [
      ["authentik", "sidecar"],
      ["deployment", "sidecar"],
      ["deployment", "cronjob"],
    ]) {
      const { warnings } = await look(delivery, { live, validities }, { solution });
      assert.match(warnings.at(-1)!, /^outpost "My Outpost": people are logged out early\. /);
    }
    assert.deepEqual((await look("deployment", { live, validities }, { solution: "none" })).warnings, []);
  });

  describe("on the way to delivery deployment, or to none", () => {
    it("says what goes from authentik, and asks what the other delivery does", async () => {
      const world = { live: ownedBy("goauthentik.io"), operations: composed };
      assert.deepEqual(await look("deployment", world), { ...nothing, warnings: [taken], dryRuns: [`apply ${ours}`] });
    });

    it("asks what the removal does", async () => {
      const live = ownedBy("goauthentik.io");
      live.spec!.template.spec!.volumes = [{ name: "dshm", emptyDir: {} }];
      const world = { live, operations: composed };
      for (const delivery of ["authentik", "deployment"]) {
        const { warnings, dryRuns } = await look(delivery, world, { solution: "none" });
        assert.deepEqual([warnings, dryRuns], [[taken], ["merge goauthentik.io"]]);
      }
    });

    it("stops where the patch in authentik is not ours", async () => {
      const { problems } = await look("deployment", { live: ownedBy("goauthentik.io"), operations: [waiter] });
      assert.match(problems[0], /already has volume dshm \(owned by goauthentik\.io\)/);
    });

    it("stops where authentik does not say", async () => {
      const operations = authentikError("authentik can't be reached");
      const { problems } = await look("deployment", { live: ownedBy("goauthentik.io"), operations });
      assert.deepEqual(problems, ["authentik can't be reached"]);
    });

    it("does not ask authentik where none of its fields are ours", async () => {
      const operations = authentikError("authentik can't be reached");
      assert.deepEqual((await look("deployment", { live: liveDeployment(name), operations })).problems, []);
    });
  });
});
