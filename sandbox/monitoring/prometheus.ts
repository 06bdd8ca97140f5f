// A Prometheus on loopback, for tests, with given targets and rules. Its data goes away with the caller's folder.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { Processes } from "../processes";
import { silentProgress } from "../progress";
import { ensureTools } from "../toolchain";
import { waitUntil } from "../waitUntil";

/** An endpoint to scrape, with the labels that service discovery would give it. */
export interface ScrapeTarget {
  /** Host and port. */
  address: string;
  path: string;
  labels: Record<string, string>;
}

export interface PrometheusOptions {
  /** Folder for data, configuration and log; made if missing. */
  dir: string;
  targets: ScrapeTarget[];
  /** Further scrape configurations in the form of prometheus.yml; none by default. */
  scrapeConfigs?: object[];
  /** Text of a rule file. */
  rules: string;
  /** Interval of the scrapes and of the rules' evaluations. */
  intervalSeconds: number;
}

/** A series with its one sample. */
interface Series {
  metric: Record<string, string>;
  value: number;
}

/** An alert in Prometheus' form. */
export interface ActiveAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: "pending" | "firing";
}

const readyTimeoutMs = 30_000;

/** Starts Prometheus and waits until it answers. */
export async function startPrometheus({
  dir,
  targets,
  scrapeConfigs = [],
  rules,
  intervalSeconds,
}: PrometheusOptions): Promise<Prometheus> {
  const { prometheus } = await ensureTools(["prometheus"], silentProgress);
  const { default: getPort } = await import("get-port");
  const address = `127.0.0.1:${await getPort({ host: "127.0.0.1" })}`;
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "rules.yml"), rules);
  writeFileSync(join(dir, "prometheus.yml"), stringify(configuration(targets, scrapeConfigs, intervalSeconds)));
  const processes = new Processes();
  const args = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", `--web.listen-address=${address}`];
  await processes.start({ name: "prometheus", command: prometheus, args, cwd: dir, logFile: join(dir, "log") });
  const ready = async () => (await fetch(`http://${address}/-/ready`)).ok;
  try {
    await waitUntil(ready, { what: "Prometheus to be ready", timeoutMs: readyTimeoutMs, signal: processes.death });
  } catch (error) {
    await processes.stop();
    throw error;
  }
  return new Prometheus(`http://${address}/api/v1`, processes);
}

function configuration(targets: ScrapeTarget[], further: object[], intervalSeconds: number) {
  const interval = `${intervalSeconds}s`;
  return {
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: ["rules.yml"],
    // One job per target, since each has its own path. `labels` may name the job that service discovery would give.
    scrape_configs: [
      ...targets.map(({ address, path, labels }, index) => ({
        job_name: `target-${index}`,
        metrics_path: path,
        honor_labels: true,
        static_configs: [{ targets: [address], labels }],
      })),
      ...further,
    ],
  };
}

export class Prometheus {
  constructor(
    private readonly api: string,
    private readonly processes: Processes,
  ) {}

  /** Evaluates an expression now, with one sample per series. */
  async query(query: string): Promise<Series[]> {
    const { result } = await this.get<{ result: RawSeries[] }>("query", { query });
    return result.map(({ metric, value: [, sample] }) => ({ metric, value: Number(sample) }));
  }

  async alerts(): Promise<ActiveAlert[]> {
    return (await this.get<{ alerts: ActiveAlert[] }>("alerts")).alerts;
  }

  /** Returns the errors of the last scrape, by address. The text is empty if the scrape succeeded. */
  async scrapeErrors(): Promise<Record<string, string>> {
    const { activeTargets } = await this.get<{ activeTargets: ActiveTarget[] }>("targets");
    return Object.fromEntries(
      activeTargets.map(({ discoveredLabels, lastError }) => [discoveredLabels.__address__, lastError]),
    );
  }

  stop(): Promise<void> {
    return this.processes.stop();
  }

  private async get<T>(path: string, parameters: Record<string, string> = {}): Promise<T> {
    const response = await fetch(`${this.api}/${path}?${new URLSearchParams(parameters)}`);
    const { data, error } = (await response.json()) as { data: T; error?: string };
    if (error) throw new Error(`Prometheus on ${JSON.stringify(parameters)}: ${error}`);
    return data;
  }
}

/** A series as the API has it. */
interface RawSeries {
  metric: Record<string, string>;
  value: [time: number, value: string];
}

interface ActiveTarget {
  discoveredLabels: Record<string, string>;
  lastError: string;
}
