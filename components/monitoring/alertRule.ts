import type { Severity } from "./alertConfig";

/** A rule of a PrometheusRule, as Prometheus has it too. */
export interface AlertRule {
  alert: string;
  expr: string;
  for: string;
  labels: Record<string, string>;
  annotations: { summary: string; description: string; runbook_url: string };
}

/** What an alert says of itself, without what all of them share. */
export interface Alert {
  /** `AuthentikOutpostShm` goes before it. */
  name: string;
  severity: Severity;
  expr: string;
  for: string;
  labels?: Record<string, string>;
  /** What is wrong, in a line without values. */
  summary: string;
  /** Where, how much, and what it means; a Prometheus template. */
  description: string;
}

/** @param runbooks where the runbooks are, without trailing slash */
export function alertRule({ name, severity, expr, labels, ...alert }: Alert, runbooks: string): AlertRule {
  const fullName = `AuthentikOutpostShm${name}`;
  const { summary, description } = alert;
  return {
    alert: fullName,
    expr,
    for: alert.for,
    labels: { severity, ...labels },
    annotations: { summary, description, runbook_url: `${runbooks}/${fullName}.md` },
  };
}
