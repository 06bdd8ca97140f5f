import { CLUSTER_TOOLS, NODE_CLUSTER_TOOLS } from "../sandbox/cluster";
import type { Tool } from "../sandbox/toolchain";

/** A part of `npm test`. */
export interface Tier {
  name: string;
  what: string;
  /** True if it runs only when named, since it requires more than every machine has. */
  onlyByName?: boolean;
  /** Node scripts that each count as one test, which passes with exit status 0. */
  checks?: { name: string; args: string[] }[];
  /** Globs of mocha tests. */
  specs?: string[];
  /** Longest time a single mocha test may take, in milliseconds. */
  timeout?: number;
  /** Tools that it requires of the toolchain; none by default. */
  tools?: Tool[];
  /** True if it requires Pulumi. */
  pulumi?: true;
}

const clusterTools: Tool[] = [...CLUSTER_TOOLS, "kubectl"];

/** Number of tiers that run at the same time. Three keep two cores busy, since a test on a cluster mostly waits for it. */
export const LANES = 3;

const prettier = ["node_modules/prettier/bin/prettier.cjs", "--check", "--log-level", "warn", "."];

// Tests of the tiers cluster and unit that are a tier of their own, so that no lane lasts much longer than the others.
const stacks = ["cli", "component", "package", "state", "upgrade"];
const loops = ["sidecar", "attacks"];

/** All tiers, in the order in which they start: the longest first. */
export const tiers: Tier[] = [
  {
    name: "cluster",
    what: "the program and its provider against a real API server",
    specs: [`test/e2e/cluster/!(${stacks.join("|")}).test.ts`],
    timeout: 300_000,
    tools: clusterTools,
    pulumi: true,
  },
  {
    name: "authentik",
    what: "delivery through authentik: the engine, a stand-in of authentik, a real API server",
    specs: ["test/e2e/authentik/**/*.test.ts"],
    timeout: 300_000,
    tools: clusterTools,
    pulumi: true,
  },
  {
    name: "stacks",
    what: "the ordinary CLI, lost states, upgrades, and programs of others, on a cluster of their own",
    specs: [`test/e2e/cluster/@(${stacks.join("|")}).test.ts`],
    timeout: 300_000,
    tools: [...clusterTools, "pulumi-language-yaml"],
    pulumi: true,
  },
  {
    name: "sidecar",
    what: "the sidecar's loop on a real tmpfs, and attacks on it",
    specs: [`test/unit/cleaner/@(${loops.join("|")}).test.ts`],
    timeout: 120_000,
  },
  {
    name: "unit",
    what: "pure modules, components on mocks, the other scripts of the cleaner on a real tmpfs",
    specs: ["test/unit/!(cleaner)/**/*.test.ts", `test/unit/cleaner/!(${loops.join("|")}).test.ts`],
    timeout: 120_000,
    tools: ["actionlint", "dashboard-linter"],
  },
  {
    name: "lint",
    what: "style and types",
    checks: [
      { name: "prettier", args: prettier },
      { name: "tsc", args: ["node_modules/typescript/bin/tsc", "-p", "tsconfig.check.json"] },
      { name: "eslint", args: ["node_modules/eslint/bin/eslint.js", "."] },
      { name: "imports", args: ["node_modules/dependency-cruiser/bin/dependency-cruise.mjs", "."] },
    ],
  },
  {
    name: "monitoring",
    what: "alerts under promtool, a Prometheus that scrapes the sidecar",
    specs: ["test/e2e/monitoring/**/*.test.ts"],
    timeout: 120_000,
    tools: ["prometheus", "promtool"],
  },
  {
    name: "node",
    what: "real pods on a node of this machine; needs root and Debian packages",
    onlyByName: true,
    specs: ["test/e2e/node/**/*.test.ts"],
    timeout: 300_000,
    tools: [...NODE_CLUSTER_TOOLS, "kubectl", "prometheus"],
    pulumi: true,
  },
];
