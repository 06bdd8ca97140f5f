// Sidecars as pods run them, each on a tmpfs of its own, and a Prometheus that scrapes them. The targets have the labels that the
// Prometheus operator gives those of a PodMonitor. The pods' names are made up, since no Kubernetes runs here.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AlertRule } from "../../components/monitoring/alertRule";
import { podMonitorSpec } from "../../components/monitoring/podMonitor";
import type { Shell } from "../cleaner/shells";
import { freePort, Sidecar } from "../cleaner/sidecarProcess";
import { mountTmpfs, type Tmpfs } from "../cleaner/tmpfs";
import { startKubeStateMetrics, type KubeStateMetrics } from "./kubeStateMetrics";
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
  private readonly tmpfs: Tmpfs[] = [];
  private readonly sidecars: Sidecar[] = [];
  private exporter!: KubeStateMetrics;
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
    this.exporter = await startKubeStateMetrics();
    const sidecars = Object.entries(this.addresses).map(([pod, address]) => ({
      address,
      path: endpoint.path,
      labels: {
        ...{ namespace: "authentik", pod, container: "shm-cleanup", endpoint: endpoint.port },
        job: "authentik/authentik-outpost-shm",
      },
    }));
    const exporter = { address: this.exporter.address, path: "/metrics", labels: { job: "kube-state-metrics" } };
    this.prometheus = await startPrometheus({
      dir: join(this.dir, "prometheus"),
      targets: [...sidecars, exporter],
      rules: ruleFile(this.options.rules),
      intervalSeconds: this.options.intervalSeconds,
    });
  }

  private async startPod(pod: string, size: string): Promise<void> {
    const tmpfs = await mountTmpfs({ size });
    this.tmpfs.push(tmpfs);
    const metrics = join(this.dir, pod);
    mkdirSync(metrics);
    const port = await freePort();
    this.shm[pod] = join(tmpfs.dir, "shm");
    mkdirSync(this.shm[pod]);
    this.addresses[pod] = `127.0.0.1:${port}`;
    const env = { SHM_DIR: this.shm[pod], METRICS_DIR: metrics, METRICS_PORT: String(port), ...this.options.env };
    const sidecar = new Sidecar(this.options.shell, env);
    this.sidecars.push(sidecar);
    await sidecar.events("sweep", 1);
  }

  async stop(): Promise<void> {
    await this.prometheus?.stop();
    await this.exporter?.stop();
    for (const sidecar of this.sidecars) await sidecar.stop();
    for (const tmpfs of this.tmpfs) await tmpfs.unmount();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
