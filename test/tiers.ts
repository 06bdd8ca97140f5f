/** A part of `npm test`. Commands are checks that count as one test each; specs are mocha globs. */
export interface Tier {
  name: string;
  what: string;
  commands?: { name: string; command: string; args: string[] }[];
  specs?: string[];
  /** Longest time a single mocha test may take, in milliseconds. */
  timeout?: number;
}

const node = process.execPath;
const bin = (name: string): string => `node_modules/${name}`;

/** In the order they run: what fails fastest comes first. */
export const tiers: Tier[] = [
  {
    name: "lint",
    what: "style and types",
    commands: [
      {
        name: "prettier",
        command: node,
        args: [bin("prettier/bin/prettier.cjs"), "--check", "--log-level", "warn", "."],
      },
      { name: "tsc", command: node, args: [bin("typescript/bin/tsc"), "-p", "tsconfig.check.json"] },
      { name: "eslint", command: node, args: [bin("eslint/bin/eslint.js"), "."] },
    ],
  },
  {
    name: "unit",
    what: "pure modules, components on mocks, the cleaner on a real tmpfs",
    specs: ["test/*.test.ts", "test/{components,cli,sandbox,cleaner,project}/**/*.test.ts"],
    timeout: 120_000,
  },
  {
    name: "cluster",
    what: "the engine and the providers against a real API server",
    specs: ["test/{cluster,providers}/**/*.test.ts"],
    timeout: 300_000,
  },
];
