// `npm run preview -- --stack prod`: shows at a desk what the pull request's comment would say.
import { homedir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { previewMarkdown, runPreview } from "./previewComment";
import { repositoryRoot } from "./paths";
import { consoleProgress } from "./progress";
import { openPulumi } from "./pulumi";
import { pulumiCommand } from "./pulumi/pulumiCommand";

const command = new Command("npm run preview --")
  .description(
    "Prints `pulumi preview --diff` of a stack as Markdown, as the comment on a pull request shows it.\n" +
      "Uses the Pulumi backend you are logged in to, the stack's own file, and the cluster of its kubernetes:context. Changes nothing.",
  )
  .requiredOption("--stack <name>", "the stack, which your backend has (pulumi stack ls)")
  .helpOption("--help", "show this")
  .allowExcessArguments(false)
  .parse();

async function main(stack: string): Promise<void> {
  const progress = consoleProgress();
  const pulumi = await openPulumi(progress);
  // The plugins are the sandbox's, but the login is the user's own.
  const login = process.env.PULUMI_CREDENTIALS_PATH ?? process.env.PULUMI_HOME ?? join(homedir(), ".pulumi");
  const step = progress.step(`previewing ${stack}`);
  const text = await runPreview({
    stack,
    workDir: repositoryRoot,
    pulumi: await pulumiCommand(pulumi.cli),
    env: { ...pulumi.env, PULUMI_CREDENTIALS_PATH: login },
  }).finally(() => step.done());
  process.stdout.write(previewMarkdown(text));
}

main(command.opts<{ stack: string }>().stack).catch((error: Error) => {
  console.error(`preview failed: ${error.message}`);
  process.exitCode = 1;
});
