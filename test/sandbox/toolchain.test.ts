import assert from "node:assert/strict";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repositoryRoot } from "../../sandbox/paths";
import { silentProgress, type Progress } from "../../sandbox/progress";
import { ensureTools } from "../../sandbox/toolchain";
import { readModule } from "../../sandbox/toolchain/modules";
import { pulumiOnPath } from "../../sandbox/toolchain/pulumiOnPath";

/** Answers as `go env` does, and "builds" by writing its own arguments and environment to the binary. */
const WORKING_GO = `
case "$1" in
  env) echo "\${FAKE_VERSION-go1.99.0}"; echo "\${FAKE_TOOLCHAIN-auto}";;
  list) echo "$FAKE_MODULE_DIR";;
  build)
    echo "$@" >>"$FAKE_BUILDS"
    for argument; do [ "$previous" = -o ] && output=$argument; previous=$argument; done
    sleep "\${FAKE_SECONDS-0}"
    echo "$GOFLAGS|$GOWORK|$GO111MODULE|$CGO_ENABLED|$GOOS|$GOARCH" >"$output";;
esac`;

describe("the toolchain", function () {
  this.timeout(30_000);

  let dir: string;
  let builds: string;
  let environment: NodeJS.ProcessEnv;
  const etcd = readModule("etcd");
  const etcdDir = () => join(dir, "cache", "toolchain", etcd.key);
  const builtCommands = () => (existsSync(builds) ? readFileSync(builds, "utf8").trim().split("\n") : []);

  /** Puts a shell script called `name` on PATH, which holds nothing else but the system's own programs. */
  function onPath(name: string, script: string): string {
    const file = join(dir, "bin", name);
    writeFileSync(file, `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`);
    chmodSync(file, 0o755);
    return file;
  }

  beforeEach(() => {
    environment = { ...process.env };
    dir = mkdtempSync(join(tmpdir(), "toolchain-"));
    builds = join(dir, "builds");
    mkdirSync(join(dir, "bin"));
    Object.assign(process.env, {
      PATH: join(dir, "bin"),
      AUTHENTIK_OUTPOST_SHM_CACHE: join(dir, "cache"),
      FAKE_BUILDS: builds,
    });
  });

  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
    Object.assign(process.env, environment);
    rmSync(dir, { recursive: true });
  });

  it("builds a tool with the pinned flags, once", async () => {
    onPath("go", WORKING_GO);
    const expected = { etcd: join(etcdDir(), "etcd") };
    assert.deepEqual(await ensureTools(["etcd"], silentProgress), expected);
    assert.deepEqual(await ensureTools(["etcd"], silentProgress), expected);
    const unfinished = `${expected.etcd}.${process.pid}.unfinished`;
    const flags = "-trimpath -mod=readonly -ldflags -s -w";
    assert.deepEqual(
      builtCommands().map((line) => line.replace(/ +/g, " ")),
      [`build -C ${etcd.dir} ${flags} -o ${unfinished} go.etcd.io/etcd/server/v3`],
    );
    assert.deepEqual(readdirSync(join(dir, "cache", "toolchain")), [etcd.key]);
    assert.deepEqual(readdirSync(etcdDir()), ["etcd"]);
  });

  it("tells Pulumi its version", async () => {
    onPath("go", WORKING_GO);
    await ensureTools(["pulumi"], silentProgress);
    const version = readModule("pulumi").versionOf("github.com/pulumi/pulumi/pkg/v3");
    const variable = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";
    assert.ok(builtCommands()[0].includes(` -ldflags -s -w -X ${variable}=${version} -o `), builtCommands()[0]);
  });

  it("leaves out of Prometheus what finds targets in clouds", async () => {
    onPath("go", WORKING_GO);
    await ensureTools(["promtool"], silentProgress);
    assert.match(builtCommands()[0], / -mod=readonly -tags remove_all_sd -ldflags -s -w {2}-o /);
  });

  it("builds the same whatever the user's Go settings are", async () => {
    onPath("go", WORKING_GO);
    Object.assign(process.env, {
      GOFLAGS: "-mod=vendor",
      GOWORK: "/elsewhere/go.work",
      GO111MODULE: "off",
      CGO_ENABLED: "1",
      GOOS: "plan9",
      GOARCH: "mips",
    });
    const { etcd: binary } = await ensureTools(["etcd"], silentProgress);
    const architecture = process.arch === "x64" ? "amd64" : process.arch;
    assert.equal(readFileSync(binary, "utf8"), `-mod=readonly|off|on|0|${process.platform}|${architecture}\n`);
  });

  it("puts kwok's stages beside it", async () => {
    onPath("go", WORKING_GO);
    process.env.FAKE_MODULE_DIR = join(dir, "module");
    const stages = ["node/fast/node-initialize", "node/heartbeat/node-heartbeat"];
    stages.push(...["pod/fast/pod-ready", "pod/fast/pod-complete", "pod/fast/pod-delete"]);
    for (const stage of stages) {
      const file = join(dir, "module", "kustomize", "stage", `${stage}.yaml`);
      mkdirSync(join(file, ".."), { recursive: true });
      writeFileSync(file, stage, { mode: 0o444 });
    }
    const { kwok } = await ensureTools(["kwok"], silentProgress);
    assert.deepEqual(
      readdirSync(join(kwok, "..", "stages")).sort(),
      stages.map((stage) => `${stage.split("/").at(-1)}.yaml`).sort(),
    );
    assert.equal(readFileSync(join(kwok, "..", "stages", "pod-ready.yaml"), "utf8"), "pod/fast/pod-ready");
  });

  it("is built once by two who want it at the same time", async () => {
    onPath("go", WORKING_GO);
    process.env.FAKE_SECONDS = "0.3";
    const said: string[] = [];
    const progress: Progress = { ...silentProgress, say: (line) => said.push(line) };
    const both = await Promise.all([ensureTools(["etcd"], progress), ensureTools(["etcd"], progress)]);
    assert.deepEqual(both[0], both[1]);
    assert.equal(builtCommands().length, 1);
    assert.deepEqual(said, [`process ${process.pid} is building the etcd tools; waiting for it`]);
  });

  it("says that Go is missing", async () => {
    await assert.rejects(ensureTools(["etcd"], silentProgress), {
      message: `no \`go\` on PATH: building the etcd tools takes Go ${etcd.goVersion} or later (https://go.dev/dl/)`,
    });
  });

  const tooOld = `building the etcd tools takes Go ${etcd.goVersion} or later, but \`go\` on PATH is`;
  const remedy = "install a newer Go (https://go.dev/dl/)";
  for (const { version, toolchain, message } of [
    {
      version: "go1.23.4",
      toolchain: "local",
      message: `${tooOld} 1.23.4 and GOTOOLCHAIN=local forbids fetching another: ${remedy}`,
    },
    {
      version: "go1.23.4",
      toolchain: "go1.23.1",
      message: `${tooOld} 1.23.4 and GOTOOLCHAIN=go1.23.1 forbids fetching another: ${remedy}`,
    },
    {
      version: "go1.19.8",
      toolchain: "",
      message: `${tooOld} 1.19.8 and it cannot fetch another by itself: ${remedy}`,
    },
  ]) {
    it(`says that Go is too old: ${version} with GOTOOLCHAIN=${toolchain}`, async () => {
      onPath("go", WORKING_GO);
      Object.assign(process.env, { FAKE_VERSION: version, FAKE_TOOLCHAIN: toolchain });
      await assert.rejects(ensureTools(["etcd"], silentProgress), { message });
      assert.deepEqual(builtCommands(), []);
    });
  }

  for (const { version, toolchain } of [
    { version: "go1.23.4", toolchain: "auto" },
    { version: "go1.23.4", toolchain: "go1.23.4+auto" },
    { version: `go${etcd.goVersion}`, toolchain: "local" },
    { version: "devel go1.99-abcdef0", toolchain: "local" },
  ]) {
    it(`lets Go try: ${version} with GOTOOLCHAIN=${toolchain}`, async () => {
      onPath("go", WORKING_GO);
      Object.assign(process.env, { FAKE_VERSION: version, FAKE_TOOLCHAIN: toolchain });
      await ensureTools(["etcd"], silentProgress);
      assert.equal(builtCommands().length, 1);
    });
  }

  it("says why a build failed and how to run it again, and leaves no half of a tool", async () => {
    onPath(
      "go",
      `[ "$1" = build ] || { ${WORKING_GO.trim()}\nexit; }\necho "etcd.go:1: no space left on device"; exit 1`,
    );
    const failed: (string | undefined)[] = [];
    const progress: Progress = { ...silentProgress, step: (title) => ({ done() {}, fail: () => failed.push(title) }) };
    const binary = join(etcdDir(), "etcd");
    const command = [
      "CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=readonly go build -C",
      etcd.dir,
      "-trimpath -mod=readonly -ldflags '-s -w ' -o",
      `${binary}.${process.pid}.unfinished go.etcd.io/etcd/server/v3`,
    ].join(" ");
    await assert.rejects(ensureTools(["etcd"], progress), {
      message: [
        `building etcd failed: go build ended (exit status 1). The end of ${binary}.build.log:`,
        "  etcd.go:1: no space left on device",
        "To run it again:",
        `  ${command}`,
      ].join("\n"),
    });
    assert.deepEqual(failed, [`building etcd ${etcd.versionOf("go.etcd.io/etcd/server/v3")}`]);
    assert.deepEqual(readdirSync(etcdDir()), ["etcd.build.log"]);

    onPath("go", WORKING_GO);
    await ensureTools(["etcd"], silentProgress);
    assert.deepEqual(readdirSync(etcdDir()), ["etcd"]);
  });

  describe("key in the cache", () => {
    const keyWith = (change?: { file: string; append: string }) => {
      const root = mkdtempSync(join(dir, "modules-"));
      cpSync(join(repositoryRoot, "toolchain", "etcd"), join(root, "etcd"), { recursive: true });
      if (change) writeFileSync(join(root, "etcd", change.file), change.append, { flag: "a" });
      return readModule("etcd", root).key;
    };

    it("depends on go.mod and go.sum alone, not on where the clone is", () => {
      assert.match(etcd.key, /^etcd-[0-9a-f]{12}$/);
      assert.equal(keyWith(), etcd.key);
      const changed = ["go.mod", "go.sum"].map((file) => keyWith({ file, append: "// \n" }));
      assert.equal(new Set([etcd.key, ...changed]).size, 3);
    });

    it("comes with versions that go.mod must have", () => {
      assert.throws(() => etcd.versionOf("example.org/nothing"), {
        message: `${join(etcd.dir, "go.mod")} requires no example.org/nothing`,
      });
    });
  });

  describe("a pulumi on PATH", () => {
    const says = (version: string) => onPath("pulumi", `[ "$1" = version ] && echo ${version}`);

    it("is used where it is as new as the SDK, whatever its patch level", async () => {
      const said: string[] = [];
      const path = says("v3.999.0");
      const tools = await ensureTools(["pulumi"], { ...silentProgress, say: (line) => said.push(line) });
      assert.deepEqual(tools, { pulumi: path });
      assert.deepEqual(said, [`using the pulumi on PATH: ${path} (3.999.0)`]);
      says("v3.248.0-alpha.1+dirty");
      assert.deepEqual(pulumiOnPath("3.248.7"), { path, version: "3.248.0-alpha.1+dirty", reason: undefined });
    });

    it("is left alone where it is too old or does not answer", () => {
      const path = says("v3.247.9");
      assert.deepEqual(pulumiOnPath("3.248.0"), { path, version: "3.247.9", reason: "the SDK needs 3.248 or later" });
      onPath("pulumi", "exit 1");
      assert.deepEqual(pulumiOnPath("3.248.0"), { path, version: "unknown", reason: "it does not tell its version" });
      rmSync(path);
      assert.equal(pulumiOnPath("3.248.0"), undefined);
    });

    it("that is too old is replaced by our own", async () => {
      onPath("go", WORKING_GO);
      const path = says("v3.0.0");
      const said: string[] = [];
      const { pulumi } = await ensureTools(["pulumi"], { ...silentProgress, say: (line) => said.push(line) });
      assert.equal(pulumi, join(dir, "cache", "toolchain", readModule("pulumi").key, "pulumi"));
      assert.match(
        said[0],
        new RegExp(`^not using the pulumi on PATH, ${path} \\(3\\.0\\.0\\): the SDK needs 3\\.\\d+ or later$`),
      );
    });
  });
});
