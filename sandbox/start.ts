// `npm start`: shows the whole product on a real API server, from an empty clone. See --help.
import { Command, Option } from "commander";
import type { Delivery } from "../settings/types";
import { admissionTour } from "./demo/admissionTour";
import { authentikTour } from "./demo/authentikTour";
import { podSpec } from "./demo/outpostOnStage";
import { Show } from "./demo/show";
import { setStage } from "./demo/stage";
import { tour } from "./demo/tour";
import { watching, watchPods } from "./demo/watchPods";
import { beforeEnd, undoAll } from "./undoAtExit";
import { consoleProgress } from "./progress";

interface Options {
  keep?: boolean;
  node?: boolean;
  verbose?: boolean;
  delivery: Delivery;
}

const tours = { deployment: tour, admission: admissionTour, authentik: authentikTour };

const command = new Command("npm start --")
  .description(
    "Shows the program at work on a real Kubernetes API server that it builds and starts on this machine: no Docker, no root, no cluster needed. " +
      "It creates an outpost as authentik does, previews and deploys the sidecar, runs the sidecar's command on a scratch folder, " +
      "toggles to the CronJob and to nothing, checks each step, and stops everything. Exits 0 only if every check held.",
  )
  .option("--keep", "leave the cluster running until Ctrl-C, and say how to use it")
  .option(
    "--node",
    "run the pods too, on a node that it starts on this machine (root on Debian or Ubuntu), and show what is in them: df, the sidecar's log, a run of the CronJob",
  )
  .addOption(
    new Option(
      "--delivery <way>",
      "how the sidecar reaches the pods; with admission, a policy of the whole cluster that matches the demo's pods alone; with authentik, a stand-in of authentik's outposts API and reconciler runs beside the cluster",
    )
      .choices(["deployment", "admission", "authentik"] satisfies Delivery[])
      .default("deployment"),
  )
  .option("--verbose", "show Pulumi's whole diffs and the sidecar's log too")
  .helpOption("--help", "show this")
  .allowExcessArguments(false);

async function main({ delivery, node, verbose = false, keep }: Options): Promise<number> {
  beforeEnd({ stop: () => console.log("Everything is stopped and removed.") });
  try {
    const stage = await setStage(consoleProgress(), { node, withAuthentik: delivery === "authentik" });
    const show = new Show(stage, await podSpec(stage), verbose);
    await tours[delivery](show);
    if (node) await watchPods(show);
    const allHeld = show.close();
    if (keep) await untilCtrlC(show, node);
    return allHeld ? 0 : 1;
  } finally {
    await undoAll();
  }
}

/** Prints how to use what is running, and waits for Ctrl-C. */
async function untilCtrlC(show: Show, node?: boolean): Promise<void> {
  const { kubeconfig, context, outpost } = show.stage;
  show.say(`
The cluster stays until Ctrl-C. In another terminal:

  export KUBECONFIG=${kubeconfig}
  kubectl -n ${outpost.namespace} get deployments,pods

and with the official Pulumi CLI, in this clone:

  pulumi stack init try && pulumi config set kubernetes:context ${context}
  pulumi config set namespace ${outpost.namespace} && pulumi config set --path 'outposts[0]' '${outpost.name}'
  pulumi up`);
  if (node) show.say(`\nThe pods run:\n\n${watching(outpost)}`);
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
