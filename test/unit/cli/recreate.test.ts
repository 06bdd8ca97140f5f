import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { V1Deployment, V1Pod } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { Cluster } from "../../../kubernetes/cluster";
import type { TargetMakers } from "../../../cli/target";
import { startAuthentik } from "../../../sandbox/authentik";
import { managed as managedBy, podSpecFields } from "../managedFields";
import { useTempDir } from "../tempDir";
import { asking, metricsText, NOW, outpostDeployment, outpostPod, runOn, type Printed, type Answers } from "./cluster";

const stackManager = "authentik-outpost-shm-prod";

/** A mount that is not the stack's. */
const theirs = { name: "ca", mountPath: "/certs" };

/** Returns the Deployment as authentik created it, with the sidecar that the stack added. */
function managed(changes: { labels?: Record<string, string>; managers?: string[] } = {}): V1Deployment {
  const { labels = {}, managers = ["goauthentik.io", stackManager] } = changes;
  const deployment = outpostDeployment();
  const ofStack = podSpecFields({
    "f:initContainers": { 'k:{"name":"shm-cleanup"}': {} },
    "f:containers": { 'k:{"name":"proxy"}': { "f:volumeMounts": { 'k:{"mountPath":"/dev/shm"}': {} } } },
  });
  const podSpec = deployment.spec!.template.spec!;
  podSpec.initContainers = [{ name: "shm-cleanup" }];
  podSpec.containers[0].volumeMounts = [theirs, { name: "dshm", mountPath: "/dev/shm" }];
  deployment.metadata = {
    ...deployment.metadata,
    uid: "old",
    resourceVersion: "7",
    annotations: { "deployment.kubernetes.io/revision": "3" },
    labels: { ...deployment.metadata?.labels, ...labels },
    managedFields: [
      ...managers.map((manager) => managedBy(manager, manager === stackManager ? ofStack : { "f:spec": {} })),
      managedBy("kube-controller-manager", { "f:status": {} }, "status"),
    ],
  };
  return deployment;
}

/** Returns the Deployment as authentik creates it again. */
function renewed(available = 1): V1Deployment {
  const deployment = outpostDeployment();
  deployment.metadata!.uid = "new";
  deployment.status!.availableReplicas = available;
  return deployment;
}

/** The old one on its way out. */
function going(): V1Deployment {
  const deployment = managed();
  deployment.metadata!.deletionTimestamp = NOW;
  return deployment;
}

const authentikPod = (ready = true, component?: string): V1Pod => ({
  metadata: {
    name: `authentik-${component ?? "worker"}-0`,
    namespace: "authentik",
    ...(component && { labels: { "app.kubernetes.io/component": component } }),
  },
  status: { conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
});

describe("recreate", () => {
  const inDir = useTempDir();
  let file: string;
  beforeEach(() => (file = inDir("manifest.json")));

  interface Stage {
    before?: V1Deployment;
    /** The Deployment after the deletion, one look after the other. The last one stays. */
    after?: (V1Deployment | undefined)[];
    authentik?: V1Pod[];
    methods?: Answers;
    options?: Partial<Printed>;
    /** Access to authentik, by a stack; without it the outage is accepted. */
    makers?: Partial<TargetMakers>;
  }

  /** Runs the command. Each look takes 100 s, and every change is recorded. */
  async function recreate(args: string[], stage: Stage = {}) {
    const { before = managed(), after = [undefined, renewed(0), renewed()], authentik = [authentikPod()] } = stage;
    const changes: unknown[] = [];
    let looks = 0;
    const methods: Answers = {
      deployments: [before],
      pods: (_namespace, selector) =>
        Promise.resolve(selector === "app.kubernetes.io/name=authentik" ? authentik : [outpostPod({ name: "main-b" })]),
      cronJob: undefined,
      podProxy: metricsText(),
      deployment: () => Promise.resolve(after[Math.min(looks++, after.length - 1)]),
      deleteDeployment: (...deleted) => {
        // Whatever happens next, the file is saved by now.
        changes.push([...deleted, existsSync(file)]);
        return Promise.resolve();
      },
      ...stage.methods,
    };
    const clock = { now: () => new Date(NOW.getTime() + looks * 100_000) };
    const argv = ["recreate", ...args, "--manifest", file, ...(stage.makers ? [] : ["--accept-outage"])];
    const ended = await runOn(methods, argv, { ...clock, ...stage.options }, stage.makers);
    return { ...ended, changes };
  }

  const plan =
    "Deployment authentik/ak-outpost-main of outpost main is deleted with its 1 pod, and authentik creates it again.\n" +
    "20 sessions of logged-in people and 2000 of visitors end.\n" +
    "Until then nobody gets at the outpost's applications. authentik looks at its outposts every four hours, and at once when one is " +
    "saved: be ready to save it in the Admin UI (Applications › Outposts › Edit › Update).\n" +
    "It comes back without the sidecar: deploy again then (`pulumi up --refresh`, or apply what `render` writes).\n";
  const unasked =
    "warning: authentik was not asked whether it manages Deployment authentik/ak-outpost-main. If it does not, nobody brings it back.\n";

  it("says what it will do, saves the manifest, deletes, waits for a new one, and says what is left to do", async () => {
    const { code, stdout, stderr, changes } = await recreate(["main", "--yes"]);
    assert.deepEqual(changes, [["authentik", "ak-outpost-main", "old", true]]);
    assert.equal(
      stdout,
      `${plan}${unasked}Deployment authentik/ak-outpost-main is back and ready, as authentik creates it.\n` +
        "It has no sidecar: deploy again (`pulumi up --refresh`, or apply what `render` writes).\n",
    );
    assert.equal(
      stderr,
      `Its manifest is saved in ${file}\n` +
        "waiting: it is gone, and authentik has not created it again\nwaiting: it is back, 0 of 1 pods are available\n",
    );
    assert.equal(code, 0);
  });

  it("saves what kubectl create makes it again from, without what the stack has put on it", async () => {
    await recreate(["main", "--yes"]);
    const saved = JSON.parse(readFileSync(file, "utf8")) as V1Deployment;
    const { metadata, spec } = managed();
    assert.deepEqual(saved, {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: {
        name: "ak-outpost-main",
        namespace: "authentik",
        labels: metadata?.labels,
      },
      spec: {
        ...spec,
        template: {
          ...spec?.template,
          spec: { containers: [{ name: "proxy", volumeMounts: [theirs] }], initContainers: [] },
        },
      },
    });
  });

  const askingLabel = "authentik-outpost-shm/revision";
  const asked = (owner: string): V1Deployment => {
    const deployment = managed();
    const { template } = deployment.spec!;
    template.metadata!.labels = { ...template.metadata!.labels, [askingLabel]: "abc" };
    const fields = { "f:spec": { "f:template": { "f:metadata": { "f:labels": { [`f:${askingLabel}`]: {} } } } } };
    deployment.metadata!.managedFields!.push(managedBy(owner, fields, undefined, "Apply"));
    return deployment;
  };
  it("saves the label that asks for the sidecar unless the stack has put it there", async () => {
    const savedLabel = async (owner: string) => {
      rmSync(file, { force: true });
      await recreate(["main", "--yes"], { before: asked(owner) });
      const { labels } = (JSON.parse(readFileSync(file, "utf8")) as V1Deployment).spec!.template.metadata!;
      return [labels![askingLabel], labels!["goauthentik.io/outpost-name"]];
    };
    assert.deepEqual(
      [await savedLabel(stackManager), await savedLabel("helm")],
      [
        [undefined, "main"],
        ["abc", "main"],
      ],
    );
  });

  it("changes nothing in a dry run", async () => {
    const { code, stdout, changes } = await recreate(["main", "--dry-run"]);
    assert.deepEqual([code, stdout, changes], [0, `${plan}${unasked}Nothing was changed.\n`, []]);
    assert.equal(existsSync(file), false);
  });

  const nobody = "nobody would bring Deployment authentik/ak-outpost-main back";
  const where = "In cluster https://cluster.example (the current context), namespace authentik, pod main-b";

  it("asks, and takes anything but y for no", async () => {
    const { questions, ask } = asking("n");
    const { code, stderr, changes } = await recreate(["main"], { options: { ask } });
    assert.deepEqual(questions, [`${where}: Deployment ak-outpost-main will be deleted. Go on? [y/N] `]);
    assert.deepEqual([code, stderr, changes], [1, "Nothing was changed.\n", []]);
  });

  it("asks authentik first, and deletes nothing where it does not manage the Deployment, whatever the flags", async () => {
    const authentik = await startAuthentik({ namespace: "authentik" });
    try {
      const { pk } = await authentik.addOutpost({ name: "main", embedded: true });
      const config = ["namespace: authentik", "outposts: [main]", `authentikUrl: ${authentik.url.replace(/\/$/, "")}`];
      const lines = config.map((line) => `  authentik-outpost-shm:${line}\n`).join("");
      writeFileSync(inDir("Pulumi.prod.yaml"), `config:\n  kubernetes:context: prod\n${lines}`);
      const makers = { projectDir: inDir(), env: { AUTHENTIK_TOKEN: authentik.token } };
      const before = managed({ labels: { "goauthentik.io/outpost-uuid": pk.replaceAll("-", "") } });
      const args = ["main", "--stack", "prod", "--yes", "--accept-outage"];
      const { code, stderr, changes } = await recreate(args, { before, makers });
      const error = `error: outpost "main" is authentik's embedded outpost, which has no Deployment any more: ${nobody}\n`;
      assert.deepEqual([code, stderr, changes], [1, error, []]);
      assert.equal(existsSync(file), false);
    } finally {
      await authentik.stop();
    }
  });

  it("deletes nothing unasked: --yes alone does not do", async () => {
    for (const flags of [["--yes"], ["--dry-run"]]) {
      const { changes, ...printed } = await recreate(["main", ...flags], { makers: {} });
      const error =
        "authentik was not asked whether it would bring Deployment authentik/ak-outpost-main back: that takes --stack with authentikUrl, " +
        "and in AUTHENTIK_TOKEN a token that may view outposts. --accept-outage goes on without its answer: then the outpost's applications may stay out of reach";
      assert.deepEqual([printed, changes], [{ code: 1, stdout: "", stderr: `error: ${error}\n` }, []]);
    }
  });

  describe("changes nothing, and says why, of", () => {
    const label = (name: string) =>
      `Deployment authentik/ak-outpost-main is not managed by authentik (it lacks the label ${name}): nobody would bring it back`;
    const run = () => Promise.reject(new Error("spawn pulumi ENOENT"));
    const refusals: Record<string, [stage: Stage, message: string, args?: string[], status?: number]> = {
      "a Deployment by others": [
        { before: managed({ labels: { "app.kubernetes.io/managed-by": "Helm" } }) },
        label("app.kubernetes.io/managed-by=goauthentik.io"),
      ],
      "one by hand, as authentik's manual has it": [
        { before: managed({ labels: { "goauthentik.io/outpost-uuid": "" } }) },
        label("goauthentik.io/outpost-uuid"),
      ],
      "one that authentik has never written": [
        { before: managed({ managers: ["kubectl-create"] }) },
        "Deployment authentik/ak-outpost-main has authentik's labels, but authentik has never written it (no field manager " +
          "goauthentik.io): nobody would bring it back",
      ],
      "one whose authentik is down": [
        { authentik: [authentikPod(false)] },
        `none of authentik's own pods in namespace authentik is ready (authentik-worker-0): ${nobody}`,
      ],
      "one whose authentik has a server and no worker": [
        { authentik: [authentikPod(false, "worker"), authentikPod(true, "server")] },
        `none of authentik's workers in namespace authentik is ready (authentik-worker-0): ${nobody}`,
      ],
      "one that nobody can be asked about": [
        {},
        `${where}: Deployment ak-outpost-main will be deleted, and there is no terminal to ask on: nothing was changed; --yes goes on`,
        ["main"],
        2,
      ],
      "--up without a stack": [{}, "--up takes --stack: which one is it to update?", ["main", "--yes", "--up"], 2],
      "--up of a stack whose file does not name the cluster of a flag": [
        {},
        "--up and --cluster: the file of stack prod names no kubernetes:cluster, so `pulumi up` might work on another cluster; " +
          "set that first (pulumi config set kubernetes:cluster … --stack prod)",
        ["main", "--yes", "--up", "--stack", "prod", "--cluster", "other"],
        2,
      ],
      "--up that could not be done": [
        { options: { run } },
        "--up takes the Pulumi CLI, and `pulumi version` does not work here (spawn pulumi ENOENT)",
        ["main", "--yes", "--up", "--stack", "prod"],
      ],
    };
    for (const [what, [stage, message, args = ["main", "--yes"], status = 1]] of Object.entries(refusals)) {
      it(what, async () => {
        const { code, stderr, changes } = await recreate(args, stage);
        assert.deepEqual([code, stderr, changes], [status, `error: ${message}\n`, []]);
        assert.equal(existsSync(file), false);
      });
    }
  });

  it("warns where no authentik is seen, and where that can't be told", async () => {
    const none = await recreate(["main", "--dry-run"], { authentik: [] });
    assert.equal(
      none.stdout,
      `${plan}warning: No pods of authentik are in namespace authentik: if it runs in another, name that with --authentik-namespace; ` +
        `if it runs elsewhere, make sure that it does.\n${unasked}Nothing was changed.\n`,
    );
    const pods: Cluster["pods"] = (namespace) =>
      namespace === "idp"
        ? Promise.reject(new Error("Kubernetes refused to list the pods in idp: forbidden"))
        : Promise.resolve([outpostPod({ name: "main-b" })]);
    const args = ["main", "--dry-run", "--authentik-namespace", "idp"];
    const { stdout } = await recreate(args, { methods: { pods } });
    assert.match(
      stdout,
      /\nwarning: Whether authentik runs is not known: Kubernetes refused to list the pods in idp: forbidden\.\n/,
    );
  });

  it("says whose sessions can't be counted", async () => {
    const forbidden = new Error("forbidden");
    const methods = { podProxy: forbidden, exec: forbidden, nodeSummary: forbidden };
    const { stdout } = await recreate(["main", "--dry-run"], { methods });
    assert.match(
      stdout,
      /\n0 sessions of logged-in people and 0 of visitors end, and those of 1 pod that can't be counted \(main-b: the kubelet did not tell: forbidden\)\.\n/,
    );
  });

  it("deletes nothing where the manifest can't be saved", async () => {
    await recreate(["main", "--yes"]);
    const { code, stderr, changes } = await recreate(["main", "--yes"]);
    const error = `error: its manifest can't be saved, so nothing was deleted: EEXIST: file already exists, open '${file}'\n`;
    assert.deepEqual([code, stderr, changes], [1, error, []]);
  });

  /** The way back after a deletion, with these flags of kubectl. */
  const wayBack = (flags = "") =>
    `To put it back as authentik had it: kubectl ${flags}--namespace authentik create --field-manager=goauthentik.io ` +
    `-f ${file}, then deploy again (\`pulumi up --refresh\`, or apply what \`render\` writes) for the sidecar\n`;
  const saveIt =
    "Or have authentik look at it: save outpost main in the Admin UI (Applications › Outposts › Edit › Update)\n";

  describe("fails loudly where it does not come back in time:", () => {
    const message = 'pods "ak-outpost-main-5d9c7b8f4-x2x7k" is forbidden: violates PodSecurity "restricted:latest"';
    const halted = renewed(0);
    halted.status!.conditions = [{ type: "ReplicaFailure", status: "True", reason: "FailedCreate", message }];
    const seePods =
      "See why: kubectl --context prod --namespace authentik describe pods -l goauthentik.io/outpost-type=proxy,goauthentik.io/outpost-name=main. " +
      "As it was, it is in ";
    const ends: Record<string, [after: V1Deployment, seen: string, todo: () => string]> = {
      "the old one does not go": [
        going(),
        "the old one is going, its pods first",
        () =>
          "See what holds it: kubectl --context prod --namespace authentik describe deployment ak-outpost-main. Once it is gone: " +
          wayBack("--context prod "),
      ],
      "its pods do not start": [renewed(0), "it is back, 0 of 1 pods are available", () => `${seePods}${file}\n`],
      "its pods are refused": [
        halted,
        `it is back, 0 of 1 pods are available: Kubernetes refuses new pods: ${message}`,
        () => `${seePods}${file}\n`,
      ],
    };
    for (const [what, [after, seen, todo]] of Object.entries(ends)) {
      it(what, async () => {
        const args = ["main", "--yes", "--timeout", "250s", "--context", "prod"];
        const { code, stderr } = await recreate(args, { after: [after] });
        const error = `error: Deployment authentik/ak-outpost-main did not come back within 4m10s: ${seen}.\n${todo()}`;
        assert.deepEqual([code, stderr.slice(stderr.indexOf("error: "))], [1, error]);
      });
    }
  });

  it("says where things stand, and the way back, if it is interrupted", async () => {
    const ctrlC = new AbortController();
    const deployment = () => (ctrlC.abort(), Promise.resolve(undefined));
    const options = { interruption: () => ctrlC.signal };
    const { code, stderr, changes } = await recreate(["main", "--yes"], { methods: { deployment }, options });
    assert.equal(code, 1);
    assert.equal(changes.length, 1);
    const error =
      "error: Deployment authentik/ak-outpost-main was deleted, and the wait for it was interrupted: it is gone, and authentik has " +
      "not created it again.\n";
    assert.equal(stderr.slice(stderr.indexOf("error: ")), error + wayBack() + saveIt);
  });

  it("waits where the deletion was not answered, for it may have been carried out", async () => {
    const deleteDeployment = () => Promise.reject(new Error("No answer"));
    const { code, stderr } = await recreate(["main", "--yes"], { methods: { deleteDeployment } });
    assert.equal(code, 0);
    assert.match(stderr, /\nwarning: No answer\. It may be deleted all the same\nwaiting: it is gone, /);
  });

  it("says so where the deletion did not get there", async () => {
    const methods: Answers = {
      deleteDeployment: () => Promise.reject(new Error("Gateway Timeout", { cause: { code: 504 } })),
    };
    const { code, stderr } = await recreate(["main", "--yes", "--timeout", "250s"], { after: [managed()], methods });
    const error =
      "error: Deployment authentik/ak-outpost-main was not deleted: the old one is there, and nobody is deleting it.\n" +
      "Run this command again.\n";
    assert.deepEqual([code, stderr.slice(stderr.indexOf("error: "))], [1, error]);
  });

  it("ends with the API server's refusal of the deletion", async () => {
    const refusal = new Error("Forbidden", { cause: { code: 403 } });
    const { code, stderr } = await recreate(["main", "--yes"], {
      methods: { deleteDeployment: () => Promise.reject(refusal) },
    });
    assert.deepEqual([code, stderr], [1, `Its manifest is saved in ${file}\nerror: Forbidden\n`]);
  });

  it("goes on waiting while the API server is away", async () => {
    let asked = 0;
    const deployment = () => (asked++ === 0 ? Promise.reject(new Error("No answer")) : Promise.resolve(renewed()));
    const { code, stderr } = await recreate(["main", "--yes"], { methods: { deployment } });
    assert.equal(code, 0);
    assert.match(stderr, /\nwaiting: No answer\n$/);
  });

  for (const [status, given, handed] of [
    [0, "/other", "/other"],
    [255, "~/other", join(homedir(), "other")],
  ] as const) {
    it(`ends with --up with an update of the stack, whose end is its own: ${status}, by ${given}`, async () => {
      const moved = resolve("Pulumi.prod.yaml"); // pulumi may run in another folder
      const ran: unknown[] = [];
      const run = (program: string, args: string[], env = {}) => {
        ran.push([program, args, env]);
        return Promise.resolve(args[0] === "up" ? status : 0);
      };
      const stack = ["--stack", "prod", "--config-file", "Pulumi.prod.yaml", "--kubeconfig", given];
      const { code, stderr } = await recreate(["main", "--yes", "--up", ...stack], { options: { run } });
      assert.deepEqual(ran, [
        ["pulumi", ["version"], {}],
        ["pulumi", ["up", "--refresh", "--stack", "prod", "--config-file", moved, "--yes"], { KUBECONFIG: handed }],
      ]);
      assert.equal(code, status === 0 ? 0 : 1);
      const error = `\nerror: pulumi up --refresh --stack prod --config-file ${moved} ended with status 255\n`;
      if (status !== 0) assert.ok(stderr.endsWith(error), stderr);
    });
  }
});
