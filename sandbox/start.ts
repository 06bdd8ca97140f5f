// `npm start`: the whole product shown on a real API server, from an empty clone. See --help.
import { Command } from "commander";
import { Checks } from "./demo/checks";
import { setStage, type Stage } from "./demo/stage";
import { tour } from "./demo/tour";
import { consoleProgress } from "./progress";

interface Options {
  keep?: boolean;
  context?: string;
}

const say = (line: string): void => console.log(line);

const command = new Command("npm start --")
  .description(
    "Shows the program at work on a real Kubernetes API server that it builds and starts on this machine: no Docker, no root, no cluster needed.\n" +
      "It creates an outpost as authentik does, previews and deploys the sidecar, runs the sidecar's command on a scratch folder,\n" +
      "toggles to the CronJob and to nothing, checks each step, and stops everything. Exits 0 only if every check held.",
  )
  .option("--keep", "leave the cluster running until Ctrl-C, and say how to use it")
  .option(
    "--context <name>",
    "use the cluster of this context in your kubeconfig instead; the demo makes the namespace authentik-outpost-shm-demo there, keeps to it, and removes it",
  )
  .helpOption("--help", "show this")
  .allowExcessArguments(false);

async function main(options: Options): Promise<number> {
  const progress = consoleProgress();
  const stage = await setStage(progress, options.context);
  const closing = closeOnce(stage);
  try {
    const checks = new Checks(say);
    await tour(stage, checks, say);
    say(`\n${checks.summary()}`);
    if (options.keep) await keep(stage);
    return checks.passed ? 0 : 1;
  } finally {
    await closing();
    say("Everything is stopped and removed.");
  }
}

/** Closes the stage once: at the end, or at a signal, after which the process ends as that signal would have it. */
function closeOnce(stage: Stage): () => Promise<void> {
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= stage.close());
  const numbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 };
  for (const [signal, number] of Object.entries(numbers)) {
    process.on(signal, () => void close().finally(() => process.exit(128 + number)));
  }
  return close;
}

/** Says how to use what is running, and waits for Ctrl-C. */
async function keep({ kubeconfig, context, outpost }: Stage): Promise<void> {
  say(`
The cluster stays until Ctrl-C. In another terminal:

  export KUBECONFIG=${kubeconfig}
  kubectl -n ${outpost.namespace} get deployments,pods

and with the official Pulumi CLI, in this clone:

  pulumi stack init try && pulumi config set kubernetes:context ${context}
  pulumi config set namespace ${outpost.namespace} && pulumi config set --path 'outposts[0]' '${outpost.name}'
  pulumi up`);
  await new Promise<never>(() => setInterval(() => undefined, 1 << 30));
}

command.parse();
main(command.opts<Options>()).then(
  (code) => (process.exitCode = code),
  (error: Error) => {
    console.error(`npm start failed: ${error.message}`);
    process.exitCode = 1;
  },
);
