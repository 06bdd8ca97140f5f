import assert from "node:assert/strict";
import type { DryRun } from "../../../kubernetes/cluster";
import type { Deployment } from "../../../kubernetes/types";
import type { Findings } from "../../../preflight/findings";
import type { Places } from "../../../preflight/look";
import { inspectOutposts } from "../../../preflight/outposts";
import { resolveSettings } from "../../../settings/resolve";
import type { OutpostSettings } from "../../../settings/settings";
import { podFragment } from "../../../sidecar/podFragment";
import { outpostSettings } from "../outposts";
import { liveDeployment, managed, withoutPods } from "./liveDeployment";

const ours = "authentik-outpost-shm-prod";
const wantsSidecar = outpostSettings();
const wantsNone = outpostSettings({ solution: "none" });
const fragment = podFragment(wantsSidecar);

/** Makes a cluster that holds these Deployments and answers every dry run the same way. It records the dry runs. */
function cluster(live: Deployment[], answer: DryRun | "unchanged" = "unchanged") {
  const dryRuns: { name: string; fieldManager: string; template: unknown }[] = [];
  const byName = (name: string) => live.find(({ metadata }) => metadata?.name === name);
  const dryRun = ([name, fieldManager, template]: [string, string, unknown?]): Promise<DryRun> => {
    dryRuns.push({ name, fieldManager, template });
    return Promise.resolve(answer === "unchanged" ? { outcome: "applied", deployment: byName(name)! } : answer);
  };
  const api: Places["cluster"] = {
    deployment: (_namespace, name) => Promise.resolve(byName(name)),
    deployments: () => Promise.resolve(live),
    pods: () => Promise.resolve([]),
    limitRanges: () => Promise.resolve([]),
    ...withoutPods,
    dryRunApply: (_namespace, ...asked) => dryRun(asked),
    dryRunMerge: (_namespace, ...asked) => dryRun(asked),
  };
  return { api, dryRuns };
}

const look = (cluster: Places["cluster"], ...outposts: OutpostSettings[]): Promise<Findings> =>
  inspectOutposts({ cluster, namespace: "authentik", fieldManager: ours }, outposts);

/** Adds a fourth field owner to the live Deployment: one that holds a field of the sidecar. */
function withOwner(live: Deployment, manager: string, podSpecFields: object): Deployment {
  live.metadata!.managedFields!.push(managed(manager, { "f:spec": { "f:template": { "f:spec": podSpecFields } } }));
  return live;
}

const restarted = (live: Deployment): DryRun => {
  const deployment = structuredClone(live);
  deployment.spec!.template.spec!.volumes = [{ name: "dshm", emptyDir: {} }];
  return { outcome: "applied", deployment };
};

describe("inspection of the outposts' Deployments", () => {
  it("finds nothing to say where an apply would change nothing", async () => {
    const { api, dryRuns } = cluster([liveDeployment("ak-outpost-my-outpost")]);
    assert.deepEqual(await look(api, wantsSidecar), { problems: [], warnings: [] });
    assert.deepEqual(dryRuns, [{ name: "ak-outpost-my-outpost", fieldManager: ours, template: { spec: fragment } }]);
  });

  it("names a missing Deployment, those that are there, and the ways on", async () => {
    const { api } = cluster([liveDeployment("ak-outpost-other"), liveDeployment("ak-outpost-another")]);
    assert.deepEqual((await look(api, wantsSidecar)).problems, [
      'outpost "My Outpost": there is no Deployment ak-outpost-my-outpost in namespace authentik; ' +
        "proxy outposts found there: ak-outpost-another, ak-outpost-other. Correct the outpost's name or the namespace; " +
        "set the outpost's `deployment` if its name is another; or set its `solution` to none until authentik has created it. " +
        "(authentik's embedded outpost has no Deployment and needs none of this: since 2025.10 it keeps its sessions in PostgreSQL.)",
    ]);
  });

  it("names it for the CronJob too, whose runs would fail", async () => {
    const { problems } = await look(cluster([]).api, outpostSettings({ solution: "cronjob" }));
    assert.equal(problems.length, 1);
    assert.match(
      problems[0],
      /^outpost "My Outpost": there is no Deployment ak-outpost-my-outpost in namespace authentik;/,
    );
  });

  it("takes the name that authentik gave a Deployment before 2025.4, if that is the one that is there", async () => {
    const name = "n".repeat(60);
    const former = `ak-outpost-${name}`;
    const { api, dryRuns } = cluster([liveDeployment(former)]);
    const found = await look(api, resolveSettings({ namespace: "authentik", outposts: [name] }).outposts[0]);
    assert.deepEqual(found, {
      problems: [],
      warnings: [
        `outpost "${name}": its Deployment is ${former}, as authentik named it before 2025.4. ` +
          `A Deployment of the name that authentik gives today, ak-outpost-${"n".repeat(52)}, is not there.`,
      ],
      formerNames: [{ name, deployment: former }],
    });
    assert.deepEqual(
      dryRuns.map((each) => each.name),
      [former],
    );
  });

  it("takes a container of another name, if the settings give it", async () => {
    const live = liveDeployment("ak-outpost-my-outpost");
    live.spec!.template.spec!.containers[0].name = "authentik-proxy";
    assert.deepEqual(await look(cluster([live]).api, outpostSettings({ container: "authentik-proxy" })), {
      problems: [],
      warnings: [],
    });
    for (const solution of ["sidecar", "cronjob"]) {
      const { problems } = await look(cluster([live]).api, outpostSettings({ solution }));
      assert.match(problems.join(), /has no container proxy, only authentik-proxy\. Set the outpost's `container` to/);
    }
  });

  it("asks for the Deployment by its name where a role may not list them", async () => {
    const { api } = cluster([liveDeployment("ak-outpost-my-outpost")]);
    const forbidden = () => Promise.reject(new Error("forbidden"));
    assert.deepEqual(await look({ ...api, deployments: forbidden }, wantsSidecar), { problems: [], warnings: [] });
    assert.equal(
      (await look({ ...api, deployments: forbidden }, outpostSettings({ deployment: "x" }))).problems.length,
      1,
    );
  });

  it("reports the problems of all outposts together", async () => {
    const { api } = cluster([]);
    const second = outpostSettings({ deployment: "elsewhere" });
    const { problems } = await look(api, wantsSidecar, second);
    assert.equal(problems.length, 2);
    assert.match(problems[0], /no Deployment ak-outpost-my-outpost .*found there: none\./);
    assert.match(problems[1], /no Deployment elsewhere /);
  });

  it("does not ask for a Deployment that gets no sidecar", async () => {
    const { api, dryRuns } = cluster([]);
    assert.deepEqual(await look(api, wantsNone), { problems: [], warnings: [] });
    assert.deepEqual(dryRuns, []);
  });

  it("refuses a Deployment without a container proxy", async () => {
    const live = liveDeployment("ak-outpost-my-outpost");
    live.spec!.template.spec!.containers[0].name = "ldap";
    assert.deepEqual((await look(cluster([live]).api, wantsSidecar)).problems, [
      'outpost "My Outpost": Deployment ak-outpost-my-outpost has no container proxy, only ldap. ' +
        "Set the outpost's `container` to the one that runs authentik's proxy; or, if none does, take the outpost off `outposts`: " +
        "outposts of other types (LDAP, RADIUS, RAC) have no sessions in /dev/shm.",
    ]);
  });

  it("stops at a patch pasted into authentik, before any dry run, and offers the ways on", async () => {
    const live = withOwner(liveDeployment("ak-outpost-my-outpost"), "goauthentik.io", {
      "f:volumes": { 'k:{"name":"dshm"}': {} },
      "f:containers": {
        'k:{"name":"shm-cleanup"}': {},
        'k:{"name":"proxy"}': { "f:volumeMounts": { 'k:{"mountPath":"/dev/shm"}': {} } },
      },
    });
    const { api, dryRuns } = cluster([live]);
    assert.deepEqual((await look(api, wantsSidecar)).problems, [
      'outpost "My Outpost": Deployment ak-outpost-my-outpost already has volume dshm (owned by goauthentik.io); ' +
        "mount /dev/shm of container proxy (owned by goauthentik.io); container shm-cleanup (owned by goauthentik.io). " +
        "That came by the outpost's kubernetes_json_patches. " +
        "Take the patch out where it is kept (the Admin UI, Terraform's authentik_outpost, a blueprint), and have authentik create the Deployment " +
        "without it: npx --no-install outpost-shm recreate ak-outpost-my-outpost --stack STACK (its users log in again); " +
        "or keep the patch there, and set the outpost's `solution` to cronjob, which needs none of these; " +
        "or set its `delivery` to authentik, which takes the patch over: only where nobody else writes the outpost's config, " +
        "since Terraform and blueprints write all of it and would take ours out again.",
    ]);
    assert.deepEqual(dryRuns, []);
  });

  it("stops at somebody else's edit of /dev/shm", async () => {
    const live = withOwner(liveDeployment("ak-outpost-my-outpost"), "kubectl-edit", {
      "f:volumes": { 'k:{"name":"dshm"}': {} },
    });
    assert.deepEqual((await look(cluster([live]).api, wantsSidecar)).problems, [
      'outpost "My Outpost": Deployment ak-outpost-my-outpost already has volume dshm (owned by kubectl-edit). ' +
        "Undo that change, or set the outpost's `solution` to cronjob, which needs none of these.",
    ]);
  });

  it("stops at a patch pasted over ours", async () => {
    const volume = { "f:volumes": { 'k:{"name":"dshm"}': {} } };
    const live = withOwner(liveDeployment("ak-outpost-my-outpost"), ours, volume);
    const { problems } = await look(cluster([withOwner(live, "goauthentik.io", volume)]).api, wantsSidecar);
    assert.match(
      problems[0],
      /already has volume dshm \(owned by goauthentik\.io\)\. That came by the outpost's kubernetes_json_patches/,
    );
  });

  it("goes on where somebody edited what is ours, for the update to mend", async () => {
    const volume = { "f:volumes": { 'k:{"name":"dshm"}': {} } };
    const live = withOwner(liveDeployment("ak-outpost-my-outpost"), ours, volume);
    const { problems } = await look(cluster([withOwner(live, "kubectl-edit", volume)]).api, wantsSidecar);
    assert.deepEqual(problems, []);
  });

  it("goes on where the sidecar is already ours", async () => {
    const live = withOwner(liveDeployment("ak-outpost-my-outpost"), ours, { "f:volumes": { 'k:{"name":"dshm"}': {} } });
    assert.deepEqual(await look(cluster([live]).api, wantsSidecar), { problems: [], warnings: [] });
  });

  const outcomes: { name: string; answer: DryRun; expected: Findings }[] = [
    {
      name: "an invalid patch is a problem",
      answer: { outcome: "invalid", reason: "bad image" },
      expected: {
        problems: ["Deployment ak-outpost-my-outpost: the API server would not take the sidecar: bad image"],
        warnings: [],
      },
    },
    {
      name: "an account that may not patch gets a preview that says what it can't tell",
      answer: { outcome: "forbidden", reason: "cannot patch deployments" },
      expected: {
        problems: [],
        warnings: [
          "Deployment ak-outpost-my-outpost: whether this change restarts its pods is not known, the dry run was refused: cannot patch deployments",
        ],
      },
    },
  ];
  for (const { name, answer, expected } of outcomes) {
    it(name, async () => {
      const { api } = cluster([liveDeployment("ak-outpost-my-outpost")], answer);
      assert.deepEqual(await look(api, wantsSidecar), expected);
    });
  }

  it("says which pods a change restarts, and what that ends", async () => {
    const live = liveDeployment("ak-outpost-my-outpost", { replicas: 3 });
    assert.deepEqual((await look(cluster([live], restarted(live)).api, wantsSidecar)).warnings, [
      "Deployment ak-outpost-my-outpost: this change restarts its 3 pods (rolling update). " +
        "The sessions in a restarted pod end: their users log in again.",
    ]);
    assert.deepEqual((await look(cluster([live], restarted(live)).api, wantsSidecar)).restarts, [
      "ak-outpost-my-outpost",
    ]);
  });

  it("names a rollout that is under way, for the update to await", async () => {
    const live = liveDeployment("ak-outpost-my-outpost", { replicas: 3 });
    live.status = { ...live.status, availableReplicas: 2 };
    assert.deepEqual(await look(cluster([live]).api, wantsSidecar), {
      problems: [],
      warnings: [],
      underWay: ["ak-outpost-my-outpost"],
    });
  });

  it("says so too when the sidecar is taken away, also from an outpost that the settings no longer name", async () => {
    for (const name of ["ak-outpost-my-outpost", "ak-outpost-forgotten"]) {
      const live = withOwner(liveDeployment(name), ours, { "f:volumes": { 'k:{"name":"dshm"}': {} } });
      const { api, dryRuns } = cluster([live], restarted(live));
      assert.deepEqual((await look(api, wantsNone)).warnings, [
        `Deployment ${name}: this change restarts its pod (rolling update). ` +
          "The sessions in a restarted pod end: their users log in again.",
      ]);
      assert.deepEqual(dryRuns, [{ name, fieldManager: ours, template: undefined }]);
    }
  });

  it("says nothing of Deployments that were never ours", async () => {
    const { api, dryRuns } = cluster([liveDeployment("ak-outpost-stranger")]);
    assert.deepEqual(await look(api, wantsNone), { problems: [], warnings: [] });
    assert.deepEqual(dryRuns, []);
  });

  it("warns of a memory limit that is too small", async () => {
    const live = liveDeployment("ak-outpost-my-outpost", { memoryLimit: "128Mi" });
    const { warnings } = await look(cluster([live]).api, wantsSidecar);
    assert.match(warnings[0], /^Deployment ak-outpost-my-outpost: container proxy has a memory limit of 128Mi/);
  });

  it("goes without the list where listing is refused", async () => {
    const { api } = cluster([]);
    api.deployments = () => Promise.reject(new Error("deployments is forbidden"));
    assert.match((await look(api, wantsSidecar)).problems[0], /found there: none\./);
  });
});
