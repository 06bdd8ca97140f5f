import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { PulumiCommand } from "@pulumi/pulumi/automation";

/**
 * Wraps the CLI at `pulumi` for the Automation API, which runs `bin/pulumi` of an installation folder. `root` becomes such a
 * folder, with a link in it.
 */
export async function pulumiCommand(pulumi: string, root: string): Promise<PulumiCommand> {
  const link = join(root, "bin", "pulumi");
  mkdirSync(join(root, "bin"), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(pulumi, link);
  return PulumiCommand.get({ root });
}
