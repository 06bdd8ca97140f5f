import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LocalWorkspace, type PulumiCommand } from "@pulumi/pulumi/automation";
import type { EngineEvent } from "@pulumi/pulumi/automation/events";
import { parse } from "yaml";
import type { PreviewText } from "./markdown";

export interface PreviewOptions {
  /** Name of a stack that the backend has. */
  stack: string;
  /** Folder of Pulumi.yaml and the stack files. */
  workDir: string;
  pulumi: PulumiCommand;
  /** Added to this process's environment. */
  env: Record<string, string>;
}

/** Runs `pulumi preview --diff` on a stack of the user's own backend. Changes neither the backend nor the stack's file. */
export async function runPreview({ stack: stackName, workDir, pulumi, env }: PreviewOptions): Promise<PreviewText> {
  const { name: projectName } = parse(readFileSync(join(workDir, "Pulumi.yaml"), "utf8")) as { name: string };
  const program = async () => (await import("../../index.js")).default();
  const stack = await LocalWorkspace.selectStack(
    { projectName, stackName, program },
    { workDir, pulumiCommand: pulumi, envVars: { PULUMI_SKIP_UPDATE_CHECK: "true", ...env } },
  );
  const warnings: string[] = [];
  const { stdout } = await stack.preview({
    diff: true,
    color: "never",
    onEvent: ({ diagnosticEvent }: EngineEvent) => {
      if (diagnosticEvent?.severity === "warning")
        warnings.push(diagnosticEvent.message.replaceAll(/<\{%.*?%\}>/g, "").trim());
    },
  });
  return { project: projectName, stack: stackName, diff: stdout, warnings };
}
