/** Reports what a preview or an update did, from the events of Pulumi's engine. */
import type { OpType, OutputMap } from "@pulumi/pulumi/automation";
import type { DiagnosticEvent, EngineEvent, StepEventMetadata } from "@pulumi/pulumi/automation/events";
import { isRpcSecret } from "@pulumi/pulumi/runtime/rpc";

/** `type` is one such as `kubernetes:apps/v1:DeploymentPatch`. */
interface ResourceStep extends Pick<StepEventMetadata, "urn" | "type"> {
  /**
   * Operation. `same` includes what a refresh found unchanged, and `refresh` is what it found changed or gone. A replacement is
   * `create-replacement`, `replace` and `delete-replaced`.
   */
  readonly op: OpType;
  /** Paths of the changed properties, such as `spec.template.spec.initContainers[0].image`, sorted. */
  readonly diffs: string[];
}

export interface Report {
  /** Output of the CLI, without colours. */
  readonly stdout: string;
  /** Number of resources by operation; `same` if there is nothing to do. */
  readonly changeSummary: Readonly<Partial<Record<OpType, number>>>;
  readonly steps: readonly ResourceStep[];
  readonly diagnostics: readonly Pick<DiagnosticEvent, "severity" | "message">[];
}

export interface UpReport extends Report {
  /** The stack's outputs. The value of a secret one reads `[secret]`. */
  readonly outputs: OutputMap;
}

/** Error of a preview or update. The message has the engine's errors, `report` what happened until then. */
export class UpdateFailed extends Error {
  constructor(
    what: string,
    stack: string,
    readonly report: Report,
    cause: unknown,
  ) {
    const errors = report.diagnostics.filter(
      // The engine's closing message after a failure does not say why.
      ({ severity, message }) => severity === "error" && !/^(update|preview|destroy) failed$/.test(message),
    );
    const reasons = [...new Set(errors.map(({ message }) => message))].join("\n");
    // Without an error of the engine's own, it is the CLI's. The cause has everything the CLI printed.
    super(`${what} of stack ${stack} failed:\n${reasons || String(cause)}`, reasons ? {} : { cause });
    this.name = "UpdateFailed";
  }
}

/** Listens to one operation; `options` go to the Automation API. */
export class Recorder {
  readonly report = {
    stdout: "",
    changeSummary: {} as Report["changeSummary"],
    steps: [] as ResourceStep[],
    diagnostics: [] as Pick<DiagnosticEvent, "severity" | "message">[],
    outputs: {} as OutputMap,
  } satisfies UpReport;

  readonly options = {
    color: "never" as const,
    suppressProgress: true,
    onOutput: (text: string) => void (this.report.stdout += text),
    onEvent: (event: EngineEvent) => this.#hear(event),
  };

  #hear({ resourcePreEvent, resOutputsEvent, diagnosticEvent, summaryEvent }: EngineEvent): void {
    if (resourcePreEvent) this.report.steps.push(stepOf(resourcePreEvent.metadata));
    if (resOutputsEvent?.metadata.type === "pulumi:pulumi:Stack") {
      this.report.outputs = outputMap(resOutputsEvent.metadata.new?.outputs ?? {});
    }
    if (resOutputsEvent) this.#learn(resOutputsEvent.metadata);
    if (diagnosticEvent && !diagnosticEvent.ephemeral) this.#note(diagnosticEvent);
    if (summaryEvent) this.report.changeSummary = summaryEvent.resourceChanges;
  }

  #note({ severity, message }: DiagnosticEvent): void {
    // Debug messages come although nobody asked for them, with secrets in plain text.
    if ((severity as string) === "debug") return;
    this.report.diagnostics.push({ severity, message: message.replaceAll(/<\{%.*?%\}>/g, "").trimEnd() });
  }

  /** Corrects a refresh step, whose result is known only when it is done. Unchanged resources become `same`. */
  #learn(metadata: StepEventMetadata): void {
    const { steps } = this.report;
    const index = steps.map(({ urn }) => urn).lastIndexOf(metadata.urn);
    if (steps[index]?.op !== "refresh") return;
    const { op: found, ...step } = stepOf(metadata);
    steps[index] = { ...step, op: found === "same" || found === "refresh" ? "same" : "refresh" };
  }
}

function stepOf({ urn, type, op, detailedDiff, diffs }: StepEventMetadata): ResourceStep {
  return { urn, type, op, diffs: (detailedDiff ? Object.keys(detailedDiff) : (diffs ?? [])).sort() };
}

/** Collects the outputs. The engine has already hidden the values of secrets. */
function outputMap(outputs: Record<string, unknown>): OutputMap {
  const entries = Object.entries(outputs).map(([name, value]) =>
    isRpcSecret(value) ? [name, { value: "[secret]", secret: true }] : [name, { value, secret: false }],
  );
  return Object.fromEntries(entries) as OutputMap;
}
