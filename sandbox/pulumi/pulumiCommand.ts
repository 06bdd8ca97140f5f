import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { PulumiCommand } from "@pulumi/pulumi/automation";
import { createStateFolder } from "../stateFolder";

const commands = new Map<string, Promise<PulumiCommand>>();

/** Wraps the CLI at `pulumi` for the Automation API. Asks for its version only once. */
export function pulumiCommand(pulumi: string): Promise<PulumiCommand> {
  const command = commands.get(pulumi) ?? PulumiCommand.get({ root: installationOf(pulumi) });
  commands.set(pulumi, command);
  return command;
}

/** Makes a folder like that of an installation, where the Automation API looks for `bin/pulumi`. */
function installationOf(pulumi: string): string {
  const root = createStateFolder("pulumi-cli");
  mkdirSync(join(root, "bin"));
  symlinkSync(pulumi, join(root, "bin", "pulumi"));
  return root;
}
