// The content of the toolchain: the Go module that pins each tool, and how it is built.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { version as npmVersion } from "@pulumi/kubernetes/package.json";
import { repositoryRoot } from "../paths";

/** Instructions to build the tools of one module. */
export interface Recipe {
  /** The Go package of each tool's `main`, by the tool's name. */
  tools: Record<string, string>;
  /** Module whose version is the tools' version. */
  versionFrom: string;
  /** Its share of a build with nothing cached, in minutes on two fast cores. Slow ones take up to twice as long. */
  minutes: number;
  /** Flags of the Go compiler for all packages; default: the compiler's own optimisations. */
  compilerFlags?: string;
  /** Variable that the linker sets to a version, if the tools can't know it otherwise; default: the one of `versionFrom`. */
  version?: { variable: string; value?: string };
  /** Go build tags, separated by commas. */
  tags?: string;
  /** Files of a module to put beside the binaries: `folder` beside them receives `files`, paths inside the module. */
  data?: { module: string; folder: string; files: readonly string[] };
}

/** Folder beside the kwok binary that holds the stages it plays nodes and pods with. */
export const KWOK_STAGES = "stages";

/** Turns off optimising and inlining, for programs that run for seconds. toolchain/README.md has what that saves. */
const QUICK_TO_BUILD = "-N -l";

const kubernetes = (tool: string) => `k8s.io/kubernetes/cmd/${tool}`;

export const RECIPES = {
  kubernetes: {
    tools: {
      "kube-apiserver": kubernetes("kube-apiserver"),
      "kube-controller-manager": kubernetes("kube-controller-manager"),
      "kube-scheduler": kubernetes("kube-scheduler"),
      kubectl: kubernetes("kubectl"),
      kubelet: kubernetes("kubelet"),
      "kube-proxy": kubernetes("kube-proxy"),
    },
    versionFrom: "k8s.io/kubernetes",
    minutes: 5.5,
  },
  "pulumi-kubernetes": {
    tools: { "pulumi-resource-kubernetes": "authentik-outpost-shm/toolchain/pulumi-kubernetes" },
    versionFrom: "github.com/pulumi/pulumi-kubernetes/provider/v4",
    minutes: 3.5,
    compilerFlags: QUICK_TO_BUILD,
    // The engine accepts a plugin only in the version of the npm package that asks for it.
    version: { variable: "main.version", value: npmVersion },
  },
  pulumi: {
    tools: { pulumi: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi" },
    versionFrom: "github.com/pulumi/pulumi/pkg/v3",
    minutes: 1.5,
    // Otherwise the CLI calls itself v3.0.0-dev, and the Automation API refuses to work with it.
    version: { variable: "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version" },
  },
  "pulumi-yaml": {
    tools: { "pulumi-language-yaml": "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml" },
    versionFrom: "github.com/pulumi/pulumi-yaml",
    minutes: 1,
    compilerFlags: QUICK_TO_BUILD,
  },
  etcd: { tools: { etcd: "go.etcd.io/etcd/server/v3" }, versionFrom: "go.etcd.io/etcd/server/v3", minutes: 0.4 },
  kwok: {
    tools: { kwok: "sigs.k8s.io/kwok/cmd/kwok" },
    versionFrom: "sigs.k8s.io/kwok",
    minutes: 0.8,
    data: {
      module: "sigs.k8s.io/kwok",
      folder: KWOK_STAGES,
      files: [
        "kustomize/stage/node/fast/node-initialize.yaml",
        "kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
        "kustomize/stage/pod/fast/pod-ready.yaml",
        "kustomize/stage/pod/fast/pod-complete.yaml",
        "kustomize/stage/pod/fast/pod-delete.yaml",
      ],
    },
  },
  actionlint: {
    tools: { actionlint: "github.com/rhysd/actionlint/cmd/actionlint" },
    versionFrom: "github.com/rhysd/actionlint",
    minutes: 0.2,
  },
  "dashboard-linter": {
    tools: { "dashboard-linter": "github.com/grafana/dashboard-linter" },
    versionFrom: "github.com/grafana/dashboard-linter",
    minutes: 1.3,
    compilerFlags: QUICK_TO_BUILD,
  },
  prometheus: {
    tools: {
      prometheus: "github.com/prometheus/prometheus/cmd/prometheus",
      promtool: "github.com/prometheus/prometheus/cmd/promtool",
    },
    versionFrom: "github.com/prometheus/prometheus",
    minutes: 1.5,
    // Our targets are listed by hand, and the clients of all the clouds are a third of the code to compile.
    tags: "remove_all_sd",
  },
} as const satisfies Record<string, Recipe>;

type Recipes = typeof RECIPES;
/** Name of a folder of toolchain/. */
export type ModuleName = keyof Recipes;
export type Tool = { [M in ModuleName]: keyof Recipes[M]["tools"] }[ModuleName];

/** A Go module of toolchain/: its folder, and a key that changes whenever its pins do. */
export interface GoModule {
  dir: string;
  /** `<name>-<12 hex digits>`: the folder of its tools in the cache. */
  key: string;
  /** Returns the version of a module that it requires, for example "v3.6.5". */
  versionOf(path: string): string;
}

/** Returns the module that a tool is built from. */
export function moduleOf(tool: Tool): ModuleName {
  const names = Object.keys(RECIPES) as ModuleName[];
  return names.find((name) => tool in RECIPES[name].tools)!;
}

/** Reads toolchain/`name`. `root` is the folder of the modules; default: this clone's. */
export function readModule(name: ModuleName, root = join(repositoryRoot, "toolchain")): GoModule {
  const dir = join(root, name);
  const goMod = readFileSync(join(dir, "go.mod"), "utf8");
  const sources = ["go.sum", "main.go"].map((file) => join(dir, file)).filter((file) => existsSync(file));
  const pinned = [goMod, ...sources.map((file) => readFileSync(file, "utf8"))];
  return {
    dir,
    key: `${name}-${cacheKey(name, pinned)}`,
    versionOf: (path) => requiredVersion(goMod, path, dir),
  };
}

/** Includes the recipe: the same go.mod with other flags builds another tool. Includes the machine: home folders get shared. */
function cacheKey(name: ModuleName, pinned: string[]): string {
  const recipe = { ...RECIPES[name], minutes: undefined };
  const parts = [pinned, recipe, process.platform, process.arch];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 12);
}

function requiredVersion(goMod: string, path: string, dir: string): string {
  for (const line of goMod.split("\n")) {
    const [required, version] = line
      .replace(/^require /, "")
      .trim()
      .split(/\s+/);
    if (required === path && version) return version;
  }
  throw new Error(`${join(dir, "go.mod")} requires no ${path}`);
}
