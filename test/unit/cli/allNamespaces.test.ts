import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import type { Cluster } from "../../../kubernetes/cluster";
import { useTempDir } from "../tempDir";
import {
  metricsText,
  outpostDeployment,
  outpostPod,
  printed,
  prints,
  runOn,
  type Answers,
  type Printed,
  refused,
} from "./cluster";
import { nothingWrong } from "./doctorScene";

/** Two namespaces with an outpost of one name each, and one with an outpost that has none of authentik's labels. */
const places: Record<string, { pod: string; labelled: boolean }> = {
  authentik: { pod: "main-a", labelled: true },
  sso: { pod: "main-b", labelled: true },
  byhand: { pod: "proxy-c", labelled: false },
};

function podOf(namespace: string) {
  const { pod, labelled } = places[namespace];
  const made = outpostPod({ name: pod, sidecar: namespace !== "sso" });
  made.metadata = { ...made.metadata, namespace, ...(!labelled && { labels: { app: "proxy" } }) };
  return made;
}

function deploymentOf(namespace: string) {
  const made = outpostDeployment();
  if (places[namespace].labelled) return { ...made, metadata: { ...made.metadata, namespace } };
  const labels = { app: "proxy" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "proxy" }] } };
  return { metadata: { name: "proxy", namespace }, spec: { selector: { matchLabels: labels }, template } };
}

const swept =
  "time=2026-11-24T03:00:00Z event=sweep dir=/dev/shm used_before_bytes=40960 used_after_bytes=0 total_bytes=67108864 removed=0 " +
  "debris=0 expired_anonymous=10 expired_authenticated=0 pressure_anonymous=0 pressure_authenticated=0 pressure_debris=0 errors=0\n";

/** Returns the namespace, or all that have something with authentik's labels. */
const placesIn = (namespace?: string) =>
  namespace ? [namespace] : Object.keys(places).filter((name) => places[name].labelled);

const cluster: Answers = {
  ...nothingWrong,
  pods: (namespace, selector) =>
    Promise.resolve(selector === "app.kubernetes.io/name=authentik" ? [] : placesIn(namespace).map(podOf)),
  deployments: (namespace) => Promise.resolve(placesIn(namespace).map(deploymentOf)),
  deployment: undefined,
  cronJob: undefined,
  podProxy: metricsText(),
  ownObjects: [],
  exec: printed(swept),
};

describe("--all-namespaces", () => {
  const inDir = useTempDir();
  beforeEach(() => {
    const outposts = "authentik-outpost-shm:outposts: [{ name: proxy, deployment: proxy }]";
    const config = `  kubernetes:context: prod\n  authentik-outpost-shm:namespace: byhand\n  ${outposts}\n`;
    writeFileSync(inDir("Pulumi.prod.yaml"), `config:\n${config}`);
  });
  const outpostShm = (args: string[], answers: Answers = {}, options: Partial<Printed> = {}) =>
    runOn({ ...cluster, ...answers }, [...args, "-A"], options, { projectDir: inDir() });

  describe("of status", () => {
    it("adds a column, and finds the outposts by authentik's labels, and one deployed by hand where the stack names it", async () => {
      const { code, stdout } = await outpostShm(["status", "--stack", "prod"], { exec: new Error("no exec") });
      assert.equal(code, 0);
      assert.deepEqual(stdout.split("\n\n")[0].split("\n"), [
        "NAMESPACE  POD      SOLUTION  SIZE   USED    USE%  INODES  VISITORS  LOGINS  DEBRIS  OLDEST  LAST SWEEP  SOURCE",
        "authentik  main-a   sidecar   256Mi  7.89Mi  3%    2021    2000      20      1       60s     20s         metrics",
        "byhand     proxy-c  sidecar   256Mi  7.89Mi  3%    2021    2000      20      1       60s     20s         metrics",
        "sso        main-b   none      -      -       -     -       -         -       -       -       -           -",
      ]);
    });

    it("asks each pod in its own namespace, and names that with -o json", async () => {
      const asked: string[] = [];
      const podProxy: Cluster["podProxy"] = (place, pod) => (
        asked.push(`${place}/${pod}`),
        Promise.resolve(metricsText())
      );
      const exec: Cluster["exec"] = ({ namespace, pod }) => (
        asked.push(`${namespace}/${pod}`),
        Promise.resolve(printed(swept))
      );
      const { stdout } = await outpostShm(["status", "-o", "json"], { podProxy, exec });
      const { namespace, pods } = JSON.parse(stdout) as {
        namespace?: string;
        pods: { namespace: string; pod: string }[];
      };
      assert.deepEqual([...new Set(asked)].sort(), ["authentik/main-a", "sso/main-b"]);
      assert.equal(namespace, undefined);
      const shown = pods.map((each) => `${each.namespace}/${each.pod}`);
      assert.deepEqual(shown, ["authentik/main-a", "sso/main-b"]);
    });

    it("names the namespace of a Deployment without pods", async () => {
      const pods: Cluster["pods"] = (namespace) =>
        Promise.resolve(namespace === "sso" ? [] : [podOf(namespace ?? "authentik")]);
      const { stdout } = await outpostShm(["status"], { pods });
      assert.deepEqual(stdout.split("\n").slice(2), [
        "",
        "Deployment sso/ak-outpost-main wants 1 pod and has none; outpost-shm doctor says why",
        "",
      ]);
    });

    it("says that there are none", async () => {
      const none =
        "No pods of proxy outposts in any namespace, by authentik's labels. Name the namespace of others with --namespace.\n";
      const nothing = { pods: [], deployments: [] };
      assert.deepEqual(await outpostShm(["status"], nothing), { code: 0, stdout: none, stderr: "" });
      for (const args of [["doctor"], ["cleanup", "--all", "--yes"]])
        assert.deepEqual(await outpostShm(args, nothing), { code: 1, stdout: "", stderr: `error: ${none}` });
    });
  });

  describe("of doctor", () => {
    it("has a part for each namespace, also for one whose outpost has no pod, and commands for it", async () => {
      const pods: Cluster["pods"] = (namespace) =>
        Promise.resolve(namespace === "sso" ? [] : [podOf(namespace ?? "authentik")]);
      const { code, stdout } = await outpostShm(["doctor"], { pods });
      assert.equal(code, 1);
      const [first, second] = stdout.split(/^(?=Namespace sso)/m);
      assert.match(
        first,
        /^Namespace authentik:\n[^]*outpost-shm cleanup --anonymous --namespace authentik\n[^]*\n1 finding\.\n/,
      );
      assert.match(
        second,
        /^Namespace sso:\n\nDeployment\/ak-outpost-main \(selectors\)\n {2}seen: it wants 1 pods and has none\n/,
      );
      assert.match(second, /outpost-shm cleanup --anonymous --namespace sso\n[^]*\n2 findings\.\n$/);
    });

    it("is a list with -o json", async () => {
      const { namespaces } = JSON.parse((await outpostShm(["doctor", "-o", "json"])).stdout) as {
        namespaces: { namespace: string; findings: unknown[] }[];
      };
      const counts = namespaces.map(({ namespace, findings }) => `${namespace}: ${findings.length}`);
      assert.deepEqual(counts, ["authentik: 1", "sso: 1"]);
    });
  });

  describe("of cleanup", () => {
    it("names every namespace and pod in its question, and removes nothing until it is answered", async () => {
      const asked: string[] = [];
      const settings: string[] = [];
      const exec: Cluster["exec"] = (_place, command) => (
        settings.push(command.find((word) => word.startsWith("DRY_RUN"))!),
        Promise.resolve(printed(swept))
      );
      const ask = (question: string) => (asked.push(question), Promise.resolve("n"));
      const { code, stderr } = await outpostShm(["cleanup", "--anonymous"], { exec }, { ask });
      assert.deepEqual([code, stderr, settings], [1, "Nothing was removed.\n", ["DRY_RUN=2", "DRY_RUN=2"]]);
      assert.deepEqual(asked, [
        "In cluster https://cluster.example (the current context), namespaces authentik, sso, pods authentik/main-a, sso/main-b: " +
          "Visitors' sessions older than 5s go: 20 in 2 pods, nobody is logged out. Go on? [y/N] ",
      ]);
    });

    it("shows the namespace of each pod", async () => {
      await prints(outpostShm(["cleanup", "--anonymous", "--yes"]), [
        "NAMESPACE  POD     CONTAINER    BEFORE   AFTER  FREED  VISITORS  LOGINS  DEBRIS  ERRORS",
        "authentik  main-a  shm-cleanup  40Ki 0%  0 0%   40Ki   10        0       0       0",
        "sso        main-b  proxy        40Ki 0%  0 0%   40Ki   10        0       0       0",
        "TOTAL                                           80Ki   20        0       0       0",
        "",
        "20 files of 2 pods removed, 80Ki freed.",
      ]);
      const json = await outpostShm(["cleanup", "--anonymous", "--dry-run", "-o", "json"]);
      const { namespace, pods } = JSON.parse(json.stdout) as { namespace?: string; pods: { namespace: string }[] };
      assert.deepEqual([namespace, pods.map((each) => each.namespace)], [undefined, ["authentik", "sso"]]);
    });
  });

  it("is no way to look a name up, nor to contradict --namespace", async () => {
    const lookUp = `"main" can't be looked up in all namespaces: leave it or --all-namespaces out`;
    assert.deepEqual(await outpostShm(["status", "main"]), refused(lookUp, 2));
    const contradiction = "--all-namespaces and --namespace contradict each other: leave one of them out";
    assert.deepEqual(await outpostShm(["cleanup", "--all", "-n", "sso"]), refused(contradiction, 2));
  });

  it("says which right it requires", async () => {
    for (const list of ["pods", "deployments"]) {
      const refusal = `Kubernetes refused to list the ${list} in all namespaces: ${list} is forbidden`;
      const error = `${refusal}. --all-namespaces requires that right; without it, name one namespace by --namespace`;
      const forbidden = { [list]: new Error(refusal, { cause: { code: 403 } }) };
      for (const args of [["status"], ["doctor"], ["cleanup", "--all", "--yes"]])
        assert.deepEqual(await outpostShm(args, forbidden), refused(error));
    }
    const away = new Error("No answer from the Kubernetes API");
    assert.equal((await outpostShm(["status"], { pods: away })).stderr, "error: No answer from the Kubernetes API\n");
  });
});
