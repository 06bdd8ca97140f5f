// A Prometheus with the stack's alerts that scrapes a scenario's real sidecars. Pods can't be reached from outside their node, so
// it uses the API server's proxy. Targets have the labels that the Prometheus operator gives those of the PodMonitor.
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { V1CronJob, V1Job, V1Pod } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { parse } from "yaml";
import { metricsPort } from "../../../cleaner/scriptNumbers";
import { metricsPath, metricsPortName } from "../../../cleaner/names";
import type { AlertRule } from "../../../components/monitoring/alertRule";
import { startPrometheus, type Prometheus } from "../../../sandbox/monitoring/prometheus";
import { ruleFile } from "../../../sandbox/monitoring/promtool";
import { createStateFolder } from "../../../sandbox/stateFolder";
import type { Scenario } from "./scenario";

export interface WatchedCluster {
  prometheus: Prometheus;
  stop(): Promise<void>;
}

const intervalSeconds = 2;

export async function watchCluster(scenario: Scenario, rules: AlertRule[]): Promise<WatchedCluster> {
  const server = await serve({
    "/targets": async () => JSON.stringify(targets(scenario, await items<V1Pod>(scenario, "pods"))),
    "/metrics": async () => kubeStateMetrics(await items(scenario, "cronjobs"), await items(scenario, "jobs")),
  });
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const dir = createStateFolder("node-prometheus");
  const stopServer = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  try {
    const prometheus = await startPrometheus({
      dir,
      targets: [{ address, path: "/metrics", labels: { job: "kube-state-metrics" } }],
      scrapeConfigs: [sidecars(scenario, `http://${address}/targets`, dir)],
      rules: ruleFile(rules),
      intervalSeconds,
    });
    const stop = async () => {
      await prometheus.stop();
      await stopServer();
    };
    return { prometheus, stop };
  } catch (error) {
    await stopServer();
    throw error;
  }
}

/** Serves each path with the text of its function. If that fails, Prometheus logs the error. */
async function serve(paths: Record<string, () => Promise<string>>): Promise<Server> {
  const types: Record<string, string> = { "/targets": "application/json", "/metrics": "text/plain; version=0.0.4" };
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    paths[path]().then(
      (text) => response.setHeader("content-type", types[path]).end(text),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
}

const items = async <T>(scenario: Scenario, kind: string): Promise<T[]> =>
  (await scenario.get<{ items: T[] }>(kind)).items;

/** Returns the scrape configuration of the sidecars; `dir` is for the credentials. */
function sidecars(scenario: Scenario, discovery: string, dir: string): object {
  const config = parse(readFileSync(scenario.stage.cluster.kubeconfig, "utf8")) as {
    clusters: { cluster: { "certificate-authority-data": string } }[];
    users: { user: { token: string } }[];
  };
  const credentials = join(dir, "token");
  writeFileSync(credentials, config.users[0].user.token, { mode: 0o600 });
  return {
    job_name: "authentik/authentik-outpost-shm",
    scheme: "https",
    authorization: { credentials_file: credentials },
    tls_config: { ca: Buffer.from(config.clusters[0].cluster["certificate-authority-data"], "base64").toString() },
    http_sd_configs: [{ url: discovery, refresh_interval: `${intervalSeconds}s` }],
  };
}

/** https://prometheus.io/docs/prometheus/latest/http_sd/ */
function targets({ namespace, stage }: Scenario, pods: V1Pod[]): object[] {
  return pods.flatMap(({ metadata, spec, status }) => {
    const pod = metadata!.name!;
    const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
    const serving = containers.find(({ ports }) => ports?.some(({ name }) => name === metricsPortName));
    if (!serving || status?.phase !== "Running") return [];
    const path = `/api/v1/namespaces/${namespace}/pods/${pod}:${metricsPort}/proxy${metricsPath}`;
    const labels = { namespace, pod, container: serving.name, endpoint: metricsPortName };
    return [{ targets: [new URL(stage.cluster.server).host], labels: { ...labels, __metrics_path__: path } }];
  });
}

/**
 * Returns the series that the alerts use, as kube-state-metrics makes them from the same objects.
 * https://github.com/kubernetes/kube-state-metrics/tree/main/docs/metrics/workload
 */
function kubeStateMetrics(cronJobs: V1CronJob[], jobs: V1Job[]): string {
  const seconds = (time: unknown): number => Date.parse(String(time)) / 1000;
  const ofCronJobs = cronJobs.flatMap(({ metadata, spec, status }) => {
    const labels = `{namespace="${metadata!.namespace}",cronjob="${metadata!.name}"}`;
    const last = status?.lastSuccessfulTime;
    return [
      `kube_cronjob_created${labels} ${seconds(metadata!.creationTimestamp)}`,
      `kube_cronjob_spec_suspend${labels} ${Number(spec?.suspend ?? false)}`,
      ...(last ? [`kube_cronjob_status_last_successful_time${labels} ${seconds(last)}`] : []),
    ];
  });
  const ofJobs = jobs.flatMap(({ metadata, status }) => {
    const labels = `namespace="${metadata!.namespace}",job_name="${metadata!.name}"`;
    const failed = status?.conditions?.some(({ type, status }) => type === "Failed" && status === "True");
    return [
      `kube_job_created{${labels}} ${seconds(metadata!.creationTimestamp)}`,
      ...(failed ? [`kube_job_failed{${labels},condition="true"} 1`] : []),
    ];
  });
  return `${[...ofCronJobs, ...ofJobs].join("\n")}\n`;
}
