/** A rule of a PrometheusRule, as Prometheus has it too. */
export type AlertRule = ReturnType<typeof alertRule>;

/** The parts of an alert that are its own. */
export interface Alert {
  /** Name without its prefix `AuthentikOutpostShm`. */
  name: string;
  /** As kubernetes-mixin uses them: `critical` is for the person on call now, `warning` for the working day. */
  severity: "warning" | "critical";
  expr: string;
  /** Time for which it has to hold before the alert fires, as Prometheus writes durations. */
  for: string;
  labels?: Record<string, string>;
  /** The problem in one line, without values. */
  summary: string;
  /** The place, the amount and the meaning; a Prometheus template. */
  description: string;
}

/**
 * Makes the rule of an alert.
 * @param runbooks address of the runbooks, without trailing slash; a folder of this repository is no address to link
 */
export function alertRule({ name, severity, expr, labels, ...alert }: Alert, runbooks: string) {
  const fullName = `AuthentikOutpostShm${name}`;
  const { summary, description } = alert;
  const runbook = `${runbooks}/${fullName}.md`;
  return {
    alert: fullName,
    expr,
    for: alert.for,
    labels: { severity, ...labels },
    annotations: URL.canParse(runbook)
      ? { summary, description, runbook_url: runbook }
      : { summary, description: `${description} Runbook: ${runbook}.` },
  };
}
