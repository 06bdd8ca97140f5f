import { CLUSTER_TOOLS, NODE_CLUSTER_TOOLS } from "../sandbox/cluster";
import type { Tool } from "../sandbox/toolchain";

/** A part of `npm test`. */
export interface Tier {
  name: string;
  what: string;
  /** Runs only where it is asked for by name: it takes more than any machine has. */
  onlyByName?: boolean;
  /** Lanes run at the same time: three keep two cores busy, since much of a test on a cluster is waiting for it. */
  lane: 1 | 2 | 3;
  /** Node scripts of which each counts as one test: it passes with exit status 0. */
  checks?: { name: string; args: string[] }[];
  /** Globs of mocha tests. */
  specs?: string[];
  /** Longest time a single mocha test may take, in milliseconds. */
  timeout?: number;
  /** What it needs of the toolchain; default: nothing. */
  tools?: Tool[];
  /** Whether it needs Pulumi. */
  pulumi?: true;
}

const clusterTools: Tool[] = [...CLUSTER_TOOLS, "kubectl"];

const prettier = ["node_modules/prettier/bin/prettier.cjs", "--check", "--log-level", "warn", "."];

/** The folders between which imports are checked, all that hold code. */
const folders = [
  "settings",
  "kubernetes",
  "authentik",
  "cleaner",
  "sidecar",
  "preflight",
  "components",
  "verification",
];
const cruised = ["--config", ".dependency-cruiser.cjs", "index.ts", ...folders, "cli", "sandbox", "bench", "test"];

/** In the order they run within their lane. */
export const tiers: Tier[] = [
  {
    name: "lint",
    what: "style and types",
    lane: 1,
    checks: [
      { name: "prettier", args: prettier },
      { name: "tsc", args: ["node_modules/typescript/bin/tsc", "-p", "tsconfig.check.json"] },
      { name: "eslint", args: ["node_modules/eslint/bin/eslint.js", "."] },
      { name: "imports", args: ["node_modules/dependency-cruiser/bin/dependency-cruise.mjs", ...cruised] },
    ],
  },
  {
    name: "unit",
    what: "pure modules, components on mocks, the cleaner on a real tmpfs",
    lane: 1,
    specs: ["test/unit/**/*.test.ts"],
    timeout: 120_000,
    tools: ["actionlint"],
  },
  {
    name: "cluster",
    what: "the program and its provider against a real API server",
    lane: 2,
    specs: ["test/e2e/cluster/**/*.test.ts"],
    timeout: 300_000,
    tools: clusterTools,
    pulumi: true,
  },
  {
    name: "authentik",
    what: "delivery through authentik: the engine, a stand-in of authentik, a real API server",
    lane: 3,
    specs: ["test/e2e/authentik/**/*.test.ts"],
    timeout: 300_000,
    tools: clusterTools,
    pulumi: true,
  },
  {
    name: "monitoring",
    what: "alerts under promtool, a Prometheus that scrapes the sidecar",
    lane: 1,
    specs: ["test/e2e/monitoring/**/*.test.ts"],
    timeout: 120_000,
    tools: ["prometheus", "promtool"],
  },
  {
    name: "node",
    what: "real pods on a node of this machine; needs root and Debian packages",
    onlyByName: true,
    lane: 2,
    specs: ["test/e2e/node/**/*.test.ts"],
    timeout: 300_000,
    tools: [...NODE_CLUSTER_TOOLS, "kubectl", "prometheus"],
    pulumi: true,
  },
];
