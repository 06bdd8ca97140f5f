import assert from "node:assert/strict";
import type { Cluster, DryRun, PodDryRun } from "../../../kubernetes/cluster";
import type { Deployment } from "../../../kubernetes/types";
import type { OutpostSettings } from "../../../settings/types";
import { podFragment } from "../../../podPatch/podFragment";
import type { Answers } from "../cli/cluster";
import { managed, ofVolume, podSpecFields } from "../managedFields";
import { outpostSettings } from "../outposts";
import { clusterWith, inspect, liveDeployment, ours, refusedPod } from "./scene";

const wantsSidecar = outpostSettings();
const wantsNone = outpostSettings({ solution: "none" });
const fragment = podFragment(wantsSidecar);

interface Stage {
  /** The answer to every dry run; by default that nothing changes. */
  dryRun?: DryRun;
  answers?: Answers;
}

/** Looks at an outpost, or several, on a cluster that holds these Deployments. Returns the dry runs as well. */
async function look(
  live: Deployment[],
  outposts: OutpostSettings | OutpostSettings[],
  { dryRun, answers }: Stage = {},
) {
  const dryRuns: { name: string; fieldManager: string; template: unknown }[] = [];
  const byName = (name: string) => live.find(({ metadata }) => metadata?.name === name)!;
  const ask = (_namespace: string, name: string, fieldManager: string, template?: unknown): Promise<DryRun> => {
    dryRuns.push({ name, fieldManager, template });
    return Promise.resolve(dryRun ?? { outcome: "applied", deployment: byName(name) });
  };
  const cluster = clusterWith(live, { dryRunApply: ask, dryRunMerge: ask, ...answers });
  return { ...(await inspect(cluster, [outposts].flat())), dryRuns };
}

/** Adds a fourth field owner to the live Deployment: one that holds a field of the sidecar. */
function withOwner(live: Deployment, manager: string, fields: object): Deployment {
  live.metadata!.managedFields!.push(managed(manager, podSpecFields(fields)));
  return live;
}

const restarted = (live: Deployment): DryRun => {
  const deployment = structuredClone(live);
  deployment.spec!.template.spec!.volumes = [{ name: "dshm", emptyDir: {} }];
  return { outcome: "applied", deployment };
};

describe("inspection of the outposts' Deployments", () => {
  const live = () => liveDeployment("ak-outpost-my-outpost");
  const nothing = { problems: [], warnings: [] };
  /** The question about a sidecar that comes to the outpost. */
  const asked = [{ name: "ak-outpost-my-outpost", fieldManager: ours, template: { spec: fragment } }];

  it("finds nothing to say where an apply would change nothing", async () => {
    assert.deepEqual(await look([live()], wantsSidecar), { ...nothing, dryRuns: asked });
  });

  it("names a missing Deployment, those that are there, and the ways on", async () => {
    const others = [liveDeployment("ak-outpost-other"), liveDeployment("ak-outpost-another")];
    assert.deepEqual((await look(others, wantsSidecar)).problems, [
      'outpost "My Outpost": there is no Deployment ak-outpost-my-outpost in namespace authentik; ' +
        "proxy outposts found there: ak-outpost-another, ak-outpost-other. Correct the outpost's name or the namespace; " +
        "set the outpost's `deployment` if its name is another; or set its `solution` to none until authentik has created it. " +
        "(authentik's embedded outpost has no Deployment and needs none of this: since 2025.10 it keeps its sessions in PostgreSQL.)",
    ]);
  });

  it("names it for the CronJob too, whose runs would fail, and the problems of all outposts together", async () => {
    const elsewhere = outpostSettings({ deployment: "elsewhere" });
    const { problems } = await look([], [outpostSettings({ solution: "cronjob" }), elsewhere]);
    assert.equal(problems.length, 2);
    assert.match(
      problems[0],
      /^outpost "My Outpost": there is no Deployment ak-outpost-my-outpost in namespace authentik; .*found there: none\./,
    );
    assert.match(problems[1], /no Deployment elsewhere /);
  });

  it("takes a container of another name, if the settings give it", async () => {
    const renamed = live();
    renamed.spec!.template.spec!.containers[0].name = "authentik-proxy";
    const { dryRuns, ...found } = await look([renamed], outpostSettings({ container: "authentik-proxy" }));
    assert.deepEqual([found, dryRuns.length], [nothing, 1]);
    for (const solution of ["sidecar", "cronjob"]) {
      const { problems } = await look([renamed], outpostSettings({ solution }));
      assert.match(problems.join(), /has no container proxy, only authentik-proxy\. Set the outpost's `container` to/);
    }
  });

  it("asks for the Deployment by its name where a role may not list them", async () => {
    const answers = { deployments: new Error("no", { cause: { code: 403 } }) };
    assert.deepEqual(await look([live()], wantsSidecar, { answers }), { ...nothing, dryRuns: asked });
    const { problems } = await look([live()], outpostSettings({ deployment: "x" }), { answers });
    assert.equal(problems.length, 1);
    assert.match(problems[0], /found there: none\./);
  });

  it("fails where a list is not to be had for another reason, which would leave a check out", async () => {
    for (const list of ["deployments", "pods", "limitRanges"]) {
      const answers = { [list]: new Error("No answer from the Kubernetes API", { cause: { code: "ETIMEDOUT" } }) };
      await assert.rejects(look([live()], wantsSidecar, { answers }), { message: "No answer from the Kubernetes API" });
    }
  });

  it("does not ask for a Deployment that gets no sidecar, whether it is there or not", async () => {
    for (const there of [[], [liveDeployment("ak-outpost-stranger")]])
      assert.deepEqual(await look(there, wantsNone), { ...nothing, dryRuns: [] });
  });

  const ldap = live();
  ldap.spec!.template.spec!.containers[0].name = "ldap";
  const pasted = withOwner(live(), "goauthentik.io", {
    ...ofVolume,
    "f:containers": {
      'k:{"name":"shm-cleanup"}': {},
      'k:{"name":"proxy"}': { "f:volumeMounts": { 'k:{"mountPath":"/dev/shm"}': {} } },
    },
  });
  const deleted = live();
  deleted.metadata!.deletionTimestamp = new Date();
  const askedFor = withOwner(live(), "authentik-outpost-shm-dev", ofVolume);
  const label = { "f:labels": { "f:authentik-outpost-shm/revision": {} } };
  const ofLabel = { "f:spec": { "f:template": { "f:metadata": label } } };
  askedFor.metadata!.managedFields!.push(managed("authentik-outpost-shm-platform/prod", ofLabel, undefined, "Apply"));
  const stops: Record<string, [deployment: Deployment, problem: string]> = {
    "a Deployment that is being deleted, as in the middle of a recreate": [
      deleted,
      'outpost "My Outpost": Deployment ak-outpost-my-outpost is being deleted, by `outpost-shm recreate` or by somebody else, and a ' +
        "patch would go with it. Update the stack once authentik has created it again.",
    ],
    "a Deployment without a container proxy": [
      ldap,
      'outpost "My Outpost": Deployment ak-outpost-my-outpost has no container proxy, only ldap. ' +
        "Set the outpost's `container` to the one that runs authentik's proxy; or, if none does, take the outpost off `outposts`: " +
        "outposts of other types (LDAP, RADIUS, RAC) have no sessions in /dev/shm.",
    ],
    "a patch pasted into authentik, and offers the ways on": [
      pasted,
      'outpost "My Outpost": Deployment ak-outpost-my-outpost already has volume dshm (owned by goauthentik.io); ' +
        "mount /dev/shm of container proxy (owned by goauthentik.io); container shm-cleanup (owned by goauthentik.io). " +
        "That came by the outpost's kubernetes_json_patches. " +
        "Take the patch out where it is kept (the Admin UI, Terraform's authentik_outpost, a blueprint), and have authentik create the Deployment " +
        "without it: npx --no-install outpost-shm recreate ak-outpost-my-outpost --stack STACK (its users log in again); " +
        "or keep the patch there, and set the outpost's `solution` to cronjob, which needs none of these; " +
        "or set its `delivery` to authentik, which takes the patch over: only where nobody else writes the outpost's config, " +
        "since Terraform and blueprints write all of it and would take ours out again.",
    ],
    "what another stack of the program has put there": [
      askedFor,
      'outpost "My Outpost": Deployment ak-outpost-my-outpost already has volume dshm (owned by authentik-outpost-shm-dev); ' +
        "label authentik-outpost-shm/revision of its pods (owned by authentik-outpost-shm-platform/prod). " +
        "That is another stack of this program. Take the outpost off the `outposts` of one of the two.",
    ],
    "somebody else's edit of /dev/shm": [
      withOwner(live(), "kubectl-edit", ofVolume),
      'outpost "My Outpost": Deployment ak-outpost-my-outpost already has volume dshm (owned by kubectl-edit). ' +
        "Undo that change, or set the outpost's `solution` to cronjob, which needs none of these.",
    ],
  };
  for (const [what, [deployment, problem]] of Object.entries(stops)) {
    it(`stops before any dry run at ${what}`, async () =>
      assert.deepEqual(await look([deployment], wantsSidecar), { problems: [problem], warnings: [], dryRuns: [] }));
  }

  it("stops at a patch pasted over ours", async () => {
    const over = withOwner(withOwner(live(), ours, ofVolume), "goauthentik.io", ofVolume);
    assert.match(
      (await look([over], wantsSidecar)).problems[0],
      /already has volume dshm \(owned by goauthentik\.io\)\. That came by the outpost's kubernetes_json_patches/,
    );
  });

  it("stops at a patch that is invalid", async () => {
    const dryRun: DryRun = { outcome: "invalid", reason: "bad image" };
    const problems = ["Deployment ak-outpost-my-outpost: the API server would not take the sidecar: bad image"];
    assert.deepEqual(await look([live()], wantsSidecar, { dryRun }), { ...nothing, problems, dryRuns: asked });
  });

  it("says what it can't tell an account that may not patch", async () => {
    const dryRun: DryRun = { outcome: "forbidden", reason: "cannot patch deployments" };
    assert.deepEqual(await look([live()], wantsSidecar, { dryRun }), {
      problems: [],
      warnings: [
        "Deployment ak-outpost-my-outpost: whether this change restarts its pods is not known, the dry run was refused: cannot patch deployments",
      ],
      dryRuns: asked,
    });
  });

  it("says which pods restart when the sidecar is taken away, also from an outpost that the settings no longer name", async () => {
    for (const name of ["ak-outpost-my-outpost", "ak-outpost-forgotten"]) {
      const carrying = withOwner(liveDeployment(name), ours, ofVolume);
      const { warnings, dryRuns } = await look([carrying], wantsNone, { dryRun: restarted(carrying) });
      assert.deepEqual(warnings, [
        `Deployment ${name}: this change restarts its pod (rolling update). ` +
          "The sessions in a restarted pod end: their users log in again.",
      ]);
      assert.deepEqual(dryRuns, [{ name, fieldManager: ours, template: undefined }]);
      const refused: DryRun = { outcome: "invalid", reason: "denied" };
      const { problems } = await look([carrying], wantsNone, { dryRun: refused });
      assert.deepEqual(problems, [`Deployment ${name}: the API server would not let the sidecar go: denied`]);
    }
  });

  it("says that pods restart only once a paused Deployment is resumed", async () => {
    const paused = live();
    paused.spec!.paused = true;
    const { warnings, restarts } = await look([paused], wantsSidecar, { dryRun: restarted(paused) });
    assert.deepEqual(warnings, [
      "Deployment ak-outpost-my-outpost: this change restarts its pod (rolling update). " +
        "The sessions in a restarted pod end: their users log in again. " +
        "But it is paused: before somebody resumes it no pod restarts, and an update that waits for one fails: " +
        "kubectl --namespace authentik rollout resume deployment ak-outpost-my-outpost",
    ]);
    assert.deepEqual(restarts, ["ak-outpost-my-outpost"]);
    assert.deepEqual((await look([paused], wantsSidecar)).warnings, []);
  });

  it("says that there is an outage where the strategy is Recreate, and nothing where there is no pod", async () => {
    const recreated = live();
    recreated.spec!.strategy = { type: "Recreate" };
    assert.deepEqual((await look([recreated], wantsSidecar, { dryRun: restarted(recreated) })).warnings, [
      "Deployment ak-outpost-my-outpost: this change restarts its pod (its strategy is Recreate: an outage until the new ones are " +
        "ready). The sessions in a restarted pod end: their users log in again.",
    ]);
    const none = liveDeployment("ak-outpost-my-outpost", { replicas: 0 });
    const { warnings, restarts } = await look([none], wantsSidecar, { dryRun: restarted(none) });
    assert.deepEqual([warnings, restarts], [[], ["ak-outpost-my-outpost"]]);
  });

  it("says that the API server would not take a new pod, if the account may ask", async () => {
    const restart =
      "Deployment ak-outpost-my-outpost: this change restarts its pod (rolling update). The sessions in a restarted pod end: their users log in again.";
    const dryRun = restarted(live());
    for (const [allowed, pod, expected] of [
      [
        true,
        { outcome: "refused", reason: "minimum cpu usage is 10m" },
        [restart, refusedPod("minimum cpu usage is 10m")],
      ],
      [true, { outcome: "created", pod: {} }, [restart]],
      [false, { outcome: "refused", reason: "no" }, [restart]],
    ] as [boolean, PodDryRun, string[]][]) {
      const asked: unknown[] = [];
      const answers: Answers = {
        selfMay: () => Promise.resolve({ allowed }),
        dryRunPod: (_namespace, template) => (asked.push(template), Promise.resolve(pod)),
      };
      const found = await look([live()], wantsSidecar, { dryRun, answers });
      assert.deepEqual([found.problems, found.warnings], [[], expected]);
      assert.deepEqual(asked, allowed && dryRun.outcome === "applied" ? [dryRun.deployment.spec!.template] : []);
    }
  });

  it("says what becomes of the pods where it would not, by the Deployment's strategy, and nothing where no pod is replaced", async () => {
    const answers: Answers = {
      selfMay: () => Promise.resolve({ allowed: true }),
      dryRunPod: () => Promise.resolve({ outcome: "refused", reason: "no" }),
    };
    const last = async (spec: Partial<Deployment["spec"]>) => {
      const deployment = live();
      Object.assign(deployment.spec!, spec);
      return (await look([deployment], wantsSidecar, { dryRun: restarted(deployment), answers })).warnings.at(-1) ?? "";
    };
    const outage = refusedPod("no", "the update ends the old pods and gets no new ones");
    assert.equal(await last({ strategy: { type: "Recreate" } }), outage);
    for (const spec of [{ replicas: 0 }, { paused: true }])
      assert.doesNotMatch(await last(spec), /would not take a pod/);
  });

  it("says so of one that has the sidecar by authentik's patch, if its settings are this stack's", async () => {
    const name = "ak-outpost-forgotten";
    const sidecar = { "f:initContainers": { 'k:{"name":"shm-cleanup"}': {} } };
    const carrying = withOwner(liveDeployment(name), "goauthentik.io", sidecar);
    carrying.spec!.template.spec!.initContainers = fragment.initContainers;
    for (const owner of [ours, "authentik-outpost-shm-other"]) {
      const metadata = { managedFields: [managed(owner, {})] };
      const configMap: Cluster["configMap"] = (_namespace, asked) =>
        Promise.resolve(asked === `${name}-shm-cleanup` ? { metadata } : undefined);
      const { restarts, dryRuns } = await look([carrying], [], { dryRun: restarted(carrying), answers: { configMap } });
      assert.deepEqual(restarts, owner === ours ? [name] : undefined);
      const removal = { initContainers: [{ name: "shm-cleanup", $patch: "delete" }] };
      const asked = [{ name, fieldManager: "goauthentik.io", template: removal }];
      assert.deepEqual(dryRuns, owner === ours ? asked : []);
    }
    // An account that may not read ConfigMaps loses only that.
    const refused = new Error("no", { cause: { code: 403 } });
    const answers = { configMap: () => Promise.reject(refused) };
    assert.deepEqual(await look([carrying], [], { answers }), { ...nothing, dryRuns: [] });
  });
});
