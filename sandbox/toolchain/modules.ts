// What the toolchain consists of: which Go module pins which tool, and how each is built.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../paths";

export type Tool =
  | "pulumi"
  | "etcd"
  | "kube-apiserver"
  | "kube-controller-manager"
  | "kube-scheduler"
  | "kubectl"
  | "kubelet"
  | "kube-proxy"
  | "kwok"
  | "actionlint"
  | "prometheus"
  | "promtool";

/** How one tool is built. */
export interface Recipe {
  /** Folder under toolchain/ whose go.mod pins it. */
  module: string;
  /** Go package of its `main`. */
  package: string;
  /** Module whose version is the tool's version. */
  versionFrom: string;
  /** Variable that the linker sets to that version, where the tool can't know it otherwise. */
  versionVariable?: string;
  /** Go build tags, separated by commas. */
  tags?: string;
  /** Files of a module to put beside the binary: `folder` beside it receives `files`, paths inside the module. */
  data?: { module: string; folder: string; files: readonly string[] };
}

/** Folder beside the kwok binary that holds the stages it plays nodes and pods with. */
export const KWOK_STAGES = "stages";

const kubernetes = (tool: string): Recipe => ({
  module: "kubernetes",
  package: `k8s.io/kubernetes/cmd/${tool}`,
  versionFrom: "k8s.io/kubernetes",
});

const prometheus = (tool: string): Recipe => ({
  module: "prometheus",
  package: `github.com/prometheus/prometheus/cmd/${tool}`,
  versionFrom: "github.com/prometheus/prometheus",
  // Our targets are listed by hand, and the clients of all the clouds are a third of what there is to compile.
  tags: "remove_all_sd",
});

const RECIPES: Record<Tool, Recipe> = {
  pulumi: {
    module: "pulumi",
    package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    versionFrom: "github.com/pulumi/pulumi/pkg/v3",
    // Unset, the CLI calls itself v3.0.0-dev and the Automation API refuses to work with it.
    versionVariable: "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
  },
  etcd: { module: "etcd", package: "go.etcd.io/etcd/server/v3", versionFrom: "go.etcd.io/etcd/server/v3" },
  "kube-apiserver": kubernetes("kube-apiserver"),
  "kube-controller-manager": kubernetes("kube-controller-manager"),
  "kube-scheduler": kubernetes("kube-scheduler"),
  kubectl: kubernetes("kubectl"),
  kubelet: kubernetes("kubelet"),
  "kube-proxy": kubernetes("kube-proxy"),
  kwok: {
    module: "kwok",
    package: "sigs.k8s.io/kwok/cmd/kwok",
    versionFrom: "sigs.k8s.io/kwok",
    data: {
      module: "sigs.k8s.io/kwok",
      folder: KWOK_STAGES,
      files: [
        "kustomize/stage/node/fast/node-initialize.yaml",
        "kustomize/stage/node/heartbeat/node-heartbeat.yaml",
        "kustomize/stage/pod/fast/pod-ready.yaml",
        "kustomize/stage/pod/fast/pod-complete.yaml",
        "kustomize/stage/pod/fast/pod-delete.yaml",
      ],
    },
  },
  actionlint: {
    module: "actionlint",
    package: "github.com/rhysd/actionlint/cmd/actionlint",
    versionFrom: "github.com/rhysd/actionlint",
  },
  prometheus: prometheus("prometheus"),
  promtool: prometheus("promtool"),
};

/** A Go module of toolchain/: its folder, the Go version it asks for, and a key that changes whenever what it pins does. */
export interface GoModule {
  name: string;
  dir: string;
  /** Of its `go` line, for example "1.24.0". */
  goVersion: string;
  /** `<name>-<12 hex digits>`: the folder of its tools in the cache. */
  key: string;
  /** Version of a module it requires, for example "v3.6.5". */
  versionOf(path: string): string;
}

export function recipeOf(tool: Tool): Recipe {
  return RECIPES[tool];
}

/** Reads toolchain/`name`. `root` is the folder of the modules; default: this clone's. */
export function readModule(name: string, root = join(repositoryRoot, "toolchain")): GoModule {
  const dir = join(root, name);
  const goMod = readFileSync(join(dir, "go.mod"), "utf8");
  const goVersion = /^go (\S+)$/m.exec(goMod)?.[1];
  if (!goVersion) throw new Error(`${join(dir, "go.mod")} has no go line`);
  return {
    name,
    dir,
    goVersion,
    key: `${name}-${cacheKey(name, goMod, readFileSync(join(dir, "go.sum"), "utf8"))}`,
    versionOf: (path) => requiredVersion(goMod, path, dir),
  };
}

/** The recipes count too: the same go.mod built with other flags is another tool. So does the machine: home folders get shared. */
function cacheKey(name: string, goMod: string, goSum: string): string {
  const recipes = Object.entries(RECIPES).filter(([, recipe]) => recipe.module === name);
  const parts = [goMod, goSum, recipes, process.platform, process.arch];
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
