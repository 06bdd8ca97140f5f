// No secret in any message: each place that takes one is given a marked one and broken. test/e2e/cluster/cli.test.ts looks for the
// mark in the output, the state and the files of Pulumi.
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { inspect } from "node:util";
import { authentikClient } from "../../../authentik/client";
import { liveCluster } from "../../../kubernetes/liveCluster";
import { readStackFile } from "../../../settings/stackFile";
import { useServers } from "../servers";
import { useTempDir } from "../tempDir";

const mark = "m4rked-s3cret";
const user = `- name: me\n  user: { token: "${mark}" }\n`;
const kubeconfig = (server: string, users = user) =>
  `apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: c\n  cluster: { server: "${server}", insecure-skip-tls-verify: true }\n` +
  `contexts:\n- name: c\n  context: { cluster: c, user: me }\nusers:\n${users}`;
const nowhere = "http://127.0.0.1:9";
const whole = kubeconfig(nowhere);

/** Returns everything that an error has to show: its message, its causes and their properties. */
async function shown(attempt: () => unknown): Promise<string> {
  try {
    await attempt();
  } catch (error) {
    const { message } = error as Error;
    assert.ok(!message.includes(mark), message);
    return message;
  }
  return assert.fail("nothing failed");
}

describe("no message has a secret in it", () => {
  const serve = useServers();
  const inDir = useTempDir();
  const version = (text: string) => shown(() => liveCluster({ kubeconfig: text }).version());

  const atLine = (line: number) => `The text in kubernetes:kubeconfig is no valid kubeconfig: see its line ${line}.`;
  const noKubeconfig =
    "The kubeconfig that is given (kubernetes:kubeconfig, --kubeconfig) is neither the text of one nor the path of a file.";
  const noUser = 'The user of context "c" is "me", which the kubeconfig does not have; it has: none.';
  const noAnswer = (server: string) => `No answer from the Kubernetes API at ${server} to say its version: `;
  const noCertificate = `- name: me\n  user: { client-certificate-data: "${mark}", client-key-data: "${mark}" }\n`;
  const broken: Record<string, [text: string, message: string]> = {
    "broken indentation": [whole.replace("- name: me", "- name: me\n bad"), atLine(12)],
    "a tab": [whole.replace("  user:", "\tuser:"), atLine(12)],
    "an open quote": [whole.replace(`"${mark}" }`, `"${mark} }`), atLine(13)],
    "an unknown tag": [whole.replace(`"${mark}"`, `!!x ${mark}`), atLine(12)],
    "users that are no list": [whole.replace(user, `  token: ${mark}\n`), noUser],
    "base64 of it": [Buffer.from(whole).toString("base64"), noKubeconfig],
    "the token alone": [mark, noKubeconfig],
    "a token with a line break": [whole.replace(mark, `${mark}\\nx`), noAnswer(nowhere)],
    "a password in the address": [kubeconfig(`http://me:${mark}@127.0.0.1:9`), noAnswer("http://…@127.0.0.1:9")],
    "a certificate that is none": [kubeconfig("https://127.0.0.1:9", noCertificate), noAnswer("https://127.0.0.1:9")],
  };
  for (const [what, [text, message]] of Object.entries(broken)) {
    it(`not of a kubeconfig's text with ${what}`, async () => {
      const said = await version(text);
      assert.ok(said.startsWith(message), said);
    });
  }

  it("not of a kubeconfig's file, which is named", async () => {
    const file = inDir("kubeconfig");
    writeFileSync(file, broken["broken indentation"][0]);
    assert.equal(await version(file), `The kubeconfig ${file} is no valid kubeconfig: see its line 12.`);
    assert.equal(await version(inDir()), `The kubeconfig ${inDir()} can't be read: EISDIR.`);
  });

  const plugins: Record<string, string> = {
    "fails with it": `echo "denied: ${mark}" >&2; exit 1`,
    "prints it instead of JSON": `echo "token ${mark}"`,
    "prints half of its JSON": `printf '{"status":{"token":"${mark}'`,
    "prints JSON without a status": `echo '{"token":"${mark}"}'`,
  };
  for (const [what, script] of Object.entries(plugins)) {
    it(`not of a credential plugin that ${what}`, async () => {
      const plugin = inDir("plugin");
      writeFileSync(plugin, `#!/bin/sh\n${script}\n`);
      chmodSync(plugin, 0o755);
      const exec = `{ apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: "${plugin}" }`;
      const text = kubeconfig(nowhere, `- name: me\n  user: { exec: ${exec} }\n`);
      await version(text);
      const place = { namespace: "n", pod: "p", container: "c" };
      await shown(() => liveCluster({ kubeconfig: text }).exec(place, ["true"]));
      await shown(() => liveCluster({ kubeconfig: text }).podProxy("n", "p", 1, ""));
    });
  }

  it("not of an API server's answer that sends it back", async () => {
    for (const body of [`{"message":"${mark}"}`, `you sent ${mark}`, `{"kind":"Status","code":"${mark}`]) {
      const { url } = await serve((_request, response) => response.writeHead(400).end(body));
      assert.match(await version(kubeconfig(url)), /: HTTP 400$/);
    }
  });

  const stackFiles: Record<string, string> = {
    "broken indentation": `config:\n  authentik-outpost-shm:authentikToken: ${mark}\n bad\n`,
    "an open quote": `config:\n  authentik-outpost-shm:authentikToken: "${mark}\n`,
    "a key twice": `config:\n  a: 1\n  authentik-outpost-shm:authentikToken: ${mark}\n  authentik-outpost-shm:authentikToken: ${mark}\n`,
    "the kubeconfig as YAML": `config:\n  kubernetes:kubeconfig:\n    users: [{ user: { token: ${mark} } }]\n`,
    "the token in plain text": `config:\n  authentik-outpost-shm:authentikToken: ${mark}\n`,
    "the token under a mistyped key": `config:\n  authentik-outpost-shm:authentikTokn: ${mark}\n`,
    "the token at an outpost": `config:\n  authentik-outpost-shm:outposts: [{ name: a, authentikToken: ${mark} }]\n`,
  };
  for (const [what, text] of Object.entries(stackFiles)) {
    it(`not of a stack file with ${what}`, async () => {
      writeFileSync(inDir("Pulumi.dev.yaml"), text);
      await shown(() => readStackFile(inDir(), "dev"));
    });
  }

  const answers: Record<string, RequestListener> = {
    "refuses it by name": (request, response) =>
      response.writeHead(403).end(JSON.stringify({ detail: `token ${request.headers.authorization}` })),
    "sends it back": (request, response) => response.writeHead(400).end(inspect(request.headers)),
    "redirects with it": (_request, response) => response.writeHead(302, { location: `/?t=${mark}` }).end(),
    "answers no JSON": (_request, response) => response.writeHead(200, { "content-type": `text/${mark}` }).end(mark),
    "fails with it": (_request, response) => response.writeHead(500).end(JSON.stringify({ detail: mark })),
  };
  for (const [what, answer] of Object.entries(answers)) {
    it(`not of an authentik that ${what}`, async () => {
      const { url } = await serve(answer);
      const client = authentikClient({ url, token: mark, attempts: 1 });
      await shown(() => client.readOutpost("main"));
    });
  }
});
