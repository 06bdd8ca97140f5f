// Shows the results of the engine's operations in the demo.
import type { Report } from "../engine";
import type { Stage } from "./stage";

export type Say = (line: string) => void;

export const heading = (say: Say, text: string): void => say(`\n── ${text}`);

/** Previews the stack and shows its plan: a line per resource that changes, and the warnings; Pulumi's whole diff with --verbose. */
export async function showPreview({ stack, verbose }: Stage, say: Say): Promise<Report> {
  const preview = await stack.preview({ diff: true });
  say(verbose ? preview.stdout.trim() : planOf(preview));
  return preview;
}

const marks: Partial<Record<string, string>> = { create: "+", update: "~", delete: "-", replace: "±" };

function planOf({ steps, diagnostics }: Report): string {
  const changes = steps.flatMap(({ op, type, urn }) => {
    // The components and the stack only hold the others.
    const isHolder = /^(authentik-outpost-shm:index:(?!OutpostJsonPatch)|pulumi:)/.test(type);
    return !marks[op] || isHolder ? [] : [`  ${marks[op]} ${type.split(":").at(-1)} ${urn.split("::").at(-1)}`];
  });
  const warnings = diagnostics.filter(({ severity }) => severity === "warning");
  return [...changes, ...warnings.map(({ message }) => `  warning: ${message}`)].join("\n") || "  nothing to do";
}

export function summaryOf({ changeSummary }: Report): string {
  const counts = Object.entries(changeSummary).map(([operation, count]) => `${count} ${operation}`);
  return `  ${counts.join(", ")}`;
}

export const isUnchanged = ({ steps }: Report): boolean => steps.every(({ op }) => op === "same" || op === "refresh");
