import assert from "node:assert/strict";
import type { V1Pod } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { sweepByStdin } from "../../../cleaner/scripts";
import type { Cluster } from "../../../kubernetes/cluster";
import {
  printed,
  isOpen,
  metricsText,
  outpostDeployment,
  outpostPod,
  prints,
  proxyImage,
  runOn,
  sweepCronJob,
  type Printed,
  type Answers,
  refused,
} from "./cluster";

const countLine =
  "time=2026-11-24T03:00:00Z event=count dir=/dev/shm used_bytes=65011712 total_bytes=67108864 inodes=15873 total_inodes=3085512 " +
  "anonymous=15862 authenticated=10 debris=0 oldest_age_seconds=7200\n";

const twoPods: Answers = {
  deployments: [outpostDeployment(), outpostDeployment("public")],
  pods: [outpostPod({ name: "main-b" }), outpostPod({ name: "public-a", outpost: "public", sidecar: false })],
  cronJob: undefined,
  podProxy: metricsText(),
  exec: printed(countLine),
};

const onlyMain: Answers = { ...twoPods, deployments: [outpostDeployment()] };

describe("status", () => {
  const status = (methods: Answers, args: string[] = [], options: Partial<Printed> = {}) =>
    runOn(methods, ["status", ...args], options);

  /** Returns the cells of the table, its head left out. */
  const cells = (stdout: string) =>
    stdout
      .split("\n\n")[0]
      .trimEnd()
      .split("\n")
      .slice(1)
      .map((line) => line.split(/ {2,}/));

  it("shows a line a pod: by the sidecar's metrics, or by a count with the sweep's own script in the outpost's container", async () => {
    const asked: unknown[] = [];
    const podProxy: Cluster["podProxy"] = (...args) => (asked.push(args), Promise.resolve(metricsText()));
    const exec: Cluster["exec"] = (...args) => (asked.push(args), Promise.resolve(printed(countLine)));
    await prints(status({ ...twoPods, podProxy, exec }), [
      "POD       SOLUTION  SIZE   USED    USE%  INODES  VISITORS  LOGINS  DEBRIS  OLDEST  LAST SWEEP  SOURCE",
      "main-b    sidecar   256Mi  7.89Mi  3%    2021    2000      20      1       60s     20s         metrics",
      "public-a  none      64Mi   62Mi    96%   15873   15862     10      0       120m    -           exec",
    ]);
    assert.deepEqual(asked, [
      ["authentik", "main-b", 9301, "metrics.txt"],
      [
        { namespace: "authentik", pod: "public-a", container: "proxy" },
        ["sh", "-s", "--", "COUNT_ONLY=1"],
        { stdin: sweepByStdin([]).stdin, timeoutMs: 30_000 },
      ],
    ]);
  });

  it("adds outpost, node, readiness and errors with -o wide", () =>
    prints(status(twoPods, ["-o", "wide", "main"]), [
      "POD     OUTPOST  NODE    READY  SOLUTION  SIZE   USED    USE%  INODES  VISITORS  LOGINS  DEBRIS  OLDEST  LAST SWEEP  ERRORS  SOURCE",
      "main-b  main     node-1  yes    sidecar   256Mi  7.89Mi  3%    2021    2000      20      1       60s     20s         0       metrics",
    ]));

  it("prints numbers, and times as ISO 8601, with -o json", async () => {
    const { stdout } = await status(twoPods, ["-o", "json", "main-b"]);
    assert.deepEqual(JSON.parse(stdout), {
      namespace: "authentik",
      pods: [
        {
          namespace: "authentik",
          pod: "main-b",
          outpost: "main",
          deployment: "ak-outpost-main",
          node: "node-1",
          phase: "Running",
          ready: true,
          solution: "sidecar",
          configuredSizeBytes: 268435456,
          source: "metrics",
          sizeBytes: 268435456,
          usedBytes: 8273920,
          usedPercent: 3,
          inodesUsed: 2021,
          sessions: { anonymous: 2000, authenticated: 20, debris: 1 },
          oldestSeconds: 60,
          lastSweepAt: "2026-11-24T02:59:40.000Z",
          sweepErrors: 0,
          notes: [],
        },
      ],
    });
  });

  it("tells what the CronJob sweeps, and when it last did, unless it is suspended", async () => {
    const sweeps = async (suspend: boolean) => {
      const { stdout } = await status({ ...twoPods, cronJob: sweepCronJob(["main", "public"], { suspend }) });
      return cells(stdout).map((row) => [row[1], row[10]].join());
    };
    assert.deepEqual(
      [await sweeps(false), await sweeps(true)],
      [
        ["both,20s", "cronjob,10m"],
        ["sidecar,20s", "none,-"],
      ],
    );
  });

  describe("falls back", () => {
    const refusedProxy = new Error("Kubernetes refused to pass a request on: forbidden");
    const refusedExec = new Error("exec in container shm-cleanup of pod authentik/main-b: forbidden");

    it("to the metrics file by exec where the endpoint is refused, and says so", async () => {
      const exec: Cluster["exec"] = (place, command) => {
        assert.deepEqual([place.container, command], ["shm-cleanup", ["cat", "/run/shm-cleanup/metrics.txt"]]);
        return Promise.resolve(printed(metricsText()));
      };
      await prints(status({ ...twoPods, podProxy: refusedProxy, exec }, ["main"]), [
        "POD     SOLUTION  SIZE   USED    USE%  INODES  VISITORS  LOGINS  DEBRIS  OLDEST  LAST SWEEP  SOURCE",
        "main-b  sidecar   256Mi  7.89Mi  3%    2021    2000      20      1       60s     20s         exec",
        "",
        "main-b: the metrics endpoint did not tell: Kubernetes refused to pass a request on: forbidden",
      ]);
    });

    it("asks no more pods through a proxy from which the answer of one did not come in time", async () => {
      const late = new Error("No answer: none within 10 s", { cause: { code: "ETIMEDOUT" } });
      const asked: string[] = [];
      const podProxy: Cluster["podProxy"] = (_namespace, pod) => (asked.push(pod), Promise.reject(late));
      const exec = () => Promise.resolve(printed(metricsText()));
      const pods = Array.from({ length: 20 }, (_, n) => outpostPod({ name: `main-${n}` }));
      const { stdout } = await status({ ...twoPods, pods, podProxy, exec }, ["main"]);
      // Those that are asked at the same time, before the first has failed.
      assert.equal(asked.length, 8);
      assert.equal(stdout.match(/^main-\d+ .* exec$/gm)?.length, 20);
      assert.equal(stdout.match(/did not tell: No answer: none within 10 s$/gm)?.length, 8);
    });

    it("to the kubelet's summary where exec is refused too, asking each node once", async () => {
      let asked = 0;
      const nodeSummary: Cluster["nodeSummary"] = (node) => {
        assert.equal(node, "node-1");
        asked++;
        const volume = [{ name: "dshm", capacityBytes: 268435456, usedBytes: 214748364, inodesUsed: 52430 }];
        const podRef = (name: string) => ({ name, namespace: "authentik" });
        return Promise.resolve({ pods: ["a", "b"].map((name) => ({ podRef: podRef(name), volume })) });
      };
      const pods = ["a", "b"].map((name) => outpostPod({ name }));
      const refused = { podProxy: refusedProxy, exec: refusedExec };
      const { stdout } = await status({ ...twoPods, ...refused, pods, nodeSummary });
      assert.equal(asked, 1);
      assert.deepEqual(stdout.split("\n").slice(1, 7), [
        "a    sidecar   256Mi  205Mi  79%   52430   -         -       -       -       -           kubelet",
        "b    sidecar   256Mi  205Mi  79%   52430   -         -       -       -       -           kubelet",
        "",
        "a: the metrics endpoint did not tell: Kubernetes refused to pass a request on: forbidden",
        "a: the sidecar's metrics file did not tell: exec in container shm-cleanup of pod authentik/main-b: forbidden",
        "a: a count in container proxy did not tell: exec in container shm-cleanup of pod authentik/main-b: forbidden",
      ]);
    });

    it("to nothing, with every reason, and still exits 0", async () => {
      const podRef = { name: "public-a", namespace: "authentik" };
      const nodeSummary = { pods: [{ podRef, volume: [{ name: "tmp" }] }] };
      await prints(status({ ...twoPods, exec: refusedExec, nodeSummary }, ["public"]), [
        "POD       SOLUTION  SIZE  USED  USE%  INODES  VISITORS  LOGINS  DEBRIS  OLDEST  LAST SWEEP  SOURCE",
        "public-a  none      -     -     -     -       -         -       -       -       -           -",
        "",
        "public-a: a count in container proxy did not tell: exec in container shm-cleanup of pod authentik/main-b: forbidden",
        "public-a: the kubelet did not tell: it knows volumes only, not the /dev/shm every container has",
      ]);
    });

    it("past a sidecar that has not swept yet", async () => {
      const podProxy = "authentik_outpost_shm_sweep_errors_total 1\n";
      const missing = "cat: can't open '/run/shm-cleanup/metrics.txt': No such file or directory";
      const exec: Cluster["exec"] = ({ container }) =>
        Promise.resolve(container === "proxy" ? printed(countLine) : { status: 1, stdout: "", stderr: `${missing}\n` });
      const { stdout } = await status({ ...twoPods, podProxy, exec }, ["main"]);
      assert.deepEqual(stdout.split("\n").slice(3), [
        "main-b: the metrics endpoint did not tell: no sweep has ended yet",
        `main-b: the sidecar's metrics file did not tell: ${missing}`,
        "",
      ]);
    });
  });

  it("says what keeps a pod from running, and asks no source", async () => {
    const waiting = { waiting: { reason: "ImagePullBackOff", message: "Back-off pulling image\n  busybox:9" } };
    const never = { sidecarStatus: { state: waiting }, status: { containerStatuses: [] } };
    const pods = [outpostPod({ name: "main-b", phase: "Pending", ...never })];
    const { stdout } = await status({ ...onlyMain, pods });
    assert.deepEqual(stdout.split("\n").slice(1, -1), [
      "main-b  sidecar   -     -     -     -       -         -       -       -       -           -",
      "",
      "main-b: the pod is Pending, not Running: container shm-cleanup ImagePullBackOff (Back-off pulling image busybox:9)",
    ]);
  });

  describe("of an outpost by hand, whose image is a mirror's of another name and whose labels are none of authentik's", () => {
    const labels = { app: "sso" };
    const template = {
      metadata: { labels },
      spec: { containers: [{ name: "proxy", image: "registry.example.com/authentik-proxy:2025.12.4" }] },
    };
    const byHand = outpostDeployment("main", { selector: { matchLabels: labels }, template });
    byHand.metadata!.labels = labels;
    const pod = outpostPod({ name: "main-a", sidecar: false });
    pod.metadata!.labels = labels;
    // Neither is among those with authentik's labels in all namespaces.
    const mirrored: Answers = {
      deployments: (namespace) => Promise.resolve(namespace ? [byHand] : []),
      pods: (namespace) => Promise.resolve(namespace ? [pod] : []),
      exec: printed(countLine),
    };

    it("knows it if the CronJob sweeps it", async () => {
      const asked: unknown[] = [];
      const cronJob: Cluster["cronJob"] = (...args) => (asked.push(args), Promise.resolve(sweepCronJob(["main"])));
      await prints(status({ ...mirrored, cronJob }), [
        "POD     SOLUTION  SIZE  USED  USE%  INODES  VISITORS  LOGINS  DEBRIS  OLDEST  LAST SWEEP  SOURCE",
        "main-a  cronjob   64Mi  62Mi  96%   15873   15862     10      0       120m    10m         exec",
      ]);
      assert.deepEqual(asked[0], ["authentik", "authentik-outpost-shm-cleanup"]);
    });

    it("knows none where no CronJob is, or may be read", async () => {
      const forbidden = new Error("Kubernetes refused to read CronJob: forbidden", { cause: { code: 403 } });
      for (const cronJob of [undefined, forbidden])
        await prints(status({ ...mirrored, cronJob }), [
          "No proxy outposts in namespace authentik. Name theirs with --namespace.",
        ]);
    });

    it("fails where the API server does not say whether there is a CronJob", async () => {
      const cronJob = new Error("No answer from the Kubernetes API");
      assert.deepEqual(await status({ ...mirrored, cronJob }), refused("No answer from the Kubernetes API"));
    });
  });

  it("says where outposts are when the namespace has none", async () => {
    // An account that may list Deployments nowhere else has the hint by the pods.
    const deployments: Cluster["deployments"] = (namespace) =>
      namespace ? Promise.resolve([]) : Promise.reject(new Error("no"));
    const pods: Cluster["pods"] = (namespace) =>
      Promise.resolve(namespace ? [] : [outpostPod({ name: "a" }), outpostPod({ name: "b" })]);
    await prints(status({ contextNamespace: "default", deployments, pods }), [
      "No proxy outposts in namespace default. They are in authentik: name one with --namespace.",
    ]);
  });

  it("names Deployments without pods", async () => {
    const deployments = [outpostDeployment("main", { replicas: 0 })];
    await prints(status({ ...twoPods, deployments, pods: [] }), [
      "No pods of proxy outposts in namespace authentik; Deployments without any: ak-outpost-main (0 replicas wanted).",
    ]);
  });

  describe("of Deployments that want pods and have none", () => {
    const wanting: Answers = {
      ...twoPods,
      deployments: [
        outpostDeployment(),
        outpostDeployment("none", { replicas: undefined }),
        outpostDeployment("off", { replicas: 0 }),
        outpostDeployment("two", { replicas: 2 }),
      ],
      pods: [outpostPod({ name: "main-b" })],
    };
    const said = ["none wants 1 pod", "two wants 2 pods"].map(
      (each) => `Deployment ak-outpost-${each} and has none; outpost-shm doctor says why`,
    );

    it("names each below the notes on pods", async () => {
      const { code, stdout } = await status({
        ...wanting,
        podProxy: new Error("forbidden"),
        exec: printed(metricsText()),
      });
      const note = "main-b: the metrics endpoint did not tell: forbidden";
      assert.deepEqual([code, ...stdout.split("\n").slice(2)], [0, "", note, ...said, ""]);
    });

    it("names only those that the given names select", async () => {
      assert.doesNotMatch((await status(wanting, ["main"])).stdout, /Deployment/);
      const { stdout } = await status(wanting, ["main", "two"]);
      assert.deepEqual(stdout.split("\n").slice(2), ["", said[1], ""]);
    });

    it("names them in the JSON, after the warning of forward auth", async () => {
      const pods = [outpostPod({ name: "main-b", image: proxyImage("2025.10.1") })];
      const { stdout } = await status({ ...wanting, pods }, ["-o", "json"]);
      const [open, ...rest] = (JSON.parse(stdout) as { warnings: string[] }).warnings;
      assert.match(open, /^Outpost main /);
      assert.deepEqual(rest, said);
      const none = await status({ ...wanting, pods: [] }, ["two", "-o", "json"]);
      assert.deepEqual(JSON.parse(none.stdout), { namespace: "authentik", warnings: [said[1]], pods: [] });
    });
  });

  it("refuses a name that is no outpost's and no pod's, with those there are", async () => {
    const found = "found there: outposts main, public; pods main-b, public-a";
    const error = `"mian" is neither an outpost nor a pod of one in namespace authentik; ${found}`;
    assert.deepEqual(await status(twoPods, ["mian"]), refused(error, 2));
  });

  it("takes an outpost's name as authentik shows it, its Deployment, and kubectl's pod/NAME", async () => {
    for (const name of ["Main", "ak-outpost-main", "deployment/ak-outpost-main", "pod/main-b"]) {
      const { stdout } = await status(twoPods, [name]);
      const pods = cells(stdout).map(([pod]) => pod);
      assert.deepEqual(pods, ["main-b"], name);
    }
  });

  it("warns before the table, and in the JSON, of outposts on which forward auth is open", async () => {
    const tags = { main: "2025.10.1", other: "2025.10.0", third: "2025.10.3" };
    const pods = Object.entries(tags).map(([outpost, tag]) =>
      outpostPod({ name: `${outpost}-a`, outpost, image: proxyImage(tag) }),
    );
    const { stdout } = await status({ ...onlyMain, pods });
    const warning = `Outposts main (${proxyImage("2025.10.1")}), other (${proxyImage("2025.10.0")}): ${isOpen}.`;
    const upgrade = "Upgrade authentik to 2025.10.3 or later.";
    assert.ok(stdout.startsWith(`${warning}\n${upgrade}\n\nPOD `), stdout);
    const json = await status({ ...onlyMain, pods }, ["-o", "json"]);
    const { warnings } = JSON.parse(json.stdout) as { warnings: string[] };
    assert.deepEqual(warnings, [`${warning} ${upgrade}`]);
  });

  it("notes below its table that the numbers are not those of the sessions", async () => {
    const pods = [outpostPod({ name: "main-a", image: proxyImage("2024.12.3") })];
    const { code, stdout } = await status({ ...onlyMain, pods });
    assert.equal(code, 0);
    assert.match(
      stdout,
      /\nmain-a: container proxy keeps its sessions in \/tmp, not in \/dev\/shm: .*, sets no TMPDIR\n$/,
    );
  });

  it("ends with one line where the API server refuses", async () => {
    const message = "Kubernetes refused to list the pods in authentik: pods is forbidden";
    assert.deepEqual(await status({ ...twoPods, pods: new Error(message) }), refused(message));
  });

  it("colours usage from the alerts' thresholds on, where colours are wanted", async () => {
    const uses = { a: 79, b: 80, c: 95 };
    const podProxy: Cluster["podProxy"] = (_namespace, pod) =>
      Promise.resolve(metricsText({ size: 100, used: uses[pod as keyof typeof uses] }));
    const pods = Object.keys(uses).map((name) => outpostPod({ name }));
    const { stdout } = await status({ ...twoPods, pods, podProxy }, [], { colour: true });
    const percents = cells(stdout).map((row) => row[4]);
    assert.deepEqual(percents, ["79%", "\x1b[33m80%\x1b[39m", "\x1b[31m\x1b[1m95%\x1b[22m\x1b[39m"]);
  });

  it("ends in time with what it knows, and says of which pods it does not know all", async () => {
    const never = () => new Promise<never>(() => undefined);
    const silent = { ...twoPods, podProxy: never, exec: never, nodeSummary: never };
    const { code, stdout } = await status(silent, ["--timeout", "1s"]);
    assert.equal(code, 0);
    assert.match(stdout, /^main-b +sidecar +- /m);
    assert.match(stdout, /^main-b: the metrics endpoint did not tell: no answer within 1 s \(--timeout\)$/m);
    assert.match(
      stdout,
      /^main-b: the sidecar's metrics file did not tell: not asked: the 1 s of --timeout were over$/m,
    );
    assert.match(stdout, /^public-a: a count in container proxy did not tell: no answer within 1 s \(--timeout\)$/m);
  });

  it("says in its help how long it takes by default, as one would write it", async () => {
    const { stdout } = await status(twoPods, ["--help"]);
    assert.match(stdout, /--interval <duration> .* \(default: 5s\)\n/);
    assert.match(stdout, /--timeout <duration>[^-]* \(default: 1m\)\n/);
  });

  it("shows on a terminal how many answers there are, on stderr", async () => {
    const { stderr } = await status(twoPods, ["main"], { errIsTerminal: true });
    assert.equal(stderr, "\r\x1b[Kasking the pods: 1 answer\r\x1b[K");
  });

  describe("with --watch", () => {
    /** Looks three times, of which the second fails. */
    async function watch(...flags: string[]) {
      const interrupted = new AbortController();
      const pauses: number[] = [];
      let looks = 0;
      const podProxy = () => {
        looks++;
        if (looks === 3) interrupted.abort();
        return Promise.resolve(metricsText());
      };
      const pods = () =>
        looks === 1 && looks++ === 1
          ? Promise.reject(new Error("No answer"))
          : Promise.resolve(twoPods.pods as V1Pod[]);
      const { code, stdout, stderr } = await status(
        { ...twoPods, pods, podProxy },
        ["--watch", "--interval", "1s", "main", ...flags],
        {
          isTerminal: true,
          interruption: () => interrupted.signal,
          pause: (milliseconds) => (pauses.push(milliseconds), Promise.resolve()),
        },
      );
      assert.deepEqual([code, pauses], [0, [1000, 1000]]);
      return { stdout, stderr };
    }

    it("looks again until it is interrupted, past a look that fails", async () => {
      const { stdout } = await watch();
      const head = "\x1b[H\x1b[2J\x1b[3JEvery 1 s, 2026-11-24T03:00:00.000Z; Ctrl-C ends.\n\n";
      const [, first, second, ...rest] = stdout.split(head);
      assert.match(first, /^POD .*\nmain-b .*\n$/);
      assert.equal(second, "error: No answer\n");
      assert.deepEqual(rest, []);
    });

    it("prints nothing but JSON to stdout with -o json, and what failed to stderr", async () => {
      const { stdout, stderr } = await watch("-o", "json");
      assert.equal((JSON.parse(stdout) as { pods: { pod: string }[] }).pods[0].pod, "main-b");
      assert.match(stderr, /^error: No answer\n$/m);
    });
  });
});
