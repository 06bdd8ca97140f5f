import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runtime } from "@pulumi/pulumi";
import { parse } from "yaml";
import { MONITORING_FIELDS, OUTPOST_FIELDS, OUTPOST_KEYS, STACK_FIELDS, STACK_KEYS } from "../../../settings/table";
import { readSettings } from "../../../settings/stackConfig";
import type { Settings } from "../../../settings/settings";

interface Declaration {
  type?: string;
  default?: unknown;
  description?: string;
  secret?: boolean;
}

const ROOT = join(__dirname, "..", "..", "..");
const DEFAULTS = new Map(
  Object.entries({ ...OUTPOST_FIELDS, ...STACK_FIELDS, ...MONITORING_FIELDS }).map(
    ([key, field]): [string, unknown] => [key, field.default],
  ),
);
const { config } = readYaml("Pulumi.yaml") as { config: Record<string, Declaration> };
/** Our own keys; others, such as the provider's, have their namespace in front. */
const declared = Object.fromEntries(Object.entries(config).filter(([key]) => !key.includes(":")));

function readYaml(file: string): unknown {
  return parse(readFileSync(join(ROOT, file), "utf8"));
}

describe("Pulumi.yaml", () => {
  it("declares exactly the keys the program knows", () => {
    assert.deepEqual(Object.keys(declared).sort(), [...STACK_KEYS].sort());
  });

  it("describes every key", () => {
    for (const [key, { description }] of Object.entries(declared)) assert.match(description ?? "", /^.{20,}\.$/s, key);
  });

  it("names in the description of outposts every key an outpost may override", () => {
    for (const key of OUTPOST_KEYS) assert.match(declared.outposts?.description ?? "", new RegExp(`\\b${key}\\b`), key);
  });

  const types: Record<string, string> = { string: "string", number: "integer", boolean: "boolean" };
  for (const [key, standard] of DEFAULTS) {
    it(`gives ${key} the program's type and default`, () => {
      assert.deepEqual([declared[key]?.type, declared[key]?.default], [types[typeof standard], standard]);
    });
  }

  it("requires what has no default, and declares what is optional with an empty one, since the engine asks for all others", () => {
    const rest = Object.entries(declared).filter(([key]) => !DEFAULTS.has(key));
    assert.deepEqual(
      Object.fromEntries(rest.map(([key, { type, default: standard, secret }]) => [key, { type, standard, secret }])),
      {
        namespace: { type: "string", standard: undefined, secret: undefined },
        outposts: { type: undefined, standard: undefined, secret: undefined },
        authentikUrl: { type: "string", standard: "", secret: undefined },
        authentikToken: { type: "string", standard: "", secret: undefined },
      },
    );
  });
});

describe("docs/settings.md", () => {
  const rows = readFileSync(join(ROOT, "docs", "settings.md"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  const table = new Map(
    rows.map(([, key = "", standard = "", perOutpost = ""]) => [key.replaceAll("`", ""), { standard, perOutpost }]),
  );

  it("has a row for each key, and no other", () => {
    assert.deepEqual(rows.map(([, key]) => key).sort(), STACK_KEYS.map((key) => `\`${key}\``).sort());
  });

  for (const [key, standard] of DEFAULTS) {
    it(`gives the default of ${key}, and whether an outpost may override it`, () => {
      const perOutpost = OUTPOST_KEYS.includes(key) ? "yes" : "no";
      const shown = standard === "" ? "none" : `\`${String(standard)}\``;
      assert.deepEqual(table.get(key), { standard: shown, perOutpost });
    });
  }
});

describe("the example stack files", () => {
  const before = runtime.allConfig();
  afterEach(() => runtime.setAllConfig(before));

  /** What the program reads of a stack file, handed over as the engine does: Pulumi.yaml's defaults under it, everything as text. */
  function settingsOf(stack: string): Settings {
    const { config } = readYaml(`Pulumi.${stack}.yaml`) as { config: Record<string, unknown> };
    const defaults = Object.entries(declared).filter(([, { default: standard }]) => standard !== undefined);
    const standing = defaults.map(([key, { default: standard }]): [string, unknown] => [
      `authentik-outpost-shm:${key}`,
      standard,
    ]);
    const values = Object.entries({ ...Object.fromEntries(standing), ...config });
    const asText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
    runtime.setAllConfig(Object.fromEntries(values.map(([key, value]) => [key, asText(value)])));
    return readSettings();
  }

  for (const stack of ["dev", "prod"]) {
    it(`${stack} pins its cluster's context, and holds no secret and no salt`, () => {
      const file = readYaml(`Pulumi.${stack}.yaml`) as { config: Record<string, unknown> };
      assert.deepEqual(Object.keys(file), ["config"]);
      assert.equal(file.config["kubernetes:context"], stack);
      assert.doesNotMatch(JSON.stringify(file), /secure/);
    });
  }

  it("dev: one small outpost", () => {
    const { namespace, outposts } = settingsOf("dev");
    assert.equal(namespace, "authentik");
    assert.deepEqual(
      outposts.map(({ deployment, solution, shmSize, sweep }) => [
        deployment,
        solution,
        shmSize,
        sweep.anonymousMaxAgeSeconds,
      ]),
      [["ak-outpost-proxy-dev", "sidecar", "64Mi", 600]],
    );
  });

  it("prod: two outposts that differ, exact images", () => {
    const { namespace, outposts, schedule, kubectlImage } = settingsOf("prod");
    assert.deepEqual([namespace, schedule], ["authentik", "*/15 * * * *"]);
    assert.deepEqual(
      outposts.map(({ deployment, solution, shmSize, sweep }) => [
        deployment,
        solution,
        shmSize,
        sweep.anonymousMaxAgeSeconds,
      ]),
      [
        ["ak-outpost-proxy-intranet", "both", "256Mi", 3600],
        ["ak-outpost-proxy-public", "both", "1Gi", 900],
      ],
    );
    for (const image of [kubectlImage, ...outposts.map(({ cleanerImage }) => cleanerImage)]) {
      assert.match(image, /:\d+\.\d+\.\d+$|@sha256:[0-9a-f]{64}$/);
    }
  });
});
