// Sidecars as pods run them, each on a tmpfs of its own, and a Prometheus that scrapes them. The targets have the labels that the
// Prometheus operator gives those of a PodMonitor. The pods' names are made up, since no Kubernetes runs here.
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AlertRule } from "../../components/monitoring/alertRule";
import { podMonitorSpec } from "../../components/monitoring/podMonitor";
import type { Shell } from "../cleaner/shells";
import { freePort, Sidecar } from "../cleaner/sidecarProcess";
import { mountTmpfs } from "../cleaner/tmpfs";
import { startPrometheus, type Prometheus } from "./prometheus";
import { ruleFile } from "./promtool";

export interface WatchedPodsOptions {
  /** Size of each pod's /dev/shm, in mount's notation. */
  pods: Record<string, string>;
  /** A busybox, whose httpd serves the metrics. */
  shell: Shell;
  rules: AlertRule[];
  /** Interval of the scrapes and of the evaluations. */
  intervalSeconds: number;
  /** Settings of the sweep. */
  env?: Record<string, string>;
}

const [endpoint] = podMonitorSpec.podMetricsEndpoints;

export class WatchedPods {
  private readonly dir = mkdtempSync(join(tmpdir(), "watched-"));
  /** Ends what was started, in order of the starts. */
  private readonly ends: (() => unknown)[] = [() => rmSync(this.dir, { recursive: true })];
  prometheus!: Prometheus;
  /** The /dev/shm of each pod. */
  readonly shm: Record<string, string> = {};
  /** Host and port at which each pod's sidecar serves its metrics. */
  readonly addresses: Record<string, string> = {};

  private constructor(private readonly options: WatchedPodsOptions) {}

  static async start(options: WatchedPodsOptions): Promise<WatchedPods> {
    const watched = new WatchedPods(options);
    try {
      await watched.begin();
      return watched;
    } catch (error) {
      await watched.stop();
      throw error;
    }
  }

  private async begin(): Promise<void> {
    for (const [pod, size] of Object.entries(this.options.pods)) await this.startPod(pod, size);
    const exporter = kubeStateMetrics().listen(0, "127.0.0.1");
    await once(exporter, "listening");
    this.ends.push(() => exporter.close().closeAllConnections());
    const sidecars = Object.entries(this.addresses).map(([pod, address]) => ({
      address,
      path: endpoint.path,
      labels: {
        ...{ namespace: "authentik", pod, container: "shm-cleanup", endpoint: endpoint.port },
        job: "authentik/authentik-outpost-shm",
      },
    }));
    const { port } = exporter.address() as AddressInfo;
    this.prometheus = await startPrometheus({
      dir: join(this.dir, "prometheus"),
      targets: [...sidecars, { address: `127.0.0.1:${port}`, path: "/metrics", labels: { job: "kube-state-metrics" } }],
      rules: ruleFile(this.options.rules),
      intervalSeconds: this.options.intervalSeconds,
    });
    this.ends.push(() => this.prometheus.stop());
  }

  private async startPod(pod: string, size: string): Promise<void> {
    const tmpfs = await mountTmpfs({ size });
    this.ends.push(() => tmpfs.unmount());
    const metrics = join(this.dir, pod);
    mkdirSync(metrics);
    const port = await freePort();
    this.shm[pod] = join(tmpfs.dir, "shm");
    mkdirSync(this.shm[pod]);
    this.addresses[pod] = `127.0.0.1:${port}`;
    const env = { SHM_DIR: this.shm[pod], METRICS_DIR: metrics, METRICS_PORT: String(port), ...this.options.env };
    const sidecar = new Sidecar(this.options.shell, env);
    this.ends.push(() => sidecar.stop());
    await sidecar.events("sweep", 1);
  }

  /** Ends everything, the latest first. */
  async stop(): Promise<void> {
    for (const end of this.ends.reverse()) await end();
  }
}

const cronJob = 'namespace="authentik",cronjob="authentik-outpost-shm-cleanup"';
const job = 'namespace="authentik",job_name="authentik-outpost-shm-cleanup-29401020"';

/**
 * Stands in for kube-state-metrics: the documented names and labels, of an hourly CronJob whose last run succeeded ten minutes
 * ago. https://github.com/kubernetes/kube-state-metrics/tree/main/docs/metrics/workload
 */
function kubeStateMetrics(): Server {
  return createServer((_request, response) => {
    const now = Math.floor(Date.now() / 1000);
    const lines = [
      `kube_cronjob_info{${cronJob},schedule="0 * * * *",concurrency_policy="Forbid"} 1`,
      `kube_cronjob_created{${cronJob}} ${now - 86_400}`,
      `kube_cronjob_spec_suspend{${cronJob}} 0`,
      `kube_cronjob_status_last_successful_time{${cronJob}} ${now - 600}`,
      `kube_cronjob_next_schedule_time{${cronJob}} ${now + 3_000}`,
      `kube_job_created{${job}} ${now - 610}`,
    ];
    response.setHeader("content-type", "text/plain; version=0.0.4").end(`${lines.join("\n")}\n`);
  });
}
