import assert from "node:assert/strict";
import { spawn, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../../sandbox/paths";
import { silentProgress, type Progress } from "../../../sandbox/progress";
import { ensureTools } from "../../../sandbox/toolchain";
import { readModule } from "../../../sandbox/toolchain/modules";
import { pulumiOnPath } from "../../../sandbox/pulumi/pulumiOnPath";
import { waitUntil } from "../../../sandbox/waitUntil";
import { useFakePath, WORKING_GO } from "./fakePath";

describe("the toolchain", function () {
  this.timeout(30_000);

  const { inDir, onPath } = useFakePath();
  beforeEach(() => {
    process.env.FAKE_BUILDS = inDir("builds");
  });

  const etcd = readModule("etcd");
  const etcdDir = () => inDir("cache", "toolchain", etcd.key);
  const builtCommands = () =>
    existsSync(inDir("builds")) ? readFileSync(inDir("builds"), "utf8").trim().split("\n") : [];

  /** Returns the arguments of each build, without the temporary folder of its binaries. */
  const builtWith = () => builtCommands().map((line) => line.replace(/unfinished-[\w-]+/, "UNFINISHED"));

  it("builds a tool with the pinned flags, once", async () => {
    onPath("go", WORKING_GO);
    const expected = { etcd: join(etcdDir(), "etcd") };
    assert.deepEqual(await ensureTools(["etcd"], silentProgress), expected);
    assert.deepEqual(await ensureTools(["etcd"], silentProgress), expected);
    const flags = "-trimpath -gcflags=all=-dwarf=false -ldflags=-s -w";
    assert.deepEqual(builtWith(), [
      `build -C ${etcd.dir} ${flags} -o ${etcdDir()}/UNFINISHED/ go.etcd.io/etcd/server/v3`,
    ]);
    assert.deepEqual(readdirSync(inDir("cache", "toolchain")), [etcd.key]);
    assert.deepEqual(readdirSync(etcdDir()), ["etcd"]);
  });

  it("builds all tools of a module at once, and says before how long everything takes", async () => {
    onPath("go", WORKING_GO);
    const said: string[] = [];
    const progress: Progress = { ...silentProgress, say: (line) => said.push(line) };
    await ensureTools(["etcd", "kube-apiserver", "kubectl"], progress);
    assert.deepEqual(
      builtWith()
        .map((line) => line.replace(/.*UNFINISHED\/ /, ""))
        .sort(),
      ["go.etcd.io/etcd/server/v3", "k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kubectl"],
    );
    assert.deepEqual(said, ["Building 3 tools from their sources once, 6 to 12 minutes on two cores."]);
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

  it("is there for two who want it at the same time", async () => {
    onPath("go", WORKING_GO);
    const both = await Promise.all([ensureTools(["etcd"], silentProgress), ensureTools(["etcd"], silentProgress)]);
    assert.deepEqual(both, [{ etcd: join(etcdDir(), "etcd") }, { etcd: join(etcdDir(), "etcd") }]);
    assert.deepEqual(readdirSync(etcdDir()), ["etcd"]);
  });

  const goOf = ({ dir }: { dir: string }) => /^go (.*)$/m.exec(readFileSync(join(dir, "go.mod"), "utf8"))![1];
  for (const [what, script, problem] of [
    ["missing", undefined, "no `go` is on PATH"],
    ["too old", "echo go version go1.19.8 linux/amd64", "`go` on PATH is 1.19.8"],
    ["unable to fetch another", "echo 'go: no route' >&2; exit 1", "`go version` failed:\ngo: no route\n"],
  ]) {
    it(`says that Go is ${what} before it announces a build, with the newest version that a module needs`, async () => {
      if (script) onPath("go", `[ "$1" = version ] || echo "$@" >>"$FAKE_BUILDS"\n${script}`);
      const said: string[] = [];
      const progress: Progress = { ...silentProgress, say: (line) => said.push(line) };
      const needed = [etcd, readModule("kubernetes"), readModule("pulumi")].map(goOf).sort().at(-1);
      const message = `building the tools takes Go ${needed} or later (https://go.dev/dl/), but ${problem}`;
      await assert.rejects(ensureTools(["etcd", "kubectl", "pulumi"], progress), { message });
      assert.deepEqual([said, builtCommands()], [[], []]);
    });
  }

  for (const version of [`go${goOf(etcd)}`, "devel +abcdef0"]) {
    it(`lets Go try: ${version}`, async () => {
      onPath("go", WORKING_GO);
      process.env.FAKE_VERSION = version;
      await ensureTools(["etcd"], silentProgress);
      assert.equal(builtCommands().length, 1);
    });
  }

  it("begins no build after one that failed", async () => {
    onPath("go", '[ "$1" = version ] && exit; echo "$@" >>"$FAKE_BUILDS"; echo "no memory left"; exit 1');
    await assert.rejects(ensureTools(["etcd", "kubectl", "kwok", "prometheus"], silentProgress), /no memory left/);
    assert.equal(builtCommands().length, 2);
  });

  it("says why a build failed and how to run it again, and leaves no half of a tool", async () => {
    onPath("go", '[ "$1" = version ] && exit; echo "etcd.go:1: no space left on device"; exit 1');
    const failed: string[] = [];
    const fail = (title: string) => (note?: string) => failed.push(`${title}: ${note}`);
    const progress: Progress = { ...silentProgress, step: (title) => ({ done() {}, fail: fail(title) }) };
    const error = (await ensureTools(["etcd"], progress).catch((reason: Error) => reason)) as Error;
    const command = [
      "CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=readonly go build -C",
      etcd.dir,
      "-trimpath -gcflags=all=-dwarf=false '-ldflags=-s -w' -o",
      `${etcdDir()}/UNFINISHED/ go.etcd.io/etcd/server/v3`,
    ].join(" ");
    assert.equal(
      error.message.replaceAll(/unfinished-[\w-]+/g, "UNFINISHED"),
      [
        `building etcd failed: go build ended (exit status 1). The end of ${etcdDir()}/build.log:`,
        "  etcd.go:1: no space left on device",
        "The disk is full. Free about 6 GB where Go's build cache (`go env GOCACHE`) and " +
          `${inDir("cache")} are, or name others by GOCACHE and AUTHENTIK_OUTPOST_SHM_CACHE.`,
        "To run it again:",
        `  ${command}`,
      ].join("\n"),
    );
    const title = `building etcd ${etcd.versionOf("go.etcd.io/etcd/server/v3")}`;
    assert.deepEqual(failed, [error.message.replace("building etcd failed", title)]);
    assert.deepEqual(readdirSync(etcdDir()), ["build.log"]);

    onPath("go", WORKING_GO);
    await ensureTools(["etcd"], silentProgress);
    assert.deepEqual(readdirSync(etcdDir()), ["etcd"]);
  });

  it("leaves no half of a tool when Ctrl-C ends a build, and builds it the next time", async () => {
    onPath("go", WORKING_GO);
    const [toolchain, progress] = ["toolchain", "progress"].map((name) =>
      JSON.stringify(join(repositoryRoot, "sandbox", name)),
    );
    const program = `require(${toolchain}).ensureTools(["etcd"], require(${progress}).silentProgress)`;
    const env = { ...process.env, FAKE_SECONDS: "30" };
    const options: SpawnOptions = { env, stdio: ["ignore", "inherit", "inherit"] };
    const build = spawn(process.execPath, ["--import", require.resolve("tsx"), "--eval", program], options);
    const ended = once(build, "exit");
    await waitUntil(() => builtCommands().length > 0, { what: "the build to begin", timeoutMs: 20_000 });
    build.kill("SIGINT");
    assert.deepEqual(await ended, [null, "SIGINT"]);
    assert.ok(!existsSync(join(etcdDir(), "etcd")));
    await ensureTools(["etcd"], silentProgress);
    assert.deepEqual(readdirSync(etcdDir()), ["etcd"]);
  });

  describe("key in the cache", () => {
    const keyWith = (change?: { file: string; append: string }) => {
      const root = mkdtempSync(inDir("modules-"));
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

    it("serves where it is as new as the SDK, whatever its patch level", () => {
      const path = says("v3.248.0-alpha.1+dirty");
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
  });
});
