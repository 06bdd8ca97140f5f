// The demo as its audience sees it: previews, updates, and checks of what it promises to show.
import { isDeepStrictEqual } from "node:util";
import type { V1PodSpec } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { Report } from "../engine";
import { untilAvailable } from "../outpost";
import { podSpec } from "./outpostOnStage";
import type { Stage } from "./stage";

/** Longest wait for the outpost's rollout, in milliseconds. */
const rolloutTimeoutMs = 120_000;

const marks: Partial<Record<string, string>> = { create: "+", update: "~", delete: "-", replace: "±" };

export class Show {
  #held = 0;
  #failed = 0;

  /** @param pristine the pods' spec as authentik made it */
  constructor(
    readonly stage: Stage,
    readonly pristine: V1PodSpec,
    readonly verbose: boolean,
  ) {}

  say(text: string): void {
    console.log(text);
  }

  heading(text: string): void {
    this.say(`\n── ${text}`);
  }

  /** Shows the plan for this config, or Pulumi's whole diff if verbose. Returns that diff. */
  async preview(config: Record<string, string>): Promise<string> {
    await this.stage.configure(config);
    this.heading(`pulumi preview, ${named(config)}`);
    const preview = await this.stage.stack.preview({ diff: true });
    this.say(this.verbose ? preview.stdout.trim() : planOf(preview));
    return preview.stdout;
  }

  /** Deploys this config, and shows how many resources of each kind changed. Resolves when the outpost is rolled out. */
  async up(config: Record<string, string>): Promise<void> {
    await this.stage.configure(config);
    this.heading(`pulumi up, ${named(config)}`);
    const { changeSummary } = await this.stage.stack.up();
    this.say(
      `  ${Object.entries(changeSummary)
        .map(([operation, count]) => `${count} ${operation}`)
        .join(", ")}`,
    );
    await this.rollout();
  }

  /** Resolves when all of the outpost's pods are new and available. */
  rollout(): Promise<void> {
    const { kubeconfig, outpost } = this.stage;
    return untilAvailable(kubeconfig, outpost, rolloutTimeoutMs);
  }

  /** Prints the expectation and, if it does not hold, what was found. */
  expect(what: string, holds: boolean, found?: unknown): void {
    if (holds) this.#held += 1;
    else this.#failed += 1;
    const detail = holds || found === undefined ? "" : `\n    found: ${JSON.stringify(found)}`;
    this.say(`  ${holds ? "✔" : "✘"} ${what}${detail}`);
  }

  async expectPristine(what = "the Deployment's pods are as authentik made them"): Promise<void> {
    const spec = await podSpec(this.stage);
    this.expect(what, isDeepStrictEqual(spec, this.pristine), spec);
  }

  async expectUnchanged(): Promise<void> {
    const { steps } = await this.stage.stack.up();
    const isUnchanged = steps.every(({ op }) => op === "same" || op === "refresh");
    this.expect("a second pulumi up has nothing to do", isUnchanged);
  }

  /** Prints the closing line. Returns whether everything held. */
  close(): boolean {
    const all = this.#held + this.#failed;
    const failed = `${this.#failed} of ${all} checks did not hold (✘ above).`;
    this.say(`\n${this.#failed === 0 ? `All ${all} checks held.` : failed}`);
    return this.#failed === 0 && all > 0;
  }
}

const named = (config: Record<string, string>): string =>
  Object.entries(config)
    .map((pair) => pair.join(" "))
    .join(", ");

/** Formats a line for each resource that changes, and the warnings. */
function planOf({ steps, diagnostics }: Report): string {
  const changes = steps.flatMap(({ op, type, urn }) => {
    // The components and the stack only hold the others.
    const isHolder = /^(authentik-outpost-shm:index:(?!OutpostJsonPatch)|pulumi:)/.test(type);
    return !marks[op] || isHolder ? [] : [`  ${marks[op]} ${type.split(":").at(-1)} ${urn.split("::").at(-1)}`];
  });
  const warnings = diagnostics.filter(({ severity }) => severity === "warning");
  return [...changes, ...warnings.map(({ message }) => `  warning: ${message}`)].join("\n") || "  nothing to do";
}
