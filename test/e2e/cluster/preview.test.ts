// `npm run preview` as someone at a desk runs it: another process, their own backend and kubeconfig, a stack file in the clone.
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LocalWorkspace } from "@pulumi/pulumi/automation";
import { previewMarkdown, runPreview } from "../../../cli/preview";
import { createOutpost } from "../../../sandbox/outpost";
import { repositoryRoot } from "../../../sandbox/paths";
import { pulumiCommand } from "../../../sandbox/pulumiCommand";
import { createStateFolder } from "../../../sandbox/stateFolder";
import { sharedCluster } from "./fixture";
import { closeScenarios, sharedPulumi } from "./scenario";

describe("npm run preview", () => {
  after(closeScenarios);

  it("prints the diff of a stack that the backend has, with what restarts, and leaves its file alone", async () => {
    const cluster = await sharedCluster();
    const namespace = "test-preview";
    await createOutpost(cluster.kubeconfig, { namespace, name: "main" });
    const workDir = createStateFolder("preview");
    for (const file of ["Pulumi.yaml", "index.ts"]) copyFileSync(join(repositoryRoot, file), join(workDir, file));
    const stackFile = join(workDir, "Pulumi.desk.yaml");
    const config = {
      "kubernetes:kubeconfig": cluster.kubeconfig,
      "kubernetes:context": cluster.context,
      "authentik-outpost-shm:namespace": namespace,
      "authentik-outpost-shm:outposts": ["main"],
    };
    writeFileSync(stackFile, JSON.stringify({ config }));
    const pulumi = await sharedPulumi();
    const command = await pulumiCommand(pulumi.cli, join(workDir, "cli"));
    const backend = join(workDir, "backend");
    mkdirSync(backend);
    const env = { ...pulumi.env, PULUMI_BACKEND_URL: `file://${backend}`, PULUMI_CONFIG_PASSPHRASE: "desk" };
    const options = { stack: "desk", workDir, pulumi: command, env };
    await assert.rejects(runPreview(options), /no stack named 'desk' found/);
    await LocalWorkspace.createStack(
      { stackName: "desk", projectName: "authentik-outpost-shm", program: () => Promise.resolve() },
      { workDir, pulumiCommand: command, envVars: env },
    );
    const before = readFileSync(stackFile, "utf8");

    const markdown = previewMarkdown(await runPreview(options));
    assert.match(
      markdown,
      /^#### `preview` of authentik-outpost-shm on desk\n\n> ⚠ Deployment ak-outpost-main: this change restarts its pod /,
    );
    assert.match(markdown, /\n\+ +kubernetes:apps\/v1:DeploymentPatch: \(create\)\n/);
    assert.equal(readFileSync(stackFile, "utf8"), before);
  });
});
