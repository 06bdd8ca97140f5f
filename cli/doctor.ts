import { authentikClient } from "../authentik/client";
import { allPrintable } from "../kubernetes/printable";
import { authentikConfigFindings, configCheck, noAccess } from "./doctor/authentikConfig";
import { checks, findingsOf, isMade } from "./doctor/checks";
import { diagnosisText, type Diagnosis } from "./doctor/finding";
import { readSnapshot, type Snapshot } from "./doctor/snapshot";
import { exitCodes } from "./errors";
import type { Io } from "./io";
import type { PodsOptions } from "./options";
import { asJson } from "./output";
import { askingPods } from "./progress";
import { noOutposts, targetsOf } from "./pods/everywhere";
import { findOutposts } from "./pods/outpostPods";
import type { Target } from "./target";

export interface DoctorOptions extends Omit<PodsOptions, "names"> {
  /** Namespace that authentik itself runs in. Default: that of the outposts. */
  authentikNamespace?: string;
  /** Seconds to watch for writes by authentik to the Deployments. 0 skips this. */
  observe: number;
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
  const targets = await targetsOf(target);
  if (targets.length === 0) throw new Error(await noOutposts(target, []));
  const snapshots = await askingPods(target.cluster, io, timeout, (cluster) =>
    Promise.all(targets.map((each) => readSnapshot({ ...each, cluster }, authentikNamespace, io.now()))),
  );
  const observed = observe > 0 ? await observedFor(targets, snapshots, observe, io) : snapshots;
  const diagnoses = await Promise.all(targets.map((each, index) => diagnose(observed[index], each)));
  if (output === "json") io.out(asJson(target.inNamespace ? { namespaces: diagnoses } : diagnoses[0]));
  else {
    const head = ({ namespace }: Diagnosis) => (target.inNamespace ? `Namespace ${namespace}:\n\n` : "");
    io.out(diagnoses.map((each) => `${head(each)}${diagnosisText(each, io)}`).join("\n"));
  }
  return diagnoses.every(({ findings }) => findings.length === 0) ? exitCodes.ok : exitCodes.failed;
}

async function diagnose(snapshot: Snapshot, { namespace, authentikAccess }: Target): Promise<Diagnosis> {
  const inConfig = authentikAccess
    ? await authentikConfigFindings(snapshot, authentikClient(authentikAccess))
    : { found: [], unchecked: [noAccess] };
  const findings = [...findingsOf(snapshot), ...inConfig.found.map((found) => ({ check: configCheck, ...found }))];
  const unchecked = [...snapshot.unchecked, ...inConfig.unchecked].sort((a, b) => a.what.localeCompare(b.what));
  const names = [...Object.keys(checks), configCheck];
  const checked = names.filter((name) => isMade(name, unchecked));
  // authentik's words are among them.
  return allPrintable({ namespace, findings, checked, unchecked });
}

async function observedFor(targets: Target[], snapshots: Snapshot[], seconds: number, io: Io): Promise<Snapshot[]> {
  io.err(`observing for ${seconds} s whether authentik writes the Deployments\n`);
  const interruption = io.interruption();
  await io.pause(seconds * 1000, interruption);
  const observed = snapshots.map(async (snapshot, index): Promise<Snapshot> => {
    try {
      if (interruption.aborted) throw new Error("interrupted");
      return { ...snapshot, later: (await findOutposts(targets[index])).deployments };
    } catch (error) {
      // What the first look has found is not to be lost.
      const unobserved = { what: "writes during --observe", why: (error as Error).message };
      return { ...snapshot, unchecked: [...snapshot.unchecked, unobserved] };
    }
  });
  return Promise.all(observed);
}
