import { emphasised, type Io } from "../io";
import { table } from "../table";
import { counted, formatBytes } from "../units";
import type { PodCleanup } from "./sweepPod";
import { freedBytes, totalOf, type Total } from "./total";

const head = ["POD", "CONTAINER", "BEFORE", "AFTER", "FREED", "VISITORS", "LOGINS", "DEBRIS", "ERRORS"];

/** Formats one line per pod and their total, followed by the problems and a summary. */
export function cleanupTable(results: PodCleanup[], dryRun: boolean, io: Pick<Io, "colour">): string {
  const total = totalOf(results);
  const rows = [...results.map((result) => row(result, dryRun)), totalRow(total, dryRun)];
  const drawn = table(dryRun ? head.filter(isSaid) : head, dryRun ? rows.map(withoutFreed) : rows);
  const problems = results.flatMap(({ pod, problem }) =>
    problem ? [`${pod}: ${emphasised(io, "critical", problem)}\n`] : [],
  );
  return [drawn, ...(problems.length > 0 ? [problems.join("")] : []), sum(total, dryRun)].join("\n");
}

/** Columns left out of a dry run, which frees nothing. */
const unsaid = ["AFTER", "FREED"];
const isSaid = (title: string): boolean => !unsaid.includes(title);
const withoutFreed = (cells: string[]): string[] => cells.filter((_cell, index) => isSaid(head[index]));

function row(result: PodCleanup, dryRun: boolean): string[] {
  const { pod, container, removed, errors } = result;
  if (!removed) return [pod, container, ...head.slice(2).map(() => "-")];
  const { sizeBytes, usedBytesBefore, usedBytesAfter } = result;
  const freed = dryRun ? "" : formatBytes(freedBytes(result));
  const used = [usedBytesBefore, usedBytesAfter].map((bytes) => usage(bytes, sizeBytes));
  const counts = [removed.anonymous, removed.authenticated, removed.debris, errors ?? 0];
  return [pod, container, ...used, freed, ...counts.map(String)];
}

function usage(bytes: number | undefined, size: number | undefined): string {
  if (bytes === undefined) return "-";
  return size ? `${formatBytes(bytes)} ${Math.floor((bytes * 100) / size)}%` : formatBytes(bytes);
}

function totalRow({ removed, freedBytes, errors }: Total, dryRun: boolean): string[] {
  const counts = [removed.anonymous, removed.authenticated, removed.debris, errors];
  return ["TOTAL", "", "", "", dryRun ? "" : formatBytes(freedBytes), ...counts.map(String)];
}

function sum({ files, freedBytes, swept, failed }: Total, dryRun: boolean): string {
  const failures = failed > 0 ? ` ${counted(failed, "pod")} could not be swept.` : "";
  if (dryRun)
    return `${counted(files, "file")} of ${counted(swept, "pod")} would go. Nothing was removed.${failures}\n`;
  return `${counted(files, "file")} of ${counted(swept, "pod")} removed, ${formatBytes(freedBytes)} freed.${failures}\n`;
}
