// `npm run preview -- --stack prod`: shows at a desk what the pull request's comment would say.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { LocalWorkspace } from "@pulumi/pulumi/automation";
import type { EngineEvent } from "@pulumi/pulumi/automation/events";
import { Command } from "commander";
import { parse } from "yaml";
import { repositoryRoot } from "./paths";
import { previewMarkdown } from "./previewMarkdown";
import { asStep, consoleProgress } from "./progress";
import { openPulumi, pulumiCommand } from "./pulumi";

const command = new Command("npm run preview --")
  .description(
    "Prints `pulumi preview --diff` of a stack as Markdown, as the comment on a pull request shows it.\n" +
      "Uses the Pulumi backend you are logged in to, the stack's own file, and the cluster of its kubernetes:context. Changes nothing.",
  )
  .requiredOption("--stack <name>", "the stack, which your backend has (pulumi stack ls)")
  .helpOption("--help", "show this")
  .allowExcessArguments(false)
  .parse();

async function main(stackName: string): Promise<void> {
  const progress = consoleProgress();
  const { cli, env } = await openPulumi(progress);
  const { name: projectName } = parse(readFileSync(join(repositoryRoot, "Pulumi.yaml"), "utf8")) as { name: string };
  const program = async () => (await import("../index.js")).default();
  // The plugins are the sandbox's, but the login is the user's own.
  const login = process.env.PULUMI_CREDENTIALS_PATH ?? process.env.PULUMI_HOME ?? join(homedir(), ".pulumi");
  const warnings: string[] = [];
  const { stdout } = await asStep(progress, `previewing ${stackName}`, async () => {
    const stack = await LocalWorkspace.selectStack(
      { projectName, stackName, program },
      {
        workDir: repositoryRoot,
        pulumiCommand: await pulumiCommand(cli),
        envVars: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true", PULUMI_CREDENTIALS_PATH: login },
      },
    );
    const onEvent = ({ diagnosticEvent }: EngineEvent) => {
      if (diagnosticEvent?.severity === "warning")
        warnings.push(diagnosticEvent.message.replaceAll(/<\{%.*?%\}>/g, "").trim());
    };
    return stack.preview({ diff: true, color: "never", onEvent });
  });
  console.log(previewMarkdown(`\`preview\` of ${projectName} on ${stackName}`, warnings, stdout));
}

main(command.opts<{ stack: string }>().stack).catch((error: Error) => {
  console.error(`preview failed: ${error.message}`);
  process.exitCode = 1;
});
