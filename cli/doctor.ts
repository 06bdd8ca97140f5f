import { setTimeout as pause } from "node:timers/promises";
import { authentikClient } from "../authentik/client";
import { allPrintable } from "../kubernetes/untrusted";
import { authentikConfigFindings, configCheck } from "./doctor/authentikConfig";
import { checks } from "./doctor/checks";
import { diagnosisText, type Diagnosis } from "./doctor/finding";
import { readSnapshot, type Snapshot } from "./doctor/snapshot";
import { exitCodes } from "./errors";
import type { Io } from "./io";
import { asJson, type OutputFormat } from "./output";
import { askingPods } from "./pods/askingPods";
import { findOutposts } from "./pods/outpostPods";
import type { Target } from "./target";

export interface DoctorOptions {
  /** Namespace that authentik itself runs in. Default: that of the outposts. */
  authentikNamespace?: string;
  /** Seconds to watch for writes by authentik to the Deployments. 0 skips this. */
  observe: number;
  /** Seconds to ask the pods. */
  timeout: number;
  output?: OutputFormat;
}

/**
 * Finds out why the cure does not work and says what to do. Changes nothing.
 * @returns the exit status, 0 if nothing was found
 */
export async function doctor(
  target: Target,
  { authentikNamespace, observe, timeout, output }: DoctorOptions,
  io: Io,
): Promise<number> {
  const snapshot = await askingPods(target.cluster, io, timeout, (cluster) =>
    readSnapshot({ ...target, cluster }, authentikNamespace, io.now()),
  );
  const observed = observe > 0 ? await observedFor(target, snapshot, observe, io) : snapshot;
  const diagnosis = await diagnose(observed, target);
  const { namespace } = target;
  io.out(output === "json" ? asJson({ namespace, ...diagnosis }) : diagnosisText(diagnosis, io));
  return diagnosis.findings.length === 0 ? exitCodes.ok : exitCodes.failed;
}

async function diagnose(snapshot: Snapshot, { authentikAccess }: Target): Promise<Diagnosis> {
  const client = authentikAccess && authentikClient(authentikAccess);
  const config = await authentikConfigFindings(snapshot, client);
  const findings = [...checks.flatMap(({ of }) => of(snapshot)), ...config.findings];
  const unchecked = [...snapshot.unchecked, ...config.unchecked].sort((a, b) => a.what.localeCompare(b.what));
  const names = [...checks.map(({ name }) => name), configCheck];
  const checked = names.filter((name) => !unchecked.some(({ what }) => what === name));
  // authentik's words are among them.
  return allPrintable({ findings, checked, unchecked });
}

async function observedFor(target: Target, snapshot: Snapshot, seconds: number, io: Io): Promise<Snapshot> {
  io.err(`observing for ${seconds} s whether authentik writes the Deployments\n`);
  await pause(seconds * 1000);
  return { ...snapshot, later: (await findOutposts(target)).deployments };
}
