/** Formats a preview as a comment on a pull request: a heading, the warnings, and the diff with its colours. */
export function previewMarkdown(heading: string, warnings: readonly string[], diff: string): string {
  const notes = warnings.map((warning) => `> ⚠ ${warning}\n`).join(">\n");
  // Exceeds any run of backticks in the diff, which prints the user's own values.
  const fence = "`".repeat(Math.max(3, ...(diff.match(/`+/g) ?? []).map(({ length }) => length + 1)));
  const fenced = `${fence}diff\n${markersFirst(diff).trim()}\n${fence}`;
  return [`#### ${heading}\n`, ...(notes ? [notes] : []), fenced].join("\n");
}

/** Moves Pulumi's indented marks to the front, since Markdown colours a line by its first character. */
function markersFirst(diff: string): string {
  return diff.replace(
    /^( +)([+~-]{1,2}|\+-|-\+)(?= )/gm,
    (_line, indent: string, mark: string) => `${mark === "~" ? "!" : mark}${indent}`,
  );
}
