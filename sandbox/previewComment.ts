import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LocalWorkspace, type PulumiCommand } from "@pulumi/pulumi/automation";
import type { EngineEvent } from "@pulumi/pulumi/automation/events";
import { parse } from "yaml";

/** Results of a preview, to be shown as Markdown. */
interface PreviewText {
  project: string;
  stack: string;
  /** Output of `pulumi preview --diff`, without colours. */
  diff: string;
  /** Warnings of the program and the engine. */
  warnings: string[];
}

interface PreviewOptions {
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
  const program = async () => (await import("../index.js")).default();
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

/** Formats a preview as a comment on a pull request: a heading, the warnings, and the diff with its colours. */
export function previewMarkdown({ project, stack, diff, warnings }: PreviewText): string {
  const notes = warnings.map((warning) => `> ⚠ ${warning}\n`).join(">\n");
  const fence = "`".repeat(Math.max(3, longestRun(diff) + 1));
  return [
    `#### \`preview\` of ${project} on ${stack}`,
    ...(notes ? [notes.trimEnd()] : []),
    `${fence}diff\n${markersFirst(diff).trim()}\n${fence}`,
  ]
    .join("\n\n")
    .concat("\n");
}

/** Moves Pulumi's indented marks to the front, since Markdown colours a line by its first character. */
function markersFirst(diff: string): string {
  return diff.replace(
    /^( +)([+~-]{1,2}|\+-|-\+)(?= )/gm,
    (_line, indent: string, mark: string) => `${mark === "~" ? "!" : mark}${indent}`,
  );
}

/** Returns the length of the longest run of backticks, which the fence has to exceed. */
function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}
