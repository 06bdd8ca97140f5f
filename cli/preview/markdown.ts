/** Results of a preview, to be shown as Markdown. */
export interface PreviewText {
  project: string;
  stack: string;
  /** Output of `pulumi preview --diff`, without colours. */
  diff: string;
  /** Warnings of the program and the engine. */
  warnings: string[];
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
