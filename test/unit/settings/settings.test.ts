import assert from "node:assert/strict";
import { quantityBytes } from "../../../kubernetes/quantity";
import { SettingsError } from "../../../settings/settingsError";
import { resolveSettings } from "../../../settings/resolve";
import type { OutpostSettings, Settings } from "../../../settings/types";
import { sweepVariables } from "../../../settings/sweepVariables";

type Config = Record<string, unknown>;

const MINIMAL: Config = { namespace: "authentik", outposts: ["Proxy Dev"] };

/** Resolves the minimal config with these changes; undefined removes a key. */
function resolve(changes: Config, secrets: string[] = []): Settings {
  const given = Object.entries({ ...MINIMAL, ...changes }).filter(([, value]) => value !== undefined);
  return resolveSettings(Object.fromEntries(given), new Set(secrets));
}

function problemsOf(changes: Config, secrets: string[] = []): string[] {
  try {
    resolve(changes, secrets);
  } catch (error) {
    assert.ok(error instanceof SettingsError, String(error));
    return error.problems;
  }
  return [];
}

/** Returns the only outpost of a config. */
function outpost(changes: Config): OutpostSettings {
  const [first, ...rest] = resolve(changes).outposts;
  assert.ok(first);
  assert.deepEqual(rest, []);
  return first;
}

/** Returns the name and the Deployment of an outpost of that name. */
function identity(entry: unknown): string[] {
  const { name, deployment } = outpost({ outposts: [entry] });
  return [name, deployment];
}

/** A key's default, another value as text, and what that is read as if it is not the same. */
type Row = [standard: unknown, given: string, read?: unknown];
const ofOutposts: Record<string, Row> = {
  solution: ["sidecar", "both"],
  delivery: ["deployment", "authentik"],
  container: ["proxy", "proxy"],
  shmSize: ["256Mi", "512Mi"],
  sweepInterval: ["5m", "90s", "1m30s"],
  anonymousMaxAge: ["24h", "30m"],
  authenticatedMaxAge: ["24h", "1h30m"],
  highWatermark: [80, "70", 70],
  lowWatermark: [60, "50", 50],
  cleanerImage: ["docker.io/library/busybox:1.37", "registry:5000/busybox:1"],
  runAsUser: ["1000", "1000650000"],
};
const ofStack: Record<string, Row> = {
  schedule: ["0 * * * *", "*/15 * * * *"],
  timeZone: [undefined, "Europe/Berlin"],
  kubectlImage: ["docker.io/alpine/kubectl:1.34.2", "alpine/kubectl:1.33.0"],
  suspend: [false, "true", true],
  imagePullSecrets: [[], "registry-a, registry.b", ["registry-a", "registry.b"]],
  cronJobPodLabels: [{}, "team=auth", { team: "auth" }],
  cronJobPodAnnotations: [{}, "sidecar.istio.io/inject=false", { "sidecar.istio.io/inject": "false" }],
  restrictExec: [true, "false", false],
  monitoring: [false, "true", true],
  podMonitor: [true, "false", false],
  alerts: [true, "true", true],
  dashboard: [true, "false", false],
  monitoringLabels: [{}, "release=prom,example.com/team=auth", { release: "prom", "example.com/team": "auth" }],
  usageWarning: [80, "75", 75],
  usageCritical: [95, "90", 90],
  sessionFilesWarning: [50_000, "20000", 20_000],
  runbookUrl: ["docs/runbooks", "https://git.example.com/ops/shm/docs/", "https://git.example.com/ops/shm/docs"],
  preflight: ["required", "optional"],
  verify: [false, "true", true],
  verifyTimeout: ["10m", "90s", "1m30s"],
  authentikUrl: [undefined, "https://auth.example.com/sso/", "https://auth.example.com/sso"],
};

const LABEL = "at most 63 of a-z, 0-9 and -, a letter or digit at both ends";
const DURATION = "write e.g. 90s, 60m, 24h or 1h30m, or as in authentik hours=24";
const SIZE = "write e.g. 256Mi or 1Gi";
const ADD = `add one with: pulumi config set --path 'outposts[0]' "<name in authentik>"`;
const WATERMARKS = "a sweep under pressure starts at highWatermark and stops at lowWatermark, e.g. 80 and 60";
const KEYS_OF_OUTPOST = Object.keys(ofOutposts).join(", ");
const KEYS_OF_STACK = `namespace, outposts, ${KEYS_OF_OUTPOST}, ${Object.keys(ofStack).join(", ")}, authentikToken`;

describe("settings that hold", () => {
  /** Returns the settings of the minimal config if each key has this of its row. */
  const settingsWith = (valueOf: (row: Row) => unknown, more: object = {}) => {
    const valuesOf = (rows: Record<string, Row>) =>
      Object.fromEntries(Object.entries(rows).map(([key, row]) => [key, valueOf(row)]));
    const only = { name: "Proxy Dev", deployment: "ak-outpost-proxy-dev", ...valuesOf(ofOutposts), ...more };
    return { namespace: "authentik", outposts: [only], ...valuesOf(ofStack) };
  };

  it("fills in every default", () => {
    assert.deepEqual(
      resolveSettings(MINIMAL),
      settingsWith(([standard]) => standard),
    );
  });

  it("takes every key of the stack, numbers and booleans as text", () => {
    const texts = Object.entries({ ...ofOutposts, ...ofStack }).map(([key, [, given]]): [string, string] => [
      key,
      given,
    ]);
    const settings = resolve({ ...Object.fromEntries(texts), authentikToken: "t0ken" }, ["authentikToken"]);
    const read = ([, given, read = given]: Row) => read;
    assert.deepEqual(settings, settingsWith(read, { shmSizeGiven: true }));
  });

  it("leaves the user to the cluster where it is asked to", () => {
    const { outposts } = resolve({ outposts: ["Intranet", { name: "Public", runAsUser: 2000 }], runAsUser: "cluster" });
    const users = outposts.map(({ runAsUser }) => runAsUser);
    assert.deepEqual(users, ["cluster", "2000"]);
  });

  it("lets an outpost override all it may, and leaves the others alone", () => {
    const override = {
      name: "Public",
      deployment: "public-proxy",
      solution: "cronjob",
      delivery: "deployment",
      container: "authentik-proxy",
      shmSize: "1Gi",
      sweepInterval: "5s",
      anonymousMaxAge: "1m",
      authenticatedMaxAge: "8760h",
      highWatermark: 99,
      lowWatermark: 1,
      cleanerImage: "busybox:1.36",
      runAsUser: 2000,
    };
    const { outposts } = resolve({ outposts: ["Intranet", override], shmSize: "128Mi", usageCritical: 99 });
    assert.deepEqual(outposts[1], { ...override, runAsUser: "2000", shmSizeGiven: true });
    assert.deepEqual(
      { ...outposts[0], name: "Proxy Dev" },
      { ...outpost({ shmSize: "128Mi" }), deployment: "ak-outpost-intranet" },
    );
  });

  it("reads the classic behaviour, by an age of logins below that of visitors", () => {
    const settings = outpost({ sweepInterval: "1h", authenticatedMaxAge: "60m" });
    assert.deepEqual(sweepVariables(settings), [
      "SWEEP_INTERVAL_SECONDS=3600",
      "ANONYMOUS_MAX_AGE_SECONDS=86400",
      "AUTHENTICATED_MAX_AGE_SECONDS=3600",
      "HIGH_WATERMARK_PERCENT=80",
      "LOW_WATERMARK_PERCENT=60",
    ]);
  });

  const unset = resolveSettings(MINIMAL);
  it("takes an empty authentikUrl and authentikToken as not set, as Pulumi.yaml's defaults have them", () => {
    assert.deepEqual(resolve({ authentikUrl: "", authentikToken: "" }), unset);
  });

  it("takes an empty shmSize of the stack as not set, and tells one that is given from the default", () => {
    assert.deepEqual(resolve({ shmSize: "" }), unset);
    const given = (raw: Record<string, unknown>) =>
      resolve(raw).outposts.map(({ shmSize, shmSizeGiven }) => [shmSize, shmSizeGiven]);
    const outposts = ["a", { name: "b", shmSize: "1Gi" }];
    assert.deepEqual(given({ outposts, shmSize: "" }), [
      ["256Mi", undefined],
      ["1Gi", true],
    ]);
    assert.deepEqual(given({ outposts, shmSize: "256Mi" }), [
      ["256Mi", true],
      ["1Gi", true],
    ]);
  });

  it("takes an undefined value as not set", () => {
    assert.deepEqual(resolveSettings({ ...MINIMAL, shmSize: undefined }), unset);
  });

  it("takes labels as an object, without a value, and with spaces after commas", () => {
    const labels = (monitoringLabels: unknown) => resolve({ monitoringLabels }).monitoringLabels;
    assert.deepEqual(labels({ release: "x" }), { release: "x" });
    assert.deepEqual(labels("constructor=x"), { constructor: "x" });
    assert.deepEqual(labels("prometheus=, team=auth"), { prometheus: "", team: "auth" });
  });

  it("takes numbers for outposts' names, which is what `pulumi config set --path` makes of 123", () => {
    assert.deepEqual(identity(123), ["123", "ak-outpost-123"]);
  });

  it("lets one outpost make up for what the stack's watermarks alone would not allow", () => {
    const { highWatermark, lowWatermark } = outpost({ outposts: [{ name: "a", highWatermark: 50, lowWatermark: 40 }] });
    assert.deepEqual([highWatermark, lowWatermark], [50, 40]);
  });
});

describe("names of outposts", () => {
  const deployments: Record<string, string> = {
    "My Outpost": "my-outpost",
    "  Ärger & Söhne  ": "arger-sohne",
    "Straße – Nord": "strae-nord",
    "ﬁne ½": "fine-12",
    my_outpost: "my-outpost",
    "a__b -- c": "a-b-c",
    __x__: "x",
    Kelvin: "kelvin",
    "tab\tand\u001cfriends": "tab-and-friends",
    "A.B/C:D": "abcd",
    ["a".repeat(52)]: "a".repeat(52),
    ["b".repeat(60)]: "b".repeat(52),
    [`${"c".repeat(51)}-d`]: "c".repeat(51),
  };
  for (const [name, slug] of Object.entries(deployments)) {
    it(`gives ${JSON.stringify(name)} the Deployment ak-outpost-${slug}, as authentik does since 2025.4`, () => {
      assert.deepEqual(identity(name), [name, `ak-outpost-${slug}`]);
    });
  }

  it("gives a name without a single letter of ASCII the Deployment ak-outpost", () => {
    assert.deepEqual(identity("日本"), ["日本", "ak-outpost"]);
  });

  it("takes outposts of one slug, told apart by their Deployments", () => {
    const outposts = [
      { name: "Main", deployment: "one" },
      { name: "main", deployment: "two" },
    ];
    const deployments = resolve({ outposts }).outposts.map(({ deployment }) => deployment);
    assert.deepEqual(deployments, ["one", "two"]);
  });
});

describe("values that hold", () => {
  const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
  const images = [
    "busybox:1.37",
    `busybox@${digest}`,
    `docker.io/library/busybox:1.37.0@${digest}`,
    "localhost/busybox:dev",
    "my.busybox:1",
    "registry.example.com:5000/team/busy_box:1",
    "[::1]:5000/busybox:1",
  ];
  const canonical: Record<string, Record<string, string>> = {
    shmSize: {
      "64Mi": "64Mi",
      "0.5Gi": "512Mi",
      "1024Mi": "1Gi",
      "65536Ki": "64Mi",
      "300M": "300M",
      "1000M": "1G",
      "1.1G": "1100M",
      "16Gi": "16Gi",
    },
    authenticatedMaxAge: {
      "hours=24": "24h",
      "weeks=4": "672h",
      "days=1;hours=12": "36h",
      "minutes=90; seconds=5": "1h30m5s",
      "minutes=1;seconds=30": "1m30s",
      "Days= 28": "672h",
    },
    cleanerImage: Object.fromEntries(images.map((image) => [image, image])),
    schedule: { " 0\t*  * * * ": "0 * * * *" },
    authentikUrl: {
      "https://auth.example.com": "https://auth.example.com",
      "http://authentik-server.authentik.svc:9000/": "http://authentik-server.authentik.svc:9000",
    },
  };
  for (const [key, values] of Object.entries(canonical)) {
    for (const [given, expected] of Object.entries(values)) {
      it(`reads ${key} ${JSON.stringify(given)} as ${expected}`, () => {
        const { outposts, ...stack } = resolve({ [key]: given });
        assert.equal(({ ...stack, ...outposts[0] } as Config)[key], expected);
      });
    }
  }
});

describe("Kubernetes quantities", () => {
  // Values as k8s.io/apimachinery reads them.
  const quantities: Record<string, number | undefined> = {
    "64Mi": 67108864,
    "0.5Gi": 536870912,
    "1.1G": 1100000000,
    "129e6": 129000000,
    "1E": 1e18,
    "1500m": 1.5,
    "134217728": 134217728,
    ".5Gi": 536870912,
    "+5Mi": 5242880,
    "256MB": undefined,
    "1 Gi": undefined,
    "": undefined,
  };
  for (const [quantity, bytes] of Object.entries(quantities)) {
    it(`reads ${JSON.stringify(quantity)} as ${String(bytes)} bytes`, () =>
      assert.equal(quantityBytes(quantity), bytes));
  }
});

describe("settings that don't hold", () => {
  type Case = [given: Config, problems: string | string[], secrets?: string[]];

  const keys: Record<string, Case> = {
    "an unknown key near a known one": [{ shmsize: "1Gi" }, "shmsize: unknown key; did you mean shmSize?"],
    "an unknown key in kebab case": [{ "low-watermark": 7 }, "low-watermark: unknown key; did you mean lowWatermark?"],
    "an unknown key near none": [{ colour: "red" }, `colour: unknown key; the keys are ${KEYS_OF_STACK}`],
    "an unknown key that is no word": [{ "a\nb": 1 }, `"a\\nb": unknown key; the keys are ${KEYS_OF_STACK}`],
    "a mistyped token, whose value stays unsaid": [
      { authentikTokn: "t0ken" },
      "authentikTokn: unknown key; did you mean authentikToken?",
    ],
    "a key of a former version": [
      { nativeSidecar: true, outposts: [{ name: "a", nativeSidecar: false }] },
      ["nativeSidecar", "outposts[0].nativeSidecar"].map(
        (key) =>
          `${key}: unknown key; every sidecar is a native one; take the key out, and before Kubernetes 1.29 set solution to cronjob`,
      ),
    ],
    "a key every object has": [{ constructor: 1 }, `constructor: unknown key; the keys are ${KEYS_OF_STACK}`],
  };

  /** The errors that one key more of an outpost brings. */
  const keysOfOutposts: Record<string, [key: string, value: unknown, wrong: string]> = {
    "an unknown key of an outpost": ["shmSiz", "1Gi", "unknown key; did you mean shmSize?"],
    "an unknown key of an outpost, near none": [
      "colour",
      "red",
      `unknown key; the keys are name, deployment, ${KEYS_OF_OUTPOST}`,
    ],
    "a stack's key at an outpost": [
      "schedule",
      "@daily",
      "unknown key; schedule holds for the whole stack, so set it beside outposts",
    ],
    "a delivery that is none": [
      "delivery",
      "helm",
      '"helm" is none of the choices; choose deployment, admission or authentik',
    ],
    "a size that is a number": ["shmSize", 64, `64 has no unit; ${SIZE}`],
    "watermarks reversed by an outpost": ["lowWatermark", 85, `85 is not below highWatermark (80); ${WATERMARKS}`],
    "a Deployment that is no label": ["deployment", "ak_outpost_a", `"ak_outpost_a" is no DNS label (${LABEL})`],
  };

  const SOLUTIONS = "sidecar, cronjob, both or none";
  const PERCENT = "is no whole number from 1 to 99 (percent, without a sign)";
  const USER =
    "is no whole number from 1 to 2147483647; give the outpost's numeric user id, e.g. 1000, or cluster to leave it to the cluster";
  const IMAGE = "write e.g. docker.io/library/busybox:1.37";
  /** Mistakes in values of a key, with the form that their messages end with. */
  const mistakes: [key: string, form: string, ...[value: unknown, wrong: string][]][] = [
    [
      "solution",
      `choose ${SOLUTIONS}`,
      ["cron", "is none of the choices"],
      ["Sidecar", "is none of the choices (did you mean sidecar?)"],
      [false, "is a boolean, not text"],
      ["", "is empty"],
    ],
    [
      "shmSize",
      SIZE,
      ["64", "has no unit"],
      ["256MB", "is no Kubernetes quantity (did you mean 256Mi?)"],
      ["256m", "is no Kubernetes quantity (did you mean 256Mi?)"],
      ["1 Gi", "is no Kubernetes quantity (did you mean 1Gi?)"],
      ["large", "is no size"],
      ["0.1Gi", "is no whole number of bytes"],
    ],
    [
      "shmSize",
      "",
      ["32Mi", "is too small; the smallest is 64Mi, which a pod's /dev/shm has without this program"],
      ["256Gi", "is too large; the largest is 16Gi, for every page of it is the node's memory"],
    ],
    [
      "anonymousMaxAge",
      DURATION,
      ["60", "has no unit"],
      ["2d", "counts in days, and the units are h, m and s (48h)"],
      ...[
        ...["an hour", "1.5h", "30m1h", "500ms", "hours=1.5", "fortnights=1"],
        ...["hours=", "hours=1;", "days=1,hours=2", "hours=1;30m"],
      ].map((value): [string, string] => [value, "is no duration"]),
    ],
    ["sweepInterval", "", ["4s", "is too short; the shortest is 5s"], ["25h", "is too long; the longest is 24h"]],
    ["anonymousMaxAge", "", ["59s", "is too short; the shortest is 1m"]],
    [
      "authenticatedMaxAge",
      "",
      ["8761h", "is too long; the longest is 8760h"],
      ["weeks=53", "is too long; the longest is 8760h"],
    ],
    ["lowWatermark", "", [0, PERCENT]],
    ["highWatermark", "", ["100", PERCENT], ["80%", PERCENT], [79.5, PERCENT], [true, PERCENT]],
    ["highWatermark", WATERMARKS, ["60", "is not above lowWatermark (60)"]],
    [
      "runAsUser",
      "",
      ["0", "is root, and the outpost runs as a user of its own, e.g. 1000"],
      [-1, USER],
      ["authentik", USER],
      [2147483648, USER],
    ],
    ["restrictExec", "", ["yes", "is neither true nor false"]],
    ["monitoring", "", [1, "is neither true nor false"]],
    ["cleanerImage", IMAGE, ["registry:5000/busybox", "has neither tag nor digest"]],
    ["kubectlImage", IMAGE, ["alpine/kubectl:", "has neither tag nor digest"]],
    [
      "namespace",
      "",
      ["auth.prod", `is no DNS label (${LABEL})`],
      ["Authentik", `is no DNS label (${LABEL})`],
      ["", "is empty"],
    ],
    ["outposts", ADD, ["Proxy", "is text, not a list"]],
    ["usageCritical", "", [100, PERCENT]],
    ["sessionFilesWarning", "", [10, "is no whole number from 1000 to 4194304"]],
    [
      "authentikUrl",
      "write e.g. https://auth.example.com",
      ["auth.example.com", "is no http(s) URL"],
      ["ldap://auth", "is no http(s) URL"],
    ],
    [
      "authentikUrl",
      "write the base URL, e.g. https://auth.example.com",
      ["https://auth.example.com/api/v3/", "names the API's path, which is added to it"],
      ["https://auth.example.com/?next=/", "has a query or fragment"],
    ],
    [
      "runbookUrl",
      "write the address that shows docs/runbooks, e.g. https://git.example.com/ops/authentik-outpost-shm/blob/main/docs/runbooks",
      ["wiki/runbooks", "is no http(s) URL"],
      ["https://git.example.com/x?ref=main", "has a query or fragment, and a runbook's name goes behind it"],
    ],
    [
      "monitoringLabels",
      "write key=value, and commas between several, e.g. release=kube-prometheus-stack",
      ["kube-prometheus-stack", 'has "kube-prometheus-stack", which is no key=value'],
      ["a=b,", 'has "", which is no key=value'],
      ["a=b=c", 'has "a=b=c", which is no key=value'],
    ],
    ["monitoringLabels", "", ["a=b,a=c", 'has the key "a" twice']],
  ];

  const SECRETS = "which is no name of a Secret; write names with commas between";
  const NAME = "give the outpost's name as authentik shows it";
  const URL_MISSING = "set it with: pulumi config set authentikUrl https://auth.example.com";
  const TOKEN_MISSING = "set it with: pulumi config set --secret authentik-outpost-shm:authentikToken";
  const PLAIN =
    "authentikToken: stored in plain text; revoke it in authentik, then store a new one with: pulumi config set --secret authentik-outpost-shm:authentikToken";
  const token = ["authentikToken"];
  const values: Record<string, Case> = {
    "a size that is a list": [{ shmSize: ["1Gi"] }, "shmSize: […] is a list, not text"],
    "an endless value, cut": [{ shmSize: "x".repeat(200) }, `shmSize: "${"x".repeat(98)}… is no size; ${SIZE}`],
    "watermarks reversed, said once however many outposts inherit them": [
      { highWatermark: 60, lowWatermark: 80, outposts: ["a", "b"] },
      `lowWatermark: 80 is not below highWatermark (60); ${WATERMARKS}`,
    ],
    "a watermark that is wrong by itself and so judged no further": [
      { highWatermark: 0, lowWatermark: 90 },
      `highWatermark: 0 ${PERCENT}`,
    ],
    "a watermark of the stack that is wrong by itself, so that an outpost's is judged no further": [
      { highWatermark: 0, outposts: [{ name: "a", lowWatermark: 85 }] },
      `highWatermark: 0 ${PERCENT}`,
    ],
    "an object as a boolean": [{ verify: { slow: true } }, "verify: {…} is neither true nor false"],
    "an empty Secret": [{ imagePullSecrets: "a," }, `imagePullSecrets: "a," has "", ${SECRETS}`],
    "a Secret in capitals": [{ imagePullSecrets: ["A"] }, `imagePullSecrets: […] has "A", ${SECRETS}`],
    "a Secret twice": [{ imagePullSecrets: "a,b,a" }, 'imagePullSecrets: "a,b,a" has "a" twice'],
    "a number of Secrets": [{ imagePullSecrets: 3 }, "imagePullSecrets: 3 is a number, not text"],
    "a critical usage that a sweep of the CronJob may leave": [
      { outposts: ["a", { name: "b", solution: "both", highWatermark: 97 }] },
      "usageCritical: 95 is below highWatermark (97): so full a run of the CronJob may leave /dev/shm, and would fail; set it to 97 or more",
    ],
    "a warning above the critical": [
      { monitoring: true, usageWarning: 96 },
      "usageWarning: 96 is above usageCritical (95)",
    ],
    "a critical below the warning's default": [
      { monitoring: true, usageCritical: 70, highWatermark: 65, lowWatermark: 50 },
      "usageWarning: 80 is above usageCritical (70)",
    ],
    "a warning below what the sweep allows": [
      { monitoring: true, usageWarning: "85", outposts: ["one", { name: "two", highWatermark: 90 }] },
      'usageWarning: "85" is below highWatermark (90): so full the sweep lets /dev/shm get before it acts; set it to 90 or more, or alerts to false',
    ],
    "no namespace": [
      { namespace: undefined },
      "namespace: missing; name the outposts' namespace with: pulumi config set namespace authentik",
    ],
    "no outposts": [{ outposts: undefined }, `outposts: missing; ${ADD}`],
    "an empty list of outposts": [{ outposts: [] }, `outposts: [] is empty; ${ADD}`],
    "an object instead of a list": [{ outposts: { name: "Proxy" } }, `outposts: {…} is an object, not a list; ${ADD}`],
    "an outpost without name": [{ outposts: [{ shmSize: "1Gi" }] }, `outposts[0].name: missing; ${NAME}`],
    "an outpost that is nothing": [
      { outposts: ["a", null] },
      `outposts[1]: null is not text; ${NAME}, or an object with name and overrides`,
    ],
    "an outpost that is blank": [
      { outposts: [" "] },
      `outposts[0]: " " is empty; ${NAME}, or an object with name and overrides`,
    ],
    "an outpost listed twice by name": [
      { outposts: ["Proxy A", "b", "proxy a"] },
      'outposts[2]: "proxy a" is listed twice: outposts[0] has the same Deployment "ak-outpost-proxy-a"',
    ],
    "an outpost listed twice, once with overrides": [
      { outposts: ["a", { name: "a", deployment: "other" }] },
      'outposts[1].name: "a" is listed twice: outposts[0] has the same name',
    ],
    "an outpost listed twice by Deployment": [
      { outposts: ["a", { name: "b", deployment: "ak-outpost-a" }] },
      'outposts[1].deployment: "ak-outpost-a" is listed twice: outposts[0] has the same Deployment "ak-outpost-a"',
    ],
    "an outpost whose own Deployment an earlier one took": [
      { outposts: [{ name: "b", deployment: "ak-outpost-a" }, "a"] },
      'outposts[1]: "a" is listed twice: outposts[0] has the same Deployment "ak-outpost-a"',
    ],
    "another container where authentik names it": [
      {
        delivery: "authentik",
        authentikUrl: "https://a.example",
        authentikToken: "t",
        outposts: [{ name: "a", container: "b" }],
      },
      'outposts[0].container: "b" is not proxy, as authentik names it in the Deployments that delivery authentik is for; ' +
        "take it out, or set delivery to deployment",
      token,
    ],
    "delivery by authentik without access": [
      { delivery: "authentik", outposts: ["a", { name: "b", delivery: "deployment" }, "c"] },
      [
        `authentikUrl: missing, and delivery authentik (outposts[0], outposts[2]) needs it; ${URL_MISSING}`,
        `authentikToken: missing, and delivery authentik (outposts[0], outposts[2]) needs it; ${TOKEN_MISSING}`,
      ],
    ],
    "delivery by authentik without URL, even where nothing is delivered now": [
      { solution: "none", outposts: [{ name: "b", delivery: "authentik" }], authentikToken: "t0ken" },
      `authentikUrl: missing, and delivery authentik (outposts[0]) needs it; ${URL_MISSING}`,
      token,
    ],
    "a token in plain text": [{ authentikToken: "t0ken" }, PLAIN],
    "a token in plain text at an outpost, never quoted": [
      { outposts: { authentikToken: "t0ken" } },
      `outposts: {…} is an object, not a list; ${ADD}`,
    ],
    "a token with a line break": [
      { authentikToken: "t0ken\n" },
      "authentikToken: [secret] has spaces, line breaks or other characters that no token has; store it again",
      token,
    ],
    "a blank token": [{ authentikToken: " " }, "authentikToken: [secret] is empty", token],
    "a URL with credentials, which stay unsaid": [
      { authentikUrl: "https://me:secret@auth.example.com" },
      'authentikUrl: "https://[hidden]@auth.example.com" holds credentials; put the API token into authentikToken and write e.g. https://auth.example.com',
    ],
    "runbooks behind a password, which stays unsaid": [
      { runbookUrl: "https://jo:secret@git.example.com/x" },
      'runbookUrl: "https://[hidden]@git.example.com/x" holds credentials, which every alert would show; ' +
        "write the address that shows docs/runbooks, e.g. https://git.example.com/ops/authentik-outpost-shm/blob/main/docs/runbooks",
    ],
    "a secret that is wrong, not shown": [{ shmSize: "64" }, `shmSize: [secret] has no unit; ${SIZE}`, ["shmSize"]],
    "a wrong value in a secret list, not shown": [
      { outposts: [{ name: "a", shmSize: "64" }] },
      `outposts[0].shmSize: [secret] has no unit; ${SIZE}`,
      ["outposts"],
    ],
  };

  for (const [title, [given, problems, secrets]] of Object.entries({ ...keys, ...values })) {
    it(title, () => assert.deepEqual(problemsOf(given, secrets), [problems].flat()));
  }
  for (const [title, [key, value, wrong]] of Object.entries(keysOfOutposts)) {
    it(title, () =>
      assert.deepEqual(problemsOf({ outposts: [{ name: "a", [key]: value }] }), [`outposts[0].${key}: ${wrong}`]),
    );
  }
  for (const [key, form, ...wrongs] of mistakes) {
    for (const [value, wrong] of wrongs) {
      const problem = `${key}: ${JSON.stringify(value)} ${wrong}`;
      it(problem, () => assert.deepEqual(problemsOf({ [key]: value }), [form ? `${problem}; ${form}` : problem]));
    }
  }

  it("are no contradictions of an alert that isn't there", () => {
    const high = { monitoring: true, highWatermark: 90 };
    assert.equal(problemsOf(high).length, 1);
    for (const change of [{ alerts: false }, { monitoring: "false" }, { solution: "cronjob" }, { usageWarning: 90 }])
      assert.deepEqual(problemsOf({ ...high, ...change }), []);
  });

  it("reports everything at once, a line each", () => {
    const given = {
      outposts: ["a", { name: "b", shmSize: "1" }],
      solution: "x",
      highWatermark: 10,
      kubectlImage: "kubectl",
      authentikToken: "t0ken",
    };
    assert.throws(() => resolveSettings(given), {
      name: "SettingsError",
      message: [
        "6 problems in the settings:",
        "  namespace: missing; name the outposts' namespace with: pulumi config set namespace authentik",
        `  solution: "x" is none of the choices; choose ${SOLUTIONS}`,
        `  highWatermark: 10 is not above lowWatermark (60); ${WATERMARKS}`,
        `  outposts[1].shmSize: "1" has no unit; ${SIZE}`,
        '  kubectlImage: "kubectl" has neither tag nor digest; write e.g. docker.io/library/busybox:1.37',
        `  ${PLAIN}`,
      ].join("\n"),
    });
  });
});
