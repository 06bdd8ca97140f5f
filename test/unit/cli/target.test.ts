import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { UsageError } from "../../../cli/errors";
import { openTarget, type Target, type TargetOptions } from "../../../cli/target";
import type { KubernetesConfig } from "../../../kubernetes/kubeconfig";
import { useTempDir } from "../tempDir";
import { fakeCluster } from "./cluster";

describe("where a command works", () => {
  const inDir = useTempDir();
  beforeEach(() => {
    write("Pulumi.yaml", "name: renamed\nconfig:\n  sweepInterval:\n    type: string\n    default: 60s\n");
    write(
      "Pulumi.prod.yaml",
      `config:
  kubernetes:context: prod
  authentik-outpost-shm:namespace: sso
  authentik-outpost-shm:outposts: [Proxy Intranet, { name: Proxy Public, shmSize: 1Gi, solution: cronjob }]
  authentik-outpost-shm:sweepInterval: 90s
`,
    );
  });

  /** The settings that every stack has. */
  const minimal = "  authentik-outpost-shm:namespace: sso\n  authentik-outpost-shm:outposts: [a]\n";
  const write = (name: string, text: string) => writeFileSync(inDir(name), text);

  let shown: Target["outpostShm"];
  let kubectl: Target["kubectl"];
  let deliveredByAuthentik: Target["deliveredByAuthentik"];
  async function open(options: TargetOptions, env: Record<string, string> = {}) {
    const asked: KubernetesConfig[] = [];
    const cluster = (config: KubernetesConfig) => {
      asked.push(config);
      return Promise.resolve(fakeCluster({ contextNamespace: "of-context" }));
    };
    const target = await openTarget(options, { cluster, env, projectDir: inDir() });
    ({ outpostShm: shown, kubectl, deliveredByAuthentik } = target);
    const { namespace, expectation } = target;
    return { asked: asked[0], namespace, expectation };
  }

  it("is the context's namespace without flags", async () => {
    assert.deepEqual(await open({}), {
      asked: { kubeconfig: undefined, context: undefined, contextGivenBy: "kubernetes:context" },
      namespace: "of-context",
      expectation: undefined,
    });
  });

  it("takes no token that can't be sent, and shows no word of it", async () => {
    await assert.rejects(open({}, { AUTHENTIK_TOKEN: "t0ken\nmore" }), {
      message: "AUTHENTIK_TOKEN has spaces, line breaks or other characters that no token has; store it again",
    });
  });

  it("is what the flags say", async () => {
    assert.deepEqual(await open({ namespace: "sso", context: "dev", kubeconfig: "/k" }), {
      asked: { kubeconfig: "/k", context: "dev", contextGivenBy: "--context" },
      namespace: "sso",
      expectation: undefined,
    });
  });

  it("is what the stack pins, read without Pulumi, with what it expects", async () => {
    const wanted = (name: string, solution: string, shmSize: string) => ({
      name: `Proxy ${name}`,
      deployment: `ak-outpost-proxy-${name.toLowerCase()}`,
      container: "proxy",
      solution,
      shmSize,
      sweepIntervalSeconds: 90,
    });
    const outposts = [wanted("Intranet", "sidecar", "256Mi"), wanted("Public", "cronjob", "1Gi")];
    assert.deepEqual(await open({ stack: "acme/renamed/prod" }), {
      asked: { kubeconfig: undefined, context: "prod", contextGivenBy: "kubernetes:context" },
      namespace: "sso",
      expectation: { namespace: "sso", schedule: "0 * * * *", outposts },
    });
  });

  it("is what the environment of `pulumi up` says, unless flags do", async () => {
    const env = { OUTPOST_SHM_KUBECONFIG: "apiVersion: v1", OUTPOST_SHM_CONTEXT: "ci" };
    assert.deepEqual((await open({}, env)).asked, {
      kubeconfig: "apiVersion: v1",
      context: "ci",
      contextGivenBy: "kubernetes:context",
    });
    assert.equal((await open({ context: "dev" }, env)).asked.context, "dev");
  });

  it("is another cluster than the context's if the stack or a flag names one, as for the Kubernetes provider", async () => {
    write("Pulumi.other.yaml", `config:\n  kubernetes:cluster: east\n${minimal}`);
    assert.equal((await open({ stack: "other" })).asked.cluster, "east");
    assert.equal(shown("doctor", "b"), "npx --no-install outpost-shm doctor --cluster east --namespace b");
    assert.equal((await open({ cluster: "west" })).asked.cluster, "west");
    assert.equal((await open({}, { OUTPOST_SHM_CLUSTER: "north" })).asked.cluster, "north");
  });

  it("is in the commands that are shown, as it was given", async () => {
    await open({ stack: "prod", kubeconfig: "/k" });
    assert.equal(shown("status main"), "npx --no-install outpost-shm status main --kubeconfig /k --stack prod");
    assert.equal(
      shown("doctor", "other"),
      "npx --no-install outpost-shm doctor --kubeconfig /k --context prod --namespace other",
    );
    await open({ context: "dev" });
    assert.equal(shown("verify"), "npx --no-install outpost-shm verify --context dev --namespace of-context");
  });

  for (const [given, inCommands] of [
    ["~/.kube/prod", "--kubeconfig ~/.kube/prod "],
    ["~/my clusters/it's", `--kubeconfig '${homedir()}/my clusters/it'\\''s' `],
    ["{ apiVersion: v1 }", ""],
    ["apiVersion: v1\nkind: Config\n", ""],
  ]) {
    it(`is in the commands with the stack's kubeconfig if that is a path: ${JSON.stringify(given)}`, async () => {
      write("Pulumi.own.yaml", `config:\n  kubernetes:kubeconfig: ${JSON.stringify(given)}\n${minimal}`);
      await open({ stack: "own" });
      assert.equal(kubectl, `kubectl ${inCommands}--namespace sso`);
      assert.equal(shown("doctor", "b"), `npx --no-install outpost-shm doctor ${inCommands}--namespace b`);
      assert.equal(shown("doctor"), "npx --no-install outpost-shm doctor --stack own");
      await open({}, { OUTPOST_SHM_KUBECONFIG: given });
      assert.equal(kubectl, `kubectl ${inCommands}--namespace of-context`);
    });
  }

  /** Asserts that this is refused as wrong use, in these words. */
  async function refuses(options: TargetOptions, message: string | RegExp) {
    await assert.rejects(open(options), (error) => error instanceof UsageError);
    await assert.rejects(open(options), { message });
  }

  const refusals: Record<string, [options: TargetOptions, message: string | RegExp]> = {
    "another context than the stack pins": [
      { stack: "prod", context: "dev" },
      '--context is "dev", and stack prod pins "prod": leave out --context or --stack',
    ],
    "another namespace than the stack's": [
      { stack: "prod", namespace: "other" },
      '--namespace is "other", and stack prod pins "sso": leave out --namespace or --stack',
    ],
    "a stack without a file": [
      { stack: "pord" },
      /^stack "pord": there is no \S+\/Pulumi\.pord\.yaml; stack files in \S+: prod\. If it is elsewhere, name it by --config-file$/,
    ],
    "a file that is not there": [
      { stack: "prod", configFile: "/nowhere/prod.yaml" },
      /^stack "prod": there is no \/nowhere\/prod\.yaml; stack files in \S+: prod\. If it is elsewhere, name it by --config-file$/,
    ],
    "a file of no stack": [{ configFile: "prod.yaml" }, "--config-file is the file of a stack: name that by --stack"],
  };
  for (const [what, [options, message]] of Object.entries(refusals)) {
    it(`refuses ${what}, as wrong use`, () => refuses(options, message));
  }

  it("is what another file of the stack says, and so do the commands that are shown", async () => {
    mkdirSync(inDir("stacks"));
    write("stacks/prod.yaml", `config:\n${minimal.replace("sso", "moved")}`);
    const configFile = inDir("stacks", "prod.yaml");
    const { asked, namespace } = await open({ stack: "prod", configFile, context: "dev" });
    assert.deepEqual([asked.context, namespace], ["dev", "moved"]);
    assert.equal(
      shown("verify"),
      `npx --no-install outpost-shm verify --context dev --stack prod --config-file ${configFile}`,
    );
  });

  describe("with a stack that takes config from Pulumi ESC", () => {
    const unknown =
      "stack esc: its file names no kubernetes:context. Its `environment` (Pulumi ESC) may, but only Pulumi can read that: " +
      "name the context of the stack's cluster by --context";

    for (const environment of ["\n  - acme/clusters", " { values: { pulumiConfig: { kubernetes:context: east } } }"]) {
      it(`refuses to guess the cluster, with environment:${environment.trimEnd()}`, async () => {
        write("Pulumi.esc.yaml", `environment:${environment}\nconfig:\n${minimal}`);
        await refuses({ stack: "esc" }, unknown);
        const { asked, namespace } = await open({ stack: "esc", context: "east" });
        assert.deepEqual([asked.context, namespace], ["east", "sso"]);
      });
    }

    it("takes the context of its file, which goes before the environment, and not that of Pulumi.yaml", async () => {
      write("Pulumi.esc.yaml", `environment: [acme/clusters]\nconfig:\n  kubernetes:context: west\n${minimal}`);
      assert.equal((await open({ stack: "esc" })).asked.context, "west");
      write("Pulumi.yaml", "name: renamed\nconfig:\n  kubernetes:context: { value: west }\n");
      write("Pulumi.esc.yaml", `environment: [acme/clusters]\nconfig:\n${minimal}`);
      await refuses({ stack: "esc" }, unknown);
      write("Pulumi.plain.yaml", `environment: []\nconfig:\n${minimal}`);
      assert.equal((await open({ stack: "plain" })).asked.context, "west");
    });

    it("says where settings may be that are missing", async () => {
      write("Pulumi.esc.yaml", "environment: [acme/outposts]\nconfig:\n  authentik-outpost-shm:namespace: sso\n");
      await refuses(
        { stack: "esc" },
        /^1 problem in the settings:\n {2}outposts: missing.*\nThe `environment` in \S+\/Pulumi\.esc\.yaml may have what is missing, but only Pulumi can read it: leave --stack out and give flags$/,
      );
    });
  });

  it("refuses a value that is a secret, but for authentik's token, which it does not need", async () => {
    const token = "  authentik-outpost-shm:authentikToken: { secure: AAAA }\n";
    const plain = `config:\n${minimal}`;
    write("Pulumi.token.yaml", plain + token);
    assert.equal((await open({ stack: "token" })).namespace, "sso");
    write("Pulumi.secret.yaml", `${plain}  kubernetes:kubeconfig: { secure: AAAA }\n`);
    await assert.rejects(open({ stack: "secret" }), {
      message:
        /^kubernetes:kubeconfig: stored as a secret in \S+, which only Pulumi can read; leave --stack out and give flags$/,
    });
  });

  it("knows to which outposts of the stack authentik is to deliver the sidecar", async () => {
    const delivery = "delivery: authentik";
    const outposts = `[{ name: a, ${delivery} }, b, { name: c, ${delivery}, solution: none }]`;
    const access =
      "  authentik-outpost-shm:authentikUrl: https://sso.example\n  authentik-outpost-shm:authentikToken: { secure: AAAA }\n";
    write("Pulumi.own.yaml", `config:\n${minimal.replace("[a]", outposts)}${access}`);
    await open({ stack: "own" });
    assert.deepEqual(deliveredByAuthentik, ["a"]);
  });

  it("reports everything that is wrong in a stack's file", async () => {
    write("Pulumi.bad.yaml", "config:\n  authentik-outpost-shm:namespace: sso\n  authentik-outpost-shm:shmSize: 1\n");
    await assert.rejects(
      open({ stack: "bad" }),
      /^Error: 2 problems in the settings:\n {2}shmSize: 1 has no unit; .*\n {2}outposts: missing/,
    );
  });
});
