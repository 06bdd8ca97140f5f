import { emphasised, type Io } from "../io";
import { table } from "../table";
import type { Check } from "./check";

/** Formats one line per check, followed by the remedies for those that failed, each once, and a summary. */
export function checksText(checks: Check[], io: Pick<Io, "colour">): string {
  const rows = checks.map(({ subject, check, passed, seen }) => [
    subject,
    check,
    passed ? "pass" : emphasised(io, "critical", "FAIL"),
    seen,
  ]);
  const failed = checks.filter(({ passed }) => !passed);
  const todos = [...new Set(failed.map(({ todo }) => todo))].map((todo) => {
    const alike = failed.filter((each) => each.todo === todo).map(({ subject, check }) => `${subject} ${check}`);
    return `${alike.join(", ")}: ${todo}\n`;
  });
  const sum =
    failed.length === 0
      ? `All ${checks.length} checks passed.\n`
      : `${failed.length} of ${checks.length} checks failed.\n`;
  return [table(["OUTPOST", "CHECK", "RESULT", "SEEN"], rows), ...(todos.length > 0 ? [todos.join("")] : []), sum].join(
    "\n",
  );
}
