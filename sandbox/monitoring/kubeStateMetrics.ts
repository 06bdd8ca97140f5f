// Stands in for kube-state-metrics: the documented names and labels, with made-up values.
// https://github.com/kubernetes/kube-state-metrics/tree/main/docs/metrics/workload
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const cronJob = 'namespace="authentik",cronjob="authentik-outpost-shm-cleanup"';
const job = 'namespace="authentik",job_name="authentik-outpost-shm-cleanup-29401020"';

export interface KubeStateMetrics {
  /** Host and port. */
  address: string;
  stop(): Promise<void>;
}

/** Serves the metrics of an hourly CronJob whose last run succeeded ten minutes ago. */
export async function startKubeStateMetrics(): Promise<KubeStateMetrics> {
  const server = createServer((_request, response) => {
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
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
